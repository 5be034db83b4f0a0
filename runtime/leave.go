package runtime

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Leave ends the process at once, whatever is attached. The kernel waits for all CPUs at the last close of each tracepoint and each
// kprobe, some ten milliseconds, and an exiting process is not gone before it has closed all its files: with hundreds of probes that is half a
// minute. So another process shares the table of open files (CLONE_FILES), waits until this one is gone and closes them. Nothing is prepared for that
// before it is needed.
func Leave(code int) {
	if fd := guardPipe.Swap(-1); fd >= 0 {
		_ = unix.Close(int(fd)) // the command ends now, not when all is detached
	}
	if pidfd, err := unix.PidfdOpen(os.Getpid(), 0); err == nil {
		a := &heirArgs{poll: unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN}}
		copy(a.name[:], "gotrace-detach")
		withSignalsBlocked(func() syscall.Errno { return forkHeir(a) }) // without it the end only takes longer
	}
	os.Exit(code)
}

// guardPipe is the descriptor whose end a guard waits for, -1 for none.
var guardPipe atomic.Int64

func init() { guardPipe.Store(-1) }

// heirArgs is what the process that stays behind needs. It is made before the fork, because that process cannot allocate.
type heirArgs struct {
	name [16]byte
	poll unix.PollFd // of a descriptor of this process
}

// forkHeir forks the process that stays behind. As in forkRaw it only makes raw system calls, with all signals blocked. It closes
// standard input, output and errors first, so that whoever reads them need not wait for the rest.
//
//go:noinline
//go:norace
func forkHeir(a *heirArgs) syscall.Errno {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, syscall.CLONE_FILES, 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return errno
	}
	syscall.RawSyscall6(syscall.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&a.name)), 0, 0, 0, 0)
	for {
		// Readable when the process is gone with all its threads; one may still wait in the kernel for what it was closing.
		n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.poll)), 1, 0, 0, 0, 0)
		if n != 0 && errno != syscall.EINTR {
			break
		}
	}
	syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 0, 2, 0)
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
