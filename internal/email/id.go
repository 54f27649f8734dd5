package email

import (
	"strings"

	"github.com/postroom/postroom"
)

// maxID bounds a Message-ID: a line of RFC 5322 is no longer.
const maxID = 998

// parseIDs reads the Message-IDs of a field (RFC 5322 section 3.6.4): what stands in angle brackets, and where there are none,
// words with an @. White space within brackets, from bad folding, is dropped.
func parseIDs(raw []byte) []postroom.InternetMessageID {
	s := cleanLine(strings.ToValidUTF8(string(unfold(raw)), "\uFFFD"))
	var ids []postroom.InternetMessageID
	keep := func(id string) {
		if id = bareID(id); id != "" && len(id) <= maxID {
			ids = append(ids, postroom.InternetMessageID(id))
		}
	}
	if !strings.Contains(s, "<") {
		for word := range strings.FieldsSeq(s) {
			if strings.Contains(word, "@") {
				keep(strings.Trim(word, ",;"))
			}
		}
		return ids
	}
	for {
		_, rest, found := strings.Cut(s, "<")
		if !found {
			return ids
		}
		id, after, closed := strings.Cut(rest, ">")
		keep(id)
		if !closed {
			return ids
		}
		s = after
	}
}

// bareID strips an id of angle brackets and white space. Of one that begins twice the second counts.
func bareID(id string) string {
	id = strings.TrimRight(id, " >")
	id = id[strings.LastIndexByte(id, '<')+1:]
	return strings.Join(strings.Fields(strings.ReplaceAll(id, ">", "")), "")
}
