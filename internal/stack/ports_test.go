package stack

import (
	"net"
	"strconv"
	"testing"
)

func TestTakenPortIsNamedWithItsPurposeAndItsSetting(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", address(0))
	if err != nil {
		t.Fatal(err)
	}
	port := taken.Addr().(*net.TCPAddr).Port
	wantReason(t, CheckPort(port, "the desktop", "--port"), ReasonPortTaken, strconv.Itoa(port), "the desktop", "--port")
	taken.Close()
	if err := CheckPort(port, "the desktop", "--port"); err != nil {
		t.Errorf("the port that was given back: %v", err)
	}
}

func TestFreePortsCanBeListenedOnAndAreNoPortsOfOutgoingConnections(t *testing.T) {
	t.Parallel()
	for range 20 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < firstFreePort || port >= lastFreePort {
			t.Errorf("port %d is outside %d to %d", port, firstFreePort, lastFreePort)
		}
	}
}
