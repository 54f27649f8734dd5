package keyring

import (
	"crypto/hmac"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
)

// A plus address of a mailbox is local+token@domain. The token is 43 characters a–z and 2–7: a letter that says what it names, then 26
// bytes in base32, which are the id of 128 bits and the first 80 bits of its MAC. It carries its id, so that no table is needed to read
// it, has no dash or dot that a mail system could cut at, and survives lower-casing.
const (
	threadMark = 't'
	verpMark   = 'v'

	plusBytes    = 16 + tokenBytes
	plusLength   = 1 + (plusBytes*8+4)/5
	maxLocalPart = 64 // octets (RFC 5321 section 4.5.3.1.1)
)

// ThreadToken makes the token of a thread, for the Reply-To of its replies. An id that is no UUID is Invalid.
func (r *Ring) ThreadToken(id postroom.ThreadID) (string, error) {
	return r.plusToken(ReplyTokens, threadMark, string(id))
}

// VERP makes the token of a reply, for the envelope sender, to which reports about it come (variable envelope return path). An id that
// is no UUID is Invalid.
func (r *Ring) VERP(id postroom.OutboxID) (string, error) {
	return r.plusToken(BounceTokens, verpMark, string(id))
}

// OpenThreadToken returns the thread that a token of ThreadToken names, made under any key, in any letter case.
func (r *Ring) OpenThreadToken(token string) (id postroom.ThreadID, ok bool) {
	opened, ok := r.openPlus(ReplyTokens, threadMark, token)
	return postroom.ThreadID(opened), ok
}

// OpenVERP returns the reply that a token of VERP names, made under any key, in any letter case.
func (r *Ring) OpenVERP(token string) (id postroom.OutboxID, ok bool) {
	opened, ok := r.openPlus(BounceTokens, verpMark, token)
	return postroom.OutboxID(opened), ok
}

// Plus is what an address of a mail says about where the mail belongs. The zero Plus: it is no plus address of the mailbox. One without
// Thread and Outbox is, but its tag is none of our tokens.
type Plus struct {
	Ours   bool
	Thread postroom.ThreadID // answers to a thread
	Outbox postroom.OutboxID // reports about a reply
}

// OpenPlus reads one address of a mail, from Delivered-To, To, Cc or wherever it stood: is it a plus address of the mailbox, and of what.
func (r *Ring) OpenPlus(mailbox, address string) Plus {
	tag, ok := tagOf(mailbox, address)
	if !ok {
		return Plus{}
	}
	p := Plus{Ours: true}
	p.Thread, _ = r.OpenThreadToken(tag)
	p.Outbox, _ = r.OpenVERP(tag)
	return p
}

// PlusAddress puts a tag into a mailbox's address. It does not fit when the local part would be longer than mail systems take.
func PlusAddress(mailbox, tag string) (address string, fits bool) {
	at := strings.LastIndexByte(mailbox, '@')
	if at < 1 || at+1+len(tag) > maxLocalPart {
		return "", false
	}
	return mailbox[:at] + "+" + tag + mailbox[at:], true
}

// BareAddress is an address without its tag: where mail for a plus address is for.
func BareAddress(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return address
	}
	local, _, tagged := strings.Cut(address[:at], "+")
	if !tagged || local == "" {
		return address
	}
	return local + address[at:]
}

// tagOf is what an address has between the mailbox's local part and its domain.
func tagOf(mailbox, address string) (string, bool) {
	mailbox, address = strings.ToLower(strings.TrimSpace(mailbox)), strings.ToLower(strings.Trim(strings.TrimSpace(address), "<>"))
	at := strings.LastIndexByte(mailbox, '@')
	if at < 1 {
		return "", false
	}
	rest, ok := strings.CutPrefix(address, mailbox[:at]+"+")
	if !ok {
		return "", false
	}
	tag, ok := strings.CutSuffix(rest, mailbox[at:])
	return tag, ok && tag != "" && !strings.Contains(tag, "@")
}

func (r *Ring) plusToken(p Purpose, mark byte, id string) (string, error) {
	named, err := uuid.Parse(id)
	if err != nil || named.String() != id {
		return "", postroom.Invalid(postroom.ReasonMalformed, "make a token: the id is no UUID in lower case")
	}
	return string(mark) + base32Lower.EncodeToString(append(named[:], mac(r.current(p), [][]byte{named[:]})[:tokenBytes]...)), nil
}

func (r *Ring) openPlus(p Purpose, mark byte, token string) (string, bool) {
	token = strings.ToLower(token)
	if len(token) != plusLength || token[0] != mark {
		return "", false
	}
	raw, err := base32Lower.DecodeString(token[1:])
	if err != nil || len(raw) != plusBytes || base32Lower.EncodeToString(raw) != token[1:] { // spare bits have one value
		return "", false
	}
	ok := false
	for _, k := range r.all(p) {
		ok = hmac.Equal(raw[16:], mac(k, [][]byte{raw[:16]})[:tokenBytes]) || ok
	}
	if !ok {
		return "", false
	}
	text := hex.EncodeToString(raw[:16])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-"), true
}
