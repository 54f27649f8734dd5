//go:build !linux

package stack

import "syscall"

// dieWithParent does nothing: only Linux ties the life of a child to that of its parent.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
