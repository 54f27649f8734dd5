package sanitise

import (
	"regexp"
	"strings"
)

// properties are what a style attribute may set: how text, boxes and tables look, and nothing that places them elsewhere or loads anything.
var properties = map[string]bool{
	"background": true, "background-color": true, "border": true, "border-bottom": true, "border-bottom-color": true,
	"border-bottom-style": true, "border-bottom-width": true, "border-collapse": true, "border-color": true, "border-left": true,
	"border-left-color": true, "border-left-style": true, "border-left-width": true, "border-radius": true, "border-right": true,
	"border-right-color": true, "border-right-style": true, "border-right-width": true, "border-spacing": true, "border-style": true,
	"border-top": true, "border-top-color": true, "border-top-style": true, "border-top-width": true, "border-width": true, "clear": true,
	"color": true, "direction": true, "display": true, "float": true, "font": true, "font-family": true, "font-size": true,
	"font-style": true, "font-variant": true, "font-weight": true, "height": true, "letter-spacing": true, "line-height": true,
	"list-style": true, "list-style-position": true, "list-style-type": true, "margin": true, "margin-bottom": true, "margin-left": true,
	"margin-right": true, "margin-top": true, "max-height": true, "max-width": true, "min-height": true, "min-width": true,
	"overflow-wrap": true, "padding": true, "padding-bottom": true, "padding-left": true, "padding-right": true, "padding-top": true,
	"table-layout": true, "text-align": true, "text-decoration": true, "text-indent": true, "text-transform": true,
	"vertical-align": true, "white-space": true, "width": true, "word-break": true, "word-wrap": true,
}

var (
	// value is what a property may be set to, once its colours are taken out: no other function, no escape, nothing negative.
	value     = regexp.MustCompile(`^[\p{L}\p{N} #%.,'"+/!_-]{1,300}$`)
	negative  = regexp.MustCompile(`(^|[^\p{L}\p{N}_-])-[0-9.]`)
	colouring = regexp.MustCompile(`(?i)\b(rgb|rgba|hsl|hsla)\([0-9a-z., %/]{1,60}\)`)
)

// maxStyle is the longest style attribute that is read, in bytes.
const maxStyle = 4096

// style leaves of a style attribute what may be set. hidden says that the mail does not show the element.
func style(source string, may map[string]bool) (kept string, hidden bool) {
	var out []string
	if len(source) > maxStyle {
		return "", false
	}
	for declaration := range strings.SplitSeq(source, ";") {
		property, set, found := strings.Cut(declaration, ":")
		property, set = strings.ToLower(strings.TrimSpace(property)), strings.Join(strings.Fields(set), " ")
		if !found || !may[property] && property != "display" || !harmless(set) {
			continue
		}
		if property == "display" && strings.HasPrefix(strings.ToLower(set), "none") {
			return "", true
		}
		if !may[property] {
			continue
		}
		out = append(out, property+": "+set)
	}
	return strings.Join(out, "; "), false
}

func harmless(set string) bool {
	bare := colouring.ReplaceAllString(set, "x")
	return value.MatchString(bare) && !negative.MatchString(bare) && strings.Count(bare, "'")%2 == 0 && strings.Count(bare, `"`)%2 == 0
}
