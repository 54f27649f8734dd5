package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/postroom/postroom/internal/email"
)

// labelled is what is known about one recipient of a bounce.
type labelled struct {
	Status, Reason string
}

// unstated are the statuses that the makers of the labels gave to mails that state none.
var unstated = regexp.MustCompile(`^[45]\.0\.9\d\d$`)

// carried finds a Message-ID in the body of a mail: that of the mail that came back.
var carried = regexp.MustCompile(`(?im)^[ \t>]*message-id:[ \t\r\n]*<[^\s<>]+@[^\s<>]+>`)

// judged is what `postroom mail parse` says of a bounce.
type judged struct {
	kind   email.Kind
	bounce email.Bounced
}

func judge(raw []byte) judged {
	m := email.Parse(raw)
	j := judged{kind: email.Automatic(m)}
	if j.kind != "" && j.kind != email.List {
		j.bounce = email.ReadBounce(m)
	}
	return j
}

func (j judged) String() string {
	var b strings.Builder
	b.WriteString(string(j.kind))
	for _, r := range j.bounce.Recipients {
		fmt.Fprintf(&b, " %s %s %s", r.Address, r.Status, r.Action)
	}
	fmt.Fprintf(&b, " <%s>", j.bounce.OriginalMessageID)
	return b.String()
}

// scoreBounces reads the real bounces, complaints and vacation notices of some sixty mail systems.
func scoreBounces(dir string) ([]*score, error) {
	var labels map[string][]labelled
	if err := readJSON(&labels, dir, "expected.json"); err != nil {
		return nil, err
	}
	kinds, class := &score{name: "sisimai kind of mail"}, &score{name: "sisimai class, all"}
	status, statedClass := &score{name: "sisimai exact status, stated"}, &score{name: "sisimai class, stated"}
	ids, recipients := &score{name: "sisimai original Message-ID"}, &score{name: "sisimai recipients counted"}
	others, twins := &score{name: "sisimai not a bounce"}, &score{name: "sisimai other line ends, same result"}
	files, err := filepath.Glob(filepath.Join(dir, "bsd", "*.eml"))
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name, got := filepath.Base(file), judge(raw)
		found[name] = got.String()
		want := labels[name]
		if _, body, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n"); carried.MatchString(body) {
			ids.check(name, got.bounce.OriginalMessageID != "", "none", carried.FindString(body))
		}
		kinds.count(name, string(got.kind), string(kindOf(name, want)))
		if len(want) == 0 || kindOf(name, want) != email.Bounce || want[0].Status == "" {
			continue
		}
		recipients.count(name, fmt.Sprint(len(got.bounce.Recipients)), fmt.Sprint(len(want)))
		for i, w := range want {
			var r email.BouncedRecipient
			if i < len(got.bounce.Recipients) {
				r = got.bounce.Recipients[i]
			}
			where := fmt.Sprintf("%s[%d] %s", name, i, w.Reason)
			class.count(where, r.Class(), w.Status[:1])
			if !unstated.MatchString(w.Status) {
				status.count(where, r.Status, w.Status)
				statedClass.count(where, r.Class(), w.Status[:1])
			}
		}
	}
	if err := scoreTwins(dir, found, others, twins); err != nil {
		return nil, err
	}
	return []*score{kinds, others, class, statedClass, status, ids, recipients, twins}, nil
}

// kindOf is what a labelled mail is. Complaints and automatic answers without a label are known by their name.
func kindOf(name string, want []labelled) email.Kind {
	switch {
	case len(want) > 0 && want[0].Reason == "vacation", len(want) == 0 && strings.HasPrefix(name, "rfc3834-"):
		return email.AutoReply
	case len(want) > 0 && want[0].Reason == "feedback", len(want) == 0 && strings.HasPrefix(name, "arf-"):
		return email.FeedbackReport
	}
	return email.Bounce
}

// scoreTwins compares mails with other line ends with those they were made from, and looks at those that are no bounces.
func scoreTwins(dir string, found map[string]string, others, twins *score) error {
	for _, folder := range []string{"dos", "mac", "not"} {
		files, err := filepath.Glob(filepath.Join(dir, folder, "*.eml"))
		if err != nil {
			return err
		}
		slices.Sort(files)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name, got := folder+"/"+filepath.Base(file), judge(raw)
			if folder == "not" {
				others.count(name, string(got.kind), "")
			} else if twin, known := found[filepath.Base(file)]; known {
				twins.count(name, got.String(), twin)
			}
		}
	}
	return nil
}
