package template

import (
	"cmp"
	"strings"
	"time"

	"github.com/postroom/postroom"
)

// Subjects are what variables stand for on a contact.
type Subjects struct {
	Contact         postroom.ContactID
	CustomerName    string // "" if nobody knows it: then his address stands for it
	CustomerAddress string
	Agent           string // "" where nobody has the contact
	Queue           string
	QueueKo         string
	Mailbox         string // its address
	Subject         string
	Received        time.Time
	TimeZone        string // of the queue's business hours; "" for UTC
	Text            string // of the mail, by which its language is known
}

// Language is the language that the customer writes.
func (s Subjects) Language() string { return LanguageOf(s.Subject + s.Text) }

// Values says what variables stand for in a template of a language.
func (s Subjects) Values(language string) Values {
	return Values{
		CustomerName:    cmp.Or(strings.TrimSpace(s.CustomerName), s.CustomerAddress),
		CustomerAddress: s.CustomerAddress,
		ContactID:       string(s.Contact),
		AgentName:       s.Agent,
		QueueName:       postroom.Name{English: s.Queue, Korean: s.QueueKo}.In(language),
		MailboxAddress:  s.Mailbox,
		Subject:         s.Subject,
		Received:        Date(s.Received, Zone(s.TimeZone), language),
	}
}

// Choose finds the template of a key in a library: in the language that is wanted, or else in English, or else in any.
func Choose(library []postroom.Template, key, wanted string) (postroom.Template, bool) {
	var chosen postroom.Template
	for _, t := range library {
		if t.ID != key {
			continue
		}
		if t.Language == wanted {
			return t, true
		}
		if chosen.ID == "" || t.Language == "en" {
			chosen = t
		}
	}
	return chosen, chosen.ID != ""
}
