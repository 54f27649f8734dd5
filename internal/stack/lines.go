package stack

import (
	"bytes"
	"slices"
	"sync"
)

const (
	longestLine = 64 << 10
	keptLines   = 12
)

// lineWriter passes on whole lines, without their ends, and remembers the last ones.
type lineWriter struct {
	onLine func(line string)

	mu   sync.Mutex
	part []byte
	last []string
}

// Write satisfies io.Writer. It takes everything: a process must not be blocked or killed because its output cannot be shown.
func (w *lineWriter) Write(output []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.part = append(w.part, output...)
	for {
		end := bytes.IndexByte(w.part, '\n')
		if end < 0 && len(w.part) < longestLine {
			return len(output), nil
		}
		if end < 0 {
			end = len(w.part)
		}
		w.emit(w.part[:end])
		w.part = w.part[min(end+1, len(w.part)):]
	}
}

// flush passes on a last line without its end.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.part) > 0 {
		w.emit(w.part)
	}
	w.part = nil
}

func (w *lineWriter) emit(line []byte) {
	w.onLine(string(line))
	w.last = append(w.last, string(line))
	if len(w.last) > keptLines {
		w.last = slices.Delete(w.last, 0, len(w.last)-keptLines)
	}
}

// lastLines returns the last lines.
func (w *lineWriter) lastLines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.last)
}
