package testkit

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Connect opens a connection of its own as the application's role, until the test ends.
func (d Database) Connect(t testing.TB) *pgx.Conn { return d.connect(t, d.AppURL) }

// ConnectOwner opens a connection of its own as the schema's owner, until the test ends.
func (d Database) ConnectOwner(t testing.TB) *pgx.Conn { return d.connect(t, d.OwnerURL) }

func (d Database) connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = d.Schema
	c, err := pgx.ConnectConfig(context.WithoutCancel(t.Context()), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}
