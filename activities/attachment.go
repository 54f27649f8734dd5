package activities

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/filetype"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// attachment judges a file of a mail: first by card data, which destroy it, then by its type, then by whether it can be inspected at all. What does
// not pass is shown with its reason, and not kept: the original stays in the mailbox (R16, R26, R29).
func (r *reader) attachment(t email.Attachment) store.ArrivedAttachment {
	size := int64(len(t.Content))
	file := filetype.Judge(filetype.File{Name: t.Filename, Declared: t.MediaType, Content: t.Content}, r.rules)
	seen := r.scanner.Attachment(pci.Attachment{Ordinal: t.Ordinal, Filename: t.Filename, MediaType: t.MediaType, Inline: t.Inline, Content: t.Content})
	r.findings = append(r.findings, seen.Findings...)
	id := postroom.AttachmentID(uuid.Must(uuid.NewV7()).String())
	kept := store.ArrivedAttachment{ID: id, Filename: seen.Filename, MediaType: r.silent(seen.MediaType), Size: size, Inline: t.Inline,
		ContentID: r.silent(t.ContentID), Verdict: seen.Verdict, Reason: string(seen.Reason)}
	if file.Reason != "" && seen.Verdict != postroom.AttachmentDestroyed {
		kept.Verdict, kept.Reason = postroom.AttachmentBlocked, string(file.Reason)
	}
	if kept.Verdict == postroom.AttachmentPassed {
		if r.blobs == nil {
			r.blobs = map[blob.Key]postroom.Bytes{}
		}
		kept.BlobKey = string(blob.ForAttachment(id))
		r.blobs[blob.ForAttachment(id)] = seen.Content
	}
	return kept
}

// How patient arrival is with the virus scanner.
const (
	malwareTime  = 30 * time.Second // for the files of one mail
	malwarePause = 30 * time.Second // after it could not be asked, files are held without asking
)

// checkForMalware asks the virus scanner about the files of a mail that passed so far, from memory. What is infected is not kept. What the scanner
// could not look at is kept and given to nobody: it is asked again when somebody wants the file (docs/decisions/0023). Mail goes on coming in
// while the scanner is down.
func (w *watch) checkForMalware(ctx context.Context, files []store.ArrivedAttachment, blobs map[blob.Key]postroom.Bytes) {
	ctx, cancel := context.WithTimeout(ctx, malwareTime)
	defer cancel()
	for i := range files {
		f := &files[i]
		content, passed := blobs[blob.Key(f.BlobKey)]
		if !passed {
			continue
		}
		result := clamd.Result{Outcome: clamd.Failed, Reason: clamd.ReasonDown}
		if time.Now().UnixNano() > w.scannerAfter.Load() {
			if result = w.Antivirus.ScanBytes(ctx, content.Reveal()); result.Outcome == clamd.Failed {
				w.scannerAfter.Store(time.Now().Add(malwarePause).UnixNano())
				w.log.WarnContext(ctx, "a file could not be scanned for malware and is held; others are held unasked for a while", "reason", result.Reason, "error", result.Err)
			}
		}
		f.Verdict, f.Malware, f.Name = result.Verdict(), result.Outcome, w.seal("malware", result.Name.Reveal())
		if f.Verdict != postroom.AttachmentPassed {
			f.Reason = string(cmp.Or(result.Reason, reasonMalware))
		}
		if f.Verdict == postroom.AttachmentInfected {
			delete(blobs, blob.Key(f.BlobKey))
			f.BlobKey = ""
		}
	}
}

// reasonMalware is why an infected file is kept out.
const reasonMalware postroom.Reason = "malware"
