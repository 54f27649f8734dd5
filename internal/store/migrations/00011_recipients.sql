-- To whom a mail of ours goes, each with what became of it, and what an agent decided on a mail before it was made.

-- +goose Up

-- Each recipient of a mail on its way out. outbox.envelope_to is all of them at once, for looking them up; a row that an older binary wrote has none
-- here. Who is in Bcc stands here, in envelope_to and in composition, and nowhere else: not in the mail, not in message.recipients.
CREATE TABLE outbox_recipient (
    outbox_id     uuid NOT NULL REFERENCES outbox,
    position      smallint NOT NULL CHECK (position BETWEEN 0 AND 49),
    kind          text NOT NULL CHECK (kind IN ('to', 'cc', 'bcc')),
    name          text NOT NULL DEFAULT '',
    address       text NOT NULL,
    state         text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'deferred', 'failed', 'bounced', 'unknown', 'cancelled')),
    reply_code    integer NOT NULL DEFAULT 0,       -- of the last attempt; 0: there was no answer
    enhanced_code text NOT NULL DEFAULT '',         -- RFC 3463
    server_text   text NOT NULL DEFAULT '',         -- the server's words, scanned (R36)
    tried_at      timestamptz,
    PRIMARY KEY (outbox_id, position),
    UNIQUE (outbox_id, address)
);
INSERT INTO outbox_recipient (outbox_id, position, kind, address, state, reply_code, enhanced_code, server_text, name)
    SELECT x.id, u.n - 1, 'to', u.address, x.state, coalesce(x.reply_code, 0), x.enhanced_code, x.server_text,
           coalesce((SELECT r->>'name' FROM message m, jsonb_array_elements(m.recipients) r WHERE m.id = x.message_id AND r->>'address' = u.address LIMIT 1), '')
    FROM outbox x, unnest(x.envelope_to) WITH ORDINALITY AS u (address, n);

-- What a mail of ours is: an answer, the mail of somebody passed on to an outside address, or the first of a contact that an agent began.
ALTER TABLE outbox ADD COLUMN purpose text NOT NULL DEFAULT 'reply' CHECK (purpose IN ('reply', 'forward', 'new'));

-- What an agent decided beside the text, when he sent it: the text itself is his draft, of that version, unless he passes a mail on while he drafts an
-- answer. Payloads of workflows name it and hold none of it.
CREATE TABLE composition (
    id            uuid PRIMARY KEY,
    contact_id    uuid NOT NULL REFERENCES contact,
    draft_version bigint NOT NULL,
    body          text,                             -- of a mail that is passed on; NULL: the draft
    purpose       text NOT NULL CHECK (purpose IN ('reply', 'forward', 'new')),
    mailbox_id    text REFERENCES mailbox,          -- whom it is from; NULL: the queue's
    recipients    jsonb NOT NULL,                   -- [{"field":"to","name":"…","address":"…"}], Bcc too
    subject       text NOT NULL DEFAULT '',         -- '': made from the mail that is answered or forwarded
    html          text NOT NULL DEFAULT '',         -- the author's, sanitised and scanned; '': he wrote text
    original      uuid REFERENCES message,          -- the mail that is forwarded
    attachments   uuid[] NOT NULL DEFAULT '{}',     -- those of it that go along
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX composition_by_contact ON composition (contact_id, created_at);

-- An agent wrote first (R23): begun_by says who. No mail, no earlier contact and no split led to it.
ALTER TABLE contact ADD COLUMN begun_by text REFERENCES agent;

-- The mailboxes that agents may write from beside the queue's own (R15).
ALTER TABLE queue ADD COLUMN from_mailboxes text[] NOT NULL DEFAULT '{}';

GRANT SELECT, INSERT ON outbox_recipient, composition TO postroom_app;
GRANT UPDATE (state, reply_code, enhanced_code, server_text, tried_at) ON outbox_recipient TO postroom_app;
