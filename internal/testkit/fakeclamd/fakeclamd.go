// Package fakeclamd is a virus scanner for tests: it speaks clamd's protocol on loopback, and finds malware where Malware stands.
package fakeclamd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Malware is what the fake finds, and Name what it calls it. It is a mark of our own, so that no real scanner minds our sources.
const (
	Malware = "POSTROOM-TEST-MALWARE-d41d8"
	Name    = "Postroom.Test.Malware-1"
)

// Answers that are none.
const (
	Silence = "\x00silence" // it reads, and never answers
	Deaf    = "\x00deaf"    // it does not even read
)

// Daemon is the fake.
type Daemon struct {
	Address string // as clamd.Config has it

	mu     sync.Mutex
	answer *string // nil: its own verdict
	last   []byte
	scans  int
	ended  chan struct{}
}

// Start listens on "tcp" or "unix" until the test ends.
func Start(t testing.TB, network string) *Daemon {
	t.Helper()
	at, d := "127.0.0.1:0", &Daemon{ended: make(chan struct{})}
	if network == "unix" {
		dir, err := os.MkdirTemp("", "clamd") // a socket's path is short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		at = filepath.Join(dir, "s")
	}
	listener, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	d.Address = network + "://" + listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { d.serve(conn) })
		}
	})
	t.Cleanup(func() { close(d.ended); _ = listener.Close(); serving.Wait() })
	return d
}

// Answer has the fake say this, whatever it is asked; Judge, its own verdict again.
func (d *Daemon) Answer(with string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = &with
}

// Judge has the fake give its own verdicts.
func (d *Daemon) Judge() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = nil
}

// Last is the file that was asked about last, and Scans how many were.
func (d *Daemon) Last() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// Scans is how many files the fake was asked about.
func (d *Daemon) Scans() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.scans
}

func (d *Daemon) told() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answer == nil {
		return ""
	}
	return *d.answer
}

func (d *Daemon) serve(conn net.Conn) {
	defer conn.Close()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-d.ended:
			_ = conn.Close()
		case <-stop:
		}
	}()
	if d.told() == Deaf {
		<-d.ended
		return
	}
	r := bufio.NewReader(conn)
	command, err := r.ReadString(0)
	if err != nil {
		return
	}
	answer := "UNKNOWN COMMAND\x00"
	switch command {
	case "zPING\x00":
		answer = "PONG\x00"
	case "zINSTREAM\x00":
		file, err := pieces(r)
		if err != nil {
			return
		}
		answer = d.judge(file)
	}
	if told := d.told(); told == Silence {
		<-d.ended
		return
	} else if d.isTold() {
		answer = told
	}
	_, _ = io.WriteString(conn, answer)
}

func (d *Daemon) isTold() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answer != nil
}

func (d *Daemon) judge(file []byte) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last, d.scans = file, d.scans+1
	if bytes.Contains(file, []byte(Malware)) {
		return "stream: " + Name + " FOUND\x00"
	}
	return "stream: OK\x00"
}

func pieces(r io.Reader) ([]byte, error) {
	file := []byte{}
	for {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return nil, err
		}
		n := binary.BigEndian.Uint32(length[:])
		if n == 0 {
			return file, nil
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(r, piece); err != nil {
			return nil, err
		}
		file = append(file, piece...)
	}
}
