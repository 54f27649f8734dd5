-- Routing as a contact centre does it: sites, skills, modes, stages of a wait, who has room, whom a contact waits for, parking, notes and
-- reminders. The rules of a queue are one JSON value (postroom.QueueRules); what a choice is made by is in columns and indexes.

-- +goose Up

CREATE TABLE site (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    name_ko    text NOT NULL DEFAULT '',
    profile_id text REFERENCES profile,
    active     boolean NOT NULL DEFAULT true
);
ALTER TABLE team ADD COLUMN site_id text REFERENCES site;

ALTER TABLE profile ADD COLUMN mode text NOT NULL DEFAULT 'blended' CHECK (mode IN ('blended', 'blended_real_time', 'exclusive'));

CREATE TABLE skill (
    id       text PRIMARY KEY,
    name     text NOT NULL,
    name_ko  text NOT NULL DEFAULT '',
    position smallint NOT NULL,
    active   boolean NOT NULL DEFAULT true
);

CREATE TABLE agent_skill (
    agent_id text NOT NULL REFERENCES agent,
    skill_id text NOT NULL REFERENCES skill,
    level    smallint NOT NULL CHECK (level BETWEEN 1 AND 10),
    PRIMARY KEY (agent_id, skill_id)
);
ALTER TABLE agent ADD COLUMN may_force_states boolean NOT NULL DEFAULT false;

CREATE TABLE business_hours (
    id        text PRIMARY KEY,
    name      text NOT NULL,
    name_ko   text NOT NULL DEFAULT '',
    time_zone text NOT NULL,
    open      jsonb NOT NULL,
    holidays  jsonb NOT NULL,
    active    boolean NOT NULL DEFAULT true
);

-- open_from and open_until are the present or the next span in which the queue's hours are open; both NULL: always. Whoever notices that
-- a span is over writes the next one, so that a choice compares two columns with the clock.
ALTER TABLE queue
    ADD COLUMN rules              jsonb NOT NULL DEFAULT '{"type": "longest_available_agent", "ageing_step": 3600000000000, "owner_lease": 1800000000000}',
    ADD COLUMN hours_id           text REFERENCES business_hours,
    ADD COLUMN ageing_seconds     integer NOT NULL DEFAULT 3600 CHECK (ageing_seconds BETWEEN 60 AND 604800),
    ADD COLUMN owner_lease_seconds integer NOT NULL DEFAULT 1800 CHECK (owner_lease_seconds BETWEEN 60 AND 86400),
    ADD COLUMN open_from          timestamptz,
    ADD COLUMN open_until         timestamptz,
    ADD COLUMN opened_for         timestamptz, -- the open_from of the span for which agents were made to look
    ADD COLUMN auto_wrapup_seconds integer NOT NULL DEFAULT 0 CHECK (auto_wrapup_seconds = 0 OR auto_wrapup_seconds BETWEEN 5 AND 900),
    ADD COLUMN wrapup_extensions  smallint NOT NULL DEFAULT 0 CHECK (wrapup_extensions BETWEEN 0 AND 10),
    ADD COLUMN default_wrapup_code text REFERENCES wrapup_code,
    ADD COLUMN wrapup_guidance    text NOT NULL DEFAULT '' CHECK (length(wrapup_guidance) <= 500),
    ADD COLUMN wrapup_guidance_ko text NOT NULL DEFAULT '' CHECK (length(wrapup_guidance_ko) <= 500),
    -- How often the rules have changed by which contacts wait; and, while some still wait by the rules of before, from when on the next of
    -- them are told (R3).
    ADD COLUMN rules_changed      bigint NOT NULL DEFAULT 0,
    ADD COLUMN refit_at           timestamptz,
    ADD CHECK ((open_from IS NULL) = (open_until IS NULL)),
    ADD CHECK ((auto_wrapup_seconds > 0) = (default_wrapup_code IS NOT NULL));

-- The stages of a wait (postroom.Queue.Steps), and which agents each admits and how well they suit: written when the configuration is
-- applied, so that a choice is an index probe.
CREATE TABLE queue_step (
    queue_id      text NOT NULL REFERENCES queue,
    step          smallint NOT NULL,
    after_seconds integer NOT NULL,
    PRIMARY KEY (queue_id, step)
);
CREATE TABLE agent_lane (
    agent_id text NOT NULL REFERENCES agent,
    queue_id text NOT NULL REFERENCES queue,
    step     smallint NOT NULL,
    score    smallint NOT NULL,
    PRIMARY KEY (agent_id, queue_id, step)
);
CREATE INDEX agent_lane_by_lane ON agent_lane (queue_id, step, agent_id) INCLUDE (score);

ALTER TABLE agent_state ADD COLUMN mode text NOT NULL DEFAULT 'blended' CHECK (mode IN ('blended', 'blended_real_time', 'exclusive'));

-- How many more contacts of a channel an agent may be offered now: postroom.MultimediaProfile.Room, and zero unless he is Available and
-- not about to be Idle. Kept by triggers, so that nobody can forget it; every change of what it is made from happens under the agent's lock.
CREATE TABLE agent_room (
    agent_id   text NOT NULL REFERENCES agent,
    channel    text NOT NULL,
    room       smallint NOT NULL,
    free_since timestamptz NOT NULL, -- Available since, or last offered something, whichever is later
    PRIMARY KEY (agent_id, channel)
) WITH (fillfactor = 70);
CREATE INDEX agent_room_free ON agent_room (channel, free_since) WHERE room > 0;

-- +goose StatementBegin
CREATE FUNCTION refresh_room(who text) RETURNS void LANGUAGE plpgsql AS $$ -- its plan is kept; one in SQL would be planned at each offer
BEGIN
    WITH held AS (
        SELECT channel, count(*)::int AS n FROM offer WHERE agent_id = who AND state IN ('live', 'accepted', 'wrapup') GROUP BY channel
    ), now AS (
        SELECT k.channel, s.state = 'available' AND s.idle_after_contact = '' AS able, s.mode,
               greatest(0, k.capacity - coalesce((SELECT n FROM held h WHERE h.channel = k.channel), 0)) AS room,
               EXISTS (SELECT FROM held) AS holds,
               k.channel IN ('voice', 'chat') AND EXISTS (SELECT FROM held h WHERE h.channel <> k.channel AND h.channel IN ('voice', 'chat')) AS talks,
               greatest(s.since, (SELECT max(offered_at) FROM offer o WHERE o.agent_id = who)) AS free_since
        FROM agent_capacity k JOIN agent_state s USING (agent_id) WHERE k.agent_id = who
    )
    INSERT INTO agent_room (agent_id, channel, room, free_since)
    SELECT who, channel, CASE
               WHEN NOT able THEN 0
               WHEN mode = 'exclusive' THEN CASE WHEN holds THEN 0 ELSE least(1, room) END
               WHEN mode = 'blended_real_time' AND talks THEN 0
               ELSE room END, free_since
    FROM now
    ON CONFLICT (agent_id, channel) DO UPDATE SET room = excluded.room, free_since = excluded.free_since
        WHERE agent_room.room <> excluded.room OR agent_room.free_since <> excluded.free_since;
END $$;
CREATE FUNCTION room_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_room(NEW.agent_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER offer_room AFTER INSERT OR UPDATE OF state ON offer FOR EACH ROW EXECUTE FUNCTION room_changed();
CREATE TRIGGER agent_state_room AFTER INSERT OR UPDATE OF state, idle_after_contact, mode ON agent_state FOR EACH ROW EXECUTE FUNCTION room_changed();
CREATE TRIGGER agent_capacity_room AFTER INSERT OR UPDATE ON agent_capacity FOR EACH ROW EXECUTE FUNCTION room_changed();

-- Where a contact stands in its wait. rank_at orders a lane: arrived_at less one ageing step for each level of priority, so that the
-- order of two contacts of a queue never changes with time. A contact with a target is that agent's until target_until.
ALTER TABLE contact
    ADD COLUMN queued_at         timestamptz,              -- came into its present queue
    ADD COLUMN step              smallint NOT NULL DEFAULT 0,
    ADD COLUMN rank_at           timestamptz,
    ADD COLUMN assigned_priority smallint CHECK (assigned_priority BETWEEN 0 AND 9), -- a supervisor's; NULL: its own
    ADD COLUMN due_at            timestamptz,              -- by the queue's service level
    ADD COLUMN target_agent_id   text REFERENCES agent,
    ADD COLUMN target_until      timestamptz,
    ADD COLUMN parked_until      timestamptz,              -- 'infinity': until the customer writes
    ADD COLUMN begun_from        uuid REFERENCES contact,  -- reopened (R46)
    ADD COLUMN fitted            bigint NOT NULL DEFAULT 0, -- the queue's rules_changed that step and rank_at were last made to follow
    DROP CONSTRAINT contact_phase_check,
    ADD CONSTRAINT contact_phase_check CHECK (phase IN ('new', 'waiting', 'offered', 'owned', 'parked', 'wrapup', 'done')),
    ADD CHECK ((target_agent_id IS NULL) = (target_until IS NULL)),
    ADD CHECK ((phase = 'parked') = (parked_until IS NOT NULL)),
    ADD CHECK (phase <> 'waiting' OR (queued_at IS NOT NULL AND rank_at IS NOT NULL));
UPDATE contact c SET queued_at = arrived_at, rank_at = arrived_at - c.priority * make_interval(secs => q.ageing_seconds) FROM queue q WHERE q.id = c.queue_id;
DROP INDEX contact_waiting;
CREATE INDEX contact_lane ON contact (queue_id, step, rank_at, id) WHERE phase = 'waiting' AND target_agent_id IS NULL;
CREATE INDEX contact_targeted ON contact (target_agent_id, rank_at, id) WHERE phase = 'waiting' AND target_agent_id IS NOT NULL;
CREATE INDEX contact_done_in_thread ON contact (thread_id, completed_at) WHERE phase = 'done';
CREATE INDEX contact_parked ON contact (parked_until) WHERE phase = 'parked';
CREATE INDEX contact_in_queue ON contact (queue_id, arrived_at) WHERE phase IN ('waiting', 'offered');
CREATE INDEX contact_open ON contact (arrived_at, id) WHERE phase <> 'done';

-- Who refused what lately (R11).
CREATE INDEX offer_refused ON offer (agent_id, ended_at, contact_id) WHERE state IN ('declined', 'expired', 'unreachable');
CREATE INDEX offer_refused_by_contact ON offer (contact_id, ended_at) WHERE state IN ('declined', 'expired', 'unreachable');

ALTER TABLE segment
    ADD COLUMN wrapup_due_at     timestamptz,
    ADD COLUMN wrapup_extensions smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT segment_outcome_check,
    ADD CONSTRAINT segment_outcome_check CHECK (outcome IN ('replied', 'closed_without_reply', 'transferred'));

CREATE INDEX segment_wrapup_due ON segment (wrapup_due_at) WHERE state = 'wrapup';

-- The configuration's version that made a change; empty for what is no change of the configuration.
ALTER TABLE audit ADD COLUMN version bigint REFERENCES configuration;
CREATE INDEX audit_of_version ON audit (version) WHERE version IS NOT NULL;

-- Internal notes (R47): scanned when they are written (R37), never changed.
CREATE TABLE note (
    id         uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contact,
    author     text NOT NULL REFERENCES agent,
    at         timestamptz NOT NULL,
    body       text NOT NULL
);
CREATE INDEX note_by_contact ON note (contact_id, at);

-- Reminders (R25). The date and time are kept as they were given, with their zone: due_at is made from them again whenever the workflow
-- looks, so that a change of the zone's rules moves the reminder with the clock on the wall.
CREATE TABLE reminder (
    id         uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contact,
    author     text NOT NULL REFERENCES agent,
    assignee   text NOT NULL REFERENCES agent,
    local_due  text NOT NULL,     -- 2026-12-01T09:00
    time_zone  text NOT NULL,     -- Asia/Seoul
    due_at     timestamptz NOT NULL,
    body       text NOT NULL DEFAULT '',
    state      text NOT NULL CHECK (state IN ('set', 'fired', 'done', 'cancelled')),
    fired_at   timestamptz,
    fired_to   text[] NOT NULL DEFAULT '{}',
    ended_at   timestamptz,
    version    bigint NOT NULL DEFAULT 1,
    told       bigint NOT NULL DEFAULT 0,
    tell_at    timestamptz,
    created_at timestamptz NOT NULL,
    CHECK ((state IN ('done', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK (state <> 'fired' OR fired_at IS NOT NULL)
);
CREATE INDEX reminder_untold ON reminder (tell_at) WHERE told < version;
CREATE INDEX reminder_by_contact ON reminder (contact_id);
CREATE INDEX reminder_due ON reminder (due_at) WHERE state = 'set';
CREATE INDEX reminder_fired ON reminder USING gin (fired_to) WHERE state = 'fired';
ALTER TABLE event ADD COLUMN reminder_id uuid;
CREATE INDEX reminder_by_assignee ON reminder (assignee, due_at) WHERE state IN ('set', 'fired');

GRANT SELECT ON site, skill, agent_skill, business_hours, queue_step, agent_lane, agent_room, note, reminder TO postroom_app;
GRANT INSERT, UPDATE ON site, skill, business_hours, agent_room TO postroom_app;
GRANT INSERT, UPDATE, DELETE ON agent_skill, queue_step, agent_lane TO postroom_app;
GRANT UPDATE (queued_at, step, rank_at, fitted, assigned_priority, due_at, target_agent_id, target_until, parked_until) ON contact TO postroom_app;
GRANT UPDATE (wrapup_due_at, wrapup_extensions) ON segment TO postroom_app;
GRANT INSERT ON note TO postroom_app;
GRANT INSERT ON reminder TO postroom_app;
GRANT UPDATE (assignee, local_due, time_zone, due_at, body, state, fired_at, fired_to, ended_at, version, told, tell_at) ON reminder TO postroom_app;
