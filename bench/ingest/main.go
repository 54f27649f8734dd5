// Command ingest measures how mail comes in from Dovecot on this machine: how many mails a second and what each costs the worker's process in CPU, how
// soon a mail that is delivered is stored, and how much memory the worker takes while large mails wait.
//
//	go run ./bench/ingest [-n 1000] [-latency 200] [-memory 50]
//
// It needs Dovecot, which it installs if it may (apt-get, as root); -memory needs the program in .cache/bin (make build).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"
)

// The limits.
const (
	minRate    = 150                    // mails a second
	maxCPU     = 6 * time.Millisecond   // per mail, in the worker's process
	maxLatency = 150 * time.Millisecond // p95 from delivery to the commit, beside the server's own delay
	notify     = 500 * time.Millisecond // how long Dovecot waits before it tells of a mail
	maxMemory  = 256 << 20              // resident, of the worker
)

// profile is where a CPU profile of the first part goes.
var profile = flag.String("cpuprofile", "", "write a CPU profile of the first part")

func main() {
	n := flag.Int("n", 1000, "mails that wait at the beginning; 0: do not measure this")
	latency := flag.Int("latency", 200, "mails that are delivered one by one; 0: do not measure this")
	memory := flag.Int("memory", 50, "mails of 25 MB that wait; 0: do not measure this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var failed error
	for _, part := range []struct {
		n   int
		run func(context.Context, int) error
	}{{*n, rate}, {*latency, latencies}, {*memory, memories}} {
		if part.n > 0 {
			failed = errors.Join(failed, part.run(ctx, part.n))
		}
	}
	if failed != nil {
		fmt.Fprintln(os.Stderr, "bench:", failed)
		os.Exit(1)
	}
}

// rate ingests mails that wait.
func rate(ctx context.Context, n int) (err error) {
	c, err := start(ctx, withDovecot)
	defer c.stop()
	if err != nil {
		return err
	}
	if err := c.fill(n, mixed); err != nil {
		return err
	}
	began, before := time.Now(), cpu()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := c.work(ctx); err != nil {
		return err
	}
	stored, err := c.await(ctx, n, "stored", stored)
	if err != nil {
		return err
	}
	atStored := cpu() - before
	if _, err := c.await(ctx, n, "told of", told); err != nil {
		return err
	}
	elapsed, whole := stored.Sub(began), cpu()-before
	perSecond := float64(n) / elapsed.Seconds()
	fmt.Printf("%d mixed mails from Dovecot\n| | |\n|---|---:|\n| stored per second | %.0f |\n| CPU of the process per mail, until all are stored | %v |\n"+
		"| the same until every contact's workflow has been told | %v |\n", n, perSecond, (atStored / time.Duration(n)).Round(10*time.Microsecond),
		(whole / time.Duration(n)).Round(10*time.Microsecond))
	if perSecond < minRate {
		err = fmt.Errorf("%.0f mails a second, fewer than %d", perSecond, minRate)
	}
	if each := atStored / time.Duration(n); each > maxCPU {
		err = errors.Join(err, fmt.Errorf("%v of CPU per mail, more than %v", each, maxCPU))
	}
	return err
}

// latencies delivers mails one by one, and says how soon each is stored.
func latencies(ctx context.Context, n int) (err error) {
	for _, server := range []struct {
		name string
		with options
		own  time.Duration // the server's delay
	}{{"the server in this process", withDevmail, 0}, {"Dovecot", withDovecot, notify}} {
		took, one := latency(ctx, server.with, n)
		if one != nil {
			err = errors.Join(err, one)
			continue
		}
		slices.Sort(took)
		p95 := took[(len(took)-1)*95/100]
		fmt.Printf("delivered to stored, %s: p50 %v, p95 %v, max %v of %d\n", server.name, took[len(took)/2].Round(100*time.Microsecond),
			p95.Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond), len(took))
		if p95 > server.own+maxLatency {
			err = errors.Join(err, fmt.Errorf("%s: p95 %v, more than %v", server.name, p95, server.own+maxLatency))
		}
	}
	return err
}

func latency(ctx context.Context, with options, n int) (took []time.Duration, err error) {
	c, err := start(ctx, with)
	defer c.stop()
	if err != nil {
		return nil, err
	}
	if err := c.work(ctx); err != nil {
		return nil, err
	}
	for i := range n + 5 {
		if err := c.deliver(mixed(i)); err != nil {
			return nil, err
		}
		began := time.Now()
		at, err := c.await(ctx, i+1, "stored", stored)
		if err != nil {
			return nil, err
		}
		if i >= 5 { // the first ones find everything cold
			took = append(took, at.Sub(began))
		}
	}
	return took, nil
}

// memories runs the worker as a process of its own over large mails that wait, in two mailboxes so that two are in hand.
func memories(ctx context.Context, n int) (err error) {
	c, err := start(ctx, withDovecot)
	defer c.stop()
	if err != nil {
		return err
	}
	if err := c.fill(n, large); err != nil {
		return err
	}
	if err := c.workApart(ctx); err != nil {
		return err
	}
	if _, err := c.await(ctx, n, "stored", stored); err != nil {
		return err
	}
	peak, err := c.peak()
	if err != nil {
		return err
	}
	fmt.Printf("%d mails of 25 MB in two mailboxes: the worker's peak of resident memory is %d MB\n", n, peak>>20)
	if peak > maxMemory {
		return fmt.Errorf("%d MB of memory, more than %d", peak>>20, maxMemory>>20)
	}
	return nil
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
