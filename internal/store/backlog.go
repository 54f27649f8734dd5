package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// BacklogAges are the bounds of the ages by which a backlog is counted (R33): below the first, below the second, … and above the last.
var BacklogAges = []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// QueueBacklog is what is open in one queue.
type QueueBacklog struct {
	Queue   postroom.QueueID `json:"queue"`
	Name    string           `json:"name"`
	NameKo  string           `json:"name_ko"`
	Waiting int              `json:"waiting"`
	Offered int              `json:"offered"`
	Owned   int              `json:"owned"`
	WrapUp  int              `json:"wrap_up"`
	Parked  int              `json:"parked"`
	Oldest  *time.Time       `json:"oldest,omitzero"` // arrival of the oldest that waits or is offered; nil: none
	Overdue int              `json:"overdue"`         // wait or are offered, and should have been answered by the queue's service level
	// ByAge counts what waits or is offered by age since its arrival: one number more than BacklogAges.
	ByAge []int32 `json:"by_age"`
}

type backlogRow struct {
	Queue   postroom.QueueID
	Name    string
	NameKo  string
	Phase   postroom.ContactPhase // "" and Age 0: nothing is open
	Age     int
	Count   int
	Oldest  *time.Time
	Overdue int
}

var readBacklog = statement(`
	SELECT q.id, q.name, q.name_ko, coalesce(c.phase, ''), coalesce(c.age, 0), coalesce(c.n, 0)::int, c.oldest, coalesce(c.overdue, 0)::int
	FROM queue q LEFT JOIN (
		SELECT queue_id, phase, width_bucket(extract(epoch FROM postroom_now() - arrived_at)::float8, $2::float8[]) AS age, count(*) AS n,
		       min(arrived_at) AS oldest, count(*) FILTER (WHERE due_at < postroom_now()) AS overdue
		FROM contact WHERE phase <> 'done' AND ($3 = '' OR queue_id = $3) GROUP BY 1, 2, 3) c ON c.queue_id = q.id
	WHERE (q.active OR c.n > 0) AND ($1 = '' OR EXISTS (SELECT FROM queue_team t WHERE t.queue_id = q.id AND t.team_id = $1))
	  AND ($3 = '' OR q.id = $3)
	ORDER BY q.id`)

// Backlog counts what is open, by queue: of the queues that a team serves, or of all; of one of them, if one is given.
func (s *Store) Backlog(ctx context.Context, team postroom.TeamID, queue postroom.QueueID) ([]QueueBacklog, error) {
	bounds := make([]float64, len(BacklogAges))
	for i, a := range BacklogAges {
		bounds[i] = a.Seconds()
	}
	rows, err := all[backlogRow](ctx, s.pool, readBacklog, string(team), bounds, string(queue))
	if err != nil {
		return nil, translate("read the backlog", err)
	}
	var queues []QueueBacklog
	for _, r := range rows {
		if len(queues) == 0 || queues[len(queues)-1].Queue != r.Queue {
			queues = append(queues, QueueBacklog{Queue: r.Queue, Name: r.Name, NameKo: r.NameKo, ByAge: make([]int32, len(BacklogAges)+1)})
		}
		queues[len(queues)-1].add(r)
	}
	return queues, nil
}

func (q *QueueBacklog) add(r backlogRow) {
	switch r.Phase {
	case postroom.ContactWaiting:
		q.Waiting += r.Count
	case postroom.ContactOffered:
		q.Offered += r.Count
	case postroom.ContactOwned:
		q.Owned += r.Count
		return
	case postroom.ContactWrapUp:
		q.WrapUp += r.Count
		return
	case postroom.ContactParked:
		q.Parked += r.Count
		return
	default:
		return
	}
	q.ByAge[r.Age] += int32(r.Count)
	q.Overdue += r.Overdue
	if q.Oldest == nil || r.Oldest.Before(*q.Oldest) {
		q.Oldest = r.Oldest
	}
}

// OpenContact is a contact that is not completed, as supervisors see it in a list.
type OpenContact struct {
	Contact         postroom.ContactID    `json:"contact"`
	Version         int64                 `json:"version"`
	Phase           postroom.ContactPhase `json:"phase"`
	Queue           postroom.QueueID      `json:"queue"`
	CustomerName    string                `json:"customer_name"`
	CustomerAddress string                `json:"customer_address"`
	Subject         string                `json:"subject"`
	ArrivedAt       time.Time             `json:"arrived_at"`
	QueuedAt        *time.Time            `json:"queued_at,omitzero"`
	DueAt           *time.Time            `json:"due_at,omitzero"`
	Priority        int                   `json:"priority"`          // its own, or what a supervisor gave it, plus its queue's
	Assigned        *int16                `json:"assigned,omitzero"` // what a supervisor gave it
	Agent           postroom.AgentID      `json:"agent,omitzero"`    // who is offered it, owns it or wraps it up
	Target          postroom.AgentID      `json:"target,omitzero"`   // for whom it waits
	Step            int                   `json:"step"`              // the stage of its wait
	Told            bool                  `json:"told"`              // its workflow is known to know it as it is
	Now             time.Time             `json:"now"`
}

// OpenFilter says which open contacts are listed.
type OpenFilter struct {
	Team  postroom.TeamID // of queues that it serves and of holders in it; empty: all
	Queue postroom.QueueID
	Phase postroom.ContactPhase
	Older time.Duration // arrived longer ago than this
	// After is where the page before ended: the last one's arrival and id.
	AfterArrival time.Time
	AfterID      postroom.ContactID
	Limit        int
}

var readOpen = statement(`
	SELECT c.id, c.version, c.phase, coalesce(c.queue_id, ''), coalesce(m.from_name, u.name), coalesce(m.from_address,
	           (SELECT min(y.address) FROM customer_address y WHERE y.customer_id = c.customer_id), ''), c.subject, c.arrived_at, c.queued_at, c.due_at,
	       (coalesce(c.assigned_priority, c.priority) + coalesce(q.priority, 0))::int, c.assigned_priority, coalesce(o.agent_id, ''),
	       coalesce(c.target_agent_id, ''), c.step::int, c.told >= c.version, postroom_now()
	FROM contact c
	JOIN customer u ON u.id = c.customer_id
	LEFT JOIN queue q ON q.id = c.queue_id
	LEFT JOIN offer o ON o.contact_id = c.id AND (o.state IN ('live', 'accepted') OR (o.state = 'wrapup' AND NOT o.segment_only))
	LEFT JOIN LATERAL (SELECT from_name, from_address FROM message m WHERE m.contact_id = c.id AND m.direction = 'in'
		ORDER BY m.received_at LIMIT 1) m ON true
	WHERE c.phase <> 'done' AND ($2 = '' OR c.queue_id = $2) AND ($3 = '' OR c.phase = $3)
	  AND c.arrived_at <= postroom_now() - $4::interval
	  AND ($5::timestamptz IS NULL OR (c.arrived_at, c.id) > ($5, $6::uuid))
	  AND ($1 = '' OR EXISTS (SELECT FROM queue_team t WHERE t.queue_id = c.queue_id AND t.team_id = $1)
	       OR EXISTS (SELECT FROM agent a WHERE a.id = o.agent_id AND a.team_id = $1))
	ORDER BY c.arrived_at, c.id LIMIT $7`)

// OpenContacts lists open contacts, the oldest first.
func (s *Store) OpenContacts(ctx context.Context, f OpenFilter) ([]OpenContact, error) {
	var after *time.Time
	var id *string
	if f.AfterID != "" {
		after, id = &f.AfterArrival, (*string)(&f.AfterID)
	}
	contacts, err := all[OpenContact](ctx, s.pool, readOpen, string(f.Team), string(f.Queue), string(f.Phase), f.Older, after, id, f.Limit)
	return contacts, translate("list open contacts", err)
}
