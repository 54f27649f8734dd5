package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat on Linux for every architecture that Go runs on.
const tick = 10 * time.Millisecond

// cpu reads what each process has used so far. PostgreSQL's are the postmaster's, its living children's, and those that it has reaped.
func (s *setup) cpu() map[string]time.Duration {
	used := map[string]time.Duration{
		"postgresql": tree(s.postgres.PID()), "temporal": own(s.temporal.PID()), "driver and mail server": own(os.Getpid()),
	}
	for name, c := range s.children {
		used[name] = own(c.PID())
	}
	return used
}

// own is the user and system time of one process.
func own(pid int) time.Duration {
	f := stat(pid)
	return ticks(f, 11) + ticks(f, 12)
}

// tree is that of a process, its living children, and its reaped ones.
func tree(pid int) time.Duration {
	f := stat(pid)
	total := ticks(f, 11) + ticks(f, 12) + ticks(f, 13) + ticks(f, 14)
	children, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, name := range children {
		b, _ := os.ReadFile(name)
		for _, child := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(child)
			total += own(n)
		}
	}
	return total
}

// stat reads the fields after the command's name, which may hold spaces; the first is the state.
func stat(pid int) []string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	s := string(b)
	return strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
}

func ticks(fields []string, i int) time.Duration {
	if i >= len(fields) {
		return 0
	}
	n, _ := strconv.Atoi(fields[i])
	return time.Duration(n) * tick
}
