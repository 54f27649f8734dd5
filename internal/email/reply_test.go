package email_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
)

func TestSubjectOfAReplyHasOnePrefix(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"order":                  "Re: order",
		"Re: order":              "Re: order",
		"RE: order":              "Re: order",
		"re:order":               "Re: order",
		"Re: RE: Re : order":     "Re: order",
		"Re[2]: order":           "Re: order",
		"RE(3): order":           "Re: order",
		"회신: 주문":                 "Re: 주문",
		"답장: RE: 주문":             "Re: 주문",
		"RE：주문":                  "Re: 주문",
		"AW: SV: Bestellung":     "Re: Bestellung",
		"回复: 订单":                 "Re: 订单",
		"Fwd: order":             "Re: Fwd: order",
		"Re: Fwd: Re: order":     "Re: Fwd: Re: order",
		"Regarding: order":       "Re: Regarding: order",
		"Reorder: 5":             "Re: Reorder: 5",
		"":                       "Re: ",
		"Re:":                    "Re: ",
		"a\r\nBcc: x@y":          "Re: a Bcc: x@y",
		"  two   words ":         "Re: two words",
		strings.Repeat("가", 600): "Re: " + strings.Repeat("가", 500),
	} {
		if got := email.ReplySubject(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestReplyRefersToWhatItAnswers(t *testing.T) {
	t.Parallel()
	type ids = []postroom.InternetMessageID
	for name, c := range map[string]struct {
		m          email.Mail
		inReplyTo  postroom.InternetMessageID
		references ids
	}{
		"a first mail":               {email.Mail{MessageID: "a"}, "a", ids{"a"}},
		"with references":            {email.Mail{MessageID: "c", References: ids{"a", "b"}, InReplyTo: ids{"b"}}, "c", ids{"a", "b", "c"}},
		"with In-Reply-To only":      {email.Mail{MessageID: "b", InReplyTo: ids{"a"}}, "b", ids{"a", "b"}},
		"that answers several mails": {email.Mail{MessageID: "c", InReplyTo: ids{"a", "b"}}, "c", ids{"c"}},
		"that refers to itself":      {email.Mail{MessageID: "b", References: ids{"a", "b"}}, "b", ids{"a", "b"}},
		"without a Message-ID":       {email.Mail{References: ids{"a"}}, "", nil},
	} {
		got := email.ReplyThread(c.m)
		if got.InReplyTo != c.inReplyTo || !slices.Equal(got.References, c.references) {
			t.Errorf("a reply to one %s: %+v", name, got)
		}
	}
	var long ids
	for i := range 90 {
		long = append(long, postroom.InternetMessageID(fmt.Sprint(i)))
	}
	got := email.ReplyThread(email.Mail{MessageID: "last", References: long}).References
	if len(got) != 21 || got[0] != "0" || got[1] != "71" || got[20] != "last" {
		t.Errorf("a long thread: %v", got)
	}
}

func TestQuotationMarksEveryLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"one\r\ntwo\n\n> three\n\n": "> one\n> two\n>\n>> three\n",
		"":                          ">\n",
		"trailing  \n":              "> trailing\n",
	} {
		if got := email.Quote("Kim wrote:", in); got != "Kim wrote:\n"+want {
			t.Errorf("%q is quoted as %q", in, got)
		}
	}
	got := email.Quote("", strings.Repeat("line\n", 5000))
	if strings.Count(got, "\n") != 1001 || !strings.HasSuffix(got, "> […]\n") {
		t.Errorf("a long text gives %d lines", strings.Count(got, "\n"))
	}
}
