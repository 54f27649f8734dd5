package trust

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/postroom/postroom/internal/email"
)

// servers are the organisation's mail servers.
type servers struct{ ids []string }

func newServers(ids []string) servers {
	var s servers
	for _, id := range ids {
		s.ids = append(s.ids, strings.ToLower(id))
	}
	return s
}

// block are the fields between two Received fields, and who wrote the one below.
type block struct {
	fields []email.Field
	below  string // a host, "" if there is no Received field below
}

// blocks are the fields above the first Received that a foreign server wrote.
func (s servers) blocks(trace []email.Field) []block {
	var all []block
	var b block
	for _, f := range trace {
		if f.Name != received {
			b.fields = append(b.fields, f)
			continue
		}
		b.below = writer(f.Value)
		all = append(all, b)
		if !s.include(b.below) {
			return all
		}
		b = block{}
	}
	return append(all, b)
}

// maxFields bounds how many fields of one block are read: servers write a few.
const maxFields = 50

// statements are what the fields of a block say that are believed.
func (b block) statements(own servers) []statement {
	var believed []statement
	read := 0
	for _, f := range b.fields {
		if f.Name != authenticationResults || read == maxFields {
			continue
		}
		read++
		said := parse(f.Value)
		if said.id == "" {
			said.id = own.unnamed(b.below)
		}
		if said.id != "" && slices.Contains(own.ids, said.id) {
			believed = append(believed, said)
		}
	}
	return believed
}

// microsoft are the domains of the servers of Microsoft 365, which write no authserv-id: the Received field below says whose word it is.
var microsoft = []string{"outlook.com", "office365.com", "office365.us", "outlook.cn"}

// unnamed is the id by which a field without one is believed, by the server that wrote the Received field below it; "" if it is not.
func (s servers) unnamed(host string) string {
	for _, domain := range microsoft {
		if slices.Contains(s.ids, domain) && strings.HasSuffix(host, "."+domain) {
			return domain
		}
	}
	return ""
}

// include reports whether a host is one of the organisation's: named as such, below the same registered domain, or within its walls.
func (s servers) include(host string) bool {
	if host == "" {
		return false
	}
	if within(host) {
		return true
	}
	return slices.ContainsFunc(s.ids, func(id string) bool {
		return host == id || (strings.Contains(id, ".") && sameOrganisation(host, id))
	})
}

// within reports whether a host is no name of the Internet: the machine itself, a bare name, or a private address, as filters and stores write them.
func within(host string) bool {
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	address, err := netip.ParseAddr(strings.TrimPrefix(bare, "ipv6:"))
	if err != nil {
		return !strings.Contains(host, ".") && !strings.Contains(host, ":")
	}
	if address.Is6() && address.As16()[0] == 0x20 && address.As16()[1] == 0x02 { // 6to4 of an address, as some write private ones
		b := address.As16()
		address = netip.AddrFrom4([4]byte(b[2:6]))
	}
	return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast()
}

// writer is the host that wrote a Received field: what follows its last "by" (RFC 5321 section 4.4), as before it stands what the sender called himself;
// "" if it does not say. A comment that the sender began, and nobody ended, hides nothing.
func writer(value string) string {
	if host := lastBy(plain(value)); host != "" {
		return host
	}
	return lastBy(value)
}

func lastBy(value string) string {
	words := strings.Fields(value)
	for i := len(words) - 2; i >= 0; i-- {
		if strings.EqualFold(words[i], "by") {
			return strings.ToLower(strings.Trim(words[i+1], ";.()"))
		}
	}
	return ""
}

// sameOrganisation reports whether two domains are below one registered domain, as relaxed alignment has it (RFC 7489 section 3.1.1).
func sameOrganisation(a, b string) bool { return organisation(a) == organisation(b) }

func organisation(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	if registered, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return registered
	}
	return domain
}
