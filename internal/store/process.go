package store

import (
	"context"
	"time"
)

var renewProcess = statement(`
	INSERT INTO process_lease AS p (id, kind, steady_since, last_seen) VALUES ($1, $2, postroom_now(), postroom_now())
	ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen,
		steady_since = CASE WHEN p.last_seen < postroom_now() - interval '15 seconds' THEN excluded.last_seen ELSE p.steady_since END`)
var forgetProcesses = statement(`DELETE FROM process_lease WHERE last_seen < postroom_now() - interval '1 hour'`)

// KindAPI is the kind of process that desktops speak to.
const KindAPI = "api"

// ProcessAlive says that a process is up and reaches the database; it is called every 5 s. After a gap it has to become steady again.
func (s *Store) ProcessAlive(ctx context.Context, id, kind string) error {
	return s.write(ctx, "say that a process is alive", func(ctx context.Context, tx *txn) error {
		if _, err := tx.Exec(ctx, forgetProcesses); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, renewProcess, id, kind)
		return err
	})
}

var readSteady = statement(`
	SELECT EXISTS (SELECT FROM process_lease WHERE kind = $1 AND last_seen > postroom_now() - interval '15 seconds'
	               AND steady_since < postroom_now() - $2::interval)`)

// Steady reports whether a process of a kind has been up and connected for at least d.
func (s *Store) Steady(ctx context.Context, kind string, d time.Duration) (bool, error) {
	steady, _, err := value[bool](ctx, s.pool, readSteady, kind, d)
	return steady, translate("read which processes are steady", err)
}
