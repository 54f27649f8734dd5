package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	sendingv1 "github.com/postroom/postroom/internal/gen/postroom/sending/v1"
	templatev1 "github.com/postroom/postroom/internal/gen/postroom/template/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// stocked has templates, and business hours in Seoul.
func stocked(t *testing.T, a *testkit.API) {
	t.Helper()
	c := testkit.Sample(time.Hour)
	c.Templates = []postroom.Template{
		{ID: "refund", Language: "en", Name: postroom.Name{English: "Refund"}, Body: "Dear {{customer.name}} ({{customer.address}}),\n\"{{subject}}\" of {{received}}: " +
			"{{?amount}}. {{agent.name}}, {{queue.name}}, {{mailbox.address}}\n{{contact.id}}\n"},
		{ID: "refund", Language: "ko", Name: postroom.Name{English: "Refund (ko)", Korean: "환불"}, Body: "{{customer.name}}님, {{queue.name}}입니다.\n"},
		{ID: "wait", Language: "ko", Name: postroom.Name{English: "Wait"}, Body: "잠시만요."},
	}
	c.Hours = []postroom.BusinessHours{{ID: "seoul", Name: postroom.Name{English: "Seoul"}, TimeZone: "Asia/Seoul",
		Open: []postroom.OpenTime{{Day: time.Monday, To: 1440}, {Day: time.Tuesday, To: 1440}, {Day: time.Wednesday, To: 1440}, {Day: time.Thursday, To: 1440},
			{Day: time.Friday, To: 1440}, {Day: time.Saturday, To: 1440}, {Day: time.Sunday, To: 1440}}}}
	c.Queues[0].Hours = "seoul"
	if _, err := a.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("stocked")); err != nil {
		t.Fatal(err)
	}
}

// R15: the server fills a template in; what only the agent knows is named.
func TestTemplateIsFilledInFromTheContact(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	stocked(t, a)
	me, contact, offer := owned(t, a)
	list := got(me.template.ListTemplates(soon(t), &templatev1.ListTemplatesRequest{OfferId: string(offer)}))(t)
	if len(list.Templates) != 3 || list.Language != "en" || list.Templates[1].NameKo != "환불" || !slices.Equal(list.Templates[0].Blanks, []string{"amount"}) {
		t.Errorf("the library: %v", list)
	}
	fill := func(key, language string) (*templatev1.FillTemplateResponse, error) {
		return me.template.FillTemplate(soon(t), &templatev1.FillTemplateRequest{OfferId: string(offer), Key: key, Language: language})
	}
	seoul, err := time.LoadLocation("Asia/Seoul")
	must(t, err)
	day := time.Now().In(seoul).Format("2 January 2006")
	filled := got(fill("refund", ""))(t)
	if want := "Dear Customer (kim@customer.example),\n\"Parcel\" of " + day + ": {{?amount}}. 김미나, General, support@shop.example\n" + string(contact) + "\n"; filled.Text != want {
		t.Errorf("filled %q, want %q", filled.Text, want)
	}
	if !slices.Equal(filled.Left, []string{"{{?amount}}"}) || filled.Language != "en" || !strings.Contains(filled.Html, "&#34;Parcel&#34; of") || !strings.Contains(filled.Html, "<br>\n") {
		t.Errorf("filled: %v", filled)
	}
	if ko := got(fill("refund", "ko"))(t); ko.Text != "Customer님, 일반입니다.\n" || len(ko.Left) != 0 {
		t.Errorf("Korean: %v", ko)
	}
	if only := got(fill("wait", ""))(t); only.Language != "ko" {
		t.Errorf("one that there is in Korean only: %v", only)
	}
	for _, c := range [][2]string{{"wait", "en"}, {"nothing", ""}} {
		_, err := fill(c[0], c[1])
		mustRefuse(t, c[0]+" in "+c[1], err, connect.CodeNotFound, postroom.ReasonUnknownTemplate)
	}
}

// R15: a reply in which something of a template is left is not sent, by no way; it is the draft, and the agent is told what it is. Other words in
// braces are his own. Control: without filledIn and its like in the activity, the first is sent.
func TestReplyWithSomethingLeftOfATemplateIsNotSent(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	stocked(t, a)
	me, contact, offer := owned(t, a)
	text := "Dear {{customer.name}}, {{?amount}} goes back. {{user}}"
	ways := map[string]func(int64) error{
		"Quick Reply": func(version int64) error {
			_, err := me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: text, DraftVersion: version})
			return err
		},
		"a scheduled reply": func(version int64) error {
			_, err := me.sending.ScheduleReply(soon(t), &sendingv1.ScheduleReplyRequest{RequestId: newID(), OfferId: string(offer), Text: text, DraftVersion: version,
				SendAt: timestamppb.New(time.Now().Add(time.Hour))})
			return err
		},
	}
	version := int64(0)
	for what, send := range ways {
		err := send(version)
		version++
		mustRefuse(t, what, err, connect.CodeFailedPrecondition, postroom.ReasonNotFilledIn)
		if !strings.Contains(err.Error(), "{{customer.name}}, {{?amount}}") || strings.Contains(err.Error(), "{{user}}") {
			t.Errorf("%s: it says %q", what, err)
		}
	}
	now := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t).Contact
	if now.Draft.GetText() != text || now.Phase != contactv1.Phase_PHASE_OWNED || a.Count(t, "SELECT count(*) FROM outbox") != 0 {
		t.Errorf("the contact is %v", now)
	}
	sent := got(me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), DraftVersion: version,
		Text: "Use {{ user.name }} or {{customer.names}} in your {{> partial}}, {customer.name}."}))(t).Contact
	if sent.Phase != contactv1.Phase_PHASE_WRAPUP {
		t.Errorf("ordinary braces: %v", sent)
	}
	a.MustHold(t)
}
