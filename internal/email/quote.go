package email

import "strings"

// Bounds of a quotation.
const (
	quoteLines = 1000
	quoteBytes = 64 << 10
)

// quoteCut stands in place of what a quotation leaves out.
const quoteCut = "> […]"

// Quote is a text as a reply quotes it: the attribution, a line such as "On Monday Kim wrote:", and every line behind ">" (RFC
// 3676 section 4.5: quotation marks stand together, with a space before the text). Empty lines at both ends go. A long text is
// cut, which a last line says.
func Quote(attribution, text string) string {
	text = strings.Trim(normalLines(text), "\n")
	var out strings.Builder
	if attribution != "" {
		out.WriteString(attribution)
		out.WriteByte('\n')
	}
	lines := 0
	for line := range strings.SplitSeq(text, "\n") {
		if lines++; lines > quoteLines || out.Len()+len(line) > quoteBytes {
			out.WriteString(quoteCut)
			out.WriteByte('\n')
			break
		}
		line = strings.TrimRight(line, " \t")
		out.WriteByte('>')
		if line != "" && line[0] != '>' {
			out.WriteByte(' ')
		}
		out.WriteString(line)
		out.WriteByte('\n')
	}
	return out.String()
}
