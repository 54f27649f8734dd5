package api_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom/internal/auth"
	adminv1 "github.com/postroom/postroom/internal/gen/postroom/admin/v1"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// R40: revocation closes streams within 5 s, also if its notification is lost.
func TestStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(t *testing.T) *testkit.API{
		"told":   offline,
		"untold": func(t *testing.T) *testkit.API { return deaf(t, offline(t).Working) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serve(t)
			boss := as(t, a, "admin")
			revoked, signedOut, staying, other := as(t, a, "mina"), as(t, a, "tom"), as(t, a, "tom"), as(t, a, "jiwoo")
			streams := map[string]*watching{"revoked": revoked.watch(t, nil), "signed out": signedOut.watch(t, nil),
				"staying": staying.watch(t, nil), "other": other.watch(t, nil)}
			for _, w := range streams {
				w.begin(t)
			}
			since := time.Now()
			got(boss.admin.RevokeSessions(soon(t), &adminv1.RevokeSessionsRequest{RequestId: newID(), Agent: "mina"}))(t)
			got(signedOut.auth.SignOut(soon(t), &authv1.SignOutRequest{}))(t)
			streams["revoked"].mustEnd(t, "revoked", since, "session_ended")
			streams["signed out"].mustEnd(t, "signed out", since, "session_ended")
			_, err := revoked.agent.GetState(soon(t), &agentv1.GetStateRequest{})
			mustRefuse(t, "a call in a revoked session", err, connect.CodeUnauthenticated, "session_ended")

			if _, end, ok := streams["other"].ended(0); ok {
				t.Errorf("somebody else's stream ended with %s", end)
			}
			if name == "untold" { // they are told in ten seconds only
				return
			}
			// His other window, and everybody else, go on.
			for name, agent := range map[string]string{"staying": "tom", "other": "jiwoo"} {
				flip(t, a, "tom")
				flip(t, a, "jiwoo")
				if r := streams[name].news(t); r.GetStateChanged().GetAgent() != agent {
					t.Errorf("%s: %v", name, r)
				}
			}
		})
	}
}

func TestStreamEndsWhenItsSessionIsLockedOrPastItsTime(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	locked, expired, dismissed, changed := as(t, a, "mina"), as(t, a, "tom"), as(t, a, "jiwoo"), as(t, a, "sora")
	streams := map[auth.Token]*watching{}
	for _, d := range []desk{locked, expired, dismissed, changed} {
		streams[d.token] = d.watch(t, nil)
		streams[d.token].begin(t)
	}
	since := time.Now()
	a.Exec(t, "UPDATE session SET last_used_at = clock_timestamp() - interval '31 minutes' WHERE token_hash = $1", locked.token.Hash())
	a.Exec(t, "UPDATE session SET expires_at = clock_timestamp() WHERE token_hash = $1", expired.token.Hash())
	a.Exec(t, "UPDATE agent SET active = false WHERE id = 'jiwoo'")
	a.Enrol(t, "sora") // a new password
	streams[locked.token].mustEnd(t, "locked", since, "session_locked")
	streams[expired.token].mustEnd(t, "expired", since, "session_ended")
	streams[dismissed.token].mustEnd(t, "dismissed", since, "session_ended")
	streams[changed.token].mustEnd(t, "with a new password", since, "session_ended")

	stream := locked.watch(t, nil)
	if _, end, ok := stream.ended(patience); !ok || end != (refusal{connect.CodeUnauthenticated, "session_locked"}) {
		t.Errorf("a new stream of a locked session: %s", end)
	}
	_, err := boss.admin.ListAudit(soon(t), &adminv1.ListAuditRequest{})
	must(t, err)
}

// The test above would notice a stream that does not look at its own session again.
func TestStreamThatForgetsItsSessionIsNoticed(t *testing.T) {
	t.Parallel()
	a := offline(t)
	mina := a.NewSession(t, "mina")
	server := httptest.NewServer(a.Server.LookingAtSession(a.NewSession(t, "tom")))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	w := at(server.URL, mina).watch(t, nil)
	w.begin(t)
	got(as(t, a, "admin").admin.RevokeSessions(soon(t), &adminv1.RevokeSessionsRequest{RequestId: newID(), Agent: "mina"}))(t)
	if last, end, ok := w.ended(8 * time.Second); ok {
		t.Errorf("it ended with %s after %v", end, last)
	}
	w.cut()
}
