package blob_test

import (
	"bytes"
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
)

// bucket speaks as much of S3 as a blob store needs: objects with If-None-Match, uploads in parts, and listings.
type bucket struct {
	mu      sync.Mutex
	objects map[string]object
	parts   map[string]map[int][]byte
	broken  bool
	asked   []string
}

type object struct {
	content []byte
	at      time.Time
}

// openBucket is a store over a bucket of its own.
func openBucket(t *testing.T, prefix string) (*blob.Store, *bucket) {
	t.Helper()
	b := &bucket{objects: map[string]object{}, parts: map[string]map[int][]byte{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	s, err := blob.Open("s3://mail-blobs?region=eu-test-1&endpoint=" + server.URL + prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r.Method+" "+r.URL.RequestURI())
	key, inBucket := strings.CutPrefix(r.URL.Path, "/mail-blobs")
	key = strings.TrimPrefix(key, "/")
	q := r.URL.Query()
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil || !inBucket || b.broken || r.Header.Get("Authorization") == "" || r.Header.Get("Content-Encoding") == "aws-chunked":
		fail(w, http.StatusForbidden, "AccessDenied")
	case key == "":
		b.list(w, q.Get("prefix"), q.Get("delimiter"), q.Get("continuation-token"), q.Get("max-keys"))
	case r.Method == http.MethodPost && q.Has("uploads"):
		id := strconv.Itoa(len(b.parts) + 1)
		b.parts[id] = map[int][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>mail-blobs</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", key, id)
	case r.Method == http.MethodPut && q.Has("partNumber"):
		n, _ := strconv.Atoi(q.Get("partNumber"))
		b.parts[q.Get("uploadId")][n] = body
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodPost && q.Has("uploadId"):
		parts := b.parts[q.Get("uploadId")]
		var whole []byte
		for _, n := range slices.Sorted(maps.Keys(parts)) {
			whole = append(whole, parts[n]...)
		}
		b.put(w, r, key, whole)
	case r.Method == http.MethodPut:
		b.put(w, r, key, body)
	case r.Method == http.MethodDelete:
		delete(b.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		o, found := b.objects[key]
		if !found {
			fail(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(o.content))
		w.Header().Set("Content-Length", strconv.Itoa(len(o.content)))
		w.Header().Set("Last-Modified", o.at.UTC().Format(http.TimeFormat))
		_, _ = w.Write(o.content)
	}
}

func (b *bucket) put(w http.ResponseWriter, r *http.Request, key string, content []byte) {
	if _, exists := b.objects[key]; exists && r.Header.Get("If-None-Match") == "*" {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	b.objects[key] = object{content, time.Now()}
	w.Header().Set("ETag", etag(content))
	if r.Method == http.MethodPost {
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>mail-blobs</Bucket><Key>%s</Key><ETag>%s</ETag></CompleteMultipartUploadResult>", key, etag(content))
	}
}

func etag(content []byte) string { return fmt.Sprintf(`"%x"`, md5.Sum(content)) }

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func (b *bucket) list(w http.ResponseWriter, prefix, delimiter, after, most string) {
	type content struct {
		Key, LastModified, ETag string
		Size                    int
	}
	var result struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
		CommonPrefixes        []struct{ Prefix string }
	}
	limit, err := strconv.Atoi(most)
	if err != nil || limit > 7 {
		limit = 7 // small pages
	}
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after {
			continue
		}
		if len(result.Contents)+len(result.CommonPrefixes) == limit {
			result.IsTruncated = true
			break
		}
		result.NextContinuationToken = key
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			shard := prefix + rest[:i+1]
			if !seen[shard] && shard > after {
				seen[shard] = true
				result.CommonPrefixes = append(result.CommonPrefixes, struct{ Prefix string }{shard})
			}
			result.NextContinuationToken = shard + "\xf4\x8f\xbf\xbf"
			continue
		}
		result.Contents = append(result.Contents, content{key, b.objects[key].at.UTC().Format("2006-01-02T15:04:05.000Z"), etag(b.objects[key].content), len(b.objects[key].content)})
	}
	if !result.IsTruncated {
		result.NextContinuationToken = ""
	}
	_ = xml.NewEncoder(w).Encode(result)
}

// The contract holds over S3 too: what is written is read, in pieces as well, once and never replaced, and a sweep sees it.
func TestObjectStoreKeepsTheContract(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	for _, prefix := range []string{"", "&prefix=postroom/"} {
		s, b := openBucket(t, prefix)
		large := strings.Repeat("0123 text\n", 3<<20)
		for key, content := range map[blob.Key]string{blob.ForMessage(id): "message", blob.ForAttachment(id): "", blob.ForOutbox(id): large} {
			if err := s.Put(t.Context(), key, passed(t, content)); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Read(t.Context(), key, 64<<20); err != nil || string(got) != content {
				t.Errorf("%s: %d bytes, %v", key, len(got), err)
			}
			stream, err := s.Stream(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(stream); err != nil || !bytes.Equal(got, []byte(content)) || stream.Size() != int64(len(content)) {
				t.Errorf("%s in pieces: %d bytes, %v", key, len(got), err)
			}
			_ = stream.Close()
			if err := s.Put(t.Context(), key, passed(t, "another")); postroom.ReasonOf(err) != blob.ReasonBlobExists {
				t.Errorf("%s again: %v", key, err)
			}
		}
		for name := range b.objects {
			if want := strings.TrimPrefix(prefix, "&prefix="); !strings.HasPrefix(name, want) {
				t.Errorf("%s is not below %q", name, want)
			}
		}
		const more = 40
		for i := range more {
			if err := s.Put(t.Context(), blob.ForAttachment(postroom.AttachmentID(fmt.Sprintf("%s%02x", id[:len(id)-2], i%20*12+i/20))), passed(t, "x")); err != nil && postroom.ReasonOf(err) != blob.ReasonBlobExists {
				t.Fatal(err)
			}
		}
		for range s.OlderThan(t.Context(), time.Now().Add(-time.Hour)) {
			t.Fatal("a new blob is old")
		}
		swept := 0
		for key, err := range s.OlderThan(t.Context(), time.Now().Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			swept++
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if len(b.objects) != 0 || swept < more {
			t.Errorf("%d swept, %d left", swept, len(b.objects))
		}
		if _, err := s.Read(t.Context(), blob.ForMessage(id), 100); postroom.KindOf(err) != postroom.KindNotFound {
			t.Errorf("a blob that is gone: %v", err)
		}
		if _, err := s.Stream(t.Context(), blob.ForMessage(id)); postroom.KindOf(err) != postroom.KindNotFound {
			t.Errorf("a blob that is gone, in pieces: %v", err)
		}
		b.mu.Lock()
		b.broken = true
		b.mu.Unlock()
		if err := s.Put(t.Context(), blob.ForMessage(id), passed(t, "x")); postroom.KindOf(err) != postroom.KindUnavailable {
			t.Errorf("a store that refuses us: %v", err)
		}
	}
}

// Nothing secret is in the URL, and nothing goes over a network unprotected (R41).
func TestObjectStoresThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"s3://bucket", "s3://", "s3://b?region=x", "s3://bucket/path?region=x", "s3://key:secret@bucket?region=x", "s3://bucket?region=x&secret=y",
		"s3://bucket?region=x&region=y", "s3://bucket?region=x&endpoint=nothing", "s3://bucket?region=x&endpoint=https://host/path", "s3://bucket?region=x&endpoint=https://a:b@host",
		"s3://bucket?region=x&endpoint=ftp://host", "s3://bucket?region=x&prefix=a", "s3://Bucket?region=x"} {
		if _, err := blob.Open(at); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%q: %v", at, err)
		}
	}
	if _, err := blob.Open("s3://bucket?region=x&endpoint=http://minio:9000"); postroom.ReasonOf(err) != blob.ReasonNoTLS {
		t.Errorf("without TLS: %v", err)
	}
}
