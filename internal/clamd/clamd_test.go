package clamd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/testkit/fakeclamd"
)

func client(t *testing.T, c clamd.Config) *clamd.Client {
	t.Helper()
	made, err := clamd.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestFileIsCleanOrInfectedAsTheDaemonSays(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		daemon := fakeclamd.Start(t, network)
		c := client(t, clamd.Config{Address: daemon.Address})
		if err := c.Ping(t.Context()); err != nil {
			t.Fatalf("%s: ping: %v", network, err)
		}
		for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 << 20} {
			file := bytes.Repeat([]byte("x"), size)
			if r := c.ScanBytes(t.Context(), file); r.Outcome != clamd.Clean {
				t.Errorf("%s: %d bytes: %v %v", network, size, r, r.Err)
			}
			if got := daemon.Last(); !bytes.Equal(got, file) {
				t.Errorf("%s: the daemon read %d bytes of %d", network, len(got), size)
			}
			r := c.ScanBytes(t.Context(), append(file, fakeclamd.Malware...))
			if r.Outcome != clamd.Infected || r.Name.Reveal() != fakeclamd.Name {
				t.Errorf("%s: %d bytes and malware: %v %v", network, size, r, r.Err)
			}
		}
	}
}

// R36: what a list of signatures says is foreign text, and so is anything else that the daemon answers.
func TestNameOfMalwareShowsItselfToNobody(t *testing.T) {
	t.Parallel()
	const name = "Kim.4111111111111111"
	daemon := fakeclamd.Start(t, "tcp")
	c := client(t, clamd.Config{Address: daemon.Address})
	for _, answer := range []string{"stream: " + name + " FOUND\x00", "stream: " + name + " ERROR\x00", name} {
		daemon.Answer(answer)
		r := c.ScanBytes(t.Context(), []byte("x"))
		shown := fmt.Sprintf("%v %+v %#v %s %v %v", r, r, r, r.Name, r.Err, r.LogValue())
		if strings.Contains(shown, "4111") {
			t.Errorf("%q: %s", answer, shown)
		}
	}
	daemon.Answer("stream: " + strings.Repeat("긴", 300) + " FOUND\x00")
	if r := c.ScanBytes(t.Context(), []byte("x")); r.Outcome != clamd.Infected || len(r.Name.Reveal()) > 200 || !strings.HasPrefix(r.Name.Reveal(), "긴") {
		t.Errorf("a long name: %v, %d bytes", r, len(r.Name.Reveal()))
	}
}

// Whatever is no verdict is a failure: nothing passes because a daemon is confused, cut off or an impostor.
func TestOnlyAVerdictLetsAFileThrough(t *testing.T) {
	t.Parallel()
	daemon := fakeclamd.Start(t, "tcp")
	c := client(t, clamd.Config{Address: daemon.Address, ReplyTimeout: 200 * time.Millisecond})
	for _, answer := range []string{"", "OK\x00", "stream: ", "stream: \x00", "stream:  FOUND\x00", " FOUND\x00", "stream: OK and more\x00", "HTTP/1.1 200 OK\r\n\r\n",
		"UNKNOWN COMMAND\x00", "stream: OK FOUND", strings.Repeat("stream: OK ", 1000) + "\x00", "Bytes: 1\x00stream: OK\x00", "stream: ok\x00"} {
		daemon.Answer(answer)
		if r := c.ScanBytes(t.Context(), []byte("x")); r.Outcome == clamd.Clean || (r.Outcome == clamd.Infected) != (answer == "stream: OK FOUND") {
			t.Errorf("%.40q: %v", answer, r)
		}
	}
	daemon.Answer("INSTREAM size limit exceeded. ERROR\x00")
	if r := c.ScanBytes(t.Context(), []byte("x")); r.Outcome != clamd.Unscanned || r.Reason != clamd.ReasonTooLarge {
		t.Errorf("too large: %v", r)
	}
}

func TestDaemonThatIsDownOrSilentIsAFailureInTime(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "tcp://" + gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	quick := clamd.Config{DialTimeout: time.Second, WriteTimeout: 200 * time.Millisecond, ReplyTimeout: 200 * time.Millisecond}
	silent, deaf := fakeclamd.Start(t, "tcp"), fakeclamd.Start(t, "tcp")
	silent.Answer(fakeclamd.Silence)
	deaf.Answer(fakeclamd.Deaf)
	for name, at := range map[string]string{"nobody there": address, "no socket": "unix://" + filepath.Join(t.TempDir(), "none"), "silent": silent.Address, "deaf": deaf.Address} {
		config := quick
		config.Address = at
		c := client(t, config)
		began := time.Now()
		if r := c.ScanBytes(t.Context(), make([]byte, 20<<20)); r.Outcome != clamd.Failed || r.Reason != clamd.ReasonDown || r.Err == nil {
			t.Errorf("%s: %v", name, r)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		if err := c.Ping(t.Context()); postroom.ReasonOf(err) != clamd.ReasonDown {
			t.Errorf("%s: ping: %v", name, err)
		}
	}
	patient := client(t, clamd.Config{Address: silent.Address})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if r := patient.ScanBytes(ctx, []byte("x")); r.Outcome != clamd.Failed {
		t.Errorf("cancelled: %v", r)
	}
}

// A file that breaks off in the middle was not scanned: the daemon is told no end, and its verdict on a half does not count.
func TestFileThatCannotBeReadIsAFailure(t *testing.T) {
	t.Parallel()
	daemon := fakeclamd.Start(t, "tcp")
	c := client(t, clamd.Config{Address: daemon.Address})
	half := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("gone")))
	if r := c.Scan(t.Context(), half, 8); r.Outcome != clamd.Failed {
		t.Errorf("got %v", r)
	}
}

func TestLargeFilesAreNotSent(t *testing.T) {
	t.Parallel()
	daemon := fakeclamd.Start(t, "tcp")
	c := client(t, clamd.Config{Address: daemon.Address, MaxSize: 1000})
	if r := c.ScanBytes(t.Context(), make([]byte, 1001)); r.Outcome != clamd.Unscanned || r.Reason != clamd.ReasonTooLarge || daemon.Scans() != 0 {
		t.Errorf("got %v after %d scans", r, daemon.Scans())
	}
	if r := c.ScanBytes(t.Context(), make([]byte, 1000)); r.Outcome != clamd.Clean {
		t.Errorf("got %v", r)
	}
	var none *clamd.Client
	if r := none.ScanBytes(t.Context(), []byte("x")); r.Outcome != clamd.Unscanned || r.Reason != clamd.ReasonNone || none.Ping(t.Context()) != nil {
		t.Errorf("no daemon: %v", r)
	}
}

func TestMalformedAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"", "x", "127.0.0.1:3310", "tcp://", "tcp://host", "tcp://:3310", "tcp://host:1/path", "unix://", "unix:///", "unix://host/path", "http://host:1",
		"tcp://user@host:1", "tcp://host:1?x=y", "unix:path", "\x00"} {
		if _, err := clamd.New(clamd.Config{Address: at}); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%q: %v", at, err)
		}
	}
}
