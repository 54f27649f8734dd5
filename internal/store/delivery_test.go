package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// copies is a reply to several, on its way.
type copies struct {
	*testkit.Centre
	offer postroom.OfferID
	reply store.Reply
}

func copiesTo(t *testing.T, options store.Options, addresses ...string) copies {
	t.Helper()
	c := copies{Centre: testkit.NewCentre(t, time.Hour, options)}
	c.SignIn(t, "mina")
	c.offer = c.Own(t, c.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	c.reply = c.Render(t, c.offer, "mina")
	c.reply.Recipients = nil
	for i, a := range addresses {
		c.reply.Recipients = append(c.reply.Recipients, recipient([]string{"to", "cc", "bcc"}[min(i, 2)], "", a))
	}
	_, err := c.QueueReply(t.Context(), testkit.Command("mina"), c.offer, c.reply)
	must(t, err)
	return c
}

// attempt makes an attempt in which a server says this of each recipient, who must be those.
func (c copies) attempt(t *testing.T, said ...store.Tried) postroom.Delivery {
	t.Helper()
	c.Exec(t, "UPDATE outbox SET due_at = clock_timestamp()")
	taken, err := c.TakeToSend(t.Context(), c.reply.Outbox)
	must(t, err)
	var want []string
	for _, r := range said {
		want = append(want, r.Address)
	}
	if !taken.Take || !slices.Equal(taken.Sending.EnvelopeTo, want) {
		t.Fatalf("the attempt is to %v, want %v", taken.Sending.EnvelopeTo, want)
	}
	var refused []store.Tried
	for _, r := range said {
		if r.Delivery == postroom.DeliveryFailed || r.Delivery == postroom.DeliveryDeferred {
			refused = append(refused, r)
		}
	}
	if len(refused) < len(said) {
		must(t, c.BeforeDot(t.Context(), c.reply.Outbox, taken.Sending.Token, refused...))
	}
	whole, err := c.EndAttempt(t.Context(), c.reply.Outbox, taken.Sending.Token, store.Attempted{Delivery: postroom.DeliverySent, Retry: time.Minute, Recipients: said})
	must(t, err)
	if got := c.Text(t, "SELECT state FROM outbox"); got != string(whole) {
		t.Errorf("it is %s, and was said to be %s", got, whole)
	}
	return whole
}

// fate is what is shown of each recipient.
func (c copies) fate(t *testing.T) string {
	t.Helper()
	var each []string
	sent, err := c.Recipients(t.Context(), c.reply.Outbox)
	must(t, err)
	for _, r := range sent {
		each = append(each, strings.TrimSpace(fmt.Sprintf("%s %d %s", r.Delivery, r.Code, r.Text)))
	}
	return strings.Join(each, ", ")
}

func said(address string, d postroom.Delivery, code int, text string) store.Tried {
	return store.Tried{Address: address, Delivery: d, Code: code, Text: postroom.SealText(text)}
}

const a, b, d = "a@customer.example", "b@customer.example", "d@customer.example"

// I5, R21: of a mail that a server took for some, it is sent again to those whom the server put off, and to nobody else.
func TestOnlyThoseWhoWerePutOffAreTriedAgain(t *testing.T) {
	t.Parallel()
	c := copiesTo(t, store.Options{}, a, b, d)
	if got := c.attempt(t, said(a, postroom.DeliverySent, 250, "ok"), said(b, postroom.DeliveryFailed, 550, "nobody"), said(d, postroom.DeliveryDeferred, 450, "busy")); got != postroom.DeliveryDeferred {
		t.Errorf("it is %s while somebody waits", got)
	}
	if got := c.fate(t); got != "sent 250 ok, failed 550 nobody, deferred 450 busy" {
		t.Errorf("the recipients are: %s", got)
	}
	if _, err := c.UndoReply(t.Context(), testkit.Command("mina"), c.offer); postroom.ReasonOf(err) != postroom.ReasonReplyGone {
		t.Errorf("what somebody has was taken back: %v", err)
	}
	if got := c.attempt(t, said(d, postroom.DeliveryDeferred, 451, "still")); got != postroom.DeliveryDeferred {
		t.Errorf("it is %s while somebody waits", got)
	}
	if got := c.attempt(t, said(d, postroom.DeliverySent, 250, "at last")); got != postroom.DeliveryFailed {
		t.Errorf("it is %s, and somebody never gets it", got)
	}
	if got := c.fate(t); got != "sent 250 ok, failed 550 nobody, sent 250 at last" {
		t.Errorf("the recipients are: %s", got)
	}
	if got := c.Text(t, "SELECT concat_ws(' ', state, reply_code, server_text) FROM outbox"); got != "failed 550 nobody" {
		t.Errorf("as a whole it is %s", got)
	}
	taken, err := c.TakeToSend(t.Context(), c.reply.Outbox)
	if err != nil || taken.Take {
		t.Errorf("it is sent once more: %+v, %v", taken, err)
	}
}

// R21: if the answer to the dot is lost, those whom the server had refused before are known; the others are looked for, and only who may not have got it
// is sent the mail again.
func TestLostAnswerIsAboutThoseOnlyWhomTheServerHadTaken(t *testing.T) {
	t.Parallel()
	for _, found := range []store.Found{store.FoundIt, store.FoundNothing} {
		for _, crash := range []bool{false, true} {
			c := copiesTo(t, store.Options{ProbeAfter: time.Nanosecond, ProbeAgain: time.Nanosecond}, a, b, d)
			lost := []store.Tried{said(a, postroom.DeliverySending, 0, ""), said(b, postroom.DeliveryFailed, 550, "nobody"), said(d, postroom.DeliveryDeferred, 450, "busy")}
			if !crash {
				if got := c.attempt(t, lost...); got != postroom.DeliverySending {
					t.Errorf("it is %s", got)
				}
			} else { // the process dies behind the dot
				taken, err := c.TakeToSend(t.Context(), c.reply.Outbox)
				must(t, err)
				if !taken.Take {
					c.Exec(t, "UPDATE outbox SET due_at = clock_timestamp()")
					taken, err = c.TakeToSend(t.Context(), c.reply.Outbox)
					must(t, err)
				}
				must(t, c.BeforeDot(t.Context(), c.reply.Outbox, taken.Sending.Token, lost[1:]...))
				_, err = c.TakeToSend(t.Context(), c.reply.Outbox)
				must(t, err)
			}
			for range store.MaxProbes {
				_, err := c.Probed(t.Context(), c.reply.Outbox, found)
				must(t, err)
			}
			if found == store.FoundNothing {
				if got := c.fate(t); got != "unknown 0, failed 550 nobody, deferred 450 busy" || c.Text(t, "SELECT state FROM outbox") != "unknown" {
					t.Errorf("crash %t: not found: %s", crash, got)
				}
				_, err := c.Decide(t.Context(), testkit.Command("mina"), store.SupervisesNobody, postroom.ContactID(c.Text(t, "SELECT contact_id::text FROM outbox")), c.reply.Message, store.DecideResend)
				must(t, err)
				if got := c.attempt(t, said(a, postroom.DeliverySent, 250, ""), said(d, postroom.DeliverySent, 250, "")); got != postroom.DeliveryFailed {
					t.Errorf("crash %t: sent again it is %s", crash, got)
				}
				continue
			}
			if got := c.fate(t); got != "sent 0, failed 550 nobody, deferred 450 busy" || c.Text(t, "SELECT state FROM outbox") != "deferred" {
				t.Errorf("crash %t: found: %s", crash, got)
			}
			if got := c.attempt(t, said(d, postroom.DeliverySent, 250, "")); got != postroom.DeliveryFailed {
				t.Errorf("crash %t: found, and sent to the rest, it is %s", crash, got)
			}
		}
	}
}

// An attempt that died before its dot is made again to everybody who was in it; and one that was given up on writes nothing.
func TestAttemptThatDiedIsMadeAgainToAllOfIt(t *testing.T) {
	t.Parallel()
	c := copiesTo(t, store.Options{}, a, b)
	c.Exec(t, "UPDATE outbox SET due_at = clock_timestamp()")
	dead, err := c.TakeToSend(t.Context(), c.reply.Outbox)
	must(t, err)
	alive, err := c.TakeToSend(t.Context(), c.reply.Outbox)
	must(t, err)
	if !slices.Equal(alive.Sending.EnvelopeTo, []string{a, b}) {
		t.Errorf("the second attempt is to %v", alive.Sending.EnvelopeTo)
	}
	if err := c.BeforeDot(t.Context(), c.reply.Outbox, dead.Sending.Token, said(a, postroom.DeliveryFailed, 550, "late")); postroom.ReasonOf(err) != "attempt_superseded" {
		t.Errorf("the dead one may send: %v", err)
	}
	must(t, noted(c.EndAttempt(t.Context(), c.reply.Outbox, dead.Sending.Token, store.Attempted{Delivery: postroom.DeliveryFailed, Recipients: []store.Tried{said(a, postroom.DeliveryFailed, 550, "late")}})))
	if got := c.fate(t); got != "sending 0, sending 0" {
		t.Errorf("it wrote %s", got)
	}
}

// R34: a bounce is of those whom it names.
func TestBounceIsOfTheRecipientWhomItNames(t *testing.T) {
	t.Parallel()
	c := copiesTo(t, store.Options{}, a, b)
	c.attempt(t, said(a, postroom.DeliverySent, 250, ""), said(b, postroom.DeliverySent, 250, ""))
	bounced := answeredMail{Centre: c.Centre}.bounce(strings.ToUpper(b), store.Trace{Outbox: c.reply.Outbox, By: store.ByToken})
	ingest(t, c.Centre, bounced)
	if got := c.fate(t); got != "sent 250, bounced 550 No such mailbox here" || c.Text(t, "SELECT state FROM outbox") != "bounced" {
		t.Errorf("the recipients are: %s", got)
	}
	c.MustHold(t)
}

// R20: what is cancelled while some wait is not sent to them.
func TestCancelledWhileDeferredIsForThoseWhoWait(t *testing.T) {
	t.Parallel()
	for _, first := range []postroom.Delivery{postroom.DeliverySent, postroom.DeliveryDeferred} {
		c := copiesTo(t, store.Options{}, a, b)
		c.attempt(t, said(a, first, 250, ""), said(b, postroom.DeliveryDeferred, 450, ""))
		_, err := c.Decide(t.Context(), testkit.Command("mina"), store.SupervisesNobody, postroom.ContactID(c.Text(t, "SELECT contact_id::text FROM outbox")), c.reply.Message, store.DecideCancel)
		must(t, err)
		want := map[postroom.Delivery]string{postroom.DeliverySent: "sent: sent 250, cancelled 450", postroom.DeliveryDeferred: "cancelled: cancelled 250, cancelled 450"}[first]
		if got := c.Text(t, "SELECT state FROM outbox") + ": " + c.fate(t); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
}
