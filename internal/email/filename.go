package email

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFilename bounds a file name, in bytes, as file systems do.
const maxFilename = 255

// cleanFilename makes a file name of what a mail calls one: no path, no control or bidi characters (they turn exe.gpj into
// jpg.exe), no leading dots, a bounded length that keeps the extension.
func cleanFilename(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	name = strings.TrimRight(strings.ReplaceAll(name, `\`, "/"), "/ ")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	if len(name) <= maxFilename {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > 20 {
		extension = ""
	}
	stem := name[:maxFilename-len(extension)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return stem + extension
}

// unescapedName undoes the percent signs with which some programs write a name as in a URL, if they hide letters beyond ASCII.
func unescapedName(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	if plain := unpercent([]byte(name)); hasHigh(plain) && !hasHigh([]byte(name)) && utf8.Valid(plain) {
		return cleanLine(string(plain))
	}
	return name
}
