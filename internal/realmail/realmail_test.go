package realmail_test

import (
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/realmail"
)

func TestServersStartAndStop(t *testing.T) {
	t.Parallel()
	s, err := realmail.Start(t.Context(), realmail.Options{Postfix: true})
	if postroom.ReasonOf(err) == realmail.ReasonNotHere {
		t.Skip("real mail servers cannot run here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}
