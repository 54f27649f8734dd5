package testkit

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Change is one change of a row's state, as PostgreSQL saw it.
type Change struct {
	Table    string
	From, To string // From is "" when the row was made
}

// Witness has PostgreSQL itself write down every change of an offer's or a segment's state from now on: unlike contacts and agents
// they have no story of their own.
func (d Database) Witness(t testing.TB) {
	t.Helper()
	d.Exec(t, `
		CREATE TABLE witness (relation text NOT NULL, from_state text NOT NULL, to_state text NOT NULL);
		CREATE FUNCTION witness_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN
			IF TG_OP = 'INSERT' THEN
				INSERT INTO witness VALUES (TG_TABLE_NAME, '', NEW.state);
			ELSIF OLD.state <> NEW.state THEN
				INSERT INTO witness VALUES (TG_TABLE_NAME, OLD.state, NEW.state);
			END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER witness AFTER INSERT OR UPDATE ON offer FOR EACH ROW EXECUTE FUNCTION witness_change();
		CREATE TRIGGER witness AFTER INSERT OR UPDATE ON segment FOR EACH ROW EXECUTE FUNCTION witness_change();`)
}

// Witnessed lists the different changes since Witness, and how often each happened.
func (d Database) Witnessed(t testing.TB) map[Change]int {
	t.Helper()
	seen := map[Change]int{}
	d.owner(t, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT relation, from_state, to_state, count(*)::int FROM witness GROUP BY 1, 2, 3")
		if err != nil {
			return err
		}
		var change Change
		var n int
		_, err = pgx.ForEachRow(rows, []any{&change.Table, &change.From, &change.To, &n}, func() error {
			seen[change] = n
			return nil
		})
		return err
	})
	return seen
}
