package pci

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// contextReach is how many characters before a number are searched for a word that means card.
const contextReach = 64

// cardWords mean card, or name a brand. ASCII letters are compared without case; a word that begins with one counts only when no
// other ASCII letter stands before it and none but a plural s after it, so that "company" is not "pan" and "카드card카드" is.
var cardWords = []string{
	"card", "cardno", "cardnumber", "cardnum", "creditcard", "debitcard", "cc", "ccn", "ccnum", "ccno", "pan",
	"visa", "mastercard", "maestro", "amex", "american express", "unionpay", "jcb", "diners", "rupay", "verve", "hipercard",
	"karte", "kreditkarte", "kartennummer", "kartennr", "carte", "tarjeta", "kaart", "karta", "karty", "kart",
	"cartão", "cartao", "카드", "비자", "마스터카드", "カード", "ｶｰﾄﾞ", "卡号", "卡號", "信用卡", "银行卡", "карт", "Карт", "КАРТ", "บัตร", "thẻ",
}

// longestCardWord is the size in bytes of the longest of cardWords.
const longestCardWord = 16

// cardWordsByStart lists cardWords by their first byte.
var cardWordsByStart = indexCardWords()

func indexCardWords() (index [256][]string) {
	for _, word := range cardWords {
		index[word[0]] = append(index[word[0]], word)
	}
	return index
}

// cardContext answers, for ascending positions in a text, whether a word for card stands shortly before. It remembers what it has
// searched, so that a page full of numbers is searched once.
type cardContext struct {
	text     string
	searched int // positions below are known
	word     int // where the last word for card begins, or -1
}

func newContext(text string) *cardContext { return &cardContext{text: text, word: -1} }

// nearCardWord reports whether a word that means card begins within contextReach characters before position i.
func (c *cardContext) nearCardWord(i int) bool {
	const reach = contextReach * utf8.UTFMax
	from := max(0, c.searched-longestCardWord, i-reach)
	if word := lastCardWord(c.text, from, i); word >= 0 {
		c.word = word
	}
	c.searched = i
	return c.word >= 0 && i-c.word <= reach && utf8.RuneCountInString(c.text[c.word:i]) <= contextReach
}

// lastCardWord returns the start of the last word for card that lies in s[from:to], or -1.
func lastCardWord(s string, from, to int) int {
	for i := to - 1; i >= from; i-- {
		for _, word := range cardWordsByStart[lower(s[i])] {
			if i+len(word) <= to && equalFold(s[i:i+len(word)], word) && (word[0] >= utf8.RuneSelf || standsAlone(s, i, i+len(word))) {
				return i
			}
		}
	}
	return -1
}

// standsAlone reports whether s[start:end], an ASCII word, is a word of its own: letters of ASCII beside it make it part of
// another word, Hangul or Kana do not.
func standsAlone(s string, start, end int) bool {
	if start > 0 && asciiLetter(s[start-1]) {
		return false
	}
	if end < len(s) && s[end] == 's' {
		end++
	}
	return end == len(s) || !asciiLetter(s[end])
}

// equalFold compares a with word, whose ASCII letters are lower case unless the word begins with a letter of another script.
func equalFold(a, word string) bool {
	if word[0] >= utf8.RuneSelf {
		return a == word
	}
	for i := range len(a) {
		if lower(a[i]) != word[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func asciiLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// wordReach is how far the word beside a number is followed.
const wordReach = 40

// insideIdentifier reports whether s[start:end] is part of a longer token of ASCII letters and digits, such as a hash, a base64
// run or a tracking number: letters touch it, and that token has digits elsewhere too. Letters alone are a word that somebody
// wrote without a space ("card4111…").
func insideIdentifier(s string, start, end int) bool {
	for i, steps := start-1, 0; i >= 0 && steps < wordReach; i, steps = i-1, steps+1 {
		if isASCIIDigit(s[i]) {
			return true
		}
		if !asciiLetter(s[i]) {
			break
		}
	}
	for i, steps := end, 0; i < len(s) && steps < wordReach; i, steps = i+1, steps+1 {
		if isASCIIDigit(s[i]) {
			return true
		}
		if !asciiLetter(s[i]) {
			break
		}
	}
	return false
}

// joined reports whether punctuation ties s[start:end] to a letter or digit, as in "pln.269.1510160527592": a part of a name that a
// program made.
func joined(s string, start, end int) bool {
	const ties = "._-/:=@"
	alphanumeric := func(i int) bool { return i >= 0 && i < len(s) && (asciiLetter(s[i]) || isASCIIDigit(s[i])) }
	return alphanumeric(start-2) && strings.IndexByte(ties, s[start-1]) >= 0 ||
		alphanumeric(end+1) && strings.IndexByte(ties, s[end]) >= 0
}

func isASCIIDigit(c byte) bool { return '0' <= c && c <= '9' }

// afterDecimalPoint reports whether position i of s follows a digit and a point: 37.4111…
func afterDecimalPoint(s string, i int) bool {
	return i >= 2 && s[i-1] == '.' && isASCIIDigit(s[i-2])
}

// afterPlus reports whether position i of s follows a plus sign, as in a telephone number.
func afterPlus(s string, i int) bool {
	before, found := strings.CutSuffix(strings.TrimRightFunc(s[:i], unicode.IsSpace), "+")
	return found && len(s[:i])-len(before) <= 2
}
