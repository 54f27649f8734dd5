package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// giveUpAfter is how long a reply is tried while the mail server puts it off (RFC 5321 section 4.5.4.1 asks for days; people want to know).
const giveUpAfter = 48 * time.Hour

// maxMail bounds the frozen bytes that are read back: 25 MB of attachments, encoded, with room.
const maxMail = 64 << 20

// retryAfter says when the attempt after the n-th is made.
func retryAfter(n int) time.Duration {
	pauses := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}
	return pauses[min(n, len(pauses))-1]
}

// SendReply makes one attempt to hand a reply to the mail server. It is safe to run at any time and twice at once: the attempt's token is
// tested just before the final dot, and whoever does not hold it any more sends nothing (docs/decisions/0004).
func (a *Activities) SendReply(ctx context.Context, id postroom.OutboxID) (workflows.Sent, error) {
	taken, err := a.Store.TakeToSend(ctx, id)
	if err != nil {
		return workflows.Sent{}, failure(err)
	}
	if taken.ProbeIn > 0 { // an attempt died after its final dot
		return workflows.Sent{Delivery: taken.Delivery, ProbeIn: taken.ProbeIn}, nil
	}
	if taken.Wait > 0 {
		return workflows.Sent{}, later("not_due", "the reply is not due yet", taken.Wait)
	}
	if !taken.Take {
		return workflows.Sent{Delivery: taken.Delivery}, nil
	}
	stop := heartbeat(ctx)
	defer stop()
	attempted := a.attempt(ctx, taken.Sending)
	// What happened must be written down even when the worker is stopping: the server may have taken the mail.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	delivery, err := a.Store.EndAttempt(recording, id, taken.Sending.Token, attempted)
	if err != nil {
		return workflows.Sent{}, failure(err)
	}
	if delivery == postroom.DeliveryDeferred {
		return workflows.Sent{}, later("deferred", "the mail server put the reply off", attempted.Retry)
	}
	if delivery == postroom.DeliverySending {
		return workflows.Sent{Delivery: delivery, ProbeIn: a.Store.ProbeAfter()}, nil
	}
	return workflows.Sent{Delivery: delivery}, nil
}

// attempt hands the frozen bytes to the mailbox's server.
func (a *Activities) attempt(ctx context.Context, s store.Sending) store.Attempted {
	result, err := a.submit(ctx, s)
	if err != nil { // we could not even try: settings, secret or bytes are missing now
		a.Log.WarnContext(ctx, "a reply could not be tried", "outbox", s.Outbox, "error", err)
		return a.deferred(s, store.Attempted{Delivery: postroom.DeliveryDeferred})
	}
	a.Log.InfoContext(ctx, "tried to send a reply", "outbox", s.Outbox, "attempt", s.Attempt, "result", result)
	attempted := store.Attempted{Delivery: deliveryOf(result.Outcome), Code: result.Code, Enhanced: result.Enhanced, Text: a.seal("server", result.Text.Reveal()),
		Recipients: a.tried(result.Recipients)}
	return a.deferred(s, attempted)
}

// deliveryOf is what an outcome means for a mail, or for one of its recipients.
func deliveryOf(o outbound.Outcome) postroom.Delivery {
	switch o {
	case outbound.OutcomeAccepted:
		return postroom.DeliverySent
	case outbound.OutcomePermanent:
		return postroom.DeliveryFailed
	case outbound.OutcomeAmbiguous:
		return postroom.DeliverySending // it is looked for
	}
	return postroom.DeliveryDeferred
}

// tried is what an attempt made of each recipient, in scanned words.
func (a *Activities) tried(recipients []outbound.Recipient) []store.Tried {
	all := make([]store.Tried, len(recipients))
	for i, r := range recipients {
		all[i] = store.Tried{Address: r.Address, Delivery: deliveryOf(r.Outcome), Code: r.Code, Enhanced: r.Enhanced, Text: a.seal("server", r.Text.Reveal())}
	}
	return all
}

// deferred says when those are tried again who were put off, or that it was tried for too long.
func (a *Activities) deferred(s store.Sending, attempted store.Attempted) store.Attempted {
	after := retryAfter
	if a.RetryAfter != nil {
		after = a.RetryAfter
	}
	attempted.Retry = after(s.Attempt)
	if s.Age+attempted.Retry <= giveUpAfter {
		return attempted
	}
	attempted.Retry = 0
	if attempted.Delivery == postroom.DeliveryDeferred {
		attempted.Delivery = postroom.DeliveryFailed
	}
	for i := range attempted.Recipients {
		if attempted.Recipients[i].Delivery == postroom.DeliveryDeferred {
			attempted.Recipients[i].Delivery = postroom.DeliveryFailed
		}
	}
	return attempted
}

func (a *Activities) submit(ctx context.Context, s store.Sending) (outbound.Result, error) {
	watched, err := a.Store.Mailbox(ctx, s.Mailbox)
	if err != nil {
		return outbound.Result{}, err
	}
	server := watched.Mailbox.SMTP
	config := smtpServer{Host: server.Host, Port: server.Port, Security: outbound.Security(server.TLS), Username: server.Username}
	if server.Username != "" {
		with, err := a.credentials(watched.Mailbox, server)
		if err != nil {
			return outbound.Result{}, err
		}
		config.Password, config.Tokens, config.Mechanism = with.Password, with.Tokens, with.Mechanism
	}
	config.Timeouts = a.Timeouts
	sender, err := a.senders.of(s.Mailbox, config)
	if err != nil {
		return outbound.Result{}, err
	}
	content, err := a.Blobs.Read(ctx, blob.Key(s.BlobKey), maxMail)
	if err != nil {
		return outbound.Result{}, err
	}
	var refused []store.Tried
	return sender.Send(ctx, outbound.Submission{From: s.EnvelopeFrom, To: s.EnvelopeTo, ID: string(s.Outbox), Mail: content,
		Refused: func(r []outbound.Recipient) { refused = a.tried(r) }},
		func(ctx context.Context) error { return a.Store.BeforeDot(ctx, s.Outbox, s.Token, refused...) })
}

// heartbeatEvery is a quarter of the shortest heartbeat timeout in the call table.
const heartbeatEvery = 5 * time.Second

// heartbeat tells Temporal that the activity is alive, from a ticker of its own, until stop is called.
func heartbeat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(done) }
}
