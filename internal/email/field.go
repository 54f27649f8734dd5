package email

import (
	"github.com/postroom/postroom"
)

// reading fills a Mail from the fields of its header.
type reading struct {
	fields  []rawField
	defects *defects
}

func (r *reading) readInto(m *Mail) {
	if len(r.fields) > 0 {
		m.Fields = make([]Field, 0, len(r.fields))
	}
	for _, f := range r.fields {
		m.Fields = append(m.Fields, Field{Name: f.name, Value: decodeText(f.value)})
	}
	m.Subject = decodeText(get(r.fields, "Subject"))
	m.From = r.lastAddresses("From")
	m.Sender = r.addresses("Sender")
	m.ReplyTo = r.addresses("Reply-To")
	m.To = r.addresses("To")
	m.Cc = r.addresses("Cc")
	if ids := parseIDs(get(r.fields, "Message-Id")); len(ids) > 0 {
		m.MessageID = ids[0]
	}
	m.InReplyTo = r.references("In-Reply-To")
	m.References = r.references("References")
	if raw := get(r.fields, "Date"); raw != nil {
		date, ok := parseDate(decodeText(raw))
		if !ok {
			r.defects.add(DefectDate)
		}
		m.Date = date
	}
}

// addresses reads all fields of that name: some programs write one per recipient.
func (r *reading) addresses(name string) []Address {
	var all []Address
	for _, f := range r.fields {
		if !equalFold(f.name, name) {
			continue
		}
		all = append(all, parseAddresses(f.value, r.defects)...)
		if len(all) > MaxAddresses {
			r.defects.add(DefectAddressCount)
			return all[:MaxAddresses]
		}
	}
	return all
}

// lastAddresses reads the last field of that name, or of several empty ones and others the last that names somebody.
func (r *reading) lastAddresses(name string) []Address {
	for i := len(r.fields) - 1; i >= 0; i-- {
		if !equalFold(r.fields[i].name, name) {
			continue
		}
		if found := parseAddresses(r.fields[i].value, r.defects); len(found) > 0 {
			return found[:min(len(found), MaxAddresses)]
		}
	}
	return nil
}

// references reads the Message-IDs of a field; of too many it keeps the first, which names the thread, and the last ones.
func (r *reading) references(name string) []postroom.InternetMessageID {
	ids := parseIDs(get(r.fields, name))
	if len(ids) <= MaxReferences {
		return ids
	}
	r.defects.add(DefectReferences)
	return shorten(ids, MaxReferences)
}

// shorten keeps the first and the last of a list, limit together.
func shorten(ids []postroom.InternetMessageID, limit int) []postroom.InternetMessageID {
	if len(ids) <= limit {
		return ids
	}
	kept := append([]postroom.InternetMessageID{}, ids[0])
	return append(kept, ids[len(ids)-limit+1:]...)
}
