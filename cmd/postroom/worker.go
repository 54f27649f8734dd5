package main

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/worker"
)

// heapGoal is how much memory the collector lets a worker keep, in bytes, unless GOMEMLIMIT says another: large mails leave much behind, and it
// would wait for twice as much otherwise.
const heapGoal = 176 << 20

func (p program) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Run workflows and activities: mailboxes, routing, offers, sending",
		Long: "Worker runs contacts' and mailboxes' workflows. Any number may run. A database, Temporal server or mail server that is down is\n" +
			"waited for; /readyz on POSTROOM_WORKER_LISTEN says what is missing. It is told by environment variables (docs/settings.md).",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := settings.Load(settings.Worker, p.getenv)
			if err != nil {
				return err
			}
			if p.getenv("GOMEMLIMIT") == "" {
				debug.SetMemoryLimit(heapGoal)
			}
			log := set.Log.Logger(p.stderr)
			parts, err := openParts(c.Context(), set, log)
			if err != nil {
				return err
			}
			defer parts.close()
			gate := gateway.New(parts.client, set.Temporal.TaskQueue)
			w := worker.New(worker.Options{Client: parts.client, TaskQueue: set.Temporal.TaskQueue, Store: parts.store, Gateway: gate, Log: log,
				Activities: &activities.Activities{Store: parts.store, Blobs: parts.blobs, Gateway: gate, Matcher: activities.NewMatcher(parts.store, gate, log),
					Scanner: pci.New(), Keys: parts.keys, Secrets: parts.secrets, Antivirus: parts.clamd, Log: log, Mail: &activities.MailHealth{}}})
			return together(c.Context(), w.Run, func(ctx context.Context) error {
				return serve(ctx, &http.Server{Handler: healthHandler(w.Health)}, set.Worker.Listen, log, settings.APISettings{})
			})
		},
	}
}

// together runs parts of a process until one fails or ctx ends, and waits for all of them.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error, len(parts))
	for _, run := range parts {
		go func() { results <- run(ctx) }()
	}
	var failed []error
	for range parts {
		if err := <-results; err != nil {
			failed = append(failed, err)
		}
		cancel()
	}
	return errors.Join(failed...)
}
