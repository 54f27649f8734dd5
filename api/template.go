package api

import (
	"cmp"
	"context"
	"strings"

	"github.com/postroom/postroom"
	templatev1 "github.com/postroom/postroom/internal/gen/postroom/template/v1"
	"github.com/postroom/postroom/internal/template"
)

// templateService implements postroom.template.v1.TemplateService (R15).
type templateService struct{ *Server }

// ListTemplates lists the library.
func (s templateService) ListTemplates(ctx context.Context, r *templatev1.ListTemplatesRequest) (*templatev1.ListTemplatesResponse, error) {
	library, err := s.Store.Templates(ctx)
	if err != nil {
		return nil, err
	}
	on, err := s.Store.Subjects(ctx, postroom.OfferID(r.OfferId))
	out := &templatev1.ListTemplatesResponse{Language: template.Subjects(on).Language()}
	for _, t := range library {
		read, _ := template.Parse(t.Body)
		out.Templates = append(out.Templates, &templatev1.Template{Key: t.ID, Language: t.Language, Name: t.Name.English, NameKo: t.Name.Korean,
			Body: t.Body, Blanks: read.Blanks()})
	}
	return out, err
}

// FillTemplate fills a template in.
func (s templateService) FillTemplate(ctx context.Context, r *templatev1.FillTemplateRequest) (*templatev1.FillTemplateResponse, error) {
	on, err := s.Store.Subjects(ctx, postroom.OfferID(r.OfferId))
	if err != nil {
		return nil, err
	}
	library, err := s.Store.Templates(ctx)
	if err != nil {
		return nil, err
	}
	t, found := template.Choose(library, r.Key, cmp.Or(r.Language, template.Subjects(on).Language()))
	if !found || r.Language != "" && t.Language != r.Language {
		return nil, postroom.NotFound(postroom.ReasonUnknownTemplate, "there is no such template in that language")
	}
	read, _ := template.Parse(t.Body)
	filled := read.Fill(template.Subjects(on).Values(t.Language))
	return &templatev1.FillTemplateResponse{Text: filled.Text, Html: filled.HTML, Left: filled.Left, Language: t.Language}, nil
}

// filledIn refuses a reply in which something of a template was not filled in. What it is stands in the answer, which goes to its author only.
func filledIn(text string) error {
	left := template.Left(text)
	if len(left) == 0 {
		return nil
	}
	return postroom.Refused(postroom.ReasonNotFilledIn, "the reply was not sent; it is the draft, in which is still to be filled in: "+strings.Join(left, ", "))
}
