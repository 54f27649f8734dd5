package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// sends are the replies that are not settled: those that wait for the end of their undo window or for the time that they were scheduled for
// (R20), those that are being sent, and those that are looked for (R21).
type sends struct {
	sendDue map[postroom.OutboxID]time.Time // by workflow time, of those that the row names
	sending map[postroom.OutboxID]bool      // has a coroutine
	resting map[postroom.OutboxID]bool      // its coroutine waits for its time
}

func newSends() sends {
	return sends{sendDue: map[postroom.OutboxID]time.Time{}, sending: map[postroom.OutboxID]bool{}, resting: map[postroom.OutboxID]bool{}}
}

// followSends takes over when each reply is due, and has somebody send it. A time that is read a second time differs by moments, and is kept.
func (c *contact) followSends(ctx workflow.Context, open []postroom.PendingSend) {
	before := c.sendDue
	c.sendDue = map[postroom.OutboxID]time.Time{}
	for _, s := range open {
		due := workflow.Now(ctx).Add(s.DueIn)
		if was, known := before[s.Outbox]; known && due.Sub(was).Abs() < minimumWait {
			due = was
		}
		c.sendDue[s.Outbox] = due
	}
	for _, s := range open {
		c.send(ctx, s.Outbox)
	}
}

// send lets a reply go when it is due, once however many snapshots name it, while the contact lives on: wrap-up does not wait for SMTP. One that
// the row does not name any more was taken back, is held, or is settled.
func (c *contact) send(ctx workflow.Context, reply postroom.OutboxID) {
	if c.sending[reply] {
		return
	}
	c.sending[reply] = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer delete(c.sending, reply)
		for {
			due, open := c.sendDue[reply]
			if !open {
				return
			}
			left := due.Sub(workflow.Now(ctx))
			if left <= 0 {
				break
			}
			c.resting[reply] = true
			err := awaitUntil(ctx, left, "Undo window or scheduled time", func() bool {
				now, open := c.sendDue[reply]
				return !open || !now.Equal(due)
			})
			delete(c.resting, reply)
			if err != nil {
				return
			}
		}
		if err := deliver(ctx, reply); err != nil {
			workflow.GetLogger(ctx).Error("a reply could not be settled", "outbox", reply, "error", err)
		}
	})
}

// acknowledging is the step that acknowledges the contact's first mail.
type acknowledging struct {
	tried   bool // in this run
	running bool
}

// acknowledge has the contact's first mail acknowledged where the row asks for it (R34): after the first look for an agent, and beside everything
// else. A row of before acknowledgements never asks.
func (c *contact) acknowledge(ctx workflow.Context) {
	if !c.Known.Acknowledge || c.acknowledging.tried {
		return
	}
	c.acknowledging = acknowledging{tried: true, running: true}
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { c.acknowledging.running = false }()
		now, err := acknowledgeContact.run(ctx, "Acknowledge the mail", c.Contact)
		if err != nil {
			workflow.GetLogger(ctx).Error("a mail was not acknowledged", "error", err)
			return
		}
		if c.row.Lock(ctx) == nil {
			c.follow(ctx, now)
			c.row.Unlock()
		}
	})
}

// deliver sends a reply, and looks for it if nobody knows what became of it.
func deliver(ctx workflow.Context, reply postroom.OutboxID) error {
	sent, err := sendReply.run(ctx, "Send the reply", reply)
	for err == nil && sent.ProbeIn > 0 {
		if err := workflow.NewTimerWithOptions(ctx, sent.ProbeIn, workflow.TimerOptions{Summary: "Look for the reply"}).Get(ctx, nil); err != nil {
			return nil // cancelled: whoever follows asks the row
		}
		sent, err = probeReply.run(ctx, "Look for the reply", reply)
	}
	return err
}
