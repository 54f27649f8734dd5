package testkit

import (
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/realmail"
)

// NewRealMail starts Debian's mail servers for a test. Where they cannot run, the test is skipped and says why.
func NewRealMail(t testing.TB, options realmail.Options) *realmail.Servers {
	t.Helper()
	s, err := realmail.Start(t.Context(), options)
	if postroom.ReasonOf(err) == realmail.ReasonNotHere {
		t.Skip("real mail servers cannot run here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}
