// Command contact measures what one contact costs: CPU by process, from the mail in the mailbox to the answer at the mail server, beside a
// bare workflow with the same durable waits and no product. Both run alternating in one run on one stack, so that the ratio says something on
// a machine that other things run on too.
//
//	go run ./bench/contact [-n 200] [-rounds 3] [-c 16]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

func main() {
	n := flag.Int("n", 200, "contacts per round")
	rounds := flag.Int("rounds", 3, "rounds of each kind")
	together := flag.Int("c", 16, "contacts in flight")
	bare := flag.String("bare-worker", "", "internal: serve bare workflows for the Temporal server at this address")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *bare != "" {
		err = serveBare(ctx, *bare, *together)
	} else {
		err = run(ctx, *n, *rounds, *together)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sample is what a round used.
type sample struct {
	cpu  map[string]time.Duration // by process, per contact
	took time.Duration
}

func run(ctx context.Context, n, rounds, together int) error {
	fmt.Println("starting the stack …")
	s, err := start(ctx, together)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Printf("%d rounds of %d contacts, %d in flight; a warm-up of each first\n", rounds, n, together)
	kinds := []struct {
		name string
		do   func(context.Context, int) error
	}{{"bare", s.bareContacts}, {"product", s.productContacts}}
	samples := map[string][]sample{}
	for round := range rounds + 1 {
		for _, kind := range kinds {
			before, began := s.cpu(), time.Now()
			if err := kind.do(ctx, n); err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			took, after := time.Since(began), s.cpu()
			if round == 0 {
				continue
			}
			used := map[string]time.Duration{}
			for name := range after {
				used[name] = (after[name] - before[name]) / time.Duration(n)
			}
			samples[kind.name] = append(samples[kind.name], sample{used, took})
			fmt.Printf("  round %d %-8s %6.1f contacts/s\n", round, kind.name, float64(n)/took.Seconds())
		}
	}
	if err := s.checkBare(ctx); err != nil {
		return err
	}
	report(s.processes, samples)
	return nil
}

// report prints medians, in milliseconds of CPU per contact.
func report(processes []string, samples map[string][]sample) {
	fmt.Printf("\n%-34s %10s %10s\n", "CPU ms per contact (median)", "bare", "product")
	total := map[string]time.Duration{}
	for _, p := range processes {
		line := fmt.Sprintf("%-34s", p)
		for _, kind := range []string{"bare", "product"} {
			var values []time.Duration
			for _, s := range samples[kind] {
				values = append(values, s.cpu[p])
			}
			slices.Sort(values)
			median := values[len(values)/2]
			if counted[p] {
				total[kind] += median
			}
			line += fmt.Sprintf(" %10.1f", float64(median.Microseconds())/1000)
		}
		if !counted[p] {
			line += "   (not counted)"
		}
		fmt.Println(line)
	}
	fmt.Printf("%-34s %10.1f %10.1f\n", "total", ms(total["bare"]), ms(total["product"]))
	fmt.Printf("product / bare                     %21.2f\n", float64(total["product"])/float64(total["bare"]))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// counted are the processes that a contact's cost is made of; the others play the outside world.
var counted = map[string]bool{"postgresql": true, "temporal": true, "worker": true, "api": true, "bare worker and client": true}
