package config

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/template"
)

var templates = object[postroom.Template]{
	one: "a template",
	fields: []field[postroom.Template]{
		{"key", required, "Names the template; once for each language.", func(t *postroom.Template) value { return key(anything, &t.ID) }},
		{"language", required, "The language of the text.", func(t *postroom.Template) value { return choice(&t.Language, "en", "ko") }},
		{"name", required, "What agents see in the list.", func(t *postroom.Template) value { return name(&t.Name) }},
		{"body", required, "The text, with variables (see Templates with variables).", func(t *postroom.Template) value { return templateText(&t.Body) }},
	},
	check: func(r *reader, at spots, t postroom.Template) {
		r.define(place{line: at.line}, prepared, t.ID+"/"+t.Language)
		if !r.defined(library, t.ID) {
			r.define(place{line: at.line}, library, t.ID)
		}
	},
}

// templateText is text of several lines with variables.
func templateText(to *string) value { return templateValue{blockValue{to, maxBody}} }

type templateValue struct{ blockValue }

func (v templateValue) read(r *reader, at place, n ast.Node) {
	v.blockValue.read(r, at, n)
	_, mistakes := template.Parse(*v.to)
	block, literal := n.(*ast.LiteralNode)
	literal = literal && block.Start.Type == token.LiteralType
	for _, m := range mistakes {
		where := at
		if literal { // its lines are those of the document
			where.line += m.Line
		}
		r.wrong(where, "%s", m.Reason)
	}
}

// checkAcknowledgements finds templates that nobody is there to fill in.
func checkAcknowledgements(r *reader, c postroom.Configuration) {
	for i, q := range c.Queues {
		unfit := slices.IndexFunc(c.Templates, func(t postroom.Template) bool {
			read, _ := template.Parse(t.Body)
			return q.Acknowledgement != "" && t.ID == q.Acknowledgement && (len(read.Blanks()) > 0 || read.Uses(template.AgentName))
		})
		if unfit >= 0 {
			r.wrong(r.objects["queues"][i].of("acknowledgement"), "nobody fills in the template %s, which has a blank or names the agent",
				quoted(c.Templates[unfit].ID+"/"+c.Templates[unfit].Language))
		}
	}
}
