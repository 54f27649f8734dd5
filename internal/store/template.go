package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Templates reads the administrator's library, by key and language.
func (s *Store) Templates(ctx context.Context) ([]postroom.Template, error) {
	rows, err := all[templateRow](ctx, s.pool, selectTemplates)
	library := make([]postroom.Template, len(rows))
	for i, r := range rows {
		library[i] = r.template()
	}
	return library, translate("read the templates", err)
}

func (r templateRow) template() postroom.Template {
	return postroom.Template{ID: r.ID, Language: r.Language, Name: postroom.Name{English: r.Name, Korean: r.Korean}, Body: r.Body}
}

// Subjects are what the variables of a template stand for on a contact. All of it was stored, so it passed the scanner.
type Subjects struct {
	Contact         postroom.ContactID
	CustomerName    string // as he writes it, or as we know him; "" if neither
	CustomerAddress string
	Agent           string // "" where nobody has it
	Queue           string
	QueueKo         string
	Mailbox         string // its address
	Subject         string
	Received        time.Time
	TimeZone        string // of the queue's business hours; "" if it has none
	Text            string // of the mail, by which its language is known
}

// A contact that somebody began has no mail of the customer, perhaps.
const subjectColumns = `
	SELECT c.id, coalesce(nullif(m.from_name, ''), k.name), coalesce(m.from_address, (SELECT min(address) FROM customer_address a WHERE a.customer_id = k.id), ''),
	       coalesce(a.name, ''), q.name, q.name_ko, b.address, coalesce(m.subject, c.subject), coalesce(m.received_at, c.arrived_at), coalesce(h.time_zone, ''),
	       coalesce(m.body, '')
	FROM contact c
	JOIN customer k ON k.id = c.customer_id
	JOIN queue q ON q.id = c.queue_id
	JOIN mailbox b ON b.id = q.mailbox_id
	LEFT JOIN business_hours h ON h.id = q.hours_id
	LEFT JOIN LATERAL (SELECT * FROM message m WHERE m.thread_id = c.thread_id AND m.direction = 'in' AND m.standing = ''
		ORDER BY m.received_at DESC, m.id DESC LIMIT 1) m ON true `

var readSubjects = statement(subjectColumns + `JOIN offer o ON o.contact_id = c.id JOIN agent a ON a.id = o.agent_id WHERE o.id = $1`)

// Subjects reads what the variables of a template stand for on an offer.
func (s *Store) Subjects(ctx context.Context, id postroom.OfferID) (Subjects, error) {
	subjects, found, err := one[Subjects](ctx, s.pool, readSubjects, id)
	if err == nil && !found {
		return subjects, postroom.NotFound(postroom.ReasonUnknownOffer, "there is no such offer")
	}
	return subjects, translate("read what a template is filled with", err)
}
