package filetype_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/filetype"
)

// zipped is a ZIP archive with files of these names.
func zipped(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("<xml/>")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func wide(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// at puts a mark at a place of a file of zeros.
func at(size, place int, mark string) []byte {
	b := make([]byte, size)
	copy(b[place:], mark)
	return b
}

func ole(streams ...string) []byte {
	b := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 2040)...)
	for _, s := range streams {
		b = append(b, wide(s)...)
	}
	return b
}

var document = []string{"[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/printerSettings/printerSettings1.bin"}

// active are contents that run something, whatever they are called.
func active(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"a Windows program":           append([]byte("MZ\x90\x00\x03\x00\x00\x00"), make([]byte, 500)...),
		"an ELF program":              append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 100)...),
		"a Mac program":               append([]byte("\xcf\xfa\xed\xfe\x07\x00\x00\x01"), make([]byte, 100)...),
		"a Java class":                []byte("\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x10"),
		"an MSI":                      append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), at(2000, 1016, "\x84\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46")...),
		"a jar":                       zipped(t, "META-INF/MANIFEST.MF", "A.class"),
		"a shell script":              []byte("#!/bin/sh\nrm -rf ~\n"),
		"a Python script":             []byte("#!/usr/bin/env python3\nprint(1)\n"),
		"a PHP page":                  []byte("<?php system($_GET['c']);"),
		"a macro document":            zipped(t, append(document, "word/vbaProject.bin")...),
		"Excel 4 macros":              zipped(t, "[Content_Types].xml", "xl/workbook.xml", "xl/macrosheets/sheet1.xml"),
		"an old macro":                ole("Root Entry", "_VBA_PROJECT"),
		"a packed program":            ole("Root Entry", "\x01Ole10Native"),
		"RTF with objects":            []byte(`{\rtf1 {\object\objemb{\*\objdata 0105}}}`),
		"a shortcut":                  append([]byte("\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"), make([]byte, 60)...),
		"an URL file":                 []byte("\ufeff[InternetShortcut]\r\nURL=file://evil.example/a.exe\r\n"),
		"a desktop file":              []byte("[Desktop Entry]\nExec=sh\n"),
		"an ISO":                      at(0x9000, 0x8001, "CD001"),
		"a VHD":                       at(4096, 4096-512, "conectix"),
		"a VHDX":                      at(1000, 0, "vhdxfile"),
		"a DMG":                       at(4096, 4096-512, "koly"),
		"an archive with a program":   zipped(t, "readme.txt", "folder/invoice.pdf.EXE"),
		"an archive with a script":    zipped(t, `folder\start.js. `),
		"an archive with a disk":      zipped(t, "disk.iso"),
		"a page with a script":        []byte("<html><body><script>alert(1)</script>"),
		"a page with a handler":       []byte("<!doctype html><p>hello<img src=x onerror=alert(1)>"),
		"a page with an address":      []byte("<html><a href=' java\nscript:alert(1)'>x</a>"),
		"a page with an encoded one":  []byte("<html><a href='&#106;avascript&colon;alert(1)'>x</a>"),
		"a page that goes elsewhere":  []byte(`<html><meta http-equiv="Refresh" content="0;url=http://evil.example">`),
		"a page with a frame":         []byte(`<html><iframe src="http://evil.example">`),
		"a page in UTF-16":            append([]byte("\xff\xfe"), wide("<html><script>alert(1)</script>")...),
		"a drawing with a script":     []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"a drawing with a hidden one": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><title><script>alert(1)</script></title></svg>`),
		"a drawing with a prefix":     []byte(`<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script>alert(1)</s:script></s:svg>`),
		"a drawing that loads itself": []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><style><use href="data:image/svg+xml;base64,AA=="/></style></svg>`),
		"a drawing that changes":      []byte(`<svg xmlns="http://www.w3.org/2000/svg"><a><set attributeName="href" to="javascript:alert(1)"/></a></svg>`),
		"a drawing with entities":     []byte(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "x">]><svg xmlns="http://www.w3.org/2000/svg"/>`),
		"a page behind a comment":     []byte("<!-- x --><html><script>1</script>"),
	}
}

// R16: active content is blocked by what it is, whatever it is called and declared, and whatever the configuration allows.
func TestR16ActiveContentIsBlockedUnderAnyName(t *testing.T) {
	t.Parallel()
	for what, content := range active(t) {
		for _, name := range []string{"", "a", "notes.txt", "photo.jpg", "order.pdf", "letter.docx", "page.html", "drawing.svg", "x.xml", "영수증.csv"} {
			for _, declared := range []string{"", "text/plain", "image/png", "nonsense"} {
				v := filetype.Judge(filetype.File{Name: name, Declared: declared, Content: content}, postroom.AttachmentRules{Allowed: []string{"*/*", "text/*", "image/*", "application/*"}})
				if !strings.HasPrefix(string(v.Reason), "active_") {
					t.Errorf("%s as %q: %+v", what, name, v)
				}
			}
		}
	}
}

// R16: and by its name, for what is in it says nothing to a system that goes by the name.
func TestR16ActiveNamesAreBlockedWhateverIsInThem(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.exe", "a.EXE", "a.exe.", "a.exe ", "a.exe . .", "invoice.pdf.exe", "a.e\u200bxe", "a\u202efdp.exe", "a.js", "a.vbs", "a.lnk", "a.url", "a.iso", "a.docm",
		"a.scr", "a.hta", "a.ps1", "a.reg", "a.jar", "a.msi", "a.bat", "a.cmd", "a.com", "a.img", "a.xll", "a.one", "a.mht", ".exe"} {
		if v := filetype.Judge(filetype.File{Name: name, Content: []byte("hello")}, postroom.AttachmentRules{}); !strings.HasPrefix(string(v.Reason), "active_") {
			t.Errorf("%q: %+v", name, v)
		}
	}
}

// What people send to each other passes, with a type that says what it is.
func TestOrdinaryFilesPassWithTheirType(t *testing.T) {
	t.Parallel()
	docx := zipped(t, document...)
	for _, c := range []struct {
		name, declared string
		content        []byte
		want           string
	}{
		{"a.txt", "text/plain", []byte("hello"), "text/plain"},
		{"MZ.txt", "", []byte("MZ is what this text begins with"), "text/plain"},
		{"a.csv", "application/vnd.ms-excel", []byte("one\ntwo\n"), "text/csv"},
		{"표.csv", "", []byte("\xc7\xd1\xb1\xdb,1\n"), "text/csv"}, // EUC-KR
		{"a.pdf", "application/octet-stream", []byte("%PDF-1.7\n"), "application/pdf"},
		{"a.png", "image/png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "image/png"},
		{"a.jpg", "", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "image/png"}, // a picture is a picture
		{"", "", []byte("\xff\xd8\xff\xe0\x00\x10JFIF"), "image/jpeg"},
		{"a.docx", "", docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"a.zip", "", zipped(t, "one.txt", "two.pdf"), "application/zip"},
		{"a.html", "text/html", []byte("<html><p style='color:red'>hello <a href='https://shop.example'>x</a>"), "text/html"},
		{"a.svg", "", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`), "image/svg+xml"},
		{"bill.xml", "", []byte(`<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="bill.xsl"?><Invoice/>`), "application/xml"},
		{"a.doc", "", ole("Root Entry", "WordDocument"), "application/msword"},
		{"table.xls", "", []byte("<html><table><tr><td>1</td></tr></table></html>"), "text/html"},
		{"a.ics", "", []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"), "text/calendar"},
		{"unknown", "", []byte{1, 2, 3, 250, 251}, filetype.Unknown},
		{"", "", nil, "text/plain"},
		{"broken.pdf", "application/pdf", []byte("404 not found"), "text/plain"},
		{"broken.docx", "", []byte("404 not found"), "text/plain"},
		{"talk.txt", "", []byte("He said <script> is a word, and onclick= too"), "text/plain"},
	} {
		v := filetype.Judge(filetype.File{Name: c.name, Declared: c.declared, Content: c.content}, postroom.AttachmentRules{})
		if v.Reason != "" || v.Type != c.want {
			t.Errorf("%q: %+v, want %s", c.name, v, c.want)
		}
	}
}

func TestNameThatTheContentContradictsIsBlocked(t *testing.T) {
	t.Parallel()
	docx := zipped(t, document...)
	for name, content := range map[string][]byte{
		"a.pdf": docx, "b.png": []byte("%PDF-1.7\n"), "c.txt": []byte("%PDF-1.7\n"), "d.docx": []byte("%PDF-1.7\n"), "e.jpg": docx,
		"f.csv": docx, "g.doc": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
	} {
		if v := filetype.Judge(filetype.File{Name: name, Content: content}, postroom.AttachmentRules{}); v.Reason != filetype.ReasonMismatch {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// R16: what may pass, the configuration says, by the content and not by what the sender calls it.
func TestR16ConfigurationSaysWhatMayPass(t *testing.T) {
	t.Parallel()
	text, pdf := []byte("hello"), []byte("%PDF-1.7\n")
	for _, c := range []struct {
		rules          postroom.AttachmentRules
		name, declared string
		content        []byte
		want           postroom.Reason
	}{
		{postroom.AttachmentRules{Allowed: []string{"application/pdf"}}, "a.pdf", "", pdf, ""},
		{postroom.AttachmentRules{Allowed: []string{"application/pdf"}}, "a", "text/plain", pdf, ""},
		{postroom.AttachmentRules{Allowed: []string{"application/pdf"}}, "a.txt", "application/pdf", text, filetype.ReasonNotAllowed},
		{postroom.AttachmentRules{Allowed: []string{".pdf"}}, "a.PDF", "", pdf, ""},
		{postroom.AttachmentRules{Allowed: []string{"text/*", "image/*"}}, "a.csv", "", text, ""},
		{postroom.AttachmentRules{Allowed: []string{"text/csv"}}, "a.csv", "", text, ""},
		{postroom.AttachmentRules{Allowed: []string{"text/csv"}}, "a.txt", "", text, filetype.ReasonNotAllowed},
		{postroom.AttachmentRules{Allowed: []string{"image/*"}}, "a.pdf", "", pdf, filetype.ReasonNotAllowed},
		{postroom.AttachmentRules{Blocked: []string{"application/pdf"}}, "a", "", pdf, filetype.ReasonNotAllowed},
		{postroom.AttachmentRules{Blocked: []string{".pdf"}}, "a.pdf", "", pdf, filetype.ReasonNotAllowed},
		{postroom.AttachmentRules{Blocked: []string{"video/*"}}, "a", "video/mp4", []byte{1, 2, 3}, filetype.ReasonNotAllowed},
		{postroom.AttachmentRules{Allowed: []string{"application/*"}, Blocked: []string{"application/pdf"}}, "a", "", pdf, filetype.ReasonNotAllowed},
	} {
		if v := filetype.Judge(filetype.File{Name: c.name, Declared: c.declared, Content: c.content}, c.rules); v.Reason != c.want {
			t.Errorf("%v %q: %+v, want %q", c.rules, c.name, v, c.want)
		}
	}
	for p, want := range map[string]bool{"image/*": true, "application/pdf": true, ".docx": true, "application/vnd.ms-excel": true, "": false, "pdf": false, "*/*": false, "image/": false,
		".": false, ".tar.gz": false, "Image/*": false, "a/b/c": false, "*": false, ".a b": false} {
		if postroom.FilePattern(p) != want {
			t.Errorf("%q is a pattern: %v", p, !want)
		}
	}
}

// Whatever arrives is judged: no panic, and the same twice.
func TestAnyFileIsJudged(t *testing.T) {
	t.Parallel()
	marks := []string{"", "PK\x03\x04", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "<svg ", "<html>", "\xff\xfe<\x00", "\xff\xfe\x00\x00", "{\\rtf", "MZ", "%PDF"}
	rapid.Check(t, func(t *rapid.T) {
		f := filetype.File{Name: rapid.String().Draw(t, "name"), Declared: rapid.String().Draw(t, "declared"),
			Content: append([]byte(rapid.SampledFrom(marks).Draw(t, "mark")), rapid.SliceOf(rapid.Byte()).Draw(t, "content")...)}
		once := filetype.Judge(f, postroom.AttachmentRules{})
		if twice := filetype.Judge(f, postroom.AttachmentRules{}); once != twice {
			t.Fatal("judged two ways")
		}
	})
}

// 25 MB are judged in moments.
func BenchmarkJudge(b *testing.B) {
	for name, content := range map[string][]byte{
		"text":   bytes.Repeat([]byte("a line of ordinary text\n"), 25<<20/24),
		"markup": append([]byte("<html>"), bytes.Repeat([]byte("<p class=a>text</p>\n"), 25<<20/20)...),
		"nested": append([]byte("<svg>"), bytes.Repeat([]byte("<title>"), 25<<20/7)...),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				filetype.Judge(filetype.File{Name: "a.html", Content: content}, postroom.AttachmentRules{})
			}
		})
	}
}
