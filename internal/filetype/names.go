package filetype

import (
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/postroom/postroom"
)

// activeNames are the extensions that make a system run, mount or follow a file, whatever is in it.
var activeNames = names(map[postroom.Reason]string{
	ReasonProgram: "apk app appimage application appref-ms appx appxbundle bin class com command cpl crx deb dll drv elf exe fxp gadget jar jnlp msi msix " +
		"msixbundle msp mst msu ocx out pif pkg prg rpm run scr snap sys war xap xbap xll xpi",
	ReasonScript: "ahk asp aspx bas bash bat cgi cmd csh fish hta htc inf ins isp js jse ksh mjs mof msc msh msh1 msh1xml msh2 msh2xml mshxml osd php phps phtml " +
		"pl pm ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psm1 py pyc pyo pyw pyz pyzw rb reg sct scpt sh shb shs tcl udl vb vbe vbp vbs vsmacros vsw workflow " +
		"ws wsb wsc wsf wsh zsh",
	ReasonMarkup: "mht mhtml svgz xsl xslt",
	ReasonMacro: "accda accdb accde accdr ade adp docm dotm mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz one onepkg potm ppam ppsm pptm " +
		"sldm slk wiz xla xlam xlm xlsm xltm",
	ReasonShortcut: "chm cnt desktop diagcab diagcfg diagpkg glk grp hlp hpj library-ms lnk mcf printerexport rdp scf search-ms searchconnector-ms settingcontent-ms " +
		"theme themepack url webloc webpnp website xnk",
	ReasonDiskImage: "dmg img iso qcow2 udf vdi vhd vhdx vmdk wim",
})

func names(lists map[postroom.Reason]string) map[string]postroom.Reason {
	all := map[string]postroom.Reason{}
	for reason, list := range lists {
		for name := range strings.FieldsSeq(list) {
			all["."+name] = reason
		}
	}
	return all
}

// typesByName are the types of files whose content says less than their name: text, and what is packed as ZIP or OLE.
var typesByName = map[string]string{
	".txt": "text/plain", ".log": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".json": "application/json",
	".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml", ".ics": "text/calendar", ".vcf": "text/vcard", ".eml": "message/rfc822",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint", ".msg": "application/vnd.ms-outlook",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation", ".hwpx": "application/hwp+zip", ".hwp": "application/x-hwp", ".zip": "application/zip",
	".p7s": "application/pkcs7-signature", ".p7m": "application/pkcs7-mime", ".asc": "application/pgp-signature", ".dat": "application/octet-stream",
}

// claim is what a name claims its file to be made of.
type claim string

const (
	claimsImage claim = "image/"
	claimsPDF   claim = "application/pdf"
	claimsZip   claim = "application/zip"
	claimsOLE   claim = "application/x-ole-storage"
	claimsText  claim = "text/plain"
)

// claims are names whose content can be told from others. Programs call a page or a table in text ".xls", and a Rich Text ".doc": those that
// are old enough claim nothing more than to be no program, picture or archive.
var claims = map[string]claim{
	".png": claimsImage, ".jpg": claimsImage, ".jpeg": claimsImage, ".gif": claimsImage, ".webp": claimsImage, ".bmp": claimsImage, ".tif": claimsImage,
	".tiff": claimsImage, ".heic": claimsImage,
	".pdf":  claimsPDF,
	".docx": claimsZip, ".xlsx": claimsZip, ".pptx": claimsZip, ".odt": claimsZip, ".ods": claimsZip, ".odp": claimsZip, ".hwpx": claimsZip, ".zip": claimsZip,
	".doc": claimsOLE, ".xls": claimsOLE, ".ppt": claimsOLE, ".hwp": claimsOLE,
	".txt": claimsText, ".csv": claimsText, ".log": claimsText, ".md": claimsText, ".json": claimsText, ".xml": claimsText, ".html": claimsText, ".htm": claimsText,
	".ics": claimsText, ".vcf": claimsText,
}

// contradicts reports whether the content is plainly something else than the name claims. Content that is not recognised contradicts nothing: a
// text in a Korean character set, a file that was cut off. Nor does plain text: whatever it is called, it does nothing.
func contradicts(found *mimetype.MIME, extension string) bool {
	claimed, ok := claims[extension]
	if !ok || found.Is(Unknown) || found.Is("text/plain") {
		return false
	}
	switch claimed {
	case claimsImage:
		return !strings.HasPrefix(found.String(), "image/")
	case claimsPDF:
		return !under(found, "application/pdf")
	case claimsZip:
		return !under(found, "application/zip") && !under(found, "application/x-ole-storage") // what is encrypted with a password is OLE
	case claimsOLE:
		return !under(found, "application/x-ole-storage") && !under(found, "text/plain") && !under(found, "application/zip")
	}
	return !under(found, "text/plain")
}

// under reports whether a type is another one, or made of it.
func under(found *mimetype.MIME, t string) bool {
	for ; found != nil; found = found.Parent() {
		if found.Is(t) {
			return true
		}
	}
	return false
}
