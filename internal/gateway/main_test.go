package gateway_test

import (
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
