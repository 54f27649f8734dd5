package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/pci"
)

// passed is content as the scanner gives it.
func passed(t *testing.T, content string) postroom.Bytes {
	t.Helper()
	b, _, err := pci.New().Seal([]byte(content), pci.Part{Place: pci.PlaceText, Text: content})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const id = "019a0f2e-0000-7000-8000-0000000000ab"

// onBoth runs a test on a store in a directory and on one in memory.
func onBoth(t *testing.T, test func(t *testing.T, s *blob.Store, dir string)) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "blobs")
	for name, at := range map[string]string{"file": "file://" + dir, "memory": "mem://"} {
		t.Run(name, func(t *testing.T) {
			s, err := blob.Open(at)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			if name == "file" {
				test(t, s, dir)
			} else {
				test(t, s, "")
			}
		})
	}
}

func TestBlobIsReadAsItWasWritten(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, _ string) {
		for key, content := range map[blob.Key]string{
			blob.ForMessage(id): "message", blob.ForAttachment(id): "", blob.ForOutbox(id): string(bytes.Repeat([]byte("outbox "), 1e5)),
		} {
			if err := s.Put(t.Context(), key, passed(t, content)); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Read(t.Context(), key, 1<<20); err != nil || string(got) != content {
				t.Errorf("%s: %d bytes, %v", key, len(got), err)
			}
		}
	})
}

func TestBlobIsNeverReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, _ string) {
		const writers = 8
		var results [writers]error
		var wait sync.WaitGroup
		for i := range writers {
			content := passed(t, fmt.Sprint("writer ", i))
			wait.Go(func() { results[i] = s.Put(t.Context(), blob.ForMessage(id), content) })
		}
		wait.Wait()
		winner := slices.Index(results[:], nil)
		for i, err := range results {
			if i != winner && postroom.ReasonOf(err) != blob.ReasonBlobExists {
				t.Errorf("writer %d: %v", i, err)
			}
		}
		if got, err := s.Read(t.Context(), blob.ForMessage(id), 100); err != nil || string(got) != fmt.Sprint("writer ", winner) {
			t.Errorf("%q %v, the winner was %d", got, err, winner)
		}
	})
}

func TestDeletedBlobIsGoneAndDeletingAgainIsFine(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, _ string) {
		if err := s.Put(t.Context(), blob.ForMessage(id), passed(t, "x")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Delete(t.Context(), blob.ForMessage(id)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Read(t.Context(), blob.ForMessage(id), 100); postroom.KindOf(err) != postroom.KindNotFound {
			t.Errorf("got %v", err)
		}
	})
}

func TestBlobLargerThanExpectedIsNotRead(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, _ string) {
		if err := s.Put(t.Context(), blob.ForMessage(id), passed(t, "12345")); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(t.Context(), blob.ForMessage(id), 5); err != nil || len(got) != 5 {
			t.Errorf("%q %v", got, err)
		}
		if _, err := s.Read(t.Context(), blob.ForMessage(id), 4); postroom.ReasonOf(err) != postroom.ReasonTooLarge {
			t.Errorf("got %v", err)
		}
	})
}

func TestMalformedNamesAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, _ string) {
		for _, key := range []blob.Key{
			"", "x", blob.ForMessage(""), blob.ForMessage("ab"), blob.ForMessage("../../etc/passwd"), blob.ForMessage("ABC"), blob.ForMessage("a/b"),
			"message/ab/../../x", "other/ab/019a0f2e", "message/ab/x.attrs", "message/ab/abc\n",
		} {
			_, read := s.Read(t.Context(), key, 100)
			for _, err := range []error{s.Put(t.Context(), key, postroom.Bytes{}), read, s.Delete(t.Context(), key)} {
				if postroom.ReasonOf(err) != blob.ReasonMalformedName {
					t.Errorf("%q: %v", key, err)
				}
			}
		}
	})
}

func TestSweepSeesOldBlobsAndWhatACrashLeft(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, dir string) {
		var want []blob.Key
		for i := range 40 {
			key := blob.ForAttachment(postroom.AttachmentID(fmt.Sprintf("%s%02x", id[:len(id)-2], i%20*12+i/20)))
			want = append(want, key)
			if err := s.Put(t.Context(), key, passed(t, "x")); err != nil {
				t.Fatal(err)
			}
		}
		if dir != "" {
			left := blob.ForMessage(id) + ".18a0f.tmp"
			want = append(want, left)
			path := filepath.Join(dir, string(left))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range s.OlderThan(t.Context(), time.Now().Add(-time.Hour)) {
			t.Fatal("a new blob is old")
		}
		var got []blob.Key
		for key, err := range s.OlderThan(t.Context(), time.Now().Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key)
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %d keys %v, want %d", len(got), got, len(want))
		}
	})
}

func TestCancelledCallsLeaveNothingBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, s *blob.Store, dir string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Put(ctx, blob.ForMessage(id), passed(t, "x")); postroom.KindOf(err) != postroom.KindUnavailable {
			t.Errorf("put: %v", err)
		}
		if _, err := s.Read(t.Context(), blob.ForMessage(id), 100); postroom.KindOf(err) != postroom.KindNotFound {
			t.Errorf("read: %v", err)
		}
		for _, err := range s.OlderThan(ctx, time.Now()) {
			if postroom.KindOf(err) != postroom.KindUnavailable {
				t.Errorf("sweep: %v", err)
			}
		}
		for _, f := range files(t, dir) {
			t.Errorf("%s was left", f)
		}
	})
}

// files lists the files below dir; "" has none.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	if dir == "" {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOnlyTheOwnerCanReadTheDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "blobs")
	s, err := blob.Open("file://" + dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Put(t.Context(), blob.ForMessage(id), passed(t, "x")); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil || len(files(t, dir)) != 1 {
		t.Errorf("%v %v", files(t, dir), err)
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.Open("file://" + dir); postroom.ReasonOf(err) != blob.ReasonStoreExposed {
		t.Errorf("an open directory: %v", err)
	}
}

func TestUnknownPlacesAreRefused(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"", "x", "s3://bucket", "file://", "file://host/dir", "file://./relative", "file:relative", "file:///x?base_url=/y", "mem://x", "\x00"} {
		if _, err := blob.Open(at); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%q: %v", at, err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	s, err := blob.Open("file://" + filepath.Join(b.TempDir(), "blobs"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	text := string(bytes.Repeat([]byte("some mail "), 2000))
	content, _, err := pci.New().Seal([]byte(text), pci.Part{Place: pci.PlaceText, Text: text})
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		if err := s.Put(b.Context(), blob.ForMessage(postroom.MessageID(fmt.Sprintf("%032x", i))), content); err != nil {
			b.Fatal(err)
		}
	}
}
