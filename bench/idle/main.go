// Command idle measures what everything uses while nobody works: `postroom dev` on a fresh state directory, nobody signed in, CPU by process
// over some minutes. Nothing may poll so busily that it shows: the mean of all processes stays under 2 % of a core, or the command fails.
//
//	go run ./bench/idle [-for 5m] [-settle 1m] [-limit 2]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/postroom/postroom/internal/stack"
)

func main() {
	o := options{}
	flag.DurationVar(&o.watch, "for", 5*time.Minute, "how long to watch")
	flag.DurationVar(&o.settle, "settle", time.Minute, "how long to wait first: what a start leaves to do is not idleness")
	flag.Float64Var(&o.limit, "limit", 2, "percent of a core that all processes together may use; 0: any")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	watch, settle time.Duration
	limit         float64
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "postroom-idle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dev, ready, err := start(ctx, dir)
	if err != nil {
		return err
	}
	defer stop(dev)
	if err := await(ctx, ready); err != nil {
		return err
	}
	fmt.Printf("everything runs; %v until it has settled\n", o.settle)
	if err := wait(ctx, o.settle); err != nil {
		return err
	}
	before, began := used(dev.Process.Pid), time.Now()
	if err := wait(ctx, o.watch); err != nil {
		return err
	}
	total := report(before, used(dev.Process.Pid), time.Since(began))
	if o.limit > 0 && total > o.limit {
		return fmt.Errorf("%.2f %% of a core while nobody works, more than %.2f %%", total, o.limit)
	}
	return nil
}

// start starts everything on free ports, and says where its API answers when it is ready.
func start(ctx context.Context, dir string) (*exec.Cmd, string, error) {
	binary := filepath.Join(dir, "postroom")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/postroom").CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("build: %w\n%s", err, out)
	}
	dev := exec.Command(binary, "dev")
	dev.Env = append(os.Environ(), "POSTROOM_STATE_DIR="+filepath.Join(dir, "state"))
	api := ""
	for _, name := range []string{"DATABASE", "TEMPORAL", "TEMPORAL_UI", "API", "WORKER", "MAIL", "IMAP", "SMTP"} {
		port, err := stack.FreePort()
		if err != nil {
			return nil, "", err
		}
		dev.Env = append(dev.Env, fmt.Sprintf("POSTROOM_DEV_%s_PORT=%d", name, port))
		if name == "API" {
			api = "http://" + stack.Loopback + ":" + strconv.Itoa(port) + "/readyz"
		}
	}
	dev.Stderr = os.Stderr
	return dev, api, dev.Start()
}

func stop(dev *exec.Cmd) {
	_ = dev.Process.Signal(os.Interrupt)
	if err := dev.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
	}
}

func await(ctx context.Context, url string) error {
	for deadline := time.Now().Add(15 * time.Minute); time.Now().Before(deadline); {
		if r, err := http.Get(url); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the API does not become ready")
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// report prints each process's share of a core, and returns the sum in percent. A process that began meanwhile counts from zero; one that
// ended is in its parent's.
func report(before, after map[string]time.Duration, took time.Duration) float64 {
	total := 0.0
	names := make([]string, 0, len(after))
	for name := range after {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return int((after[b] - before[b]) - (after[a] - before[a])) })
	for _, name := range names {
		share := 100 * (after[name] - before[name]).Seconds() / took.Seconds()
		total += share
		if share >= 0.005 {
			fmt.Printf("%8.2f %%  %s\n", share, name)
		}
	}
	fmt.Printf("%8.2f %%  of a core, all processes, mean of %v\n", total, took.Round(time.Second))
	return total
}

// tick is the unit of /proc/PID/stat on Linux for every architecture that Go runs on.
const tick = 10 * time.Millisecond

// used reads what a process and all that descend from it have used, the reaped ones included, by process.
func used(pid int) map[string]time.Duration {
	all := map[string]time.Duration{}
	for _, p := range descend(pid) {
		fields := stat(p)
		if len(fields) < 15 {
			continue
		}
		sum := time.Duration(0)
		for _, at := range []int{11, 12, 13, 14} {
			n, _ := strconv.Atoi(fields[at])
			sum += time.Duration(n) * tick
		}
		all[name(p)] += sum
	}
	return all
}

func descend(pid int) []int {
	found := []int{pid}
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(child); err == nil {
				found = append(found, descend(n)...)
			}
		}
	}
	return found
}

// name says what a process is: PostgreSQL writes what each of its processes does and for whom into its title.
func name(pid int) string {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	words := strings.FieldsFunc(strings.TrimRight(string(b), "\x00"), func(r rune) bool { return r == 0 || r == ' ' })
	if len(words) == 0 {
		return "?"
	}
	if words[0] == "postgres:" {
		if len(words) > 2 && words[2] != "launcher" && words[2] != "writer" {
			return "postgresql: " + words[1] + " in " + words[2]
		}
		return "postgresql: " + strings.Join(words[1:], " ")
	}
	words[0] = filepath.Base(words[0])
	return strings.Join(words[:min(2, len(words))], " ")
}

// stat reads the fields after the command's name, which may hold spaces; the first is the state.
func stat(pid int) []string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	s := string(b)
	return strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
}
