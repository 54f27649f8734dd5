package email_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
)

// oracle is the expected parse of a mail of the mail-parser corpus: parts, and which of them are shown.
type oracle struct {
	HTMLBody []int `json:"html_body"`
	TextBody []int `json:"text_body"`
	Parts    []struct {
		Headers []struct {
			Name  any             `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"headers"`
		Body map[string]json.RawMessage `json:"body"`
	} `json:"parts"`
}

// shown joins the parts of the list that are of that kind.
func (o oracle) shown(list []int, kind string) string {
	var all []string
	for _, i := range list {
		var s string
		if body, ok := o.Parts[i].Body[kind]; ok && json.Unmarshal(body, &s) == nil {
			all = append(all, s)
		}
	}
	return strings.Join(all, "")
}

// onlyText reports whether all parts of the list are plain text.
func (o oracle) onlyText(list []int) bool {
	for _, i := range list {
		if o.Parts[i].Body["Text"] == nil {
			return false
		}
	}
	return true
}

// last returns the value of the last header field of that name, as JSON without its type.
func (o oracle) last(name string) json.RawMessage {
	var found json.RawMessage
	for _, h := range o.Parts[0].Headers {
		if n, ok := h.Name.(string); !ok || n != name {
			continue
		}
		var typed map[string]json.RawMessage
		if json.Unmarshal(h.Value, &typed) != nil {
			continue
		}
		for _, v := range typed {
			found = v
		}
	}
	return found
}

// from is the first address of the last From field.
func (o oracle) from() (name, address string, ok bool) {
	type mailbox struct{ Name, Address string }
	var list []json.RawMessage
	raw := o.last("from")
	var groups map[string][]json.RawMessage
	if json.Unmarshal(raw, &groups) == nil {
		for _, l := range groups {
			list = l
		}
	} else if json.Unmarshal(raw, &list) != nil {
		return "", "", false
	}
	if len(list) == 0 {
		return "", "", false
	}
	var m struct {
		mailbox
		Addresses []mailbox
	}
	if json.Unmarshal(list[0], &m) != nil {
		return "", "", false
	}
	if m.Address == "" && len(m.Addresses) > 0 {
		m.mailbox = m.Addresses[0]
	}
	return m.Name, m.Address, m.Address != ""
}

// TestMailParserCorpusIsReadAlike counts agreement with the oracle of the mail-parser corpus, for each mail as it is and with
// CRLF, and holds what was reached.
func TestMailParserCorpusIsReadAlike(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	type score struct{ right, all int }
	scores := map[string]*score{"subject": {}, "from": {}, "text": {}, "html": {}}
	count := func(file, field, want, got string) {
		if strings.Contains(want, "\ufffd") {
			return // there a better decoder differs rightly
		}
		scores[field].all++
		if squeezed(want) == squeezed(got) {
			scores[field].right++
			return
		}
		t.Logf("%s %s:\n got  %.200q\n want %.200q", file, field, got, want)
	}
	for _, folder := range []string{"malformed", "rfc", "thirdparty"} {
		files, err := filepath.Glob(filepath.Join(corpora, "mail-parser", folder, "*.eml"))
		if err != nil || len(files) == 0 {
			t.Fatal("no mails", err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stem := strings.TrimSuffix(file, ".eml")
			for suffix, raw := range map[string][]byte{".json": raw, ".crlf.json": bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))} {
				if suffix == ".crlf.json" && bytes.Contains(raw, []byte("\r\r\n")) {
					raw = bytes.ReplaceAll(raw, []byte("\r\r\n"), []byte("\r\n"))
				}
				var want oracle
				readJSON(t, &want, stem+suffix)
				got := email.Parse(raw)
				var subject string
				if json.Unmarshal(want.last("subject"), &subject) == nil {
					count(stem+suffix, "subject", subject, got.Subject)
				}
				if _, address, ok := want.from(); ok {
					first := ""
					if len(got.From) > 0 {
						first = got.From[0].Address
					}
					count(stem+suffix, "from", address, first)
				}
				if want.onlyText(want.TextBody) {
					count(stem+suffix, "text", want.shown(want.TextBody, "Text"), got.Text)
				}
				if html := want.shown(want.HTMLBody, "Html"); html != "" {
					count(stem+suffix, "html", html, got.HTML)
				}
			}
		}
	}
	for field, lost := range map[string]int{"subject": 0, "from": 0, "html": 0, "text": 16} {
		s := scores[field]
		t.Logf("%s: %d of %d", field, s.right, s.all)
		if s.all-s.right > lost {
			t.Errorf("%s: %d are read otherwise, were %d", field, s.all-s.right, lost)
		}
	}
}
