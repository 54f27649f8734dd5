package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// What the tests use of the system is there; and the program that is tested holds the desktop as the sources say it is.
func TestMain(m *testing.M) {
	if err := (stack.Installer{Output: os.Stderr}).Ensure(context.Background(), stack.NeedNode, stack.NeedChromium, stack.NeedCurl); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if out, err := exec.Command("../../web/build").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the desktop: %v\n%s", err, out)
		os.Exit(1)
	}
	testkit.StackMain(m)
}
