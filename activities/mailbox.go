package activities

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// The pace of a watch.
const (
	watchTime   = 30 * time.Minute   // then a new activity begins, so that the history shows progress
	missedEvery = 10 * time.Minute   // how often the difference of sets is taken
	missedSince = 3 * 24 * time.Hour // over mails of the last days
)

// WatchMailbox fetches, scans and ingests the mails of a mailbox as they come. Where it had come to is in the database, so it can be cut off
// anywhere and begun again: a mail that was stored is recognised by its UID or its bytes.
func (a *Activities) WatchMailbox(ctx context.Context, id postroom.MailboxID) (workflows.Watched, error) {
	watched, err := a.Store.Mailbox(ctx, id)
	if postroom.KindOf(err) == postroom.KindNotFound || (err == nil && !watched.Active) {
		a.Mail.Forget(id)
		return workflows.Watched{Removed: true}, nil
	}
	if err != nil {
		return workflows.Watched{}, failure(err)
	}
	stop := heartbeat(ctx)
	defer stop()
	ctx, cancel := untilWorkerStops(ctx)
	defer cancel()

	w := &watch{Activities: a, mailbox: watched.Mailbox, log: a.Log.With("mailbox", id)}
	w.telling = w.beginTelling(ctx)
	err = w.run(ctx)
	w.leaveRoom()
	w.telling.end(ctx)
	if w.session != nil {
		_ = w.session.Close()
	}
	if ctx.Err() != nil && err != nil { // cancelled, or the worker stops
		return workflows.Watched{Fetched: w.fetched}, context.Cause(ctx)
	}
	if err != nil {
		if a.Mail.Set(id, err) {
			w.log.WarnContext(ctx, "the watch over a mailbox was cut off; it begins again", "error", err)
		}
		return workflows.Watched{}, again(err)
	}
	return workflows.Watched{Fetched: w.fetched}, nil
}

// again is a failure of a mail server, which is always worth another attempt: passwords and servers are mended.
func again(err error) error {
	return temporal.NewApplicationError("the watch was cut off", string(postroom.ReasonOf(err)))
}

// errWorkerStops ends a watch; another worker begins it anew.
var errWorkerStops = temporal.NewApplicationError("the worker stops", "worker_stops")

// untilWorkerStops is a context that ends, with a cause, when the worker stops too.
func untilWorkerStops(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			cancel(errWorkerStops)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// watch is one run of WatchMailbox.
type watch struct {
	*Activities
	mailbox postroom.Mailbox
	session *mailbox.Session
	cursor  store.Cursor
	fetched int
	telling *telling
	release func() // gives back the room that the mails in hand take
	log     *slog.Logger
}

// run watches until it is time for a new activity.
func (w *watch) run(ctx context.Context) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	if w.Mail.Set(w.mailbox.ID, nil) {
		w.log.InfoContext(ctx, "the watch over a mailbox goes on")
	}
	if err := w.settle(ctx); err != nil { // what a watch before this one left
		return err
	}
	began, looked := time.Now(), time.Time{}
	for {
		if err := w.drain(ctx); err != nil {
			return err
		}
		if time.Since(looked) > missedEvery {
			if err := w.missed(ctx); err != nil {
				return err
			}
			if err := w.settle(ctx); err != nil {
				return err
			}
			looked = time.Now()
		}
		if time.Since(began) > watchTime {
			return nil
		}
		if _, err := w.session.Idle(ctx); err != nil {
			return err
		}
	}
}

// open connects, and compares UIDVALIDITY with where the last watch had come to. Another one means that UIDs say nothing any more: the folder
// is read from its beginning, and what is known is recognised by its bytes.
func (w *watch) open(ctx context.Context) error {
	config, err := w.config()
	if err != nil {
		return err
	}
	if w.session, err = mailbox.Open(ctx, config); err != nil {
		return err
	}
	if w.cursor, err = w.Store.MailboxCursor(ctx, w.mailbox.ID, w.mailbox.Folder); err != nil {
		return err
	}
	if validity := w.session.Folder().UIDValidity; validity != w.cursor.UIDValidity {
		w.log.InfoContext(ctx, "reading the folder from its beginning", "uidvalidity", validity, "before", w.cursor.UIDValidity)
		w.cursor = store.Cursor{UIDValidity: validity}
	}
	return nil
}

func (w *watch) config() (mailbox.Config, error) {
	config, err := w.imap(w.mailbox)
	config.Folder, config.Logger, config.Room = w.mailbox.Folder, w.log, w.holdRoom
	return config, err
}

// imap is how a mailbox is reached by IMAP.
func (a *Activities) imap(m postroom.Mailbox) (mailbox.Config, error) {
	with, err := a.credentials(m, m.IMAP)
	if err != nil {
		return mailbox.Config{}, err
	}
	return mailbox.Config{Host: m.IMAP.Host, Port: m.IMAP.Port, Security: mailbox.Security(m.IMAP.TLS), Username: m.IMAP.Username,
		Password: with.Password, Tokens: with.Tokens, Mechanism: with.Mechanism}, nil
}

// fewMails are told of at once; more at a time are a backlog.
const fewMails = 10

// drain ingests everything above the cursor. The cursor moves over settled mails only, batch by batch.
func (w *watch) drain(ctx context.Context) error {
	for {
		mails, err := w.session.Next(ctx, w.cursor.LastUID)
		w.telling.backlog.Store(len(mails) > fewMails)
		if err != nil || len(mails) == 0 {
			return err
		}
		if err := w.ingestAll(ctx, mails, func(uid uint32) { w.cursor.LastUID = uid }); err != nil {
			return err
		}
		if err := w.Store.MoveCursor(ctx, w.mailbox.ID, w.mailbox.Folder, w.cursor); err != nil {
			return err
		}
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
}

// missed finds mails that the server never told of, and ingests them.
func (w *watch) missed(ctx context.Context) error {
	recent, err := w.session.Missed(ctx, time.Now().Add(-missedSince), nil)
	if err != nil {
		return err
	}
	known, err := w.Store.Known(ctx, w.mailbox.ID, w.mailbox.Folder, w.cursor.UIDValidity, recent)
	if err != nil {
		return err
	}
	var uids []uint32
	for _, uid := range recent {
		if !known[uid] && uid <= w.cursor.LastUID {
			uids = append(uids, uid)
		}
	}
	for len(uids) > 0 {
		mails, rest, err := w.session.Fetch(ctx, uids)
		if err != nil {
			return err
		}
		if err := w.ingestAll(ctx, mails, func(uint32) {}); err != nil {
			return err
		}
		uids = rest
	}
	return nil
}

// redactedFolder is where redacted copies and moved originals go.
const redactedFolder = "Postroom/Redacted"

// settle does in the mailbox what the database says is still to be done with stored mail: only after the commit, and again after a crash.
func (w *watch) settle(ctx context.Context) error {
	pending, err := w.Store.PendingInMailbox(ctx, w.mailbox.ID, w.mailbox.Folder)
	if err != nil {
		return err
	}
	byAction := map[string][]uint32{}
	for _, p := range pending {
		if p.UIDValidity != w.cursor.UIDValidity {
			continue // of another life of the folder: its UIDs mean other mails now
		}
		if p.Action != "expunge" {
			byAction[p.Action] = append(byAction[p.Action], p.UID)
			continue
		}
		if err := w.expunge(ctx, p); err != nil {
			return err
		}
	}
	if err := w.session.Mark(ctx, byAction["mark"]); err != nil {
		return w.tolerate(ctx, err)
	}
	if err := w.session.Move(ctx, byAction["move"], redactedFolder); err != nil {
		return w.tolerate(ctx, err)
	}
	return w.Store.SettledInMailbox(ctx, w.mailbox.ID, w.mailbox.Folder, w.cursor.UIDValidity, append(byAction["mark"], byAction["move"]...)...)
}

// tolerate lets the watch go on when the server refuses a single command: marks are for people, and what is pending is tried again.
func (w *watch) tolerate(ctx context.Context, err error) error {
	var refused *postroom.Error
	if errors.As(err, &refused) && refused.Reason == mailbox.ReasonCommandRefused {
		w.log.WarnContext(ctx, "the mail server refused a command; it is tried again later", "error", err)
		w.Mail.Set(w.mailbox.ID, err)
		return nil
	}
	return err
}
