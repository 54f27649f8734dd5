package activities

import (
	"context"
	"errors"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// probeTime bounds one look into a mailbox.
const probeTime = time.Minute

// ProbeReply looks once for a reply whose final dot was not answered, where acceptance shows: among the mails that came to us, and in the
// Sent folder of its mailbox (R21). It never sends. A mailbox that cannot be asked counts as a look that found nothing: the reply is shown as
// unknown then, which is true.
func (a *Activities) ProbeReply(ctx context.Context, id postroom.OutboxID) (workflows.Sent, error) {
	lost, err := a.Store.UnansweredReply(ctx, id)
	if err != nil {
		return workflows.Sent{}, failure(err)
	}
	if !lost.Look {
		return workflows.Sent{Delivery: lost.Delivery, ProbeIn: max(0, lost.Wait)}, nil
	}
	stop := heartbeat(ctx)
	defer stop()
	found, err := a.find(ctx, lost)
	if err != nil {
		return workflows.Sent{}, failure(err)
	}
	lost, err = a.Store.Probed(ctx, id, found)
	if err != nil {
		return workflows.Sent{}, failure(err)
	}
	a.Log.InfoContext(ctx, "looked for a reply", "outbox", id, "found", found == store.FoundIt, "delivery", lost.Delivery)
	return workflows.Sent{Delivery: lost.Delivery, ProbeIn: max(0, lost.Wait)}, nil
}

// find looks for a reply at the places where a copy of it proves that a server took it.
func (a *Activities) find(ctx context.Context, lost store.Unanswered) (store.Found, error) {
	own, err := a.Store.OwnCopy(ctx, lost.MessageID)
	if err != nil {
		return store.FoundNothing, err
	}
	if own {
		return store.FoundIt, nil
	}
	watched, err := a.Store.Mailbox(ctx, lost.Mailbox)
	if err != nil {
		return store.FoundNothing, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	config, err := a.imap(watched.Mailbox)
	if err != nil {
		a.Log.WarnContext(ctx, "the Sent folder cannot be looked into", "mailbox", lost.Mailbox, "error", err)
		return store.FoundNothing, nil
	}
	kept, err := mailbox.Sent(ctx, config, watched.Mailbox.SentFolder, lost.MessageID)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return store.FoundNothing, err
		}
		a.Log.WarnContext(ctx, "the Sent folder cannot be looked into", "mailbox", lost.Mailbox, "error", err)
		return store.FoundNothing, nil
	}
	if kept {
		return store.FoundIt, nil
	}
	return store.FoundNothing, nil
}
