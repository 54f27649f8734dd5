-- The life of a contact: who holds what, and every deadline as a column (docs/decisions/0003). The constraints below make the
-- invariants I1, I2, I4 and I8 impossible to break, also where a lock is forgotten.

-- +goose Up

CREATE TABLE customer (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE customer_address (
    address     text PRIMARY KEY CHECK (address = lower(address)),
    customer_id uuid NOT NULL REFERENCES customer
);
CREATE INDEX customer_address_by_customer ON customer_address (customer_id);

CREATE TABLE thread (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE contact (
    id            uuid PRIMARY KEY,
    thread_id     uuid NOT NULL REFERENCES thread,
    customer_id   uuid NOT NULL REFERENCES customer,
    channel       text NOT NULL CHECK (channel IN ('email', 'voice', 'chat', 'social')),
    mailbox_id    text NOT NULL REFERENCES mailbox,
    subject       text NOT NULL,
    -- No UPDATE is granted on these two: they never change (I8).
    arrived_at    timestamptz NOT NULL,
    priority      smallint NOT NULL DEFAULT 0,
    queue_id      text REFERENCES queue,
    routed_by     jsonb,
    phase         text NOT NULL CHECK (phase IN ('new', 'waiting', 'offered', 'owned', 'wrapup', 'done')),
    outcome       text CHECK (outcome IN ('replied', 'closed_without_reply')),
    completed_at  timestamptz,
    -- version grows in every transaction that changes phase, holder, queue or a deadline; told is the highest version that the
    -- workflow is known to know; tell_at is when the reconciler tells it again.
    version       bigint NOT NULL DEFAULT 1,
    told          bigint NOT NULL DEFAULT 0,
    tell_at       timestamptz,
    tell_attempts smallint NOT NULL DEFAULT 0,
    CHECK ((phase = 'new') = (queue_id IS NULL)),
    CHECK ((phase = 'done') = (completed_at IS NOT NULL)),
    CHECK (told <= version)
);
CREATE INDEX contact_waiting ON contact (queue_id, priority DESC, arrived_at, id) WHERE phase = 'waiting';
CREATE INDEX contact_untold ON contact (tell_at) WHERE told < version;
CREATE UNIQUE INDEX contact_open_in_thread ON contact (thread_id) WHERE phase <> 'done';
CREATE INDEX contact_by_customer ON contact (customer_id, arrived_at DESC);

CREATE TABLE agent_state (
    agent_id           text PRIMARY KEY REFERENCES agent,
    state              text NOT NULL DEFAULT 'logged_out' CHECK (state IN ('logged_out', 'idle', 'available', 'rona')),
    idle_code          text NOT NULL DEFAULT '',
    since              timestamptz NOT NULL DEFAULT clock_timestamp(),
    version            bigint NOT NULL DEFAULT 1,
    -- Idle chosen as "after this contact"; takes effect in the transaction that frees the last slot (R13).
    idle_after_contact text NOT NULL DEFAULT '',
    -- Signed out while RONA: the next sign-in is RONA again (R10).
    owes_rona          boolean NOT NULL DEFAULT false,
    -- Somebody must look for work for this agent. Cleared only by a look that read the same wants_seq.
    wants_work         boolean NOT NULL DEFAULT false,
    wants_seq          bigint NOT NULL DEFAULT 0,
    wants_since        timestamptz,
    CHECK ((state = 'idle') = (idle_code <> ''))
);
CREATE INDEX agent_state_wanting ON agent_state (wants_since) WHERE wants_work;
CREATE INDEX agent_state_available ON agent_state (since) WHERE state = 'available';

-- Its own table, never agent_state: that row is the lock of every claim.
CREATE TABLE agent_lease (
    agent_id  text PRIMARY KEY REFERENCES agent,
    last_seen timestamptz NOT NULL
);

-- Processes that agents' desktops speak to. Only while one has been steady may anybody be called disconnected: without it no lease
-- could have been renewed.
CREATE TABLE process_lease (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL,
    steady_since timestamptz NOT NULL,
    last_seen    timestamptz NOT NULL
);

CREATE TABLE offer (
    id              uuid PRIMARY KEY,
    contact_id      uuid NOT NULL REFERENCES contact,
    agent_id        text NOT NULL REFERENCES agent,
    queue_id        text NOT NULL REFERENCES queue,
    channel         text NOT NULL CHECK (channel IN ('email', 'voice', 'chat', 'social')),
    slot            smallint NOT NULL CHECK (slot BETWEEN 1 AND 10),
    state           text NOT NULL CHECK (state IN ('live', 'accepted', 'wrapup', 'finished', 'declined', 'expired', 'unreachable',
                                                   'withdrawn', 'released')),
    -- A transferred segment's wrap-up counts for capacity, and not for who holds the contact (I1).
    segment_only    boolean NOT NULL DEFAULT false,
    rona_seconds    integer NOT NULL,
    reason          jsonb NOT NULL,
    offered_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    shown_at        timestamptz,
    accept_tried_at timestamptz,
    accepted_at     timestamptz,
    ended_at        timestamptz,
    end_cause       text,
    CHECK ((state IN ('live', 'accepted', 'wrapup')) = (ended_at IS NULL)),
    CHECK ((ended_at IS NULL) = (end_cause IS NULL)),
    CHECK (NOT segment_only OR state <> 'live')
);
-- I1: one owner or one live offer.
CREATE UNIQUE INDEX offer_holds_contact ON offer (contact_id)
    WHERE state IN ('live', 'accepted') OR (state = 'wrapup' AND NOT segment_only);
-- I2: capacity in numbered slots.
CREATE UNIQUE INDEX offer_takes_slot ON offer (agent_id, channel, slot) WHERE state IN ('live', 'accepted', 'wrapup');
CREATE INDEX offer_by_contact ON offer (contact_id, offered_at);
CREATE INDEX offer_by_agent ON offer (agent_id, offered_at DESC);
CREATE INDEX offer_live ON offer (expires_at) WHERE state = 'live';

CREATE TABLE segment (
    id                 uuid PRIMARY KEY,
    contact_id         uuid NOT NULL REFERENCES contact,
    kind               text NOT NULL CHECK (kind IN ('queue', 'agent')),
    queue_id           text NOT NULL REFERENCES queue,
    agent_id           text REFERENCES agent,
    offer_id           uuid UNIQUE REFERENCES offer,
    caused_by_offer_id uuid UNIQUE REFERENCES offer, -- I4: an offer that ended unanswered causes one stay in the queue
    state              text NOT NULL CHECK (state IN ('open', 'wrapup', 'ended')),
    outcome            text CHECK (outcome IN ('replied', 'closed_without_reply')),
    started_at         timestamptz NOT NULL,
    handled_at         timestamptz,
    ended_at           timestamptz,
    wrapup_note        text NOT NULL DEFAULT '',
    CHECK ((kind = 'agent') = (agent_id IS NOT NULL AND offer_id IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX segment_open_queue ON segment (contact_id) WHERE kind = 'queue' AND state = 'open';
CREATE UNIQUE INDEX segment_open_agent ON segment (contact_id) WHERE kind = 'agent' AND state = 'open';
CREATE INDEX segment_by_contact ON segment (contact_id, started_at);

CREATE TABLE wrapup (
    segment_id   uuid PRIMARY KEY REFERENCES segment,
    agent_id     text NOT NULL REFERENCES agent,
    code         text NOT NULL REFERENCES wrapup_code,
    status       text NOT NULL DEFAULT '' CHECK (status IN ('', 'resolved', 'waiting_for_customer', 'waiting_for_us', 'escalated')),
    sentiment    text NOT NULL DEFAULT '' CHECK (sentiment IN ('', 'positive', 'neutral', 'negative')),
    note         text NOT NULL DEFAULT '',
    automatic    boolean NOT NULL,
    completed_at timestamptz NOT NULL
);

-- Every change of an agent's state, with its cause. One RONA per offer (I4).
CREATE TABLE agent_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    agent_id   text NOT NULL REFERENCES agent,
    event      text NOT NULL,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    idle_code  text NOT NULL DEFAULT '',
    offer_id   uuid REFERENCES offer,
    actor      text NOT NULL
);
CREATE UNIQUE INDEX agent_log_one_rona ON agent_log (offer_id) WHERE event = 'misses an offer';
CREATE INDEX agent_log_by_agent ON agent_log (agent_id, at DESC);

-- The story of a contact that people see, and the source of reports. The application may append, and nothing else.
CREATE TABLE contact_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contact,
    at         timestamptz NOT NULL,
    event      text NOT NULL,
    from_phase text NOT NULL,
    to_phase   text NOT NULL,
    version    bigint NOT NULL,
    actor      text NOT NULL,
    queue_id   text,
    agent_id   text,
    offer_id   uuid,
    detail     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX contact_event_by_contact ON contact_event (contact_id, id);

-- What makes a mutation idempotent: written in the transaction of its effect. body_hash is keyed (R36).
CREATE TABLE request (
    actor      text NOT NULL,
    request_id uuid NOT NULL,
    rpc        text NOT NULL,
    body_hash  bytea NOT NULL,
    contact_id uuid,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (actor, request_id)
);
CREATE INDEX request_by_age ON request (at);

-- Event streams, numbered without gaps: the row's lock makes commit order the order of numbers (docs/decisions/0009).
CREATE TABLE stream (
    id  text PRIMARY KEY,
    seq bigint NOT NULL DEFAULT 0
);

CREATE TABLE event (
    stream_id  text NOT NULL REFERENCES stream,
    seq        bigint NOT NULL,
    at         timestamptz NOT NULL,
    kind       text NOT NULL,
    contact_id uuid,
    offer_id   uuid,
    state      text NOT NULL DEFAULT '',
    PRIMARY KEY (stream_id, seq)
);
CREATE INDEX event_by_age ON event (at);
