-- What the organisation's own mail server found out about who wrote a mail (R48). Its words are customer text: they passed the scanner.

-- +goose Up

ALTER TABLE mailbox
    ADD COLUMN authserv_ids text[] NOT NULL DEFAULT '{}', -- whose Authentication-Results are believed; none: nobody's
    ADD COLUMN spam_header  boolean NOT NULL DEFAULT false; -- what these servers call spam is screened

ALTER TABLE message
    ADD COLUMN trust    jsonb NOT NULL DEFAULT '{}', -- {"hop", "spf", "dkim", "dkim_domain", "dmarc", "dmarc_from"}: what was said; {}: nothing that is believed
    ADD COLUMN identity text NOT NULL DEFAULT '' CHECK (identity IN ('', 'proved', 'refuted')), -- of the address that it is from
    ADD COLUMN reply_elsewhere boolean NOT NULL DEFAULT false, -- Reply-To names another organisation than From
    DROP CONSTRAINT message_standing_check,
    ADD CONSTRAINT message_standing_check CHECK (standing IN ('', 'report', 'unverified', 'spoofed'));
