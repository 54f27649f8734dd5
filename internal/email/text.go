package email

import "github.com/postroom/postroom/internal/htmltext"

// HTMLText is what HTML says, as the plain text that goes beside it.
func HTMLText(source string) string { return htmltext.Of(source) }
