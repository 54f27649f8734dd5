-- Attachments, both ways: what a virus scanner said, which files the configuration lets pass, and the files of drafts. Bytes are in blob storage,
-- after the card scanner passed them (R36); what may not be kept has a row that says why, and no blob.

-- +goose Up

-- 'blocked': of a type that may not pass; 'infected': malware; neither is stored. 'unchecked': stored, and given to nobody until the virus scanner
-- has seen it.
ALTER TABLE attachment
    DROP CONSTRAINT attachment_verdict_check,
    DROP CONSTRAINT attachment_check,
    ADD CONSTRAINT attachment_verdict_check CHECK (verdict IN ('passed', 'destroyed', 'withheld', 'blocked', 'infected', 'unchecked')),
    ADD CONSTRAINT attachment_stored CHECK ((verdict IN ('passed', 'unchecked')) = (blob_key <> '')),
    ADD COLUMN malware text NOT NULL DEFAULT 'unscanned' CHECK (malware IN ('clean', 'infected', 'failed', 'unscanned')),
    ADD COLUMN malware_name text NOT NULL DEFAULT ''; -- what a foreign list calls it, scanned
CREATE INDEX attachment_by_blob ON attachment (blob_key) WHERE blob_key <> '';
GRANT UPDATE (verdict, reason, blob_key, malware, malware_name) ON attachment TO postroom_app;

-- Which files may come and go, beside active content, which never may (R16). One row, or none: everything else may.
CREATE TABLE attachment_rules (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    allowed text[] NOT NULL,
    blocked text[] NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON attachment_rules TO postroom_app;

-- A file of a contact's draft: it stays with the contact as the draft does, is taken by the reply that is sent, and comes back if that is undone (R20).
-- upload_id is whoever uploads's own name for it: the same one again is the same file. Blobs are never copied: a file that was sent and came back
-- is the same blob under several rows.
CREATE TABLE draft_attachment (
    id         uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contact,
    upload_id  uuid NOT NULL,
    agent_id   text NOT NULL REFERENCES agent,
    filename   text NOT NULL,
    media_type text NOT NULL,
    size       bigint NOT NULL,
    inline     boolean NOT NULL DEFAULT false,
    content_id text NOT NULL DEFAULT '' CHECK (inline = (content_id <> '')),
    digest     bytea,                      -- keyed; NULL if it was not uploaded but taken from a message
    malware    text NOT NULL CHECK (malware IN ('clean', 'unscanned')),
    blob_key   text NOT NULL CHECK (blob_key <> ''),
    created_at timestamptz NOT NULL,
    UNIQUE (contact_id, upload_id)
);
CREATE INDEX draft_attachment_by_blob ON draft_attachment (blob_key);
GRANT SELECT, INSERT, DELETE ON draft_attachment TO postroom_app;
