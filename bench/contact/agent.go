package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
)

// agent is a desktop: it holds a stream and a lease, accepts what it is offered, answers, and wraps up.
type agent struct {
	id       string
	contacts contactv1connect.ContactServiceClient
	agents   agentv1connect.AgentServiceClient
}

// h2c speaks HTTP/2 without TLS, as gRPC clients on loopback do.
var h2c = func() *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: &protocols}}
}()

// bearer sends a session's token.
func bearer(token string) connect.Option {
	return connect.WithInterceptors(header{token})
}

type header struct{ token string }

func (h header) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", "Bearer "+h.token)
		return next(ctx, r)
	}
}

func (h header) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+h.token)
		return conn
	}
}

func (h header) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// signIn waits for the API, and makes every agent Available.
func (s *setup) signIn(ctx context.Context) error {
	deadline := time.Now().Add(time.Minute)
	for {
		if r, err := http.Get(s.apiURL + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the API does not become ready")
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, a := range s.agents {
		if err := a.signIn(ctx, s.apiURL); err != nil {
			return err
		}
	}
	return nil
}

func (a *agent) signIn(ctx context.Context, url string) error {
	session, err := authv1connect.NewAuthServiceClient(h2c, url).SignIn(ctx, &authv1.SignInRequest{Agent: a.id, Password: password, Bearer: true})
	if err != nil {
		return err
	}
	a.agents = agentv1connect.NewAgentServiceClient(h2c, url, bearer(session.Token))
	a.contacts = contactv1connect.NewContactServiceClient(h2c, url, bearer(session.Token))
	now, err := a.agents.GetState(ctx, &agentv1.GetStateRequest{})
	if err != nil {
		return err
	}
	_, err = a.agents.SetState(ctx, &agentv1.SetStateRequest{RequestId: uuid.NewString(), State: agentv1.State_STATE_AVAILABLE, SeenVersion: now.State.Version})
	if err != nil {
		return err
	}
	go a.beat(ctx)
	go a.work(ctx)
	return nil
}

func (a *agent) beat(ctx context.Context) {
	for ticker := time.NewTicker(10 * time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_, _ = a.agents.Heartbeat(ctx, &agentv1.HeartbeatRequest{})
		}
	}
}

// handled counts the contacts that were wrapped up.
var handled atomic.Int64

func (a *agent) work(ctx context.Context) {
	for ctx.Err() == nil {
		stream, err := a.agents.Watch(ctx, &agentv1.WatchRequest{})
		if err != nil {
			continue
		}
		for stream.Receive() {
			card := stream.Msg().GetContactChanged().GetCard()
			if card.GetState() == contactv1.OfferState_OFFER_STATE_LIVE && !card.GetShown() {
				if err := a.handle(ctx, card); err != nil && ctx.Err() == nil {
					fmt.Println("agent", a.id, err)
				}
			}
		}
	}
}

func (a *agent) handle(ctx context.Context, card *contactv1.ContactCard) error {
	if _, err := a.contacts.MarkOfferShown(ctx, &contactv1.MarkOfferShownRequest{OfferId: card.OfferId}); err != nil {
		return err
	}
	if _, err := a.contacts.AcceptOffer(ctx, &contactv1.AcceptOfferRequest{RequestId: uuid.NewString(), OfferId: card.OfferId}); err != nil {
		return err
	}
	if _, err := a.contacts.QuickReply(ctx, &contactv1.QuickReplyRequest{RequestId: uuid.NewString(), OfferId: card.OfferId, Text: "It is on its way."}); err != nil {
		return err
	}
	_, err := a.contacts.CompleteWrapUp(ctx, &contactv1.CompleteWrapUpRequest{RequestId: uuid.NewString(), OfferId: card.OfferId, Code: "resolved"})
	if err == nil {
		handled.Add(1)
	}
	return err
}

// productContacts has n customers write, and waits until each has an answer.
func (s *setup) productContacts(ctx context.Context, n int) error {
	want := handled.Load() + int64(n)
	for i := range n {
		if _, err := s.mail.Send(devmail.Letter{From: fmt.Sprintf("customer-%d@customer.example", i), To: []string{config.SampleAddress},
			Subject: "Where is my parcel?", Text: "Hello,\n\nI ordered a week ago and have heard nothing.\n\nKind regards\n"}); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var open int
		if handled.Load() >= want {
			if err := s.store.Pool().QueryRow(ctx, "SELECT count(*) FROM outbox WHERE settled_at IS NULL").Scan(&open); err != nil {
				return err
			}
			if open == 0 {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d contacts are missing, %d replies are not sent", want-handled.Load(), open)
		}
	}
}
