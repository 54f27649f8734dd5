-- Mail, in and out. Texts and blobs here were re-built from parts that the card scanner passed (R36); no unscanned byte is stored.

-- +goose Up

-- How far a folder has been read. Only settled UIDs without holes below last_uid; the set difference finds the rest.
CREATE TABLE mailbox_cursor (
    mailbox_id  text NOT NULL REFERENCES mailbox,
    folder      text NOT NULL,
    uidvalidity bigint NOT NULL,
    last_uid    bigint NOT NULL,
    PRIMARY KEY (mailbox_id, folder)
);

CREATE TABLE message (
    id                  uuid PRIMARY KEY,
    thread_id           uuid REFERENCES thread,
    contact_id          uuid REFERENCES contact,
    direction           text NOT NULL CHECK (direction IN ('in', 'out')),
    from_name           text NOT NULL,
    from_address        text NOT NULL,
    reply_to            text NOT NULL DEFAULT '',
    recipients          jsonb NOT NULL,               -- [{"field":"to","name":"…","address":"…"}], no Bcc
    subject             text NOT NULL,
    body                text NOT NULL,
    headers             text NOT NULL DEFAULT '',     -- the header block, scanned; routing rules read it
    internet_message_id text NOT NULL,
    in_reply_to         text NOT NULL DEFAULT '',
    refs                text[] NOT NULL DEFAULT '{}',
    automatic           text NOT NULL DEFAULT '',
    masked              boolean NOT NULL DEFAULT false,
    size                bigint NOT NULL,
    blob_key            text NOT NULL DEFAULT '',
    sent_at             timestamptz,                  -- the Date field
    received_at         timestamptz NOT NULL,
    CHECK ((contact_id IS NULL) OR (thread_id IS NOT NULL))
);
CREATE INDEX message_by_contact ON message (contact_id, received_at);
CREATE INDEX message_by_thread ON message (thread_id, received_at);
CREATE INDEX message_by_internet_id ON message (internet_message_id);

CREATE TABLE attachment (
    id         uuid PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES message,
    ordinal    smallint NOT NULL,
    filename   text NOT NULL,
    media_type text NOT NULL,
    size       bigint NOT NULL,
    inline     boolean NOT NULL,
    content_id text NOT NULL DEFAULT '',
    verdict    text NOT NULL CHECK (verdict IN ('passed', 'destroyed', 'withheld')),
    reason     text NOT NULL DEFAULT '',
    blob_key   text NOT NULL DEFAULT '',
    UNIQUE (message_id, ordinal),
    CHECK ((verdict = 'passed') = (blob_key <> ''))
);

-- What was masked or destroyed, and where: never the value, never a digest of it (R29).
CREATE TABLE finding (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    contact_id uuid REFERENCES contact,
    message_id uuid REFERENCES message,
    place      text NOT NULL,
    kind       text NOT NULL,
    brand      text NOT NULL,
    last4      text NOT NULL CHECK (length(last4) <= 4),
    detector   text NOT NULL
);
CREATE INDEX finding_by_contact ON finding (contact_id);

-- Every mail that was fetched, once: the left-hand side of I7. digest is an HMAC of the bytes: a plain hash beside a redacted
-- copy could be reversed.
CREATE TABLE received (
    mailbox_id  text NOT NULL REFERENCES mailbox,
    folder      text NOT NULL,
    uidvalidity bigint NOT NULL,
    uid         bigint NOT NULL,
    size        bigint NOT NULL,
    digest      bytea,
    arrival     text NOT NULL CHECK (arrival IN ('opened', 'appended', 'duplicate', 'report', 'screened', 'quarantined')),
    reason      text NOT NULL DEFAULT '',
    message_id  uuid REFERENCES message,
    contact_id  uuid REFERENCES contact,
    at          timestamptz NOT NULL,
    -- What is still to be done in the mailbox, set in the transaction that stored the mail: '' nothing, 'mark', 'move', 'expunge'.
    pending     text NOT NULL DEFAULT '' CHECK (pending IN ('', 'mark', 'move', 'expunge')),
    PRIMARY KEY (mailbox_id, folder, uidvalidity, uid),
    CHECK ((arrival = 'quarantined') = (reason <> '')),
    CHECK ((arrival = 'opened' OR arrival = 'appended') <= (message_id IS NOT NULL AND contact_id IS NOT NULL))
);
CREATE UNIQUE INDEX received_once ON received (mailbox_id, digest) WHERE arrival <> 'duplicate' AND digest IS NOT NULL;
CREATE INDEX received_pending ON received (mailbox_id) WHERE pending <> '';

CREATE TABLE draft (
    contact_id uuid PRIMARY KEY REFERENCES contact,
    version    bigint NOT NULL,
    body       text NOT NULL,
    author     text NOT NULL REFERENCES agent,
    updated_at timestamptz NOT NULL
);

-- A reply on its way out: bytes and Message-ID are fixed before SMTP starts (R21). The attempt token is tested just before the
-- final dot, so that a frozen sender that was given up on cannot send after its successor (docs/decisions/0004).
CREATE TABLE outbox (
    id                  uuid PRIMARY KEY,
    contact_id          uuid NOT NULL REFERENCES contact,
    segment_id          uuid NOT NULL REFERENCES segment,
    message_id          uuid NOT NULL UNIQUE REFERENCES message,
    mailbox_id          text NOT NULL REFERENCES mailbox,
    request_id          uuid NOT NULL,
    envelope_from       text NOT NULL,
    envelope_to         text[] NOT NULL CHECK (cardinality(envelope_to) BETWEEN 1 AND 50),
    internet_message_id text NOT NULL UNIQUE,
    blob_key            text NOT NULL,
    state               text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'deferred', 'failed', 'bounced', 'unknown',
                                                       'cancelled')),
    due_at              timestamptz NOT NULL,
    created_at          timestamptz NOT NULL,
    attempts            integer NOT NULL DEFAULT 0,
    attempt_token       uuid,
    dot_sent_at         timestamptz,
    settled_at          timestamptz,
    reply_code          integer,
    enhanced_code       text NOT NULL DEFAULT '',
    server_text         text NOT NULL DEFAULT '',
    UNIQUE (contact_id, request_id),
    CHECK ((state = 'sending') <= (attempt_token IS NOT NULL)),
    CHECK ((state IN ('queued', 'sending', 'deferred')) = (settled_at IS NULL))
);
CREATE INDEX outbox_unsettled ON outbox (contact_id) WHERE settled_at IS NULL;
