package sanitise

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/idna"
)

// Attributes of ours in the result.
const (
	remoteMark = "data-src"  // of an image that is not loaded: where it is
	inlineMark = "data-cid"  // of an image that came with the mail: its Content-ID
	hostMark   = "data-host" // of a link whose words name another host than it leads to, or whose host is not ASCII: the host
)

// picture is a data: address of something in base64.
var picture = regexp.MustCompile(`(?i)data:[a-z0-9.+/-]*;[a-z0-9=;.-]*base64,[^"'<>)]*`)

// WithoutPictures leaves the data: addresses out of a source: HTML shows none of them.
func WithoutPictures(source string) string {
	return picture.ReplaceAllLiteralString(source, "data:,")
}

// rewriter changes the tree that the allow-list leaves.
type rewriter struct{ images Inline }

// rewrite makes links and images harmless, filters styles and takes out what the mail hides. A second time it changes nothing.
func (r rewriter) rewrite(n *html.Node) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if child.Type == html.ElementNode && !restyle(child, properties) {
			n.RemoveChild(child)
			child = next
			continue
		}
		r.rewrite(child)
		switch child.DataAtom {
		case atom.A:
			relink(child)
		case atom.Img:
			park(child)
		}
		child = next
	}
}

// restyle leaves of the style attribute what may be set; it reports false for an element that is not shown.
func restyle(n *html.Node, may map[string]bool) bool {
	source, found := attribute(n, "style")
	if !found {
		return true
	}
	kept, hidden := style(source, may)
	if hidden {
		return false
	}
	drop(n, "style")
	if kept != "" {
		set(n, "style", kept)
	}
	return true
}

// relink lets a link open in a window of its own, tell nobody where it was found, and say where it leads.
func relink(n *html.Node) {
	source, _ := attribute(n, "href")
	drop(n, "href", "rel", "target", "title", hostMark)
	target, ok := address(source)
	if !ok {
		return
	}
	set(n, "href", target.String())
	set(n, "rel", "noopener noreferrer nofollow")
	set(n, "target", "_blank")
	if target.Host == "" {
		return
	}
	host := target.Hostname()
	set(n, "title", host)
	if named := claimed(n); named != "" && !sameHost(named, host) || strings.Contains(host, "xn--") {
		set(n, hostMark, host)
	}
}

// address reads where a link leads: http and https with an ASCII host and nobody's name in it, mailto, tel.
func address(source string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSpace(source))
	if err != nil {
		return nil, false
	}
	switch u.Scheme {
	case "mailto", "tel":
		return u, u.Opaque != ""
	case "http", "https":
	default:
		return nil, false
	}
	host, err := idna.ToASCII(strings.ToLower(u.Hostname()))
	if err != nil || host == "" || strings.ContainsAny(host, "\"'<>\\ %") {
		return nil, false
	}
	port := u.Port()
	u.User, u.Host = nil, host // http://bank.example@elsewhere.example
	if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if port != "" {
		u.Host += ":" + port
	}
	return u, true
}

// claim is how much of a link's words is read for the host that they name, in bytes.
const claim = 256

// claimed is the host that the words of a link begin with, "" if they begin with none.
func claimed(n *html.Node) string {
	said := strings.ToLower(strings.TrimSpace(text(n, claim)))
	_, behind, found := strings.Cut(said, "://")
	if !found {
		behind = said
	}
	if end := strings.IndexAny(behind, " \t\r\n\u00a0/?#:,;()[]<>"); end >= 0 {
		behind = behind[:end]
	}
	name, last := behind, strings.LastIndexByte(behind, '.')
	if last < 1 || strings.Contains(name, "@") || len(name)-last < 3 || strings.ContainsAny(name[last:], "0123456789") {
		return ""
	}
	host, err := idna.ToASCII(name)
	if err != nil {
		return ""
	}
	return host
}

// sameHost tells whether a link that names one host leads to it, or to a host below it.
func sameHost(named, host string) bool {
	named = strings.TrimPrefix(named, "www.")
	return host == named || strings.HasSuffix(host, "."+named)
}

// text is what stands below a node, up to limit bytes or a little more.
func text(n *html.Node, limit int) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
		if b.Len() >= limit {
			break
		}
	}
	return b.String()
}

// park takes the address of an image away and notes it: nothing is loaded by being looked at.
func park(n *html.Node) {
	source, found := attribute(n, "src")
	drop(n, "src", "srcset")
	if !found {
		return
	}
	drop(n, remoteMark, inlineMark)
	scheme, rest, _ := strings.Cut(strings.TrimSpace(source), ":")
	switch strings.ToLower(scheme) {
	case "http", "https":
		if source = strings.ToLower(scheme) + ":" + rest; remote.MatchString(source) {
			set(n, remoteMark, source)
		}
	case "cid":
		if id, err := url.PathUnescape(rest); err == nil && contentID.MatchString(id) {
			set(n, inlineMark, id)
		}
	}
}

// fill puts the images in that came with the mail, and counts those that are elsewhere.
func (r rewriter) fill(tree *html.Node) (blocked int) {
	for n := range tree.Descendants() {
		if n.DataAtom != atom.Img || n.Type != html.ElementNode {
			continue
		}
		if id, found := attribute(n, inlineMark); found {
			if address := r.images(id); address != "" {
				set(n, "src", address)
			}
		}
		if _, found := attribute(n, remoteMark); found {
			blocked++
		}
	}
	return blocked
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func drop(n *html.Node, names ...string) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return slices.Contains(names, a.Key) })
}

func set(n *html.Node, name, value string) {
	n.Attr = append(n.Attr, html.Attribute{Key: name, Val: value})
}
