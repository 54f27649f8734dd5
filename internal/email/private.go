package email

import (
	"fmt"
	"log/slog"
)

// What a mail says is nobody's business but the reader's: printed or logged, its types give sizes only.

// String gives sizes only.
func (m Mail) String() string {
	return fmt.Sprintf("mail(%d fields, text %d, html %d, %d attachments)", len(m.Fields), len(m.Text), len(m.HTML), len(m.Attachments))
}

// GoString gives sizes only.
func (m Mail) GoString() string { return m.String() }

// LogValue gives sizes only.
func (m Mail) LogValue() slog.Value { return slog.StringValue(m.String()) }

// String gives the size only.
func (f Field) String() string { return fmt.Sprintf("field(%d)", len(f.Value)) }

// GoString gives the size only.
func (f Field) GoString() string { return f.String() }

// LogValue gives the size only.
func (f Field) LogValue() slog.Value { return slog.StringValue(f.String()) }

// String gives the size only.
func (a Address) String() string { return fmt.Sprintf("address(%d)", len(a.Name)+len(a.Address)) }

// GoString gives the size only.
func (a Address) GoString() string { return a.String() }

// LogValue gives the size only.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String gives the size only.
func (a Attachment) String() string { return fmt.Sprintf("attachment(%d)", len(a.Content)) }

// GoString gives the size only.
func (a Attachment) GoString() string { return a.String() }

// LogValue gives the size only.
func (a Attachment) LogValue() slog.Value { return slog.StringValue(a.String()) }
