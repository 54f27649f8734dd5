// Package web is the Agent Desktop: its sources (TypeScript, in src), what web/build makes of them (dist/app, not committed), and the
// handler that serves it from the program itself.
//
// Go needs no Node to compile: where the desktop was not built, dist holds a placeholder that says how to build it.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/postroom/postroom"
)

//go:embed all:dist
var dist embed.FS

// nonceMark stands in the built index.html where each answer has a nonce of its own.
const nonceMark = "__CSP_NONCE__"

// policy is the page's Content-Security-Policy: everything comes from this server, nothing is inline, nobody frames it. The component
// library writes its variables into style elements, which carry the nonce.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'nonce-" + nonceMark + "'; " +
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// types are the media types of what a build may hold: a table of our own, because the system's differs from machine to machine.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// Desktop serves the Agent Desktop. It is safe for concurrent use. Make one with New.
type Desktop struct {
	files map[string]file
	index []byte // nil if the desktop was not built
	empty []byte // the placeholder
}

// file is a built file, ready to be sent.
type file struct {
	plain, gzipped []byte // gzipped is nil where it saves nothing
	mediaType      string
	immutable      bool // its name changes with its content
}

// New reads the desktop that was built into this program, and compresses it in memory: 0.1 s, 1 MB.
func New() (*Desktop, error) {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, postroom.Internal("the desktop's files are not in the program", err)
	}
	return read(built)
}

// Built reports whether the program holds the desktop, and not only the placeholder.
func (d *Desktop) Built() bool { return d.index != nil }

func read(files fs.FS) (*Desktop, error) {
	empty, err := fs.ReadFile(files, "placeholder.html")
	if err != nil {
		return nil, postroom.Internal("the desktop's placeholder is not in the program", err)
	}
	d := &Desktop{files: map[string]file{}, empty: empty}
	index, err := fs.ReadFile(files, "app/index.html")
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, postroom.Internal("the desktop's page cannot be read", err)
	}
	d.index = index
	app, err := fs.Sub(files, "app")
	if err != nil {
		return nil, postroom.Internal("the desktop's files cannot be read", err)
	}
	err = fs.WalkDir(app, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "index.html" {
			return err
		}
		content, err := fs.ReadFile(app, name)
		if err != nil {
			return err
		}
		d.files["/"+name], err = prepare(name, content)
		return err
	})
	if err != nil {
		return nil, postroom.Internal("the desktop's files cannot be read", err)
	}
	return d, nil
}

func prepare(name string, content []byte) (file, error) {
	f := file{plain: content, mediaType: types[path.Ext(name)], immutable: strings.HasPrefix(name, "assets/")}
	if f.mediaType == "" {
		f.mediaType = "application/octet-stream"
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	if _, err := w.Write(content); err != nil {
		return f, err
	}
	if err := w.Close(); err != nil {
		return f, err
	}
	if b.Len() < len(content)*9/10 {
		f.gzipped = b.Bytes()
	}
	return f, nil
}

// ServeHTTP answers a file of the build; any other path that is no file's is the page itself, whose router knows it.
func (d *Desktop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if f, found := d.files[r.URL.Path]; found {
		f.serve(w, r)
		return
	}
	if !isPage(r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	d.page(w)
}

// isPage reports whether a path may be one of the desktop's own. Names of files and of calls have a dot in them; a page in their place
// would be read as a script or as an answer.
func isPage(p string) bool {
	return !strings.Contains(p, ".") && !strings.HasPrefix(p, "/assets/") && !strings.HasPrefix(p, "/content/")
}

func (d *Desktop) page(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", types[".html"])
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !d.Built() {
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(d.empty)
		return
	}
	nonce := rand.Text()
	header.Set("Content-Security-Policy", strings.ReplaceAll(policy, nonceMark, nonce))
	_, _ = w.Write(bytes.ReplaceAll(d.index, []byte(nonceMark), []byte(nonce)))
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.mediaType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-cache")
	if f.immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content := f.plain
	if f.gzipped != nil {
		header.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			header.Set("Content-Encoding", "gzip")
			content = f.gzipped
		}
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as far as browsers use it: gzip is named, and not with a weight of 0.
func acceptsGzip(accept string) bool {
	for offer := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(offer), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			quality, weighted := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			q, err := strconv.ParseFloat(quality, 64)
			return !weighted || (err == nil && q > 0)
		}
	}
	return false
}
