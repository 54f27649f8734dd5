package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

var script = strings.Repeat("console.log('hello');\n", 100)

func built(t *testing.T) *Desktop {
	t.Helper()
	d, err := read(fstest.MapFS{
		"placeholder.html":         {Data: []byte("not built")},
		"app/index.html":           {Data: []byte(`<meta property="csp-nonce" nonce="` + nonceMark + `"><div id="root"></div>`)},
		"app/favicon.svg":          {Data: []byte("<svg/>")},
		"app/assets/index-AbC1.js": {Data: []byte(script)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func get(t *testing.T, h http.Handler, method, target, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAssetsAreKeptForEverAndCompressed(t *testing.T) {
	t.Parallel()
	d := built(t)
	r := get(t, d, "GET", "/assets/index-AbC1.js", "br, gzip;q=0.8")
	if got := r.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("Cache-Control %q", got)
	}
	if r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("not compressed: %v", r.Header)
	}
	if got := r.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || string(plain) != script {
		t.Errorf("the script arrived changed: %v", err)
	}
	if got := body(t, get(t, d, "GET", "/assets/index-AbC1.js", "gzip;q=0")); got != script {
		t.Error("a browser that refuses gzip was given it")
	}
}

func TestUnknownAssetIsNotFoundAndNeverAPage(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/assets/index-old.js", "/assets/nothing", "/robots.txt", "/content/attachments/x",
		"/postroom.agent.v1.AgentService/GetState", "/a/../assets/b.js"} {
		r := get(t, built(t), "GET", target, "")
		if r.StatusCode != http.StatusNotFound || strings.Contains(body(t, r), "root") {
			t.Errorf("%s: status %d", target, r.StatusCode)
		}
	}
}

func TestAnyOtherPathIsThePageWithAStrictPolicy(t *testing.T) {
	t.Parallel()
	d := built(t)
	nonces := map[string]bool{}
	for _, target := range []string{"/", "/contacts/0198c1b2-7a00-7000-8000-000000000001", "/no/such/place"} {
		r := get(t, d, "GET", target, "")
		if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: status %d, Cache-Control %q", target, r.StatusCode, r.Header.Get("Cache-Control"))
		}
		csp := r.Header.Get("Content-Security-Policy")
		m := regexp.MustCompile(`style-src 'self' 'nonce-([A-Z0-9]{26})'`).FindStringSubmatch(csp)
		if m == nil || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Fatalf("%s: policy %q", target, csp)
		}
		if page := body(t, r); !strings.Contains(page, m[1]) || strings.Contains(page, nonceMark) {
			t.Errorf("%s: the page does not carry the nonce of its policy", target)
		}
		nonces[m[1]] = true
	}
	if len(nonces) != 3 {
		t.Error("a nonce was used twice")
	}
}

func TestWithoutABuildThePlaceholderSaysHowToMakeOne(t *testing.T) {
	t.Parallel()
	d, err := read(fstest.MapFS{"placeholder.html": {Data: []byte("not built")}})
	if err != nil {
		t.Fatal(err)
	}
	r := get(t, d, "GET", "/", "")
	if d.Built() || r.StatusCode != http.StatusServiceUnavailable || body(t, r) != "not built" {
		t.Errorf("built %v, status %d", d.Built(), r.StatusCode)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	t.Parallel()
	if r := get(t, built(t), "POST", "/", ""); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("status %d", r.StatusCode)
	}
}

func TestTheProgramHoldsAPlaceholderAtLeast(t *testing.T) {
	t.Parallel()
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(d.empty), "make") {
		t.Error("the placeholder does not say how to build the desktop")
	}
}
