package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/worker"
)

func (p program) replayCommand() *cobra.Command {
	var id, run string
	c := &cobra.Command{
		Use:   "replay [FILE...]",
		Short: "Replay workflow histories against this build",
		Long: "Replay runs the workflow code of this build over recorded histories and reports where it would act differently.\n" +
			"FILE is a history as JSON (from the Temporal UI, or one of workflows/testdata/histories, .gz too); or name a workflow of the running server.",
		Example: "  postroom replay workflows/testdata/histories/accept.json.gz\n  postroom replay --workflow-id contact/0192f3a4-…",
		RunE: func(c *cobra.Command, files []string) error {
			if (id == "") == (len(files) == 0) {
				return errors.New("name files, or a workflow with --workflow-id")
			}
			for _, file := range files {
				history, err := readHistory(file)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				if err := replay(c, file, history); err != nil {
					return err
				}
			}
			if id == "" {
				return nil
			}
			history, err := p.fetchHistory(c.Context(), id, run)
			if err != nil {
				return err
			}
			return replay(c, id, history)
		},
	}
	c.Flags().StringVar(&id, "workflow-id", "", "replay this workflow of the server at POSTROOM_TEMPORAL_ADDRESS")
	c.Flags().StringVar(&run, "run-id", "", "this run of it; the latest if empty")
	return c
}

func replay(c *cobra.Command, name string, history *historypb.History) error {
	replayer := sdkworker.NewWorkflowReplayer()
	for name, w := range worker.Workflows {
		replayer.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	events := len(history.Events)
	if err := replayer.ReplayWorkflowHistory(quietTemporal(), history); err != nil {
		return fmt.Errorf("%s: this build would act differently: %w", name, err)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %d events, replayed alike\n", name, events)
	return nil
}

func readHistory(file string) (*historypb.History, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	return client.HistoryFromJSON(io.LimitReader(r, 256<<20), client.HistoryJSONOptions{})
}

func (p program) fetchHistory(ctx context.Context, id, run string) (*historypb.History, error) {
	set, err := settings.Load(settings.Replay, p.getenv)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := client.DialContext(ctx, temporalOptions(set))
	if err != nil {
		return nil, postroom.Unavailable(postroom.ReasonTemporalDown, "the Temporal server is not available", err)
	}
	defer c.Close()
	history := &historypb.History{}
	events := c.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, postroom.NotFound("unknown_workflow", "the server does not know this workflow")
		}
		history.Events = append(history.Events, e)
	}
	return history, nil
}
