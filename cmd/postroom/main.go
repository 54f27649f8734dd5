// Command postroom is the whole product in one program: `postroom dev` runs everything on one machine; `worker` and `api` are the two
// processes of a production installation; the rest are tools beside them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // business hours name time zones, and a bare image has none

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	err := p.run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "postroom:", sentence(err))
		os.Exit(1)
	}
}

// program is what a command has of the outside, so that a test can give it another one.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// run carries out one command.
func (p program) run(ctx context.Context, args []string) error {
	root := &cobra.Command{
		Use:           "postroom",
		Short:         "An email channel for contact centres",
		Long:          "Postroom is an email channel for contact centres: every customer email runs as a durable Temporal workflow.\n\nStart with `postroom dev`.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddCommand(p.devCommand(), p.workerCommand(), p.apiCommand(), p.migrateCommand(), p.applyCommand(), p.exportCommand(), p.accountCommand(),
		p.contactCommand(), p.agentCommand(), p.reminderCommand(), p.replyCommand(), p.mailboxCommand(),
		p.keyringCommand(), p.mailCommand(), p.replayCommand(), p.healthCommand(), p.versionCommand(), p.devmailCommand())
	return root.ExecuteContext(ctx)
}

// sentence is what a person at the terminal reads: the product's own message without its kind, or any other error as it is.
func sentence(err error) string {
	var known *postroom.Error
	if !errors.As(err, &known) {
		return err.Error()
	}
	message := known.Message
	if known.Err != nil && known.Kind != postroom.KindInternal {
		message += " (" + strings.TrimSpace(known.Err.Error()) + ")"
	}
	return message
}
