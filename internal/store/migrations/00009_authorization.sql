-- How a mailbox is signed in to with OAuth 2, and the refresh token that somebody handed in for it: sealed by the key ring outside the database
-- (R39), for one client of one token endpoint and for the servers that the mailbox had then.

-- +goose Up

ALTER TABLE mailbox ADD COLUMN oauth jsonb NOT NULL DEFAULT '{}';

CREATE TABLE mailbox_authorization (
    mailbox_id text PRIMARY KEY REFERENCES mailbox,
    sealed     bytea NOT NULL,                 -- the refresh token that is good now
    version    bigint NOT NULL DEFAULT 1,      -- of the token: another one with each that is handed in, or put in its place by the provider
    given_at   timestamptz NOT NULL,
    renewed_at timestamptz,                    -- when an access token was last had with it
    problem    text NOT NULL DEFAULT '',       -- why it is good no more; '' while it is
    problem_at timestamptz,
    CHECK ((problem = '') = (problem_at IS NULL))
);

GRANT SELECT, INSERT, UPDATE ON mailbox_authorization TO postroom_app;
