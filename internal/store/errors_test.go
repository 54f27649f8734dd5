package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// calls are all methods of a store that run SQL, each with arguments in which every id, name and text is the same word.
func calls(t *testing.T, s *store.Store, word string) map[string]func(context.Context) error {
	t.Helper()
	all := map[string]func(context.Context) error{}
	v := reflect.ValueOf(s)
	for m, f := range v.Methods() {
		kind := f.Type()
		if kind.NumIn() == 0 || kind.In(0) != reflect.TypeFor[context.Context]() {
			continue // Close, Pool
		}
		all[m.Name] = func(ctx context.Context) error {
			args := []reflect.Value{reflect.ValueOf(ctx)}
			for i := 1; i < kind.NumIn(); i++ {
				args = append(args, filled(kind.In(i), word))
			}
			answer := f.Call
			if kind.IsVariadic() {
				answer = f.CallSlice
			}
			results := answer(args)
			err, _ := results[len(results)-1].Interface().(error)
			return err
		}
	}
	if len(all) < 60 {
		t.Fatalf("only %d methods", len(all))
	}
	return all
}

// filled makes a value in which every string is the word.
func filled(kind reflect.Type, word string) reflect.Value {
	v := reflect.New(kind).Elem()
	switch kind {
	case reflect.TypeFor[postroom.Text]():
		return reflect.ValueOf(postroom.SealText(word))
	case reflect.TypeFor[postroom.Command]():
		id := word
		if uuid.Validate(word) == nil {
			id = uuid.NewString() // a request of its own
		}
		return reflect.ValueOf(postroom.Command{Actor: postroom.AgentID(word), RequestID: id, RPC: word, BodyHash: []byte(word)})
	case reflect.TypeFor[postroom.AgentState]():
		return reflect.ValueOf(postroom.AgentIdle)
	case reflect.TypeFor[time.Time]():
		return reflect.ValueOf(time.Now())
	case reflect.TypeFor[[]byte]():
		return reflect.ValueOf([]byte(fmt.Sprintf("%-32.32s", word)))
	}
	switch kind.Kind() {
	case reflect.String:
		v.SetString(word)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(1)
	case reflect.Uint32:
		v.SetUint(1)
	case reflect.Interface:
		v.Set(reflect.ValueOf(word))
	case reflect.Slice:
		v.Set(reflect.Append(v, filled(kind.Elem(), word)))
	case reflect.Struct:
		for i := range kind.NumField() {
			v.Field(i).Set(filled(kind.Field(i).Type, word))
		}
	}
	return v
}

// texts are the texts of an error and of everything that it wraps.
func texts(err error) string {
	var b strings.Builder
	for list := []error{err}; len(list) > 0; list = list[1:] {
		fmt.Fprintf(&b, "%v\n", list[0])
		switch e := list[0].(type) {
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				list = append(list, inner)
			}
		case interface{ Unwrap() []error }:
			list = append(list, e.Unwrap()...)
		}
	}
	return b.String()
}

// needsConfiguration refer to rows that a valid configuration has: without them they are a caller's defect.
var needsConfiguration = []string{"Apply", "Preview", "Ingest", "Quarantine", "MoveCursor"}

// A word that is no id anywhere is refused, and what is said about it, also to our own log, does not repeat it.
func TestAMalformedArgumentIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	const canary = "Canary-4111"
	refused := 0
	for name, call := range calls(t, c.Store, canary) {
		err := call(t.Context())
		kind := postroom.KindOf(err)
		internal := kind == postroom.KindInternal && !slices.Contains(needsConfiguration, name)
		if internal || kind == postroom.KindUnavailable {
			t.Errorf("%s: %s", name, texts(err))
		}
		if kind == postroom.KindInvalid {
			refused++
		}
		if strings.Contains(strings.ToLower(texts(err)), strings.ToLower(canary)) {
			t.Errorf("%s repeats its argument: %s", name, texts(err))
		}
	}
	if refused < 25 {
		t.Errorf("only %d of the calls were refused", refused)
	}
	c.MustHold(t)
}

func TestAnUnknownIDIsNotFound(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	id := testkit.NewID()
	want := map[string]postroom.Reason{
		"LoadContact": postroom.ReasonUnknownContact, "ClaimOffer": postroom.ReasonUnknownContact, "RouteContact": postroom.ReasonUnknownContact,
		"RoutingInput": postroom.ReasonUnknownContact, "ContactView": postroom.ReasonUnknownContact,
		"AcceptOffer": postroom.ReasonUnknownOffer, "DeclineOffer": postroom.ReasonUnknownOffer, "ExpireOffer": postroom.ReasonUnknownOffer,
		"OfferShown": postroom.ReasonUnknownOffer, "AcceptMetOutage": postroom.ReasonUnknownOffer, "SaveDraft": postroom.ReasonUnknownOffer,
		"QueueReply": postroom.ReasonUnknownOffer, "CloseWithoutReply": postroom.ReasonUnknownOffer, "CompleteWrapUp": postroom.ReasonUnknownOffer,
		"SaveWrapUpNote": postroom.ReasonUnknownOffer, "ReplySource": postroom.ReasonUnknownOffer, "ContactOfOffer": postroom.ReasonUnknownOffer,
		"AgentStatus": postroom.ReasonUnknownAgent, "SetAgentState": postroom.ReasonUnknownAgent, "Heartbeat": postroom.ReasonUnknownAgent,
		"LoseLease": postroom.ReasonUnknownAgent, "OpenSession": postroom.ReasonUnknownAgent, "CloseSession": postroom.ReasonUnknownAgent,
		"SetPassword": postroom.ReasonUnknownAgent, "TeamOf": postroom.ReasonUnknownAgent, "AgentSnapshot": postroom.ReasonUnknownAgent,
		"StreamHead": postroom.ReasonUnknownAgent, "EventsAfter": postroom.ReasonUnknownAgent,
		"Attachment": "unknown_attachment", "Redacted": "unknown_message", "Formatted": "unknown_message", "ContactOfMessage": "unknown_message", "TakeToSend": "unknown_reply", "Mailbox": "unknown_mailbox",
	}
	for name, call := range calls(t, c.Store, id) {
		err := call(t.Context())
		if reason, ok := want[name]; ok {
			wantReason(t, name, err, postroom.KindNotFound, reason)
			continue
		}
		if kind := postroom.KindOf(err); (kind == postroom.KindInternal && !slices.Contains(needsConfiguration, name)) || kind == postroom.KindUnavailable {
			t.Errorf("%s: %s", name, texts(err))
		}
		if strings.Contains(texts(err), id) {
			t.Errorf("%s repeats its argument: %s", name, texts(err))
		}
	}
	if _, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: c.Arrive(t, "kim@customer.example", "Hello"), Agent: "nobody", Reason: "test"}); err != nil ||
		lost != store.LostAgent {
		t.Errorf("a claim for nobody: lost %q, %v", lost, err)
	}
	c.SignIn(t, "mina")
	_, _, err := c.ClaimOffer(t.Context(), store.Claim{Contact: postroom.ContactID(id), Agent: "mina", Reason: "test"})
	wantReason(t, "a claim of nothing", err, postroom.KindNotFound, postroom.ReasonUnknownContact)
	c.MustHold(t)
}

// The database says that it is older, whoever asks first: the question at the start, or any call.
func TestADatabaseThatIsOlderThanTheProgramIsNamedAsThat(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	must(t, c.Ready(t.Context()))
	c.Exec(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, true)")
	must(t, c.Ready(t.Context())) // the previous program runs on the new schema
	c.Exec(t, "DELETE FROM goose_db_version WHERE version_id IN (999999, $1)", store.SchemaVersion())
	wantReason(t, "ready", c.Ready(t.Context()), postroom.KindUnavailable, postroom.ReasonDatabaseVersion)
	c.Exec(t, "DELETE FROM goose_db_version")
	wantReason(t, "ready on nothing", c.Ready(t.Context()), postroom.KindUnavailable, postroom.ReasonDatabaseVersion)

	c.Exec(t, "ALTER TABLE contact DROP COLUMN tell_attempts")
	_, err := c.TakeUntold(t.Context(), 1)
	wantReason(t, "without a column", err, postroom.KindUnavailable, postroom.ReasonDatabaseVersion)
	c.Exec(t, "DROP TABLE goose_db_version, draft, sign_in_failure")
	wantReason(t, "ready without a version", c.Ready(t.Context()), postroom.KindUnavailable, postroom.ReasonDatabaseVersion)
	_, err = c.Draft(t.Context(), postroom.ContactID(testkit.NewID()))
	wantReason(t, "without a table", err, postroom.KindUnavailable, postroom.ReasonDatabaseVersion)
	c.Exec(t, "DROP FUNCTION postroom_now")
	_, err = c.Wants(t.Context(), 0)
	wantReason(t, "without a function", err, postroom.KindUnavailable, postroom.ReasonDatabaseVersion)
}

func TestAnAddressThatCannotBeReadOrIsRefusedShowsNoPassword(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	const canary = "Canary-4111"
	for _, malformed := range []string{"postgres://app:" + canary + "@[::1", "postgres://app:" + canary + "@127.0.0.1:port/postroom"} {
		_, err := store.Open(t.Context(), malformed, store.Options{}, testkit.Silent())
		wantReason(t, "open", err, postroom.KindInvalid, postroom.ReasonMalformed)
		if strings.Contains(texts(err), canary) {
			t.Errorf("the password shows: %s", texts(err))
		}
		_, err = store.Migrate(t.Context(), malformed, "", testkit.Silent())
		wantReason(t, "migrate", err, postroom.KindInvalid, postroom.ReasonMalformed)
		if strings.Contains(texts(err), canary) {
			t.Errorf("the password shows: %s", texts(err))
		}
	}
	address, err := url.Parse(d.AppURL)
	must(t, err)
	address.User = url.UserPassword("postroom_app", canary)
	s, err := store.Open(t.Context(), address.String(), store.Options{}, testkit.Silent())
	must(t, err)
	defer s.Close()
	err = s.Ready(t.Context())
	wantReason(t, "a wrong password", err, postroom.KindUnavailable, postroom.ReasonDatabaseDown)
	if strings.Contains(texts(err), canary) {
		t.Errorf("the password shows: %s", texts(err))
	}
}

// Somebody else's lock, a deadlock, and a caller who has gone are no defect of the request.
func TestALockThatIsNotGivenInTimeIsUnavailable(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Claim(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	must(t, pgx.BeginFunc(t.Context(), c.ConnectOwner(t), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT FROM agent_state WHERE agent_id = 'mina' FOR UPDATE"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := c.AcceptOffer(ctx, testkit.Command("mina"), offer)
		wantReason(t, "an accept that waits too long", err, postroom.KindUnavailable, postroom.ReasonDatabaseDown)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the cause is lost: %s", texts(err))
		}
		return nil
	}))
	if _, err := c.AcceptOffer(t.Context(), testkit.Command("mina"), offer); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	c.MustHold(t)
}
