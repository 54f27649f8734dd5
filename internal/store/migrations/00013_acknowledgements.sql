-- Acknowledgements: what a customer is told by itself when his mail opened a contact (R34, docs/decisions/0022).

-- +goose Up

-- The template that is sent; '' for none.
ALTER TABLE queue ADD COLUMN acknowledgement text NOT NULL DEFAULT '';

-- Whether it is still to be decided if a contact's first mail is acknowledged. Set when the mail comes, if anything asks for that and nothing forbids it.
ALTER TABLE contact ADD COLUMN acknowledge boolean NOT NULL DEFAULT false;
GRANT UPDATE (acknowledge) ON contact TO postroom_app;

ALTER TABLE outbox DROP CONSTRAINT outbox_purpose_check,
    ADD CONSTRAINT outbox_purpose_check CHECK (purpose IN ('reply', 'forward', 'new', 'acknowledgement'));
CREATE UNIQUE INDEX outbox_one_acknowledgement ON outbox (contact_id) WHERE purpose = 'acknowledgement';

-- Who got one, and when last: one in 24 hours. A row is taken by who sends, so that of two at once one goes without.
CREATE TABLE acknowledged (
    address    text PRIMARY KEY CHECK (address = lower(address)),
    at         timestamptz NOT NULL,
    contact_id uuid NOT NULL REFERENCES contact
);
CREATE INDEX acknowledged_by_age ON acknowledged (at);
-- How many went out from a mailbox since when: a breaker that opens when somebody makes us write to too many. The row is the lock of who sends.
CREATE TABLE acknowledgement_rate (
    mailbox_id text PRIMARY KEY REFERENCES mailbox,
    since      timestamptz NOT NULL,
    sent       integer NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON acknowledged TO postroom_app;
GRANT SELECT, INSERT, UPDATE ON acknowledgement_rate TO postroom_app;
