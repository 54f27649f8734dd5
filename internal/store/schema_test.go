package store_test

import (
	"testing"

	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func TestEveryStatementIsValidSQL(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	s := d.Open(t, store.Options{})
	conn, err := s.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if n := len(store.Statements()); n < 80 {
		t.Fatalf("only %d statements are registered", n)
	}
	for _, sql := range store.Statements() {
		if _, err := conn.Conn().Prepare(t.Context(), sql, sql); err != nil {
			t.Errorf("%v\n%s", err, sql)
		}
	}
}
