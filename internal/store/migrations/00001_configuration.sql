-- What administrators decide, and the people who sign in. Rows are retired (active = false), never deleted: history refers to them.

-- +goose Up

-- Every deadline is decided by PostgreSQL's clock, as it is now and not as it was when the transaction began: now() is still
-- "in time" after a lock was waited for. Tests move the clock of their own connections with the setting postroom.shift.
-- +goose StatementBegin
CREATE FUNCTION postroom_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + coalesce(nullif(current_setting('postroom.shift', true), ''), '0')::interval
$$;
-- +goose StatementEnd

-- One row: which life of this database we are in. A restore changes the epoch, so that nobody resumes a stream of another life.
CREATE TABLE installation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch      uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE configuration (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text NOT NULL,
    document   text NOT NULL
);

CREATE TABLE profile (
    id     text PRIMARY KEY,
    name   text NOT NULL,
    active boolean NOT NULL DEFAULT true
);

CREATE TABLE profile_capacity (
    profile_id text NOT NULL REFERENCES profile,
    channel    text NOT NULL CHECK (channel IN ('email', 'voice', 'chat', 'social')),
    capacity   smallint NOT NULL CHECK (capacity BETWEEN 0 AND 10),
    PRIMARY KEY (profile_id, channel)
);

CREATE TABLE team (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    name_ko    text NOT NULL DEFAULT '',
    profile_id text REFERENCES profile,
    active     boolean NOT NULL DEFAULT true
);

CREATE TABLE agent (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    email      text NOT NULL,
    role       text NOT NULL CHECK (role IN ('agent', 'supervisor', 'administrator')),
    team_id    text REFERENCES team,
    profile_id text REFERENCES profile,
    active     boolean NOT NULL DEFAULT true
);

-- Inherited team → agent when the configuration is applied, so that a claim reads one row (R2).
CREATE TABLE agent_capacity (
    agent_id text NOT NULL REFERENCES agent,
    channel  text NOT NULL CHECK (channel IN ('email', 'voice', 'chat', 'social')),
    capacity smallint NOT NULL CHECK (capacity BETWEEN 0 AND 10),
    PRIMARY KEY (agent_id, channel)
);

CREATE TABLE idle_code (
    id       text PRIMARY KEY,
    name     text NOT NULL,
    name_ko  text NOT NULL DEFAULT '',
    position smallint NOT NULL,
    active   boolean NOT NULL DEFAULT true
);

CREATE TABLE wrapup_code (
    id            text PRIMARY KEY,
    name          text NOT NULL,
    name_ko       text NOT NULL DEFAULT '',
    note_required boolean NOT NULL,
    position      smallint NOT NULL,
    active        boolean NOT NULL DEFAULT true
);

-- A mailbox's workflow is told of changes as a contact's is: version, told, tell_at (docs/decisions/0003).
CREATE TABLE mailbox (
    id         text PRIMARY KEY,
    address    text NOT NULL,
    name       text NOT NULL,
    folder     text NOT NULL DEFAULT 'INBOX',
    imap       jsonb NOT NULL,
    smtp       jsonb NOT NULL,
    on_finding text NOT NULL CHECK (on_finding IN ('keep', 'move', 'expunge')),
    active     boolean NOT NULL DEFAULT true,
    version    bigint NOT NULL DEFAULT 1,
    told       bigint NOT NULL DEFAULT 0,
    tell_at    timestamptz
);
CREATE INDEX mailbox_untold ON mailbox (tell_at) WHERE told < version;

CREATE TABLE queue (
    id           text PRIMARY KEY,
    name         text NOT NULL,
    name_ko      text NOT NULL DEFAULT '',
    channel      text NOT NULL CHECK (channel IN ('email', 'voice', 'chat', 'social')),
    mailbox_id   text NOT NULL REFERENCES mailbox,
    priority     smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
    rona_seconds integer NOT NULL CHECK (rona_seconds BETWEEN 1 AND 6000),
    active       boolean NOT NULL DEFAULT true
);

CREATE TABLE queue_team (
    queue_id text NOT NULL REFERENCES queue,
    team_id  text NOT NULL REFERENCES team,
    PRIMARY KEY (queue_id, team_id)
);
CREATE INDEX queue_team_by_team ON queue_team (team_id);

CREATE TABLE queue_wrapup_code (
    queue_id text NOT NULL REFERENCES queue,
    code     text NOT NULL REFERENCES wrapup_code,
    position smallint NOT NULL,
    PRIMARY KEY (queue_id, code)
);

CREATE TABLE entry_point (
    address    text PRIMARY KEY CHECK (address = lower(address)),
    mailbox_id text NOT NULL REFERENCES mailbox,
    queue_id   text NOT NULL REFERENCES queue,
    active     boolean NOT NULL DEFAULT true
);

CREATE TABLE routing_rule (
    position   smallint PRIMARY KEY,
    conditions jsonb NOT NULL,
    queue_id   text NOT NULL REFERENCES queue
);

CREATE TABLE template (
    id       text NOT NULL,
    language text NOT NULL CHECK (language IN ('en', 'ko')),
    name     text NOT NULL,
    name_ko  text NOT NULL DEFAULT '',
    body     text NOT NULL,
    active   boolean NOT NULL DEFAULT true,
    PRIMARY KEY (id, language)
);

-- Credentials and sessions. A token is stored as its SHA-256: 256 random bits need no slow hash (R40).
CREATE TABLE account (
    agent_id      text PRIMARY KEY REFERENCES agent,
    password_hash text NOT NULL,
    sample        boolean NOT NULL DEFAULT false,
    changed_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE session (
    token_hash   bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    agent_id     text NOT NULL REFERENCES agent,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX session_open ON session (agent_id) WHERE ended_at IS NULL;

-- Failed sign-ins per account name; names that do not exist are counted too, so that they cannot be told apart.
CREATE TABLE sign_in_failure (
    name          text PRIMARY KEY,
    failures      integer NOT NULL,
    blocked_until timestamptz NOT NULL
);

-- Who did what to which object, before and after. The application may append, and nothing else (R43).
CREATE TABLE audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor  text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    before jsonb,
    after  jsonb
);
