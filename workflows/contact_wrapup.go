package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// wrapUps are the wrap-ups that complete themselves when their time comes (R24): a contact's own, and those of stays from which it went on.
type wrapUps struct {
	wrapDue    map[postroom.OfferID]time.Time // by workflow time, of those that are open as far as is known
	wrapping   map[postroom.OfferID]bool      // has a coroutine that waits for it
	completing bool                           // one of them is at the row
}

func newWrapUps() wrapUps {
	return wrapUps{wrapDue: map[postroom.OfferID]time.Time{}, wrapping: map[postroom.OfferID]bool{}}
}

// followWrapUps takes over when each open wrap-up completes itself, and has somebody wait for it.
func (c *contact) followWrapUps(ctx workflow.Context, open []postroom.PendingWrapUp) {
	clear(c.wrapDue)
	for _, w := range open {
		if w.DueIn > 0 {
			c.wrapDue[w.Offer] = workflow.Now(ctx).Add(w.DueIn)
		}
	}
	for _, w := range open {
		if w.DueIn > 0 {
			c.wrapUp(ctx, w.Offer)
		}
	}
}

// wrapUp completes a wrap-up when its time has come, once however many snapshots name it, while the contact lives on. PostgreSQL's clock
// decides: what is too early, or was extended meanwhile, is waited for again. Completed by hand, it is nobody's business any more.
func (c *contact) wrapUp(ctx workflow.Context, offer postroom.OfferID) {
	if c.wrapping[offer] {
		return
	}
	c.wrapping[offer] = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer delete(c.wrapping, offer)
		for {
			due, open := c.wrapDue[offer]
			if !open {
				return
			}
			if left := due.Sub(workflow.Now(ctx)); left > 0 {
				completed := func() bool { _, open := c.wrapDue[offer]; return !open }
				if awaitUntil(ctx, max(left, minimumWait), "Wrap-up completes itself", completed) != nil {
					return
				}
				continue
			}
			c.completing = true
			err := take(ctx, c, autoWrapUp, "Complete the wrap-up whose time has come", OfferRef{c.Contact, offer})
			c.completing = false
			if err != nil {
				workflow.GetLogger(ctx).Error("a wrap-up could not be completed", "offer", offer, "error", err)
				return
			}
			if c.wrapDue[offer].Equal(due) { // the answer was older than what is known
				c.wrapDue[offer] = workflow.Now(ctx).Add(minimumWait)
			}
		}
	})
}
