package sanitise

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/postroom/postroom"
)

// MaxSource is how many bytes of HTML are made fit to show; a larger mail is read as text.
const MaxSource = 2 << 20

// maxRounds bounds how often a tree is written and read again until it says the same both times.
const maxRounds = 6

// Reasons why HTML cannot be shown.
const (
	ReasonTooLarge  postroom.Reason = "html_too_large"  // more than MaxSource bytes
	ReasonUntidy    postroom.Reason = "html_untidy"     // no two readings of it agree, or it is nested too deeply
	ReasonTakesLong postroom.Reason = "html_takes_long" // the context ended
)

// Inline gives the address of the image that came with the mail under a Content-ID, "" if there is none that may be shown. The address is
// written as it is given: the caller answers for it.
type Inline func(contentID string) string

// None is the Inline of a mail without images.
func None(string) string { return "" }

// Page is HTML that may be shown: the content of a body element.
type Page struct {
	HTML    string
	Blocked int // how many remote images are placeholders in it
}

// String gives the size only.
func (p Page) String() string { return fmt.Sprintf("page(%d)", len(p.HTML)) }

// HTML makes the source of a mail's HTML fit to show. It is idempotent for images that are not put in. The work ends soon after the context
// does. Errors are Refused, with one of the package's reasons.
func HTML(ctx context.Context, source string, images Inline) (Page, error) {
	return sanitiser{policy: policy, rewriter: rewriter{images: images}}.page(ctx, source)
}

// sanitiser is the pipeline: allow-list, tree, rewriting, tree again until nothing changes.
type sanitiser struct {
	policy *bluemonday.Policy // nil lets everything through: for the test that shows what the allow-list is for
	rewriter
}

func (s sanitiser) page(ctx context.Context, source string) (Page, error) {
	if len(source) > MaxSource {
		return Page{}, postroom.Refused(ReasonTooLarge, "the HTML of this mail is too large to be shown")
	}
	listed, err := s.listed(ctx, source)
	if err != nil {
		return Page{}, err
	}
	for range maxRounds {
		tree, err := parse(ctx, listed)
		if err != nil {
			return Page{}, err
		}
		s.rewrite(tree)
		written, err := render(tree)
		if err != nil {
			return Page{}, err
		}
		if written != listed {
			listed = written
			continue
		}
		blocked := s.fill(tree)
		written, err = render(tree)
		return Page{HTML: written, Blocked: blocked}, err
	}
	return Page{}, untidy()
}

// listed leaves of a source what the allow-list has.
func (s sanitiser) listed(ctx context.Context, source string) (string, error) {
	source = strings.ReplaceAll(strings.ToValidUTF8(source, "\uFFFD"), "\x00", "")
	if s.policy == nil {
		return source, nil
	}
	var out strings.Builder
	err := s.policy.SanitizeReaderToWriter(reader{ctx, strings.NewReader(source)}, &out)
	if err != nil {
		return "", failed(ctx)
	}
	return out.String(), nil
}

// body is where the HTML of a mail stands.
var body = &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}

// parse builds the tree of a fragment, below a node of its own.
func parse(ctx context.Context, source string) (*html.Node, error) {
	nodes, err := html.ParseFragment(reader{ctx, strings.NewReader(source)}, body)
	if err != nil {
		return nil, failed(ctx)
	}
	root := &html.Node{Type: html.DocumentNode}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root, nil
}

func render(tree *html.Node) (string, error) {
	var out capped
	if err := html.Render(&out, tree); err != nil {
		return "", untidy()
	}
	return out.String(), nil
}

// maxWritten bounds the result, in bytes: elements that are closed in another order than they were opened multiply.
const maxWritten = 4 * MaxSource

// capped is a text that does not grow beyond maxWritten.
type capped struct{ strings.Builder }

// Write appends, or says that it would be too much.
func (c *capped) Write(b []byte) (int, error) {
	if c.Len()+len(b) > maxWritten {
		return 0, io.ErrShortWrite
	}
	return c.Builder.Write(b)
}

// WriteString is Write.
func (c *capped) WriteString(s string) (int, error) {
	if c.Len()+len(s) > maxWritten {
		return 0, io.ErrShortWrite
	}
	return c.Builder.WriteString(s)
}

// WriteByte is Write of one byte.
func (c *capped) WriteByte(b byte) error {
	if c.Len() >= maxWritten {
		return io.ErrShortWrite
	}
	return c.Builder.WriteByte(b)
}

// reader ends with its context: both libraries read as they go.
type reader struct {
	ctx  context.Context
	from io.Reader
}

// Read reads, or says that the time is over.
func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(b)
}

func failed(ctx context.Context) error {
	if ctx.Err() != nil {
		return postroom.Refused(ReasonTakesLong, "the HTML of this mail takes too long to be made fit to show")
	}
	return untidy()
}

func untidy() error {
	return postroom.Refused(ReasonUntidy, "the HTML of this mail cannot be made fit to show")
}
