package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postroom/postroom/internal/email"
)

// row is a header field of the mail-parser corpus, and how it is read.
type row struct {
	Header   string
	Expected json.RawMessage
}

// scoreTables compares single header fields. Each is put in front of a mail of its own.
func scoreTables(dir string) ([]*score, error) {
	var all []*score
	for _, t := range []struct {
		name    string
		compare func(*score, row) error
	}{
		{"address", compareAddresses}, {"date", compareDate}, {"content_type", compareContentType}, {"unstructured", compareUnstructured},
	} {
		var rows []row
		if err := readJSON(&rows, dir, t.name+".json"); err != nil {
			return nil, err
		}
		s := &score{name: "header " + t.name}
		for _, r := range rows {
			if err := t.compare(s, r); err != nil {
				return nil, fmt.Errorf("%s %q: %w", t.name, r.Header, err)
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func headed(name, value string) email.Mail {
	return email.Parse([]byte("X: y\n" + name + ": " + strings.TrimRight(value, "\r\n") + "\n\n"))
}

// compareAddresses compares addresses with their names, groups taken apart. The oracle keeps comments in names and leaves white
// space and routes in addresses; there only the address is compared, without them.
func compareAddresses(s *score, r row) error {
	type mailbox struct{ Name, Address *string }
	var want struct {
		List  []mailbox
		Group []struct{ Addresses []mailbox }
	}
	if err := json.Unmarshal(r.Expected, &want); err != nil {
		return err
	}
	for _, g := range want.Group {
		want.List = append(want.List, g.Addresses...)
	}
	var wanted, got []string
	for _, m := range want.List {
		if m.Address == nil {
			continue // a comment that stands alone
		}
		name := ""
		if m.Name != nil {
			name = *m.Name
		}
		wanted = append(wanted, strings.Join(strings.Fields(name), " ")+" <"+strings.Join(strings.Fields(*m.Address), "")+">")
	}
	for _, a := range headed("To", r.Header).To {
		got = append(got, a.Name+" <"+a.Address+">")
	}
	s.count(strings.TrimSpace(r.Header), strings.Join(got, ", "), strings.Join(wanted, ", "))
	return nil
}

func compareDate(s *score, r row) error {
	var want *struct {
		Year, Month, Day, Hour, Minute, Second int
		West                                   bool `json:"tz_before_gmt"`
		ZoneHour                               int  `json:"tz_hour"`
		ZoneMinute                             int  `json:"tz_minute"`
	}
	if err := json.Unmarshal(r.Expected, &want); err != nil {
		return err
	}
	wanted, got := "unreadable", "unreadable"
	if want != nil {
		offset := want.ZoneHour*3600 + want.ZoneMinute*60
		if want.West {
			offset = -offset
		}
		wanted = time.Date(want.Year, time.Month(want.Month), want.Day, want.Hour, want.Minute, want.Second, 0, time.FixedZone("", offset)).Format(time.RFC3339)
	}
	if date := headed("Date", r.Header).Date; !date.IsZero() {
		got = date.Format(time.RFC3339)
	}
	s.count(strings.TrimSpace(r.Header), strings.Replace(got, "+00:00", "Z", 1), strings.Replace(wanted, "+00:00", "Z", 1))
	return nil
}

// compareContentType compares a type and its parameters, but for the language of RFC 2231, which nobody needs.
func compareContentType(s *score, r row) error {
	var want *struct {
		Type       string      `json:"c_type"`
		Subtype    *string     `json:"c_subtype"`
		Attributes [][2]string `json:"attributes"`
	}
	if err := json.Unmarshal(r.Expected, &want); err != nil {
		return err
	}
	write := func(value string, parameters [][2]string) string {
		parameters = slices.DeleteFunc(slices.Clone(parameters), func(p [2]string) bool { return strings.HasSuffix(p[0], "-language") })
		slices.SortFunc(parameters, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
		for _, p := range parameters {
			value += "; " + p[0] + "=" + strings.TrimSpace(p[1])
		}
		return value
	}
	wanted := ""
	if want != nil {
		wanted = want.Type
		if want.Subtype != nil {
			wanted += "/" + *want.Subtype
		}
		wanted = write(strings.ToLower(wanted), want.Attributes)
	}
	value, parameters := email.Parameters(r.Header)
	var list [][2]string
	for name, v := range parameters {
		list = append(list, [2]string{name, v})
	}
	s.count(strings.TrimSpace(r.Header), write(value, list), wanted)
	return nil
}

func compareUnstructured(s *score, r row) error {
	var want string
	if err := json.Unmarshal(r.Expected, &want); err != nil {
		return err
	}
	s.count(strings.TrimSpace(r.Header), squeezed(headed("Subject", r.Header).Subject), squeezed(want))
	return nil
}
