package pci

import (
	"bytes"
	"strings"
)

// format is a class of file formats that are treated alike.
type format uint8

const (
	formatUnknown   format = iota // perhaps text
	formatImage                   // png, jpeg, gif, webp
	formatEncrypted               // PGP, S/MIME
	formatClosed                  // a format that hides its text
)

// signatures say what a file is by its first bytes. Formats that are written in ASCII and yet hide their text stand here so
// that they are not taken for plain text; binary ones need no row, because they are no text in any character set.
var signatures = []struct {
	at     int
	prefix string
	format format
}{
	{0, "\x89PNG\r\n\x1a\n", formatImage},
	{0, "\xff\xd8\xff", formatImage},
	{0, "GIF87a", formatImage},
	{0, "GIF89a", formatImage},
	{8, "WEBP", formatImage},
	{0, "-----BEGIN PGP MESSAGE", formatEncrypted},
	{0, "-----BEGIN PKCS7", formatEncrypted},
	{0, "-----BEGIN CMS", formatEncrypted},
	{0, "{\\rtf", formatClosed},
	{0, "%!PS", formatClosed},
	{0, "begin-base64", formatClosed},
	{0, "PK\x03\x04", formatClosed},
	{0, "PK\x05\x06", formatClosed},
	{0, "\x1f\x8b", formatClosed},
	{0, "7z\xbc\xaf\x27\x1c", formatClosed},
	{0, "Rar!", formatClosed},
	{0, "\xd0\xcf\x11\xe0", formatClosed},
}

// signatureReach is how far from the start a PDF may begin and still be opened by readers, and where the header of a mail is
// looked for.
const signatureReach = 1024

// signature returns what the content is by its first bytes.
func signature(content []byte) format {
	for _, row := range signatures {
		if len(content) >= row.at && bytes.HasPrefix(content[row.at:], []byte(row.prefix)) {
			return row.format
		}
	}
	head := bytes.ToLower(content[:min(len(content), signatureReach)])
	if bytes.Contains(head, []byte("%pdf-")) {
		return formatClosed
	}
	// A mail: its parts are encoded, and are to be given one by one.
	for _, field := range []string{"mime-version:", "content-transfer-encoding:"} {
		if bytes.HasPrefix(head, []byte(field)) || bytes.Contains(head, []byte("\n"+field)) {
			return formatClosed
		}
	}
	return formatUnknown
}

// How encoded content within text is told: a long line, or a block of long lines, of base64 characters only.
const (
	encodedLine  = 60  // characters in each of
	encodedLines = 3   // lines one below the other, or
	encodedRun   = 200 // characters in one line
)

// holdsEncoded reports whether the text holds a stretch of base64 or uuencode, which nobody looked into: a data: address, a
// picture in a vCard, an attached key. Prose has spaces, tables have separators.
func holdsEncoded(text string) bool {
	return holdsBase64(text) || holdsUUEncoded(text)
}

func holdsBase64(text string) bool {
	var run, lines int
	var kinds uint8 // lower case, upper case, digits: a long stretch of base64 has all three
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z':
			kinds |= 1
		case 'A' <= c && c <= 'Z':
			kinds |= 2
		case isASCIIDigit(c):
			kinds |= 4
		case c == '+', c == '/', c == '=', c == '_', c == '-':
		case c == '\n':
			if run < encodedLine {
				lines, kinds = 0, 0
			} else if lines++; lines >= encodedLines && kinds == 7 {
				return true
			}
			run = 0
			continue
		case c == '\r', run == 0 && (c == ' ' || c == '\t'): // line ends, and the indent of folded lines
			continue
		default:
			run, lines, kinds = 0, 0, 0
			continue
		}
		if run++; run >= encodedRun && kinds == 7 {
			return true
		}
	}
	return false
}

// holdsUUEncoded reports whether a line begins a uuencoded file: "begin 644 name".
func holdsUUEncoded(text string) bool {
	const begin, permissions = "begin ", 3
	for {
		at := strings.Index(text, begin)
		if at < 0 {
			return false
		}
		rest := text[at+len(begin):]
		if at == 0 || text[at-1] == '\n' {
			mode := rest[:min(len(rest), permissions)]
			if len(rest) > permissions && strings.Trim(mode, "01234567") == "" && rest[permissions] == ' ' {
				return true
			}
		}
		text = text[at+len(begin):]
	}
}
