package api_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
)

// narrow accepts connections that hold little of what is written to them.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// A reader who does not read is dropped after a while, holds up nobody, and resumes where he was.
func TestSlowReaderIsDroppedAndCanResume(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	closed := make(chan struct{}, 1)
	server := &http.Server{Handler: a.Server.Handler(), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}}
	go func() { _ = server.Serve(narrow{listener}) }()
	t.Cleanup(func() { _ = server.Close() })

	slow, err := net.Dial("tcp", listener.Addr().String())
	must(t, err)
	t.Cleanup(func() { _ = slow.Close() })
	must(t, slow.(*net.TCPConn).SetReadBuffer(4<<10))
	body := string(append(binary.BigEndian.AppendUint32([]byte{0}, 2), "{}"...))
	_, err = fmt.Fprintf(slow, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/connect+json\r\nContent-Length: %d\r\n\r\n%s",
		agentv1connect.AgentServiceWatchProcedure, me.token.Reveal(), len(body), body)
	must(t, err)
	start := make([]byte, 400)
	if _, err := io.ReadFull(slow, start); err != nil || !strings.Contains(string(start), `"snapshot"`) {
		t.Fatalf("the stream begins with %q, %v", start, err)
	}

	quick := me.watch(t, nil)
	token := quick.begin(t).Token
	const events = 800
	a.Exec(t, `WITH head AS (UPDATE stream SET seq = seq + $1::int WHERE id = 'agent/mina' RETURNING id, seq),
		made AS (INSERT INTO event (stream_id, seq, at, kind) SELECT id, seq - $1::int + n, clock_timestamp(), 'agent' FROM head, generate_series(1, $1::int) n)
		SELECT pg_notify('postroom_event', 'agent/mina')`, events)
	for i := range int64(events) { // while the other one blocks
		if r := quick.news(t); r.Token.Seq != token.Seq+i+1 {
			t.Fatalf("the quick reader hears %d after %d", r.Token.Seq, token.Seq+i)
		}
	}
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Fatal("the slow reader is still there")
	}
	resumed := me.watch(t, &agentv1.StreamToken{Epoch: token.Epoch, Seq: token.Seq + 10})
	for i := range int64(events - 10) {
		if r := resumed.news(t); r.GetStateChanged() == nil || r.Token.Seq != token.Seq+11+i {
			t.Fatalf("resumed, he hears %v", r)
		}
	}
}
