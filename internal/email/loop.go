package email

import (
	"strings"

	"github.com/postroom/postroom"
)

// Marks are the signs that tell our own mail when it comes back (R34). The zero value has none.
type Marks struct {
	// Loop is the value of the X-Loop field of the mail that we send; "" for none.
	Loop string
	// OwnID reports whether a Message-ID is of a mail that we sent; nil for never.
	OwnID func(postroom.InternetMessageID) bool
	// Mailboxes are our own addresses: mail from one of them came from ourselves, or somebody pretends so.
	Mailboxes []string
}

// on reports whether a mail carries one of the marks.
func (k Marks) on(m Mail) bool {
	if k.Loop != "" {
		for _, value := range m.FieldValues("X-Loop") {
			if strings.EqualFold(strings.TrimSpace(value), k.Loop) {
				return true
			}
		}
	}
	if k.OwnID != nil && m.MessageID != "" && k.OwnID(m.MessageID) {
		return true
	}
	for _, from := range m.From {
		for _, mailbox := range k.Mailboxes {
			if strings.EqualFold(from.Address, mailbox) {
				return true
			}
		}
	}
	return false
}

// Bounds of the way that a mail takes.
const (
	maxHops       = 50 // servers that took it; RFC 5321 section 6.3 suggests 100, and most systems stop far below
	maxDeliveries = 3  // to one address
	maxLoops      = 20 // fields that are looked at
)

// isLoop reports whether a mail was here before by the marks of others: it passed an absurd number of servers, was delivered to one address
// again and again, or has an X-Loop that names the address that it is delivered to, or no address at all. The address of somebody between
// only says that he forwards his mail.
func (m Mail) isLoop() bool {
	hops := 0
	deliveries := map[string]int{}
	var loops []string
	for _, f := range m.Fields {
		switch {
		case equalFold(f.Name, "Received"):
			hops++
		case equalFold(f.Name, "Delivered-To"), equalFold(f.Name, "X-Original-To"), equalFold(f.Name, "Envelope-To"):
			deliveries[f.Name+" "+bareAddress(f.Value)]++
			if deliveries[f.Name+" "+bareAddress(f.Value)] >= maxDeliveries {
				return true
			}
		case equalFold(f.Name, "X-Loop") && len(loops) < maxLoops:
			loops = append(loops, bareAddress(f.Value))
		}
	}
	if hops > maxHops {
		return true
	}
	for _, loop := range loops {
		if !strings.Contains(loop, "@") || m.deliveredTo(loop) {
			return true
		}
	}
	return false
}

// isLoopMarked reports whether a program marked a mail of its own with the address that it writes from.
func (m Mail) isLoopMarked() bool {
	for _, value := range m.FieldValues("X-Loop") {
		if len(m.From) > 0 && strings.EqualFold(bareAddress(value), m.From[0].Address) {
			return true
		}
	}
	return false
}

// deliveredTo reports whether a mail was delivered to an address: by the envelope where that is known, else by the header.
func (m Mail) deliveredTo(address string) bool {
	known := false
	for _, f := range m.Fields {
		if equalFold(f.Name, "Delivered-To") || equalFold(f.Name, "X-Original-To") || equalFold(f.Name, "Envelope-To") {
			known = true
			if bareAddress(f.Value) == address {
				return true
			}
		}
	}
	if known || m.isList() { // lists mark what they send with their own address, to which it is addressed
		return false
	}
	for _, list := range [][]Address{m.To, m.Cc} {
		for _, a := range list {
			if strings.EqualFold(a.Address, address) {
				return true
			}
		}
	}
	return false
}

// bareAddress is an address without brackets, in lower case.
func bareAddress(s string) string { return strings.ToLower(strings.Trim(strings.TrimSpace(s), "<>")) }
