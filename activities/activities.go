package activities

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// Activities implements workflows.Activities over real collaborators.
type Activities struct {
	Store   *store.Store
	Blobs   *blob.Store
	Gateway *gateway.Gateway
	Matcher *Matcher
	Scanner pci.Scanner
	Keys    *keyring.Ring
	Secrets *keyring.Secrets
	// Antivirus is asked about files that passed the card scanner; nil: there is none.
	Antivirus *clamd.Client
	Log       *slog.Logger
	// Mail counts what the mail servers say, for health.
	Mail *MailHealth
	// Zones reads the rules of a time zone; nil: from the zone database of the program.
	Zones func(postroom.WallTime) (*time.Location, error)
	// RetryAfter says when the attempt after the n-th is made; nil: after 1, 5, 15 minutes, 1 h, then every 4 h.
	RetryAfter func(n int) time.Duration
	// Timeouts bound the steps of sending; zero: as internal/outbound has them.
	Timeouts SendTimeouts

	senders      senders
	rendering    turns
	scannerAfter atomic.Int64 // until then, in nanoseconds, mail does not ask the virus scanner
	authorized   authorized
	room         room
}

var _ workflows.Activities = (*Activities)(nil)
