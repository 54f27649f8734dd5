package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"github.com/postroom/postroom"
)

// Loopback is the address on which everything in this package listens (R41).
const Loopback = "127.0.0.1"

// The range from which FreePort chooses. It ends below the ports that Linux gives to outgoing connections (32768 and up):
// from there, a port of a server that is down for a moment could be taken by somebody's outgoing connection.
const (
	firstFreePort = 20000
	lastFreePort  = 32000
)

// FreePort returns a port on loopback on which nobody listens now.
func FreePort() (int, error) {
	for range 100 {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort)
		if listens(port) == nil {
			return port, nil
		}
	}
	return 0, postroom.Unavailable(ReasonPortTaken,
		fmt.Sprintf("no free port was found between %d and %d on %s", firstFreePort, lastFreePort, Loopback), nil)
}

// CheckPort reports an error if the port cannot be listened on: one that names the port, its purpose ("PostgreSQL") and the
// setting to change ("--postgres-port"). The answer holds for this moment only.
func CheckPort(port int, purpose, setting string) error {
	err := listens(port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return postroom.Refused(ReasonPortTaken, fmt.Sprintf(
			"port %d, meant for %s, is in use by another program; stop that one, or change %s", port, purpose, setting))
	}
	if err != nil {
		return cannot(fmt.Sprintf("listen on port %d, meant for %s (%s)", port, purpose, setting), err)
	}
	return nil
}

func listens(port int) error {
	listener, err := net.Listen("tcp", address(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

func address(port int) string { return net.JoinHostPort(Loopback, strconv.Itoa(port)) }
