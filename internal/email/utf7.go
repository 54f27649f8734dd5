package email

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

var base64Bare = base64.StdEncoding.WithPadding(base64.NoPadding)

// decodeUTF7 decodes RFC 2152: between + and - stands UTF-16 in base64. What is malformed stays as it is.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '+' {
			out.WriteByte(b[i])
			continue
		}
		end := i + 1
		for end < len(b) && isBase64(b[end]) {
			end++
		}
		coded := b[i+1 : end]
		if len(coded) == 0 && end < len(b) && b[end] == '-' {
			out.WriteByte('+')
			i = end
			continue
		}
		units, err := base64Bare.DecodeString(string(coded))
		if err != nil || len(coded) == 0 {
			out.WriteByte('+')
			continue
		}
		words := make([]uint16, 0, len(units)/2)
		for j := 0; j+1 < len(units); j += 2 {
			words = append(words, uint16(units[j])<<8|uint16(units[j+1]))
		}
		out.WriteString(string(utf16.Decode(words)))
		i = end - 1
		if end < len(b) && b[end] == '-' {
			i = end
		}
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
