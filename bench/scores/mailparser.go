package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postroom/postroom/internal/email"
)

// oracle is the expected parse of a mail of the mail-parser corpus: parts, and which of them are shown by the rules of JMAP (RFC 8621
// section 4.1.4).
type oracle struct {
	HTMLBody    []int `json:"html_body"`
	TextBody    []int `json:"text_body"`
	Attachments []int `json:"attachments"`
	Parts       []struct {
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

// from is the first address of the last From field, or "".
func (o oracle) from() string {
	type mailbox struct{ Name, Address string }
	var forms map[string][]struct { // "List" or "Group"
		mailbox
		Addresses []mailbox
	}
	if json.Unmarshal(o.last("from"), &forms) != nil {
		return ""
	}
	list := append(forms["List"], forms["Group"]...)
	if len(list) == 0 {
		return ""
	}
	if list[0].Address == "" && len(list[0].Addresses) > 0 {
		return list[0].Addresses[0].Address
	}
	return list[0].Address
}

// sums are the digests of the attachments that are bytes, sorted.
func (o oracle) sums() ([]string, error) {
	sums := []string{}
	for _, i := range o.Attachments {
		for _, kind := range []string{"Binary", "InlineBinary"} {
			body, ok := o.Parts[i].Body[kind]
			if !ok {
				continue
			}
			var numbers []int
			if err := json.Unmarshal(body, &numbers); err != nil {
				return nil, err
			}
			content := make([]byte, len(numbers))
			for j, n := range numbers {
				content[j] = byte(n)
			}
			sums = append(sums, digest(content))
		}
	}
	return sums, nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// scoreMailParser compares each mail as it is, and with every line end turned into CRLF, with what the corpus expects.
func scoreMailParser(dir string) ([]*score, error) {
	var all []*score
	for _, variant := range []struct {
		suffix, name string
		raw          func([]byte) []byte
	}{
		{".json", "", func(raw []byte) []byte { return raw }},
		{".crlf.json", ", CRLF", withCRLF},
	} {
		scores := map[string]*score{}
		for _, field := range []string{"subject", "from", "text", "html", "attachments"} {
			scores[field] = &score{name: "mail-parser " + field + variant.name}
			all = append(all, scores[field])
		}
		files, err := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			var want oracle
			if err := readJSON(&want, strings.TrimSuffix(file, ".eml")+variant.suffix); err != nil {
				return nil, err
			}
			name := filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
			if err := compare(scores, name, want, email.Parse(variant.raw(raw))); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func withCRLF(raw []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

// compare scores one mail. Where the oracle could not decode a character it says nothing.
func compare(scores map[string]*score, name string, want oracle, got email.Mail) error {
	count := func(field, want, got string) {
		if !strings.Contains(want, "\ufffd") {
			scores[field].count(name, squeezed(got), squeezed(want))
		}
	}
	var subject string
	if json.Unmarshal(want.last("subject"), &subject) == nil {
		count("subject", subject, got.Subject)
	}
	first := ""
	if len(got.From) > 0 {
		first = got.From[0].Address
	}
	count("from", want.from(), first)
	if len(want.TextBody) > 0 {
		count("text", want.shown(want.TextBody, "Text"), got.PlainText)
	}
	if html := want.shown(want.HTMLBody, "Html"); html != "" {
		count("html", html, got.HTML)
	}
	if len(want.Attachments) == 0 && len(got.Attachments) == 0 {
		return nil
	}
	sums, err := want.sums()
	if err != nil {
		return err
	}
	var have []string
	kinds := []string{}
	for _, a := range got.Attachments {
		have, kinds = append(have, digest(a.Content)), append(kinds, a.MediaType)
	}
	missing := slices.DeleteFunc(slices.Clone(sums), func(sum string) bool { return slices.Contains(have, sum) })
	scores["attachments"].check(name, len(have) == len(want.Attachments) && len(missing) == 0,
		fmt.Sprintf("%d: %s", len(have), strings.Join(kinds, ", ")), fmt.Sprintf("%d, %d contents missing", len(want.Attachments), len(missing)))
	return nil
}

func readJSON(into any, path ...string) error {
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}
