package config

import (
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml/ast"

	"github.com/postroom/postroom"
)

var signings = object[postroom.DKIM]{
	one: "a way to sign",
	fields: []field[postroom.DKIM]{
		{"selector", required, "Names the public key: the record is at SELECTOR._domainkey.DOMAIN, where DOMAIN is that of the mailbox's address.",
			func(d *postroom.DKIM) value { return shaped(&d.Selector, "name of a selector", selector.MatchString) }},
		{"secret", required, "Names the private key, in PEM, and never is it (R39).", func(d *postroom.DKIM) value { return secret(&d.Secret) }},
	},
}

var selector = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// signing is left out where nothing is signed.
func signing(to *postroom.DKIM) value { return signingValue{nestedValue[postroom.DKIM]{signings, to}} }

type signingValue struct{ nestedValue[postroom.DKIM] }

func (v signingValue) write(column int) string {
	if *v.to == (postroom.DKIM{}) {
		return ""
	}
	return v.nestedValue.write(column)
}

var signatures = object[postroom.Name]{
	one: "a signature",
	fields: []field[postroom.Name]{
		{"en", required, "In English.", func(n *postroom.Name) value { return block(&n.English, postroom.MaxSignature) }},
		{"ko", optional, "In Korean. Without it, English is used.", func(n *postroom.Name) value { return block(&n.Korean, postroom.MaxSignature) }},
	},
}

// signature is a text of several lines, in one language or in two.
func signature(to *postroom.Name) value { return signatureValue{to} }

type signatureValue struct{ to *postroom.Name }

func (v signatureValue) describe() string {
	return fmt.Sprintf("text, at most %d characters, several lines after |; or {en: …, ko: …}", postroom.MaxSignature)
}

func (v signatureValue) read(r *reader, at place, n ast.Node) {
	if _, given := pairsOf(n); given {
		*v.to, _ = signatures.read(r, at, n)
		return
	}
	block(&v.to.English, postroom.MaxSignature).read(r, at, n)
}

func (v signatureValue) write(column int) string {
	if v.to.English == "" {
		return ""
	}
	if v.to.Korean == "" {
		return block(&v.to.English, postroom.MaxSignature).write(column)
	}
	return nestedValue[postroom.Name]{signatures, v.to}.write(column)
}
