package devmail

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/emersion/go-imap/v2"
)

// The kinds of change that a journal holds.
const (
	opValidity = "validity" // UIDValidity was the highest ever given
	opFolder   = "folder"   // Folder was made for Account, under Name, with UIDValidity and UIDNext
	opRename   = "rename"   // Folder is called Name now
	opDrop     = "drop"     // Folder and all its mails are gone
	opAdd      = "add"      // a mail was added to Folder as UID; its bytes are File
	opFlags    = "flags"    // the mail UID of Folder has exactly Flags
	opGone     = "gone"     // the mails UIDs of Folder are gone
	opReport   = "report"   // a report is owed; the mail it is about is File
	opReported = "reported" // the report ID was delivered, or will never be
	opClosed   = "closed"   // the server stopped in order; always the last line
)

// change is one change of the store. A line of the journal is a JSON array of changes that happened together.
type change struct {
	Op          string      `json:"op"`
	Folder      uint64      `json:"folder,omitempty"`
	Account     string      `json:"account,omitempty"`
	Name        string      `json:"name,omitempty"`
	UIDValidity uint32      `json:"uidvalidity,omitempty"`
	UIDNext     imap.UID    `json:"uidnext,omitempty"`
	UID         imap.UID    `json:"uid,omitempty"`
	UIDs        []imap.UID  `json:"uids,omitempty"`
	File        uint64      `json:"file,omitempty"`
	Size        int64       `json:"size,omitempty"`
	Date        time.Time   `json:"date,omitzero"`
	Flags       []imap.Flag `json:"flags,omitempty"`
	ID          uint64      `json:"id,omitempty"`
	Report      *report     `json:"report,omitempty"`
}

// journal is an append-only file of transactions. It is not safe for concurrent use.
type journal struct {
	file *os.File
	end  int64 // offset after the last whole transaction
	torn error // set when a failed write could not be taken back: nothing may follow it
}

// append writes changes as one line, with one write. On an error the line is taken back.
func (j *journal) append(changes []change) error {
	if j.torn != nil {
		return j.torn
	}
	line, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("devmail: encode a transaction: %w", err)
	}
	line = append(line, '\n')
	if _, err = j.file.Write(line); err == nil {
		j.end += int64(len(line))
		return nil
	}
	if undo := j.file.Truncate(j.end); undo != nil {
		j.torn = fmt.Errorf("devmail: the journal is damaged: %w", errors.Join(err, undo))
	}
	return fmt.Errorf("devmail: write the journal: %w", err)
}

// replay hands every whole transaction of the journal at path to apply, oldest first. A last line without its end was never
// acknowledged and is ignored; damage anywhere else is an error. A journal that does not exist is empty.
func replay(path string, apply func([]change)) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("devmail: open the journal: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("devmail: read the journal: %w", err)
		}
		var changes []change
		if err := json.Unmarshal(line, &changes); err != nil {
			return fmt.Errorf("devmail: the journal is damaged in line %d: %w", n, err)
		}
		apply(changes)
	}
}

// rewrite replaces the journal at path by one that holds transactions, and opens it for appending. The old one stays until the new
// one is whole and synced.
func rewrite(path string, transactions [][]change) (*journal, error) {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("devmail: make a journal: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	enc := json.NewEncoder(w)
	for _, changes := range transactions {
		err = errors.Join(err, enc.Encode(changes))
	}
	err = errors.Join(err, w.Flush(), f.Sync(), os.Rename(next, path), syncDir(filepath.Dir(path)))
	end, seekErr := f.Seek(0, io.SeekEnd)
	if err = errors.Join(err, seekErr); err != nil {
		return nil, fmt.Errorf("devmail: rewrite the journal: %w", errors.Join(err, f.Close()))
	}
	return &journal{file: f, end: end}, nil
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
