package pci_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/pci"
)

// prose makes about n bytes of text with the digits that mails have: dates, telephone and order numbers.
func prose(n int, sentences ...string) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(sentences[random.IntN(len(sentences))])
		if random.IntN(6) == 0 {
			fmt.Fprintf(&b, "2026-07-%02d, %d, 010-%04d-%04d\n", random.IntN(28)+1, random.IntN(1e9), random.IntN(1e4), random.IntN(1e4))
		}
	}
	return b.String()
}

func BenchmarkText(b *testing.B) {
	const size = 4 << 20
	random := rand.New(rand.NewPCG(3, 4))
	var table, blocks, digits strings.Builder
	for table.Len() < size {
		fmt.Fprintf(&table, "%d,%d.%02d,%016d,%d\n", random.IntN(1e6), random.IntN(1e4), random.IntN(100), random.Int64N(1e16), random.IntN(10))
	}
	for blocks.Len() < size {
		fmt.Fprintf(&blocks, "%d ", random.IntN(1e4))
	}
	for digits.Len() < size {
		fmt.Fprintf(&digits, "%d ", random.IntN(10))
	}
	for _, c := range []struct{ name, text string }{
		{"english", prose(size, "Dear customer service, ", "my order did not arrive yet. ", "Could you please look into it? ", "Kind regards, Alex\n")},
		{"korean", prose(size, "안녕하세요, ", "주문한 상품이 아직 도착하지 않았습니다. ", "확인 부탁드립니다. ", "감사합니다.\n")},
		{"numbers", table.String()},
		{"groups", blocks.String()},
		{"single-digits", digits.String()},
		{"one-number", strings.Repeat("4", size)},
		{"invisible", strings.Repeat("4\u200b", size/4)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			for b.Loop() {
				pci.New().Text(pci.PlaceText, c.text)
			}
		})
	}
}
