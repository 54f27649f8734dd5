package testkit

import (
	"sync"
	"testing"

	"github.com/postroom/postroom/internal/store"
)

// CrowdSize is how many connections a Crowd has, and how many goroutines a race test starts.
const CrowdSize = 64

// crowdStores is over how many pools a Crowd's connections are spread, as over so many processes.
const crowdStores = 4

// oneCrowd lets one test at a time have a Crowd: the server takes 200 connections, and two crowds on two cores are slower than one
// after the other.
var oneCrowd sync.Mutex

// Crowd is CrowdSize connections in several pools: what many processes at once are to the database.
type Crowd []*store.Store

// NewCrowd opens a crowd over the schema, until the test ends. It waits for the crowd of another test to go. The test fails if PostgreSQL
// had to break a deadlock meanwhile: who locks in the order that the store prescribes meets none.
func (d Database) NewCrowd(t testing.TB, o store.Options) Crowd {
	t.Helper()
	oneCrowd.Lock()
	t.Cleanup(oneCrowd.Unlock)
	const deadlocks = "SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()"
	before := d.Count(t, deadlocks)
	t.Cleanup(func() {
		if after := d.Count(t, deadlocks); after > before {
			t.Errorf("PostgreSQL broke %d deadlocks", after-before)
		}
	})
	o.MaxConns = CrowdSize / crowdStores
	crowd := make(Crowd, crowdStores)
	for i := range crowd {
		crowd[i] = d.Open(t, o)
	}
	return crowd
}

// Store is the store that the goroutine of a number uses.
func (c Crowd) Store(i int) *store.Store { return c[i%len(c)] }

// Together calls f n times at once, each call with its number, and returns what they returned, by number. All start when the last is
// ready.
func Together[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			results[i] = f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return results
}
