-- What the application's role may do: the owner migrates, the application works. Columns and tables that never change have no
-- UPDATE granted; audit, contact_event and agent_log can be appended to and nothing else (R43, I8).

-- +goose Up

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO postroom_app', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO postroom_app', current_schema());
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO postroom_app', current_schema());
END $$;
-- +goose StatementEnd

GRANT INSERT ON configuration, audit, contact_event, agent_log, finding, wrapup TO postroom_app;

GRANT INSERT, UPDATE ON profile, team, agent, idle_code, wrapup_code, mailbox, queue, entry_point, template TO postroom_app;
GRANT INSERT, UPDATE, DELETE ON profile_capacity, agent_capacity, queue_team, queue_wrapup_code, routing_rule TO postroom_app;

GRANT INSERT, UPDATE, DELETE ON account, session, sign_in_failure, agent_lease, process_lease TO postroom_app;
GRANT INSERT, UPDATE ON agent_state TO postroom_app;

GRANT INSERT, UPDATE ON customer, customer_address, thread TO postroom_app;
GRANT INSERT ON contact TO postroom_app;
GRANT UPDATE (queue_id, routed_by, phase, outcome, completed_at, version, told, tell_at, tell_attempts) ON contact TO postroom_app;
GRANT INSERT ON offer TO postroom_app;
GRANT UPDATE (state, segment_only, shown_at, accept_tried_at, accepted_at, ended_at, end_cause) ON offer TO postroom_app;
GRANT INSERT ON segment TO postroom_app;
GRANT UPDATE (state, outcome, handled_at, ended_at, wrapup_note) ON segment TO postroom_app;

GRANT INSERT, DELETE ON request, event TO postroom_app;
GRANT INSERT, UPDATE ON stream TO postroom_app;

GRANT INSERT, UPDATE ON mailbox_cursor TO postroom_app;
GRANT INSERT ON message, attachment TO postroom_app;
GRANT UPDATE (contact_id) ON message TO postroom_app; -- what was unseen at completion moves to the next contact (R22)
GRANT INSERT ON received TO postroom_app;
GRANT UPDATE (pending) ON received TO postroom_app;
GRANT INSERT, UPDATE ON draft TO postroom_app;
GRANT INSERT ON outbox TO postroom_app;
GRANT UPDATE (state, due_at, attempts, attempt_token, dot_sent_at, settled_at, reply_code, enhanced_code, server_text) ON outbox TO postroom_app;
