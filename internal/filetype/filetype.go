// Package filetype decides what a file is, from its bytes, and whether it may come or go (R16). It is pure, and the one place that decides
// it: the name and the declared type of a file are claims that are compared with its content, and open no door.
//
// Active content never passes, in either direction: what runs when it is opened, whatever it calls itself. Programs, scripts, pages and
// drawings with scripts, documents with macros, shortcuts, disk images, and archives in which such files lie by their names. What else may pass,
// the configuration says ([postroom.AttachmentRules]). What lies deeper, in an archive within an archive or in an encrypted one, is not seen here; it is the card
// scanner that holds what cannot be inspected (R29), and the virus scanner that looks inside.
package filetype

import (
	"fmt"
	"log/slog"
	"mime"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"

	"github.com/postroom/postroom"
)

// Why a file may not pass.
const (
	ReasonProgram    postroom.Reason = "active_program"    // machine code, an installer, a package
	ReasonScript     postroom.Reason = "active_script"     // source that something runs when it is opened
	ReasonMarkup     postroom.Reason = "active_markup"     // HTML, SVG or XML with a script, or with what loads one
	ReasonMacro      postroom.Reason = "active_macro"      // an office document with macros or embedded programs
	ReasonShortcut   postroom.Reason = "active_shortcut"   // a file that starts or opens something else
	ReasonDiskImage  postroom.Reason = "active_disk_image" // a file that is mounted: what is in it escapes the mark of the web
	ReasonArchive    postroom.Reason = "active_in_archive" // an archive with one of those in it
	ReasonMismatch   postroom.Reason = "type_mismatch"     // the name says one thing, and the content is another
	ReasonNotAllowed postroom.Reason = "type_not_allowed"  // the configuration does not let it pass
)

// Unknown is the type of what is not recognised.
const Unknown = "application/octet-stream"

// File is a file as it came, in memory.
type File struct {
	Name     string // as its sender calls it; may be empty
	Declared string // the type that its sender gives, with parameters; may be empty or wrong
	Content  []byte
}

// String gives the size only.
func (f File) String() string { return fmt.Sprintf("file(%d)", len(f.Content)) }

// GoString gives the size only.
func (f File) GoString() string { return f.String() }

// LogValue gives the size only.
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }

// Verdict is what a file is, and whether it may pass.
type Verdict struct {
	Type   string          // "type/subtype", by its content; of plain text and of unknown content, what the name says, if that may be
	Reason postroom.Reason // why it may not pass; empty: it may
}

// Judge says what a file is and whether it may pass.
func Judge(f File, r postroom.AttachmentRules) Verdict {
	found := detect(f.Content)
	extension := extensionOf(f.Name)
	v := Verdict{Type: settled(found, extension), Reason: activeNames[extension]}
	if v.Reason == "" {
		v.Reason = activeContent(f.Content, found, extension)
	}
	switch {
	case v.Reason != "":
	case contradicts(found, extension):
		v.Reason = ReasonMismatch
	case matches(r.Blocked, v.Type, found, extension, declared(f.Declared)):
		v.Reason = ReasonNotAllowed
	case len(r.Allowed) > 0 && !matches(r.Allowed, v.Type, found, extension, ""):
		v.Reason = ReasonNotAllowed
	}
	return v
}

// matches reports whether one of the patterns means the file.
func matches(patterns []string, t string, found *mimetype.MIME, extension, declared string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		p = strings.ToLower(p)
		if strings.HasPrefix(p, ".") {
			return p == extension
		}
		if family, wild := strings.CutSuffix(p, "*"); wild {
			return strings.HasPrefix(t, family) || (declared != "" && strings.HasPrefix(declared, family))
		}
		return p == t || p == declared || (found.Is(p) && !generic(found))
	})
}

// detect reads the type off the content. Two letters, MZ, make a program for the library; they are the beginning of a text as well.
func detect(content []byte) *mimetype.MIME {
	found := mimetype.Detect(content)
	if found.Is("application/vnd.microsoft.portable-executable") && isText(content) {
		return mimetype.Lookup("text/plain")
	}
	return found
}

func isText(content []byte) bool {
	return utf8.Valid(content) && !strings.ContainsFunc(string(content[:min(len(content), 4<<10)]), func(c rune) bool {
		return unicode.IsControl(c) && !strings.ContainsRune("\t\n\r\f", c)
	})
}

// generic reports whether the content only says what a file is made of: the name says what it is for.
func generic(found *mimetype.MIME) bool {
	return found.Is(Unknown) || found.Is("text/plain") || found.Is("application/zip") || found.Is("application/x-ole-storage") || found.Is("text/xml")
}

// settled is the type that a file is given: what its content says, or its name where the content says nothing against it.
func settled(found *mimetype.MIME, extension string) string {
	t, _, _ := strings.Cut(found.String(), ";")
	if !generic(found) {
		return t
	}
	named := typesByName[extension]
	if named == "" || contradicts(found, extension) || found.Is("text/plain") && claims[extension] != "" && claims[extension] != claimsText {
		return t
	}
	return named
}

// declared is the declared type without its parameters, "" if it is none.
func declared(s string) string {
	t, _, err := mime.ParseMediaType(s)
	if err != nil {
		return ""
	}
	return t
}

// extensionOf is the last extension of a name as Windows sees it: case, and dots and spaces behind it, do not count; nor do characters that nobody sees.
func extensionOf(name string) string {
	name = strings.Map(func(c rune) rune {
		if unicode.In(c, unicode.Cc, unicode.Cf) {
			return -1
		}
		return unicode.ToLower(c)
	}, name)
	return path.Ext(strings.TrimRight(name, ". \u00a0"))
}
