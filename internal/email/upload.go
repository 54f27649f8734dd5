package email

// Filename makes a file name of what somebody calls a file: no path, no control or bidi characters, no leading dots, at most 255 bytes with its extension. What
// leaves nothing is "".
func Filename(name string) string { return cleanFilename(name) }
