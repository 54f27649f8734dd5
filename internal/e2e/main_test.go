package e2e

import (
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

func TestMain(m *testing.M) { testkit.StackMain(m) }
