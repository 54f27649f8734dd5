package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// MailboxState is what a mailbox's workflow starts from and carries into its next run.
type MailboxState struct {
	Mailbox postroom.MailboxID `json:"mailbox"`
	Fetched int                `json:"fetched,omitzero"` // mails since the workflow was first started
	Run     int                `json:"run,omitzero"`
}

// watchesPerRun bounds the history of one run: about a day of half-hour watches.
const watchesPerRun = 50

// Mailbox keeps one watch over a mailbox running for as long as the configuration names it. A sync signal says that its settings
// have changed: the watch is cancelled and begins again with the new ones. Where the watch had come to is in the database.
func Mailbox(ctx workflow.Context, state MailboxState) (MailboxState, error) {
	syncs := workflow.GetSignalChannel(ctx, SyncSignal)
	for range watchesPerRun {
		watched, err := watchUntilSync(ctx, state.Mailbox, syncs)
		if err != nil {
			return state, err
		}
		state.Fetched += watched.Fetched
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("Watching; %d mails fetched so far.", state.Fetched))
		if watched.Removed && syncs.Len() == 0 {
			workflow.SetCurrentDetails(ctx, "Removed from the configuration.")
			return state, nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			break
		}
	}
	state.Run++
	for syncs.ReceiveAsync(nil) { // the next run reads the settings anyway
	}
	return state, workflow.NewContinueAsNewError(ctx, Mailbox, state)
}

// watchUntilSync runs one watch, and cancels it when somebody says that the settings have changed.
func watchUntilSync(ctx workflow.Context, id postroom.MailboxID, syncs workflow.ReceiveChannel) (Watched, error) {
	for syncs.ReceiveAsync(nil) {
	}
	watching, stop := workflow.WithCancel(ctx)
	defer stop()
	done := false
	var watched Watched
	var err error
	workflow.Go(watching, func(ctx workflow.Context) {
		watched, err = watchMailbox.run(ctx, "Watch "+string(id), id)
		done = true
	})
	if waiting := workflow.Await(ctx, func() bool { return done || syncs.Len() > 0 }); waiting != nil {
		return watched, waiting
	}
	if done {
		return watched, err
	}
	stop()
	if waiting := workflow.Await(ctx, func() bool { return done }); waiting != nil {
		return watched, waiting
	}
	if err != nil && ctx.Err() == nil { // cancelled, or cut off just then, after which Temporal tries nothing again: another one begins anyway
		return Watched{}, nil
	}
	return watched, err
}
