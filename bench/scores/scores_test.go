package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What was reached once is not lost: each score is held at its floor.
func TestScoresDoNotFallBack(t *testing.T) {
	corpora := filepath.Join("..", "..", "..", "shared", "corpora")
	if _, err := os.Stat(corpora); err != nil {
		t.Skip("the development corpora are not here: ", corpora)
	}
	scores, err := measure(corpora)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table(scores))
	for _, s := range scores {
		if s.right < s.floor {
			t.Errorf("%s: %d of %d, was %d\n%s", s.name, s.right, s.all, s.floor, misses([]*score{s}))
		}
		if s.mean > 0 && s.mean < leastF1 {
			t.Errorf("%s: F1 %.3f", s.name, s.mean)
		}
	}
}
