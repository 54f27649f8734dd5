-- What arrives and is not simply a customer's new matter: reports about our own mail, and where they lead.

-- +goose Up

-- What a report says of a recipient of one of our mails (R34). A reply's own state is in outbox; here is why, in the words of others.
CREATE TABLE delivery_report (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    outbox_id  uuid NOT NULL REFERENCES outbox,
    message_id uuid NOT NULL REFERENCES message,      -- the report, as it came
    kind       text NOT NULL CHECK (kind IN ('bounce', 'receipt', 'feedback-report')),
    -- What led to the reply, the strongest first. A recipient's name alone proves nothing: anybody can write it.
    matched_by text NOT NULL CHECK (matched_by IN ('token', 'envelope_id', 'message_id', 'recipient')),
    address    text NOT NULL,                         -- as the report claims
    action     text NOT NULL,                         -- failed, delayed, delivered … (RFC 3464); displayed … (RFC 8098); abuse … (RFC 5965)
    status     text NOT NULL DEFAULT '',              -- RFC 3463
    class      text NOT NULL DEFAULT '',              -- its class: 2, 4 or 5
    hard       boolean NOT NULL DEFAULT false,        -- the address itself is wrong or gone
    reply_code integer NOT NULL DEFAULT 0,
    diagnostic text NOT NULL DEFAULT ''               -- the server's words, scanned (R36)
);
CREATE INDEX delivery_report_by_outbox ON delivery_report (outbox_id, id);
CREATE INDEX outbox_by_recipient ON outbox USING gin (envelope_to);

ALTER TABLE outbox ADD COLUMN bounced_at timestamptz;

-- What is known of an address by what came back from it.
CREATE TABLE address_mark (
    address       text PRIMARY KEY CHECK (address = lower(address)),
    bad_since     timestamptz, -- a hard bounce; NULL again when mail comes from it
    bad_status    text NOT NULL DEFAULT '',
    no_bulk_since timestamptz, -- somebody called our mail spam: answers still go there, bulk mail does not
    no_bulk_why   text NOT NULL DEFAULT ''
);

-- A report is of the thread that it is about, and nobody answers it. read_at: somebody's mail program says that it was displayed.
ALTER TABLE message
    ADD COLUMN standing text NOT NULL DEFAULT '' CHECK (standing IN ('', 'report')),
    ADD COLUMN read_at  timestamptz;

GRANT SELECT ON delivery_report, address_mark TO postroom_app;
GRANT INSERT ON delivery_report TO postroom_app;
GRANT INSERT, UPDATE ON address_mark TO postroom_app;
GRANT UPDATE (bounced_at) ON outbox TO postroom_app;
GRANT UPDATE (read_at) ON message TO postroom_app;

-- Threads (notes on the order of evidence: internal/store/thread.go). What proves by itself where a mail belongs is not in here: tokens and our
-- Message-IDs carry their proof. thread_key is weak: ids of customers' mails, which others may know.
CREATE TABLE thread_key (
    key       text NOT NULL,
    thread_id uuid NOT NULL REFERENCES thread,
    PRIMARY KEY (key, thread_id)
);
-- Who takes part in a thread beside its customer: to whom somebody who takes part has written, and to whom we have.
CREATE TABLE thread_participant (
    thread_id uuid NOT NULL REFERENCES thread,
    address   text NOT NULL CHECK (address = lower(address)),
    PRIMARY KEY (thread_id, address)
);
-- Where a mail may belong too: shown, and followed by nobody.
CREATE TABLE thread_hint (
    message_id uuid NOT NULL REFERENCES message,
    thread_id  uuid NOT NULL REFERENCES thread,
    evidence   text NOT NULL CHECK (evidence IN ('reference', 'thread_index', 'old')),
    PRIMARY KEY (message_id, thread_id)
);
ALTER TABLE thread ADD COLUMN merged_into uuid REFERENCES thread;
INSERT INTO thread_key (key, thread_id) SELECT DISTINCT internet_message_id, thread_id FROM message
    WHERE direction = 'in' AND thread_id IS NOT NULL AND internet_message_id <> '';

ALTER TABLE message DROP CONSTRAINT message_standing_check, ADD CHECK (standing IN ('', 'report', 'unverified'));

-- One mail that came by two ways differs in its bytes; logical is an HMAC of what is the same.
ALTER TABLE received ADD COLUMN logical bytea;
CREATE UNIQUE INDEX received_logically_once ON received (logical) WHERE arrival <> 'duplicate' AND logical IS NOT NULL;

-- Contacts of one customer that are one matter, or one contact that is two.
CREATE TABLE contact_merge (
    from_contact uuid PRIMARY KEY REFERENCES contact,
    into_contact uuid NOT NULL REFERENCES contact,
    from_thread  uuid NOT NULL REFERENCES thread,
    messages     uuid[] NOT NULL,
    at           timestamptz NOT NULL,
    actor        text NOT NULL,
    undone_into  uuid REFERENCES contact
);
ALTER TABLE contact
    ADD COLUMN split_from uuid REFERENCES contact,
    DROP CONSTRAINT contact_outcome_check,
    ADD CONSTRAINT contact_outcome_check CHECK (outcome IN ('replied', 'closed_without_reply', 'merged'));

GRANT SELECT ON thread_key, thread_participant, thread_hint, contact_merge TO postroom_app;
GRANT INSERT, DELETE ON thread_key TO postroom_app;
GRANT INSERT ON thread_participant, thread_hint, contact_merge TO postroom_app;
GRANT UPDATE (undone_into) ON contact_merge TO postroom_app;
GRANT UPDATE (thread_id, standing) ON message TO postroom_app;

-- Screened mail is listed with its reason, and can be released: then it opens or joins a contact as a person's mail does, later.
ALTER TABLE received
    DROP CONSTRAINT received_check,
    ADD CHECK (arrival <> 'quarantined' OR reason <> ''),
    ADD COLUMN thread_id   uuid REFERENCES thread, -- where a screened mail proved to belong
    ADD COLUMN released_at timestamptz;
CREATE INDEX received_screened ON received (at DESC) WHERE arrival IN ('screened', 'quarantined');
CREATE INDEX received_by_message ON received (message_id);
CREATE INDEX message_by_sender ON message (md5(lower(from_address)), received_at) WHERE direction = 'in'; -- addresses may be of any length
UPDATE received r SET reason = m.automatic FROM message m WHERE m.id = r.message_id AND r.arrival = 'screened' AND r.reason = '';

-- Who may not write to us: an address, or @domain with what is below it.
CREATE TABLE blocked_sender (
    pattern text PRIMARY KEY CHECK (pattern = lower(pattern) AND pattern LIKE '%@%'),
    at      timestamptz NOT NULL,
    actor   text NOT NULL
);
GRANT SELECT, INSERT, DELETE ON blocked_sender TO postroom_app;
GRANT UPDATE (contact_id, released_at) ON received TO postroom_app;
