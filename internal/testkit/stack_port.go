package testkit

import (
	"errors"
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

// The range from which FreePort chooses: below the ports of `postroom dev` and those that internal/stack chooses by chance.
const (
	firstPort    = 10_000
	portSlots    = 70
	portsPerSlot = 100
)

// handedOut counts the ports that this process was given.
var handedOut atomic.Int64

// FreePort returns a port on loopback on which nobody listens, and which no other test takes before it is used: a stack needs many
// seconds from the choice of its ports to the last one that is listened on. A process has a hundred ports of its own, by its number, and
// takes them in turn.
func FreePort() (int, error) {
	for range portsPerSlot {
		port := firstPort + os.Getpid()%portSlots*portsPerSlot + int(handedOut.Add(1)%portsPerSlot)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return 0, errors.New("no port is free")
}
