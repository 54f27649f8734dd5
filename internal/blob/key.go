package blob

import (
	"regexp"

	"github.com/postroom/postroom"
)

// Key names a blob: kind, the last two characters of the id, id. The middle part spreads the blobs over directories; the end of
// a UUIDv7 is its random part.
type Key string

// ForMessage names the re-built source of a message.
func ForMessage(id postroom.MessageID) Key { return key("message", string(id)) }

// ForAttachment names the content of an attachment.
func ForAttachment(id postroom.AttachmentID) Key { return key("attachment", string(id)) }

// ForOutbox names the frozen bytes of a reply on its way out.
func ForOutbox(id postroom.OutboxID) Key { return key("outbox", string(id)) }

// kinds are what blobs belong to.
var kinds = []string{"message", "attachment", "outbox"}

func key(kind, id string) Key {
	if len(id) < 3 {
		return "" // not valid
	}
	return Key(kind + "/" + id[len(id)-2:] + "/" + id)
}

// keyForm also allows the names of fileblob's temporary files, which a crash leaves behind and a sweep deletes.
var keyForm = regexp.MustCompile(`^(message|attachment|outbox)/[0-9a-z]{2}/[0-9a-z-]{3,64}(\.[0-9a-f]+\.tmp)?$`)

func (k Key) valid() bool { return keyForm.MatchString(string(k)) }
