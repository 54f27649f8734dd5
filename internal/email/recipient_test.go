package email_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
)

func people(list string) (out []email.Address) {
	for a := range strings.FieldsSeq(list) {
		out = append(out, email.Address{Address: a})
	}
	return out
}

func listed(e email.Envelope) string {
	var fields []string
	for _, f := range [][]email.Address{e.To, e.Cc, e.Bcc} {
		var names []string
		for _, a := range f {
			names = append(names, a.Address)
		}
		fields = append(fields, strings.Join(names, " "))
	}
	return strings.Join(fields, "|")
}

var ours = email.Own([]string{"support@shop.example", "Sales@shop.example"})

// R15: To = Reply-To, else From; Reply all also the original To and Cc, less our own addresses and duplicates.
func TestAnswerGoesToWhomTheMailSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, replyTo, to, cc string
		ours                        bool
		reply, all                  string
	}{
		{"the sender alone", "kim@c.example", "", "support@shop.example", "", false, "kim@c.example||", "kim@c.example||"},
		{"the others too", "kim@c.example", "", "support@shop.example lee@c.example", "bob@p.example", false, "kim@c.example||", "kim@c.example lee@c.example|bob@p.example|"},
		{"Reply-To before From", "kim@c.example", "desk@c.example", "support@shop.example", "", false, "desk@c.example||", "desk@c.example||"},
		{"several of Reply-To", "kim@c.example", "desk@c.example kim@c.example", "", "", false, "desk@c.example kim@c.example||", "desk@c.example kim@c.example||"},
		{"a Reply-To to us", "kim@c.example", "support@shop.example", "support@shop.example", "", false, "kim@c.example||", "kim@c.example||"},
		{"a Reply-To that is none", "kim@c.example", "no-address", "", "", false, "kim@c.example||", "kim@c.example||"},
		{"our addresses with tags", "kim@c.example", "", "SUPPORT+t.abc@Shop.Example", "sales+x@shop.example", false, "kim@c.example||", "kim@c.example||"},
		{"nobody twice", "kim@c.example", "", "kim@C.EXAMPLE lee@c.example lee@c.example", "kim@c.example lee@c.example", false, "kim@c.example||", "kim@c.example lee@c.example||"},
		{"local parts as written", "Kim@c.example", "", "kim@c.example", "", false, "Kim@c.example||", "Kim@c.example kim@c.example||"},
		{"what is no address", "kim@c.example", "", "undisclosed-recipients: a@b@c.example", "\"q\"@c.example @c.example lee@", false, "kim@c.example||", "kim@c.example||"},
		{"from one of us", "sales@shop.example", "", "support@shop.example lee@c.example", "", false, "||", "lee@c.example||"},
		{"to our own mail", "support@shop.example", "support+t@shop.example", "kim@c.example", "lee@c.example", true, "kim@c.example||", "kim@c.example|lee@c.example|"},
	} {
		m := email.Answered{From: email.Address{Address: c.from}, ReplyTo: people(c.replyTo), To: people(c.to), Cc: people(c.cc), Ours: c.ours}
		if got := listed(email.Answer(m, email.AnswerSender, ours)); got != c.reply {
			t.Errorf("%s: Reply goes to %s, want %s", c.name, got, c.reply)
		}
		if got := listed(email.Answer(m, email.AnswerAll, ours)); got != c.all {
			t.Errorf("%s: Reply all goes to %s, want %s", c.name, got, c.all)
		}
	}
}

func TestChosenRecipientsAreCheckedAndTidied(t *testing.T) {
	t.Parallel()
	var crowd []string
	for i := range 51 {
		crowd = append(crowd, fmt.Sprintf("r%d@c.example", i))
	}
	for _, c := range []struct{ name, to, cc, bcc, want, left string }{
		{"as they are", "kim@c.example", "lee@c.example", "boss@c.example", "kim@c.example|lee@c.example|boss@c.example", ""},
		{"the first field names him", "kim@c.example", "kim@C.example lee@c.example", "lee@c.example", "kim@c.example|lee@c.example|", ""},
		{"less ourselves", "kim@c.example support@shop.example", "", "sales+1@shop.example", "kim@c.example||", "support@shop.example sales+1@shop.example"},
		{"fifty", strings.Join(crowd[:40], " "), "", strings.Join(crowd[40:50], " "), strings.Join(crowd[:40], " ") + "||" + strings.Join(crowd[40:50], " "), ""},
		{"fifty, and one twice", strings.Join(crowd[:50], " "), crowd[3], "", strings.Join(crowd[:50], " ") + "||", ""},
		{"one too many", strings.Join(crowd[:40], " "), "", strings.Join(crowd[40:], " "), "too_many_recipients", ""},
		{"nobody", "", "", "", "no_recipient", ""},
		{"nobody in To", "", "kim@c.example", "", "no_recipient", ""},
		{"only ourselves in To", "support@shop.example", "kim@c.example", "", "no_recipient", ""},
		{"a name", "kim", "", "", "bad_recipient", ""},
		{"two lines", "kim@c.example\r\nBcc:x@c.example", "", "", "bad_recipient", ""},
		{"two in one", "kim@c.example,lee@c.example", "", "", "bad_recipient", ""},
	} {
		to := people(c.to)
		if strings.Contains(c.to, "\n") {
			to = []email.Address{{Address: c.to}}
		}
		got, left, err := email.Envelope{To: to, Cc: people(c.cc), Bcc: people(c.bcc)}.Tidy(ours)
		said := listed(got)
		if err != nil {
			said = string(postroom.ReasonOf(err))
		}
		if said != c.want || err == nil && listed(email.Envelope{To: left}) != c.left+"||" {
			t.Errorf("%s: %s, left out %v; want %s, left out %q", c.name, said, left, c.want, c.left)
		}
	}
}

// R15, for every mail: an answer goes to no address of ours, to nobody twice, to nobody whom the mail does not name, and never to Bcc; Reply goes to none
// but Reply-To and From; Reply all to everybody to whom Reply goes, first. What is proposed, and sent, is what Tidy leaves as it is.
func TestAnswersNeverGoAstray(t *testing.T) {
	t.Parallel()
	address := rapid.Custom(func(t *rapid.T) email.Address {
		local := rapid.SampledFrom([]string{"kim", "Kim", "lee", "support", "SUPPORT", "sales+t.x", "support+", "", "한글", "a b", "x\x00"}).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"c.example", "C.Example", "shop.example", "SHOP.example", "p.example", "", "[127.0.0.1]", "x..y"}).Draw(t, "domain")
		return email.Address{Name: rapid.SampledFrom([]string{"", "Kim", "a\r\nb"}).Draw(t, "name"), Address: local + "@" + domain}
	})
	list := rapid.SliceOfN(address, 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		m := email.Answered{From: address.Draw(t, "from"), ReplyTo: list.Draw(t, "reply to"), To: list.Draw(t, "to"), Cc: list.Draw(t, "cc"), Ours: rapid.Bool().Draw(t, "ours")}
		reply, all := email.Answer(m, email.AnswerSender, ours), email.Answer(m, email.AnswerAll, ours)
		named := append(append(append([]email.Address{m.From}, m.ReplyTo...), m.To...), m.Cc...)
		for _, e := range []email.Envelope{reply, all} {
			if len(e.Bcc) > 0 {
				t.Fatalf("somebody is in Bcc: %+v", e)
			}
			var seen []string
			for _, a := range append(slices.Clone(e.To), e.Cc...) {
				key := a.Address[:strings.LastIndexByte(a.Address, '@')] + strings.ToLower(a.Address[strings.LastIndexByte(a.Address, '@'):])
				bare, _, _ := strings.Cut(strings.ToLower(a.Address), "@")
				bare, _, _ = strings.Cut(bare, "+")
				switch {
				case slices.Contains(seen, key):
					t.Fatalf("%s twice in %+v", key, e)
				case strings.HasSuffix(key, "@shop.example") && (bare == "support" || bare == "sales"):
					t.Fatalf("%s is ours", a.Address)
				case !slices.ContainsFunc(named, func(n email.Address) bool { return n.Address == a.Address }):
					t.Fatalf("the mail does not name %s", a.Address)
				case strings.ContainsFunc(a.Name, func(c rune) bool { return c < ' ' }):
					t.Fatalf("the name %q has more than one line", a.Name)
				}
				seen = append(seen, key)
			}
			if len(e.To) > 0 {
				tidy, left, err := e.Tidy(ours)
				if err != nil || len(left) > 0 || listed(tidy) != listed(e) {
					t.Fatalf("%+v is tidied to %+v, %v, %v", e, tidy, left, err)
				}
			}
		}
		if len(reply.Cc) > 0 || len(all.To) < len(reply.To) || !slices.Equal(all.To[:len(reply.To)], reply.To) {
			t.Fatalf("Reply goes to %+v, Reply all to %+v", reply, all)
		}
		for _, a := range reply.To {
			from := append(slices.Clone(m.ReplyTo), m.From)
			if m.Ours {
				from = m.To
			}
			if !slices.ContainsFunc(from, func(n email.Address) bool { return n.Address == a.Address }) {
				t.Fatalf("Reply goes to %s, who did not write", a.Address)
			}
		}
	})
}
