package template_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom/internal/template"
)

const letter = "Dear {{customer.name}},\n\nwe got your mail \"{{ subject }}\" of {{received}}. {{?amount}} goes back to you.\n{{agent.name}}, {{queue.name}}"

func values() template.Values {
	return template.Values{template.CustomerName: "Kim <Minji>", template.Subject: "Refund & more", template.Received: "2 January 2026",
		template.AgentName: "Tom Reed", template.QueueName: "Billing"}
}

func TestVariablesAreFilledInAndBlanksAreLeftToTheAgent(t *testing.T) {
	t.Parallel()
	read, mistakes := template.Parse(letter)
	if len(mistakes) != 0 {
		t.Fatal(mistakes)
	}
	filled := read.Fill(values())
	if want := "Dear Kim <Minji>,\n\nwe got your mail \"Refund & more\" of 2 January 2026. {{?amount}} goes back to you.\nTom Reed, Billing"; filled.Text != want {
		t.Errorf("text %q, want %q", filled.Text, want)
	}
	if want := "Dear Kim &lt;Minji&gt;,<br>\n<br>\nwe got your mail &#34;Refund &amp; more&#34; of 2 January 2026. {{?amount}} goes back to you.<br>\nTom Reed, Billing"; filled.HTML != want {
		t.Errorf("HTML %q, want %q", filled.HTML, want)
	}
	if !slices.Equal(filled.Left, []string{"{{?amount}}"}) || !slices.Equal(read.Blanks(), []string{"amount"}) {
		t.Errorf("left %q, blanks %q", filled.Left, read.Blanks())
	}
	if !read.Uses(template.AgentName) || read.Uses(template.ContactID) {
		t.Error("which variables it uses")
	}
}

func TestAValueThatIsMissingIsLeft(t *testing.T) {
	t.Parallel()
	read, _ := template.Parse("{{customer.name}} {{contact.id}} {{?a}} {{? a }} {{?a}}")
	if got := read.Fill(template.Values{template.CustomerName: " \n"}); !slices.Equal(got.Left, []string{"{{customer.name}}", "{{contact.id}}", "{{?a}}", "{{? a }}"}) {
		t.Errorf("left %q", got.Left)
	}
}

func TestWhatIsNoVariableIsAMistakeWithItsLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		line  int
		words string
	}{
		"a\n{{customer.nme}}":                  {2, "there is no variable {{customer.nme}}; there are customer.name, "},
		"{{customer.name}}\n\n{{ agent }}":     {3, "there is no variable {{agent}}"},
		"a {{customer.name":                    {1, "does not end it in the same line"},
		"a {{customer\n.name}}":                {1, "does not end it in the same line"},
		"{{}}":                                 {1, "what follows is none"},
		"{{?}}":                                {1, "what follows is none"},
		"{{Customer.Name}}":                    {1, "what follows is none"},
		"{{? <b>}}":                            {1, "what follows is none"},
		"{{?" + strings.Repeat("x", 41) + "}}": {1, "what follows is none"},
		"{{?{{customer.name}}}}":               {1, "does not end it in the same line"},
	} {
		_, mistakes := template.Parse(text)
		if len(mistakes) != 1 || mistakes[0].Line != want.line || !strings.Contains(mistakes[0].Reason, want.words) {
			t.Errorf("%q: %+v, want line %d and %q", text, mistakes, want.line, want.words)
		}
	}
	for _, text := range []string{"", "{ }", "a }} b", "{name}", "{% x %}", "{{?금액}} {{?invoice no. 2}}"} {
		if _, mistakes := template.Parse(text); len(mistakes) != 0 {
			t.Errorf("%q: %+v", text, mistakes)
		}
	}
}

func TestOrdinaryTextWithBracesIsNotLeft(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{{user}} in Jinja", "{{ .Values.name }}", "{{> partial}}", "{customer.name}", "{{", "}}", "{{customer.names}}",
		"{{#if x}}", "${{ secrets.TOKEN }}", "{{{raw}}}", "{{?\n}}", "{{??}}", "{{customer.name\n}}"} {
		if left := template.Left(text); len(left) != 0 {
			t.Errorf("%q: left %q", text, left)
		}
	}
	for _, text := range []string{"{{customer.name}}", "a {{ subject }} b", "{{?amount}}", "{{{customer.name}}}", "{{?{{?amount}}}}", "{{\u00a0subject\u00a0}}"} {
		if left := template.Left(text); len(left) != 1 {
			t.Errorf("%q: left %q", text, left)
		}
	}
}

// A value may be whatever a stranger calls himself. Whatever it is, it stays one line and begins no variable.
func TestValuesBringInNoVariablesAndNoLines(t *testing.T) {
	t.Parallel()
	hostile := rapid.StringOfN(rapid.SampledFrom([]rune("{}?a \n\r\u0085\u2028\x00.<>&customer.name금")), 0, 40, -1)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("{}? a\n")), 0, 10, -1)
	rapid.Check(t, func(t *rapid.T) {
		name, subject := hostile.Draw(t, "name"), hostile.Draw(t, "subject")
		if rapid.Bool().Draw(t, "exactly") {
			name = "{{?x}}" + name + "{{agent.name}}"
		}
		body := text.Draw(t, "before") + "{{customer.name}}{{subject}}" + text.Draw(t, "behind")
		read, mistakes := template.Parse(body)
		if len(mistakes) > 0 { // such a template is refused
			return
		}
		before := template.Left(read.Fill(template.Values{template.CustomerName: "x", template.Subject: "y"}).Text)
		filled := read.Fill(template.Values{template.CustomerName: name, template.Subject: subject})
		after := template.Left(filled.Text)
		after = slices.DeleteFunc(after, func(s string) bool { return s == "{{customer.name}}" || s == "{{subject}}" }) // of an empty value
		if !slices.Equal(before, after) {
			t.Fatalf("%q with %q, %q: %q, before %q", filled.Text, name, subject, after, before)
		}
		if strings.Count(filled.Text, "\n") != strings.Count(body, "\n") || strings.ContainsAny(filled.Text, "\r\u0085\u2028\x00") {
			t.Fatalf("lines: %q", filled.Text)
		}
		if plain := strings.ReplaceAll(filled.HTML, "<br>\n", "\n"); strings.ContainsAny(plain, "<>") {
			t.Fatalf("HTML %q", filled.HTML)
		}
	})
}

func TestAValueIsBounded(t *testing.T) {
	t.Parallel()
	read, _ := template.Parse("{{subject}}")
	if got := read.Fill(template.Values{template.Subject: strings.Repeat("가", 5000)}); len([]rune(got.Text)) != template.MaxValue {
		t.Errorf("%d characters", len([]rune(got.Text)))
	}
}

func TestADateIsThatOfItsZone(t *testing.T) {
	t.Parallel()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 12, 31, 20, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		zone           *time.Location
		language, want string
	}{{time.UTC, "en", "31 December 2026"}, {seoul, "en", "1 January 2027"}, {seoul, "ko", "2027년 1월 1일"}} {
		if got := template.Date(at, c.zone, c.language); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.language, c.zone, got, c.want)
		}
	}
}
