package api_test

import (
	"flag"
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

// TestMain lets more tests run at once than there are processors: most of them wait, for a deadline or a tick of ten seconds.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testkit.Main(m)
}
