package main

import (
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

// R21: operators see which replies are on their way, without their texts.
func TestReplyListSaysWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	got := s.Run(t, "", "reply", "list")
	if !strings.Contains(got, "there are no replies on their way") && !strings.HasPrefix(got, "DUE") {
		t.Errorf("it says\n%s", got)
	}
}
