package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

// The program that is tested holds the desktop as the sources say it is.
func TestMain(m *testing.M) {
	if out, err := exec.Command("../../web/build").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the desktop: %v\n%s", err, out)
		os.Exit(1)
	}
	testkit.StackMain(m)
}
