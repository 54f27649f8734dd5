package worker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// A blob is written before the commit that names it. What no row came to name is deleted when no attempt can be under way any more; what a
// row names stays.
func TestBlobsThatNoRowNamesAreSweptAndOthersStay(t *testing.T) {
	t.Parallel()
	centre := testkit.NewCentre(t, time.Minute, store.Options{})
	blobs, err := blob.Open("mem://")
	if err != nil {
		t.Fatal(err)
	}
	a := &activities.Activities{Store: centre.Store, Blobs: blobs}
	mail := centre.Mail("kim@customer.example", "hello")
	attached := store.ArrivedAttachment{ID: postroom.AttachmentID(uuid.Must(uuid.NewV7()).String()), Filename: postroom.SealText("a.txt"),
		MediaType: postroom.SealText("text/plain"), Size: 1, Verdict: postroom.AttachmentPassed}
	named := blob.ForAttachment(attached.ID)
	attached.BlobKey = string(named)
	mail.Attachments = append(mail.Attachments, attached)
	if _, err := centre.Ingest(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	put := func(key blob.Key) {
		t.Helper()
		if err := blobs.Put(t.Context(), key, postroom.SealBytes([]byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	put(named)
	const leftOver = 1201 // more than two pages
	for range leftOver {
		put(blob.ForOutbox(postroom.OutboxID(uuid.Must(uuid.NewV7()).String())))
	}
	sweep := func(before time.Time) int {
		t.Helper()
		n, err := a.SweepBlobs(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := sweep(time.Now().Add(-time.Hour)); n != 0 {
		t.Errorf("%d blobs were deleted though their rows may still come", n)
	}
	if n := sweep(time.Now().Add(time.Hour)); n != leftOver {
		t.Errorf("%d blobs were deleted, want %d", n, leftOver)
	}
	var left []blob.Key
	for key, err := range blobs.OlderThan(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, key)
	}
	if !slices.Equal(left, []blob.Key{named}) {
		t.Errorf("left over: %q", left)
	}
}
