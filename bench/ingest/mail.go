package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// mixed is the n-th of mails as they come: text, HTML, and every third with a file of 100 KB: a table, which is kept, or a picture, which is
// withheld.
func mixed(n int) []byte {
	var b bytes.Buffer
	head(&b, n)
	text := strings.Repeat("I ordered it two weeks ago, number 4711-"+fmt.Sprint(n)+", and have not heard from you since.\r\n", 12)
	html := "<html><body><p>Hello,</p><table><tr><td>" + strings.Repeat("<p>I <b>ordered</b> it <a href=\"https://shop.example/o\">two weeks</a> ago.</p>\r\n", 40) +
		"</td></tr></table></body></html>\r\n"
	switch n % 3 {
	case 0:
		b.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\n" + text)
	case 1:
		b.WriteString("Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text +
			"--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html + "--a--\r\n")
	default:
		if n%6 == 2 {
			attached(&b, text, "text/csv", "orders.csv", []byte(strings.Repeat("4711,two weeks ago,\"Seoul, Korea\",not delivered\r\n", 100<<10/50)))
		} else {
			attached(&b, text, "image/jpeg", "picture.jpg", picture(n, 100<<10))
		}
	}
	return b.Bytes()
}

// large is a mail with a file of 18.5 MB, which is 25 MB as it travels.
func large(n int) []byte {
	var b bytes.Buffer
	head(&b, n)
	attached(&b, "See the file.\r\n", "image/jpeg", "picture.jpg", picture(n, 18_500_000))
	return b.Bytes()
}

func head(b *bytes.Buffer, n int) {
	fmt.Fprintf(b, "From: Customer %d <customer-%d@customer.example>\r\nTo: support@postroom.example\r\nSubject: Where is my parcel %d?\r\n"+
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%d.%d@customer.example>\r\nMIME-Version: 1.0\r\n", n, n, n, n, rand.Uint64())
}

// picture is one that no scanner knows by heart: it begins as a JPEG does, and goes on by chance.
func picture(n, size int) []byte {
	file := make([]byte, size)
	chance := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	_, _ = chance.Read(file)
	copy(file, "\xff\xd8\xff\xe0\x00\x10JFIF\x00")
	return file
}

// attached writes a text with a file.
func attached(b *bytes.Buffer, text, mediaType, name string, file []byte) {
	b.WriteString("Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text +
		"--m\r\nContent-Type: " + mediaType + "\r\nContent-Disposition: attachment; filename=" + name + "\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	encoded := base64.StdEncoding.EncodeToString(file)
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	b.WriteString(encoded + "\r\n--m--\r\n")
}
