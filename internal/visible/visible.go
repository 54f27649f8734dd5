// Package visible tells what the sender of a mail wrote this time from what he quotes, and finds his signature. It folds and never deletes: all of
// the text can be given back.
package visible

import (
	"strings"

	"github.com/postroom/postroom/internal/email"
)

// Reply is the text of a mail with what it quotes folded away. Nothing is deleted: Source and Folded give all of it back.
type Reply struct {
	// Text is what the sender wrote this time: Source without its Folded parts and without empty lines at its ends. It is not empty
	// if the mail says anything. The signature is part of it.
	Text string
	// SignatureAt is where the signature begins in Text, in bytes; -1 if none was found.
	SignatureAt int
	// Source is the whole text: that of the mail, or what its HTML says where that tells quotations better.
	Source string
	// Folded are the quotations within Source, in order, none touching the next: whole lines.
	Folded []Span
}

// Span is a part of a text, in bytes, End exclusive.
type Span struct {
	Start, End int
}

// Of folds what a mail quotes. The text is read by what mail programs and people put before quotations, in some twenty
// languages; HTML by its structure first. A mail that has both is read by its text, unless only the HTML tells the quotation. What is
// written below or between quotations stays. Mails that somebody forwards are what the sender has to say: they stay as well.
func Of(m email.Mail) Reply {
	why := occasionOf(m)
	if !m.HasPlain && m.HTML != "" {
		if r := fold(htmlLines(m.HTML), why); r.Text != "" {
			return r.signed(m)
		}
	}
	r := fold(textLines(m.Text), why)
	if len(r.Folded) == 0 && m.HasPlain && m.HTML != "" {
		if structured := htmlLines(m.HTML); hasQuoted(structured) {
			if byHTML := fold(structured, why); len(byHTML.Folded) > 0 && byHTML.Text != "" {
				r = byHTML
			}
		}
	}
	return r.signed(m)
}

// line is one line of a text that may quote.
type line struct {
	text   string // without its line end
	quoted quotation
	signs  bool // HTML marks it as part of the signature
}

// quotation says how sure it is that a line is quoted.
type quotation uint8

const (
	own     quotation = iota
	perhaps           // indented by HTML: quoted if an attribution goes before it
	arrowed           // behind ">": quoted, unless there is nothing to quote
	quoted            // marked as such
	rest              // marked as such, and so is all that follows
)

// textLines makes lines of plain text: those that begin with ">" are quoted (RFC 3676 section 4.5).
func textLines(text string) []line {
	lines := make([]line, 0, strings.Count(text, "\n")+1)
	for s := range strings.SplitSeq(text, "\n") {
		l := line{text: s}
		if beginsQuoted(s) {
			l.quoted = arrowed
		}
		lines = append(lines, l)
	}
	return lines
}

// beginsQuoted reports whether a line begins with a quotation mark, behind a few spaces at most.
func beginsQuoted(s string) bool {
	for i := range min(len(s), 5) {
		switch s[i] {
		case '>':
			return true
		case ' ', '\t':
		default:
			return strings.HasPrefix(s[i:], "＞")
		}
	}
	return false
}

func hasQuoted(lines []line) bool {
	for _, l := range lines {
		if l.quoted != own {
			return true
		}
	}
	return false
}

// foldLimit bounds the lines of a text that are looked at; those behind stay.
const foldLimit = 20_000

// fold decides line by line what is quoted.
func fold(lines []line, why occasion) Reply {
	f := folder{lines: lines, folded: make([]bool, len(lines)), why: why}
	f.run()
	return f.reply()
}

type folder struct {
	lines      []line
	folded     []bool
	why        occasion
	introduced bool // something said that a quotation follows
	tail       int  // where the marked lines begin that stand apart at the end
}

// occasion is why a mail was written, as far as its header tells.
type occasion uint8

const (
	answering  occasion = iota
	forwarding          // what it quotes is what it is about
	opening             // the first of a thread: there is nothing to quote, but for what it announces or puts at its end
)

// occasionOf reads the subject, and what the mail says that it answers. A mail without a subject tells nothing.
func occasionOf(m email.Mail) occasion {
	if forwards(m.Subject) {
		return forwarding
	}
	subject := strings.Join(strings.Fields(m.Subject), " ")
	if subject != "" && email.BaseSubject(subject) == subject && len(m.InReplyTo)+len(m.References) == 0 {
		return opening
	}
	return answering
}

func (f *folder) run() {
	if f.why == forwarding {
		return
	}
	f.tail = f.markedTail()
	for i := 0; i < min(len(f.lines), foldLimit); {
		l := f.lines[i]
		text := strings.TrimSpace(l.text)
		switch {
		case l.quoted == rest:
			f.foldRest(i)
			return
		case l.quoted == quoted, l.quoted == arrowed && (f.introduced || f.why != opening || i >= f.tail):
			f.folded[i] = true
			i++
			continue
		case l.quoted == arrowed:
			i++
			continue
		case text == "":
			i++
			continue
		case isForwardMark(text):
			return
		case isOriginalMark(text):
			if i = f.foldHead(i, i+1); i < 0 {
				return
			}
			continue
		}
		if n := f.headerBlock(i); n > 0 {
			if i = f.foldHead(f.ruleBefore(i), i+n); i < 0 {
				return
			}
			continue
		}
		n, sure := f.attribution(i)
		if n == 0 {
			n = f.introduction(i)
		}
		if n == 0 {
			i++
			continue
		}
		next := f.nextText(i + n)
		switch {
		case next < len(f.lines) && f.lines[next].quoted != own:
			f.foldLines(i, next)
			i = f.foldIndented(next)
		case sure && next < len(f.lines):
			f.foldRest(i)
			return
		default:
			i += n
		}
	}
}

// markedTail returns where the lines behind ">" begin that end the text, below an empty line.
func (f *folder) markedTail() int {
	i := len(f.lines)
	for i > 0 && (f.lines[i-1].quoted == arrowed || strings.TrimSpace(f.lines[i-1].text) == "") {
		i--
	}
	if i < len(f.lines) && i > 0 && strings.TrimSpace(f.lines[i].text) != "" {
		return len(f.lines)
	}
	return i
}

// foldHead folds what introduces a quotation, from line i to before line next. Marked lines behind it are the quotation; without any, all
// that follows is. It returns where to go on, -1 for nowhere.
func (f *folder) foldHead(i, next int) int {
	for n := f.headerBlock(f.nextText(next)); n > 0; n = 0 {
		next = f.nextText(next) + n
	}
	after := f.nextText(next)
	if after < len(f.lines) && f.lines[after].quoted != own && f.lines[after].quoted != rest {
		f.foldLines(i, after)
		return f.foldIndented(after)
	}
	f.foldRest(i)
	return -1
}

// introduction returns how many lines from i on are set apart by HTML right above what is marked as quoted: they say who wrote it, in
// whatever language.
func (f *folder) introduction(i int) int {
	for n := 0; n <= attributionLines && i+n < len(f.lines); n++ {
		switch l := f.lines[i+n]; {
		case l.quoted == arrowed || l.quoted == quoted:
			return n
		case l.quoted != perhaps && strings.TrimSpace(l.text) != "":
			return 0
		}
	}
	return 0
}

// foldIndented folds the indented lines from i on, if those are the quotation.
func (f *folder) foldIndented(i int) int {
	if f.lines[i].quoted != perhaps {
		return i
	}
	for i < len(f.lines) && f.lines[i].quoted != own && f.lines[i].quoted != rest {
		f.folded[i] = true
		i++
	}
	return i
}

func (f *folder) foldLines(from, to int) {
	f.introduced = true
	for i := from; i < to; i++ {
		f.folded[i] = true
	}
}

func (f *folder) foldRest(from int) { f.foldLines(from, len(f.lines)) }

// nextText is the next line from i on that is not empty.
func (f *folder) nextText(i int) int {
	for i < len(f.lines) && strings.TrimSpace(f.lines[i].text) == "" {
		i++
	}
	return i
}

// ruleBefore returns where the rule begins that stands right above line i, or i.
func (f *folder) ruleBefore(i int) int {
	for j := i - 1; j >= 0 && j >= i-3; j-- {
		text := strings.TrimSpace(f.lines[j].text)
		if text == "" {
			continue
		}
		if len(text) >= 5 && strings.Trim(text, "-_=*─━ ") == "" {
			return j
		}
		break
	}
	return i
}

// reply puts together what is left.
func (f *folder) reply() Reply {
	r := Reply{SignatureAt: -1}
	var source, visible strings.Builder
	space, says := none, false
	for i, l := range f.lines {
		start := source.Len()
		source.WriteString(l.text)
		if i < len(f.lines)-1 {
			source.WriteByte('\n')
		}
		blank := strings.TrimSpace(l.text) == ""
		switch {
		case f.folded[i] || blank && f.between(i):
			r.addFolded(Span{start, source.Len()})
			if space == emptyLine {
				space = emptyThenFolded
			}
			continue
		case blank && space == emptyThenFolded:
			continue // the empty lines above and below a quotation become one
		case blank:
			space = emptyLine
		case l.signs && says && r.SignatureAt < 0:
			r.SignatureAt = visible.Len()
			space = none
		default:
			space, says = none, true
		}
		visible.WriteString(l.text)
		visible.WriteByte('\n')
	}
	r.Source = source.String()
	if !says {
		r.Folded = nil
		r.SignatureAt = -1
		r.Text = trimEmptyLines(r.Source)
		return r
	}
	text := visible.String()
	r.Text = trimEmptyLines(text)
	if r.SignatureAt >= 0 {
		r.SignatureAt -= strings.Index(text, r.Text)
	}
	return r
}

// gap is what stands before a line.
type gap uint8

const (
	none gap = iota
	emptyLine
	emptyThenFolded
)

func (r *Reply) addFolded(s Span) {
	if n := len(r.Folded); n > 0 && r.Folded[n-1].End == s.Start {
		r.Folded[n-1].End = s.End
		return
	}
	r.Folded = append(r.Folded, s)
}

// between reports whether an empty line stands between folded ones.
func (f *folder) between(i int) bool {
	return i > 0 && i+1 < len(f.lines) && f.folded[i-1] && f.folded[i+1]
}

// trimEmptyLines drops empty lines at both ends, and white space at the very end.
func trimEmptyLines(s string) string {
	s = strings.TrimRight(s, " \t\r\n\u00a0\u3000")
	for {
		i := strings.IndexByte(s, '\n')
		if i < 0 || strings.TrimSpace(s[:i]) != "" {
			return s
		}
		s = s[i+1:]
	}
}
