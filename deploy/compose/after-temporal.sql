-- After Temporal's databases were lost, restored or made anew: the reconciler starts or tells the workflow of everything that is open.
-- Run it with psql as the administrator; worker and API may run.
\set ON_ERROR_STOP on
BEGIN;
UPDATE contact SET told = 0, tell_at = clock_timestamp(), tell_attempts = 0
WHERE phase <> 'done' OR id IN (SELECT contact_id FROM outbox WHERE settled_at IS NULL);
UPDATE mailbox SET told = 0, tell_at = NULL;
COMMIT;
