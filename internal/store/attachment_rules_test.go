package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R3, R16: the rules for attachments are a part of the configuration: versioned, audited, and gone when it does not name them any more.
func TestR16RulesForAttachmentsAreAppliedAndRetired(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Minute, store.Options{})
	configuration, version, err := c.Configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply := func(rules postroom.AttachmentRules) (changes []string) {
		t.Helper()
		configuration.Attachments = rules
		applied, err := c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), configuration, postroom.SealText("rules"))
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range applied.Changes {
			changes = append(changes, change.Action+" "+change.Kind)
		}
		version = applied.Version
		return changes
	}
	rules := postroom.AttachmentRules{Allowed: []string{"application/pdf", "image/*"}}
	for i, step := range []struct {
		rules postroom.AttachmentRules
		want  []string
	}{
		{rules, []string{"create attachments"}},
		{rules, nil},
		{postroom.AttachmentRules{Blocked: []string{".csv"}}, []string{"change attachments"}},
		{postroom.AttachmentRules{}, []string{"retire attachments"}},
		{postroom.AttachmentRules{}, nil},
	} {
		before := version
		if got := apply(step.rules); !slices.Equal(got, step.want) || (version > before) != (step.want != nil) {
			t.Errorf("step %d: %q, version %d after %d", i, got, version, before)
		}
		now, err := c.AttachmentRules(t.Context())
		if err != nil || !slices.Equal(now.Allowed, step.rules.Allowed) || !slices.Equal(now.Blocked, step.rules.Blocked) {
			t.Errorf("step %d: %v, %v", i, now, err)
		}
	}
}
