package stack

import "syscall"

// dieWithParent has the kernel send the signal to the child when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
func dieWithParent(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }
