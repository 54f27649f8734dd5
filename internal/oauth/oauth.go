// Package oauth has access tokens for mailboxes: it uses a refresh token at the provider's token endpoint (RFC 6749 section 6) before the access
// token expires, once however many ask. Access tokens are in memory only. What an endpoint says is not repeated in errors, as it may quote a token.
package oauth

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/postroom/postroom"
)

// Reasons why there is no access token.
const (
	ReasonEndpointDown  postroom.Reason = "token_endpoint_unavailable"
	ReasonClientRefused postroom.Reason = "oauth_client_refused" // client id, secret or scope: the configuration
	ReasonTokenRefused  postroom.Reason = "access_token_refused" // by the mail server, fresh from the endpoint
)

// ErrWithdrawn says that the refresh token is good no more (invalid_grant): only a new one helps.
var ErrWithdrawn = errors.New("oauth: the refresh token was withdrawn")

// patience is how long an endpoint may take.
const patience = 10 * time.Second

// Client is who asks, and where.
type Client struct {
	TokenURL     string // https; http on loopback only
	ID           string
	Secret       postroom.Secret // zero: the client has none
	Scope        string          // separated by spaces; empty: what was granted
	Certificates *tls.Config     // nil: the system's roots
}

// Grant is what an endpoint gave.
type Grant struct {
	Access  string
	Expires time.Time // zero: it did not say
	Refresh string    // in place of the one that was used; empty: that stays
}

// Renew uses a refresh token once. Errors: ErrWithdrawn; Refused (ReasonClientRefused); Unavailable (ReasonEndpointDown) for what may pass; Refused
// (tls_required) for http off this machine.
func (c Client) Renew(ctx context.Context, refresh postroom.Secret) (Grant, error) {
	endpoint, err := url.Parse(c.TokenURL)
	if err != nil {
		return Grant{}, postroom.Invalid(postroom.ReasonMalformed, "The token endpoint's address cannot be read")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.http(endpoint.Scheme))
	// The grant type is overridden, so that the scope is sent too: x/oauth2's own refresh leaves it out, and some providers choose the resource by it.
	asking := clientcredentials.Config{ClientID: c.ID, ClientSecret: c.Secret.Reveal(), TokenURL: c.TokenURL, Scopes: strings.Fields(c.Scope),
		EndpointParams: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}}}
	if c.Secret.Reveal() == "" {
		asking.AuthStyle = oauth2.AuthStyleInParams // there is nothing to authenticate with
	}
	token, err := asking.Token(ctx)
	if err != nil {
		return Grant{}, verdict(err)
	}
	g := Grant{Access: token.AccessToken, Expires: token.Expiry, Refresh: token.RefreshToken}
	if g.Refresh == refresh.Reveal() {
		g.Refresh = ""
	}
	return g, nil
}

// http is a client for one use of a token endpoint: what is sent is for that endpoint and no other, so nothing is redirected.
func (c Client) http(scheme string) *http.Client {
	dialer := &net.Dialer{}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil || scheme == "https" {
				return conn, err
			}
			if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
				return conn, nil
			}
			_ = conn.Close()
			return nil, errPlain
		},
	}
	if c.Certificates != nil {
		transport.TLSClientConfig = c.Certificates.Clone()
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect }}
}

var (
	errPlain    = errors.New("the token endpoint is not on this machine, and its address is not https")
	errRedirect = errors.New("the token endpoint leads elsewhere")
)

// verdict tells apart what a new refresh token mends, what a new configuration mends, and what may pass.
func verdict(err error) error {
	var answer *oauth2.RetrieveError
	switch {
	case errors.Is(err, errPlain):
		return postroom.Refused("tls_required", "The token endpoint is not on this machine, and its address is not https")
	case errors.Is(err, errRedirect):
		return postroom.Refused(ReasonClientRefused, "The token endpoint leads elsewhere: its address in the configuration is not the right one")
	case !errors.As(err, &answer):
		return postroom.Unavailable(ReasonEndpointDown, "The token endpoint cannot be reached", reduce(err))
	}
	switch answer.ErrorCode {
	case "invalid_grant":
		return ErrWithdrawn
	case "invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type", "invalid_request", "access_denied":
		return postroom.Refused(ReasonClientRefused, "The token endpoint refuses us ("+answer.ErrorCode+"): look at client_id, client_secret and scope")
	}
	return postroom.Unavailable(ReasonEndpointDown, "The token endpoint is out of order", nil)
}

// reduce keeps of an error what no server can have written.
func reduce(err error) error {
	var network *net.OpError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return errors.New("its certificate is not trusted")
	case errors.As(err, &network):
		return errors.New(network.Op + " failed")
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return nil
}
