package filetype

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"github.com/gabriel-vasile/mimetype"

	"github.com/postroom/postroom"
)

// activeTypes are the types that are active by themselves.
var activeTypes = map[string]postroom.Reason{
	"application/vnd.microsoft.portable-executable": ReasonProgram, "application/x-elf": ReasonProgram, "application/x-object": ReasonProgram,
	"application/x-executable": ReasonProgram, "application/x-sharedlib": ReasonProgram, "application/x-mach-binary": ReasonProgram,
	"application/x-java-applet": ReasonProgram, "application/java-archive": ReasonProgram, "application/vnd.android.package-archive": ReasonProgram,
	"application/x-ms-installer": ReasonProgram, "application/vnd.debian.binary-package": ReasonProgram, "application/x-rpm": ReasonProgram,
	"application/x-chrome-extension": ReasonProgram, "application/wasm": ReasonProgram, "application/x-shockwave-flash": ReasonProgram,
	"application/x-installshield": ReasonProgram, "application/x-bytecode.python": ReasonProgram, "application/x-xar": ReasonProgram,
	"text/x-php": ReasonScript, "text/javascript": ReasonScript, "text/x-lua": ReasonScript, "text/x-perl": ReasonScript, "text/x-python": ReasonScript,
	"text/x-ruby": ReasonScript, "text/x-shellscript": ReasonScript, "text/x-tcl": ReasonScript,
	"application/x-ms-shortcut": ReasonShortcut, "application/vnd.ms-htmlhelp": ReasonShortcut, "application/x-msaccess": ReasonMacro, "application/onenote": ReasonMacro,
}

// images are the marks of disk images, where they stand; a negative place counts from the end.
var images = []struct {
	at   int
	mark string
}{
	{0x8001, "CD001"}, {0x8801, "CD001"}, {0x8001, "BEA01"}, {0x8001, "NSR02"}, {0, "vhdxfile"}, {0, "conectix"}, {-512, "conectix"}, {-512, "koly"},
	{0, "MSWIM\x00\x00\x00"}, {0, "KDMV"}, {0, "QFI\xfb"},
}

// shortcuts are how files begin that only lead elsewhere.
var shortcuts = []string{"[internetshortcut", "[desktop entry]", "[{000214a0-", "[shell]\r\ncommand", "[shell]\ncommand"}

// activeContent says what is active about a content; "" for nothing.
func activeContent(content []byte, found *mimetype.MIME, extension string) postroom.Reason {
	t, _, _ := strings.Cut(found.String(), ";")
	if reason := activeTypes[t]; reason != "" {
		return reason
	}
	for _, image := range images {
		at := image.at
		if at < 0 {
			at += len(content)
		}
		if at >= 0 && at+len(image.mark) <= len(content) && string(content[at:at+len(image.mark)]) == image.mark {
			return ReasonDiskImage
		}
	}
	switch {
	case under(found, "application/zip"):
		return activeArchive(content)
	case under(found, "application/x-ole-storage"):
		return activeOLE(content)
	case under(found, "text/rtf"):
		if bytes.Contains(content, []byte(`\objdata`)) || bytes.Contains(content, []byte(`\objupdate`)) {
			return ReasonMacro
		}
		return ""
	}
	if text, ok := readable(content, found, extension); ok {
		return activeText(text, found, extension)
	}
	return ""
}

// maxEntries bounds how many names of an archive are looked at; one with more is treated as hiding something.
const maxEntries = 10_000

// activeArchive looks at the names in a ZIP archive, which office documents are too. One that cannot be read says nothing: the card scanner holds it.
func activeArchive(content []byte) postroom.Reason {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil && archive == nil {
		return ""
	}
	if len(archive.File) > maxEntries {
		return ReasonArchive
	}
	for _, f := range archive.File {
		name := strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
		switch {
		case strings.HasSuffix(name, "vbaproject.bin"), strings.Contains(name, "/macrosheets/"), strings.Contains(name, "/activex/"),
			strings.HasPrefix(name, "basic/") && strings.HasSuffix(name, ".xml"), strings.HasPrefix(name, "scripts/"):
			return ReasonMacro
		case strings.HasSuffix(name, ".bin") && strings.Contains(name, "/"): // printer settings and embedded objects of documents
		case activeNames[extensionOf(name)] != "":
			return ReasonArchive
		}
	}
	return ""
}

// marksOLE are names of streams that hold macros, or a program that somebody packed into a document. They stand in UTF-16.
var marksOLE = [][]byte{wide("_VBA_PROJECT"), wide("\x01Ole10Native"), wide("_VBA_PROJECT_CUR")}

// installer is how the classes of MSI, MSP and MST files end; they differ in the first byte.
var installer = []byte("\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46")

func activeOLE(content []byte) postroom.Reason {
	if bytes.Contains(content, installer) {
		return ReasonProgram
	}
	for _, mark := range marksOLE {
		if bytes.Contains(content, mark) {
			return ReasonMacro
		}
	}
	return ""
}

func wide(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}
