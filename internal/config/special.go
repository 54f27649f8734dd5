package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/postroom/postroom"
)

// name is what people see, in one language or in two.
func name(to *postroom.Name) value { return nameValue{to, nameInLanguages, maxName} }

// guidance is a line that says what to do, in one language or in two.
func guidance(to *postroom.Name) value {
	return nameValue{to, guidanceInLanguages, postroom.MaxGuidance}
}

// maxName is the most characters of a name.
const maxName = 100

type nameValue struct {
	to        *postroom.Name
	languages object[postroom.Name]
	longest   int
}

func (v nameValue) describe() string {
	return fmt.Sprintf("text, at most %d characters, or {en: …, ko: …}", v.longest)
}

var (
	nameInLanguages     = inLanguages("a name", maxName)
	guidanceInLanguages = inLanguages("guidance", postroom.MaxGuidance)
)

func inLanguages(one string, longest int) object[postroom.Name] {
	return object[postroom.Name]{
		one: one,
		fields: []field[postroom.Name]{
			{"en", required, "In English.", func(n *postroom.Name) value { return line(&n.English, longest) }},
			{"ko", optional, "In Korean.", func(n *postroom.Name) value { return line(&n.Korean, longest) }},
		},
	}
}

func (v nameValue) read(r *reader, at place, n ast.Node) {
	if _, given := pairsOf(n); given {
		*v.to, _ = v.languages.read(r, at, n)
		return
	}
	line(&v.to.English, v.longest).read(r, at, n)
}

func (v nameValue) write(int) string {
	if *v.to == (postroom.Name{}) {
		return ""
	}
	if v.to.Korean == "" {
		return scalar(v.to.English)
	}
	return "{en: " + scalar(v.to.English) + ", ko: " + scalar(v.to.Korean) + "}"
}

// capacity says how many contacts of each channel.
func capacity(to *map[postroom.Channel]int) value { return capacityValue{to} }

type capacityValue struct {
	to *map[postroom.Channel]int
}

func (v capacityValue) describe() string {
	return fmt.Sprintf("{%s: …}, each a whole number, 0–%d; a channel left out is 0", channelNames(": …, "), postroom.MaxCapacity)
}

func (v capacityValue) read(r *reader, at place, n ast.Node) {
	pairs, given := pairsOf(n)
	if !given {
		r.wrong(at, "expected channels with numbers, as in {email: 2}; found %s", called(n))
		return
	}
	got := map[postroom.Channel]int{}
	good := true
	for _, p := range pairs {
		channel, known := postroom.Channel(p.key), false
		for _, c := range postroom.Channels() {
			known = known || c == channel
		}
		here := place{p.line, at.name}
		if _, again := got[channel]; again {
			r.wrong(here, "the channel %s is given twice", channel)
			continue
		}
		if !known {
			r.wrong(here, "not a channel: expected one of %s", channelNames(", "))
			good = false
			continue
		}
		number, before := 0, len(r.mistakes)
		whole(&number, 0, postroom.MaxCapacity).read(r, place{p.line, at.name + ": " + p.key}, p.value)
		got[channel] = number
		good = good && len(r.mistakes) == before
	}
	if good {
		*v.to = got
	}
}

func (v capacityValue) write(int) string {
	var pairs []string
	for _, c := range postroom.Channels() {
		if n, given := (*v.to)[c]; given {
			pairs = append(pairs, string(c)+": "+strconv.Itoa(n))
		}
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func channelNames(between string) string {
	var names []string
	for _, c := range postroom.Channels() {
		names = append(names, string(c))
	}
	return strings.Join(names, between)
}

// secret is a reference to a secret (R39): the name of a file in the secrets directory, or env: and the name of a variable, which the
// configuration keeps without "env:". People do write a password here, so no mistake quotes it.
func secret(to *string) value { return secretValue{to} }

type secretValue struct{ to *string }

const fromEnvironment = "env:"

var (
	secretFile     = regexp.MustCompile(`^[a-z0-9_-][a-z0-9._-]{0,99}$`)
	secretVariable = regexp.MustCompile(`^POSTROOM_SECRET_[A-Z0-9_]{1,80}$`)
)

func (v secretValue) describe() string {
	return "name of a file in the secrets directory (at most 100 of a–z, 0–9, ., _ and -, not . first), or env:POSTROOM_SECRET_…"
}

func (v secretValue) read(r *reader, at place, n ast.Node) {
	s, ok := r.text(at, n)
	if !ok {
		return
	}
	variable, inEnvironment := strings.CutPrefix(s, fromEnvironment)
	switch {
	case inEnvironment && secretVariable.MatchString(variable):
		*v.to = variable
	case !inEnvironment && secretFile.MatchString(s):
		*v.to = s
	default:
		r.wrong(at, "not a reference to a secret: expected the %s; never the secret itself", v.describe())
	}
}

func (v secretValue) write(int) string {
	if secretVariable.MatchString(*v.to) {
		return scalar(fromEnvironment + *v.to)
	}
	return scalar(*v.to)
}

var (
	localPart = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	label     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	fieldName = regexp.MustCompile(`^[!-9;-~]{1,100}$`)
	pattern   = regexp.MustCompile(`^[^\s,;<>]{1,320}$`)
)

// address is a mail address: a dot-atom (RFC 5322 3.2.3) of at most 64 characters at a domain with a dot, 254 in all (RFC 5321 4.5.3.1).
// A domain in other letters is written in its ASCII form, xn--….
func address(to *string) value {
	return shaped(to, "a mail address (name@domain, in ASCII)", isAddress)
}

// entryAddress is the address of an entry point: addresses are compared without regard to case, and each leads to one place.
func entryAddress(to *string) value { return entryValue{address(to), to} }

type entryValue struct {
	value
	to *string
}

func (v entryValue) read(r *reader, at place, n ast.Node) {
	before := len(r.mistakes)
	v.value.read(r, at, n)
	if len(r.mistakes) == before {
		*v.to = strings.ToLower(*v.to)
		r.define(at, entryPoint, *v.to)
	}
}

func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	return localPart.MatchString(s[:at]) && strings.Contains(s[at+1:], ".") && isDomain(s[at+1:])
}

func isDomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for l := range strings.SplitSeq(s, ".") {
		if !label.MatchString(l) {
			return false
		}
	}
	return true
}

// host is where a server is: a domain name or an IP address, without scheme or port.
func host(to *string) value {
	return shaped(to, "a host name or an IP address, without a port", isHost)
}

func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return isDomain(s) && !decimal.MatchString(s[strings.LastIndexByte(s, '.')+1:]) // 1.2.3.400 is no name
}

// isLoopback reports whether a host is this machine: localhost (RFC 6761 6.3) or a loopback address.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
