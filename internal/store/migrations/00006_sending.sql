-- Sending: addresses that find their way back, replies that can be taken back, wait for their time, or are looked for.

-- +goose Up

ALTER TABLE mailbox
    ADD COLUMN plus_addressing boolean NOT NULL DEFAULT false,
    ADD COLUMN sent_folder text NOT NULL DEFAULT '',
    ADD COLUMN dkim jsonb NOT NULL DEFAULT '{}'; -- {"selector":"…","secret":"…"}; {} signs nothing

ALTER TABLE queue
    ADD COLUMN undo_seconds smallint NOT NULL DEFAULT 10 CHECK (undo_seconds BETWEEN 0 AND 60),
    ADD COLUMN signature text NOT NULL DEFAULT '' CHECK (length(signature) <= 1000),
    ADD COLUMN signature_ko text NOT NULL DEFAULT '' CHECK (length(signature_ko) <= 1000);

-- A reply with send_at waits for that time; one with held_at for a person, because the customer has written since (R22). One whose final dot was
-- sent and not answered stays 'sending', and is looked for at probe_at, probes times so far (R21).
ALTER TABLE outbox
    ADD COLUMN send_at  timestamptz,
    ADD COLUMN held_at  timestamptz,
    ADD COLUMN probe_at timestamptz,
    ADD COLUMN probes   smallint NOT NULL DEFAULT 0,
    ADD COLUMN released_at timestamptz, -- somebody said: send it now, or again
    ADD CHECK (held_at IS NULL OR state IN ('queued', 'cancelled', 'unknown')); -- 'unknown': after a restore
CREATE INDEX outbox_scheduled ON outbox (contact_id) WHERE state = 'queued' AND send_at IS NOT NULL;
GRANT UPDATE (send_at, held_at, released_at, probe_at, probes) ON outbox TO postroom_app;
