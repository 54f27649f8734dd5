package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/auth"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// later is the same API as its callers find it some time from now.
func later(t *testing.T, a *testkit.API, d time.Duration) *testkit.API {
	t.Helper()
	shifted := a.Open(t, store.Options{Shift: d})
	return a.Serve(t, func(o *api.Options) { o.Store = shifted })
}

// signIn signs in as programs do.
func signIn(t testing.TB, a *testkit.API, name, password string) (*authv1.SignInResponse, error) {
	t.Helper()
	return at(a.URL, "").auth.SignIn(soon(t), &authv1.SignInRequest{Agent: name, Password: password, Bearer: true})
}

// R40: idle lock 30 min, 12 h in all.
func TestSessionLocksAfterHalfAnHourAndEndsAfterTwelve(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	in := got(signIn(t, a, "mina", testkit.Password))(t)
	me := as(t, a, "mina")
	state := func(a *testkit.API) error {
		_, err := at(a.URL, me.token).agent.GetState(soon(t), &agentv1.GetStateRequest{})
		return err
	}
	if left := time.Until(in.Session.ExpiresAt.AsTime()); left < 12*time.Hour-time.Minute || left > 12*time.Hour+time.Minute {
		t.Errorf("a session lasts %v", left)
	}
	must(t, state(later(t, a, 29*time.Minute)))

	half := later(t, a, 31*time.Minute)
	mustRefuse(t, "after 31 minutes", state(half), connect.CodeUnauthenticated, "session_locked")
	locked := at(half.URL, me.token)
	if who := got(locked.auth.GetSession(soon(t), &authv1.GetSessionRequest{}))(t).Session; !who.Locked || who.Agent != "mina" {
		t.Errorf("the locked session: %v", who)
	}
	_, err := locked.auth.Unlock(soon(t), &authv1.UnlockRequest{Password: "correct horse batter"})
	mustRefuse(t, "unlocking with another password", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
	mustRefuse(t, "still", state(half), connect.CodeUnauthenticated, "session_locked")
	if who := got(locked.auth.Unlock(soon(t), &authv1.UnlockRequest{Password: testkit.Password}))(t).Session; who.Locked || who.Agent != "mina" {
		t.Errorf("unlocked: %v", who)
	}
	must(t, state(half))
	must(t, state(later(t, a, 60*time.Minute)))

	almost := later(t, a, 12*time.Hour-time.Minute)
	mustRefuse(t, "before twelve hours", state(almost), connect.CodeUnauthenticated, "session_locked")
	got(at(almost.URL, me.token).auth.Unlock(soon(t), &authv1.UnlockRequest{Password: testkit.Password}))(t)
	over := later(t, a, 12*time.Hour+time.Second)
	mustRefuse(t, "after twelve hours", state(over), connect.CodeUnauthenticated, postroom.ReasonSessionEnded)
	_, err = at(over.URL, me.token).auth.Unlock(soon(t), &authv1.UnlockRequest{Password: testkit.Password})
	mustRefuse(t, "unlocking what has ended", err, connect.CodeUnauthenticated, postroom.ReasonSessionEnded)
}

// What a desktop does on its own does not keep a session open; what its person does, does.
func TestPersonAndNotTheDesktopKeepsASessionOpen(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	contact := a.Arrive(t, "kim@customer.example", "Parcel")
	offer := a.Own(t, contact, "mina")
	desktop, person := a.NewSession(t, "mina"), a.NewSession(t, "mina")
	before, after := later(t, a, 29*time.Minute), later(t, a, 31*time.Minute)

	d := at(before.URL, desktop)
	got(d.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)
	got(d.agent.Heartbeat(soon(t), &agentv1.HeartbeatRequest{}))(t)
	got(d.agent.ListIdleCodes(soon(t), &agentv1.ListIdleCodesRequest{}))(t)
	got(d.contact.ListActiveContacts(soon(t), &contactv1.ListActiveContactsRequest{}))(t)
	got(d.contact.MarkOfferShown(soon(t), &contactv1.MarkOfferShownRequest{OfferId: string(offer)}))(t)
	d.watch(t, nil).begin(t)
	_, err := at(after.URL, desktop).agent.GetState(soon(t), &agentv1.GetStateRequest{})
	mustRefuse(t, "with a desktop that was left alone", err, connect.CodeUnauthenticated, "session_locked")

	got(at(before.URL, person).contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t)
	got(at(after.URL, person).agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)
}

// R40: sign-in is throttled, and does not tell who has an account.
func TestGuessingIsThrottledAndTellsNothing(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina", "tom")
	a.Exec(t, "UPDATE agent SET active = false WHERE id = 'tom'")
	const retired, without, nobody = "tom", "sora", "nobody"
	for _, name := range []string{"mina", retired, without, nobody, card} {
		for i := range 6 {
			_, err := signIn(t, a, name, "not the password at all")
			mustRefuse(t, name+" with a wrong password", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
			if want := "unauthenticated: the name or the password is wrong"; err != nil && err.Error() != want {
				t.Errorf("%s, attempt %d: %v", name, i, err)
			}
		}
		_, err := signIn(t, a, name, testkit.Password)
		mustRefuse(t, name+" after six failures", err, connect.CodeFailedPrecondition, postroom.ReasonTooManyAttempts)
	}
	soonAfter := later(t, a, 2*time.Second)
	got(signIn(t, soonAfter, "mina", testkit.Password))(t)
	for _, name := range []string{retired, without, nobody} {
		_, err := signIn(t, soonAfter, name, testkit.Password)
		mustRefuse(t, name+" with the right password", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
	}
	for range 5 { // a success forgets what was before it
		_, err := signIn(t, soonAfter, "mina", "not the password at all")
		mustRefuse(t, "mina with a wrong password", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
	}
	got(signIn(t, soonAfter, "mina", testkit.Password))(t)
	for _, name := range []string{"", strings.Repeat("x", 65), "mina\x00", "MINA", " mina", "' OR 1=1 --"} {
		_, err := signIn(t, a, name, testkit.Password)
		if got := refusalOf(err); got.code != connect.CodeUnauthenticated && got.code != connect.CodeInvalidArgument {
			t.Errorf("%q: %s", name, got)
		}
	}
	if _, err := signIn(t, a, "mina", strings.Repeat("x", 257)); refusalOf(err).reason != postroom.ReasonSignInFailed {
		t.Errorf("a long password: %v", err)
	}
	// What was typed into the wrong field is not kept (R37).
	silent(t, "the table of failures", a.Text(t, "SELECT string_agg(name, ' ') FROM sign_in_failure"), "4111", nobody)
}

// Guesses at the same moment are throttled like guesses in turn.
func TestGuessesAtOnceAreThrottled(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	tried := 0
	for _, err := range testkit.Together(60, func(int) error { _, err := signIn(t, a, "mina", "not the password at all"); return err }) {
		switch r := refusalOf(err); r.reason {
		case postroom.ReasonSignInFailed:
			tried++
		case postroom.ReasonTooManyAttempts:
		default:
			t.Errorf("a guess: %s (%v)", r, err)
		}
	}
	if tried < 6 || tried > 10 {
		t.Errorf("%d of 60 guesses were tried", tried)
	}
}

// A name without an account costs as much time as one with.
func TestUnknownNameTakesAsLongAsAKnownOne(t *testing.T) { // not parallel: it counts what the process allocates
	a := offline(t)
	a.Enrol(t, "mina")
	allocated := func(call func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	const hashing = 19456 << 10                               // bytes that one argon2id takes: auth's memory parameter
	for _, name := range []string{"mina", "nobody", "sora"} { // known, unknown, without a password
		got := allocated(func() {
			_, err := signIn(t, a, name, "not the password at all")
			mustRefuse(t, name, err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
		})
		if got < hashing || got > 2*hashing {
			t.Errorf("%s is refused with %d bytes allocated: one hash takes %d", name, got, hashing)
		}
	}
	if got := allocated(func() { _, _ = at(a.URL, "no token").agent.GetState(soon(t), &agentv1.GetStateRequest{}) }); got >= hashing {
		t.Errorf("a call that hashes nothing allocates %d bytes: the count says nothing", got)
	}
}

// R40, R36: what opens a session is nowhere but with its holder; passwords are nowhere but as argon2id.
func TestTokensAndPasswordsAreWrittenNowhere(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	in := got(signIn(t, a, "mina", testkit.Password))(t)
	_, cookie := browser(t, a.URL, http.DefaultTransport)
	const wrong = "a wrong password of hers"
	_, err := signIn(t, a, "mina", wrong)
	mustRefuse(t, "a wrong password", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
	me := at(a.URL, as(t, a, "mina").token)
	_, err = me.auth.Unlock(soon(t), &authv1.UnlockRequest{Password: wrong})
	mustRefuse(t, "another", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
	got(me.auth.SignOut(soon(t), &authv1.SignOutRequest{}))(t)

	for _, token := range []string{in.Token, cookie.Value} {
		if len(token) != 43 {
			t.Errorf("a token of %d characters", len(token))
		}
		sum := sha256.Sum256([]byte(token))
		if n := a.Count(t, "SELECT count(*) FROM session WHERE token_hash = $1", sum[:]); n != 1 {
			t.Errorf("%d sessions have the token's SHA-256", n)
		}
	}
	if hash := a.Text(t, "SELECT password_hash FROM account"); !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is kept as %.20s…", hash)
	}
	secrets := []string{in.Token, cookie.Value, testkit.Password, wrong, me.token.Reveal()}
	for _, secret := range secrets {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
			if where := tablesWith(t, a, form); where != "" {
				t.Errorf("a secret is in %s", where)
			}
		}
	}
	silent(t, "the log", a.Log.String(), secrets...)
	if where := tablesWith(t, a, "박지우"); !strings.Contains(where, "agent") { // the search does find what is there
		t.Errorf("the name of an agent is in %q", where)
	}
}

func TestSignInBeginsIdleAndSignOutWaitsForWorkInHand(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	in := got(signIn(t, a, "mina", testkit.Password))(t)
	if who := in.Session; who.Agent != "mina" || who.Name != "김미나" || who.Role != "agent" || who.Team != "front" || who.Locked {
		t.Errorf("the session: %v", who)
	}
	me := at(a.URL, auth.Token(in.Token))
	state := got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t).State
	if state.State != agentv1.State_STATE_IDLE || state.IdleCode != "signed-in" || !state.Connected {
		t.Errorf("after signing in: %v", state)
	}
	got(me.agent.SetState(soon(t), &agentv1.SetStateRequest{RequestId: newID(), State: agentv1.State_STATE_AVAILABLE, SeenVersion: state.Version}))(t)
	offer := a.Own(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	_, err := me.auth.SignOut(soon(t), &authv1.SignOutRequest{})
	mustRefuse(t, "signing out with work in hand", err, connect.CodeFailedPrecondition, "work_in_hand")
	got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t) // the session is still open
	got(a.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer))(t)
	a.WrapUp(t, offer, "mina")
	got(me.auth.SignOut(soon(t), &authv1.SignOutRequest{}))(t)
	if state := a.Text(t, "SELECT state FROM agent_state WHERE agent_id = 'mina'"); state != "logged_out" {
		t.Errorf("after signing out she is %s", state)
	}
	_, err = me.auth.SignOut(soon(t), &authv1.SignOutRequest{})
	mustRefuse(t, "signing out again", err, connect.CodeUnauthenticated, postroom.ReasonSessionEnded)
}
