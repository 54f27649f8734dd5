-- After a backup of the product's database was restored, and before worker and API start: run it with psql as the administrator, and
-- after-temporal.sql after it (docs/operations.md).
\set ON_ERROR_STOP on
BEGIN;
-- Another life of the database: desktops and workflows that knew more than it does follow it all the same.
UPDATE installation SET epoch = gen_random_uuid();
-- A session that was ended since the backup must not come back; agents sign in again.
DELETE FROM session;
-- What was on its way then may have been sent since: it is shown as unknown, and not sent a second time.
UPDATE outbox SET state = 'unknown', settled_at = clock_timestamp() WHERE settled_at IS NULL;
COMMIT;
