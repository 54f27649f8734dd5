package config

import (
	"strings"
	"testing"

	"github.com/postroom/postroom"
)

// R16: which files may pass is configuration, read back as it was written, and refused where it is none.
func TestR16RulesForAttachmentsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	document := Sample(SampleServers{Host: "127.0.0.1", IMAPPort: 1, SMTPPort: 2, Secret: "x"})
	c, err := parse("sample", document+"\nattachments:\n  allowed: [application/pdf, image/*, .CSV]\n  blocked: [image/svg+xml]\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Attachments.Allowed, " ") + " but " + strings.Join(c.Attachments.Blocked, " "); got != "application/pdf image/* .csv but image/svg+xml" {
		t.Errorf("read: %s", got)
	}
	if written, err := Format(c); err != nil || !strings.Contains(string(written), "attachments:\n  allowed: [application/pdf, \"image/*\", \".csv\"]") && !strings.Contains(string(written), "attachments:\n  allowed: [application/pdf, image/*, \".csv\"]") {
		t.Errorf("written: %v\n%s", err, written[max(0, len(written)-300):])
	}
	c.Attachments = postroom.AttachmentRules{}
	if written, err := Format(c); err != nil || strings.Contains(string(written), "\nattachments:") {
		t.Errorf("rules that say nothing are written: %v", err)
	}
	for _, wrong := range []string{"allowed: []", "allowed: [pdf]", "allowed: [image/*, image/*]", "allowed: image/*", "allow: [image/*]", "blocked: ['*/*']", "allowed: [1]"} {
		if _, err := parse("sample", document+"\nattachments:\n  "+wrong+"\n"); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
