package postroom

import "strings"

// The limits of the files of one reply (R16).
const (
	MaxFiles     = 10
	MaxFileBytes = 25 << 20 // of all together
)

// Reasons for which a file of a reply is refused.
const (
	ReasonTooManyFiles  Reason = "too_many_files"
	ReasonFilesTooLarge Reason = "files_too_large"
	ReasonFileInfected  Reason = "file_infected"
	ReasonFileUnchecked Reason = "file_unchecked" // the virus scanner could not be asked
	ReasonUnknownFile   Reason = "unknown_file"
	ReasonFilesChanged  Reason = "files_changed" // since the reply was made from them
	ReasonUploadReused  Reason = "upload_reused" // the upload's id was used for another file
	ReasonUploadCutOff  Reason = "upload_cut_off"
	ReasonUploadsBusy   Reason = "uploads_busy"
)

// Malware is what is known of a stored file from a virus scanner.
type Malware string

// What is known.
const (
	MalwareClean     Malware = "clean"
	MalwareInfected  Malware = "infected"
	MalwareFailed    Malware = "failed"    // the scanner could not be asked
	MalwareUnscanned Malware = "unscanned" // there was none, or the file is too large for it
)

// AttachmentRules say which files may come and go, in both directions, beside active content, which never may (R16). A pattern is a type
// ("application/pdf"), a family of types ("image/*") or an extension (".docx").
type AttachmentRules struct {
	Allowed []string // empty: everything
	Blocked []string // even if Allowed names it
}

// Empty reports whether nothing is said.
func (r AttachmentRules) Empty() bool { return len(r.Allowed)+len(r.Blocked) == 0 }

// FilePattern reports whether s is a pattern of AttachmentRules.
func FilePattern(s string) bool {
	if len(s) > 100 || s != strings.ToLower(s) {
		return false
	}
	plain := func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
			return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("-_+.", c))
		})
	}
	if extension, dotted := strings.CutPrefix(s, "."); dotted {
		return plain(extension) && !strings.Contains(extension, ".")
	}
	family, member, ok := strings.Cut(s, "/")
	return ok && plain(family) && (member == "*" || plain(member))
}
