// Command routing measures what decisions cost in a contact centre of 1,000 agents and 50 queues with skills: choose and claim with 1,000,
// 10,000 and 100,000 contacts waiting, in turn in one run; and how soon an agent who becomes Available is offered work by a real worker,
// alone and together with 199 others. It fails if a limit is passed.
//
//	go run ./bench/routing [-n 60] [-rounds 4] [-live=true]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/postroom/postroom/internal/stack"
)

// The limits: a claim with 100,000 contacts waiting, an offer after Available, and how far apart decisions may be from 1,000 to 100,000.
const (
	claimLimit = 5 * time.Millisecond
	offerLimit = 50 * time.Millisecond
	flatness   = 0.2
)

var quiet = slog.New(slog.DiscardHandler)

func main() {
	n := flag.Int("n", 60, "decisions of each kind per round")
	rounds := flag.Int("rounds", 4, "rounds, after one that does not count")
	live := flag.Bool("live", true, "measure agents who become Available, with a worker and a Temporal server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *n, *rounds, *live); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n, rounds int, live bool) (failed error) {
	dir, err := stack.TemporaryStateDir()
	if err != nil {
		return err
	}
	postgres := stack.NewPostgres(dir, stack.PostgresOptions{})
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		failed = errors.Join(failed, postgres.Stop(ctx), dir.Remove())
	}()
	if err := postgres.Start(ctx); err != nil {
		return err
	}
	var centres []*centre
	into := map[*centre]*measured{}
	for _, size := range []struct {
		schema  string
		waiting int
	}{{"small", 1_000}, {"medium", 10_000}, {"", 100_000}} {
		began := time.Now()
		c, err := newCentre(ctx, postgres, size.schema, size.waiting)
		if err != nil {
			return err
		}
		defer c.close()
		centres, into[c] = append(centres, c), nil
		fmt.Printf("%7d contacts wait for %d agents in %d queues (%v)\n", size.waiting, agents, ordinary+2, time.Since(began).Round(time.Second))
	}
	for i := range rounds + 1 {
		if i <= 1 { // the first round does not count
			for _, c := range centres {
				into[c] = &measured{agents: map[kind]*times{head: {}, middle: {}, last: {}}}
			}
		}
		if err := round(ctx, centres, into, n); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		for _, c := range centres { // as PostgreSQL does by itself within its first minute
			if err := c.exec(ctx, "ANALYZE offer"); err != nil {
				return err
			}
		}
	}
	large := centres[len(centres)-1]
	if err := triggers(ctx, large, into[large], n); err != nil {
		return err
	}
	failed = report(centres, into)
	if live {
		failed = errors.Join(failed, liveRun(ctx, dir, postgres, large))
	}
	return failed
}

// report prints what was measured, and says which limits were passed.
func report(centres []*centre, into map[*centre]*measured) error {
	var failed error
	small, large := centres[0], centres[len(centres)-1]
	fmt.Printf("\n%-30s %8s | %8s %8s | %8s %8s | %8s %8s\n", "ms", "waiting", "choose", "p95", "claim", "p95", "both", "p95")
	lines := []struct {
		name string
		of   func(*measured) *times
	}{
		{"agent, matches the head", func(m *measured) *times { return m.agents[head] }},
		{"agent, matches the middle", func(m *measured) *times { return m.agents[middle] }},
		{"agent, matches only the last", func(m *measured) *times { return m.agents[last] }},
		{"contact, any queue", func(m *measured) *times { return &m.contacts }},
	}
	for _, line := range lines {
		for _, c := range centres {
			t := line.of(into[c])
			fmt.Printf("%-30s %8d | %8.2f %8.2f | %8.2f %8.2f | %8.2f %8.2f\n", line.name, c.waiting, ms(at(t.choose, 50)), ms(at(t.choose, 95)),
				ms(at(t.claim, 50)), ms(at(t.claim, 95)), ms(at(t.whole, 50)), ms(at(t.whole, 95)))
		}
		t := line.of(into[large])
		if p := at(t.claim, 95); p > claimLimit {
			failed = errors.Join(failed, fmt.Errorf("%s: claims with p95 %v, more than %v", line.name, p, claimLimit))
		}
		ratio := float64(at(t.whole, 50)) / float64(at(line.of(into[small]).whole, 50))
		fmt.Printf("%-30s %8s   both: %.2f × the cost at %d\n", "", "", ratio, small.waiting)
		if ratio > 1+flatness || ratio < 1-flatness {
			failed = errors.Join(failed, fmt.Errorf("%s: %.2f × the cost with %d waiting", line.name, ratio, small.waiting))
		}
	}
	m := into[large]
	fmt.Printf("\n%-34s %12.2f\n%-34s %12.2f\n", "claim with the room's trigger", ms(at(m.triggered.claim, 50)), "claim without it", ms(at(m.bare.claim, 50)))
	return failed
}

// at is a percentile.
func at(values []time.Duration, percent int) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
