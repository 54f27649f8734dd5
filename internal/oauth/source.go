package oauth

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postroom/postroom"
)

const (
	earliest     = 5 * time.Minute  // before it expires, a token is renewed
	unsaid       = 10 * time.Minute // how long a token is used whose end the endpoint does not say
	fresh        = 5 * time.Second  // a token that is refused at this age is none that another one would replace
	firstPause   = time.Second      // after a failure; it doubles
	longestPause = 5 * time.Minute
	renewTime    = 14 * time.Second // for one renewal, the database included
)

// Source has the access tokens of one mailbox. It may be used by many goroutines.
type Source struct {
	renew  func(context.Context) (Grant, error)
	now    func() time.Time
	flight singleflight.Group

	mu       sync.Mutex
	token    string
	issued   time.Time
	until    time.Time // then another one is needed
	refusals int       // of fresh tokens, one after the other
	failures int
	failed   error     // what the last renewal came to
	notUntil time.Time // and until then that is the answer
}

// NewSource makes a source that renews by renew, which is never called twice at once. now is the clock; nil: time.Now.
func NewSource(renew func(context.Context) (Grant, error), now func() time.Time) *Source {
	if now == nil {
		now = time.Now
	}
	return &Source{renew: renew, now: now}
}

// Token gives an access token that is good for some time to come. While the endpoint fails it is asked again after a pause that grows to five
// minutes, and until then its last error is the answer. Errors are renew's, and the context's.
func (s *Source) Token(ctx context.Context) (string, error) {
	if token, known, err := s.known(); known {
		return token, err
	}
	done := s.flight.DoChan("", func() (any, error) {
		if token, known, err := s.known(); known { // somebody else's flight has just landed
			return token, err
		}
		renewing, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTime)
		defer cancel()
		grant, err := s.renew(renewing)
		return s.landed(grant, err)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// known is the present answer, if there is one.
func (s *Source) known() (token string, known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.token != "" && now.Before(s.until) {
		return s.token, true, nil
	}
	if s.failed != nil && now.Before(s.notUntil) {
		return "", true, s.failed
	}
	return "", false, nil
}

func (s *Source) landed(g Grant, err error) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if err != nil {
		s.failures++
		s.failed, s.notUntil = err, now.Add(min(longestPause, firstPause<<min(s.failures-1, 10)))
		return "", err
	}
	lifetime := unsaid
	if !g.Expires.IsZero() {
		lifetime = g.Expires.Sub(now)
	}
	s.token, s.issued, s.until = g.Access, now, now.Add(lifetime-min(earliest, lifetime/4))
	s.failures, s.failed = 0, nil
	return s.token, nil
}

// Reject says that the mail server did not take a token, so that the next one is another. A fresh one is not replaced at once: then the server wants
// something else than another token, and the endpoint is left in peace for a while.
func (s *Source) Reject(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != s.token {
		return
	}
	s.token = ""
	now := s.now()
	if now.Sub(s.issued) >= fresh {
		s.refusals = 0
		return
	}
	s.failed = postroom.Refused(ReasonTokenRefused, "The mail server does not take an access token that was just issued: look at username, scope and mechanism")
	s.notUntil = now.Add(min(longestPause, fresh<<min(s.refusals, 10)))
	s.refusals++
}
