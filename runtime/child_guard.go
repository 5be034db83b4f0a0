package runtime

import (
	"os"
	goruntime "runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guard is a process that ends the command when gotrace is gone, however that came: by SIGKILL, too. The kernel's own way,
// PR_SET_PDEATHSIG, is undone when a command changes its user or runs a set-uid program, and a command may ignore that signal.
type guard struct {
	pid  int
	pipe *os.File // the guard waits for its end
}

// guardGrace is how long a command has for its end after SIGTERM, before SIGKILL.
const guardGrace = 1 // seconds

// guardArgs is what the guard needs. It is made before the fork, because the guard cannot allocate.
type guardArgs struct {
	pipe, pidfd uintptr
	name        [16]byte
	token       [1]byte
	poll        unix.PollFd
	grace       unix.Timespec
}

// startGuard starts a guard for a child of this process. nil where the kernel has no descriptors of processes.
func startGuard(pid int) (*guard, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, nil
	}
	defer unix.Close(pidfd)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	a := &guardArgs{pipe: r.Fd(), pidfd: uintptr(pidfd), grace: unix.Timespec{Sec: guardGrace}}
	a.poll = unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN}
	copy(a.name[:], "gotrace-guard")
	var forked uintptr
	errno := withSignalsBlocked(func() (errno syscall.Errno) {
		forked, errno = forkGuard(a)
		return errno
	})
	if errno != 0 {
		w.Close()
		return nil, errno
	}
	guardPipe.Store(int64(w.Fd()))
	return &guard{int(forked), w}, nil
}

// close ends the guard. A child that still runs gets SIGTERM, then SIGKILL.
func (g *guard) close() {
	if g == nil {
		return
	}
	guardPipe.Store(-1)
	g.pipe.Close()
	for {
		if _, err := unix.Wait4(g.pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// withSignalsBlocked runs a fork. A signal handler of Go's must not run in the child, so all signals are blocked meanwhile.
func withSignalsBlocked(fork func() syscall.Errno) syscall.Errno {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	all, old := ^sigset(0), sigset(0)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetMask,
		uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), sigsetSize, 0, 0)
	errno := fork()
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetMask,
		uintptr(unsafe.Pointer(&old)), 0, sigsetSize, 0, 0)
	return errno
}

// forkGuard forks. As in forkRaw the child only makes raw system calls. It keeps two descriptors, so that it holds neither the
// terminal, nor the output, nor what is traced, and all signals blocked: those of the terminal are for the others.
//
//go:noinline
//go:norace
func forkGuard(a *guardArgs) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, cloneSIGCHLD, 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	lo, hi := min(a.pipe, a.pidfd), max(a.pipe, a.pidfd)
	if lo > 0 {
		syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 0, lo-1, 0)
	}
	if hi > lo+1 {
		syscall.RawSyscall(unix.SYS_CLOSE_RANGE, lo+1, hi-1, 0)
	}
	syscall.RawSyscall(unix.SYS_CLOSE_RANGE, hi+1, uintptr(^uint32(0)), 0)
	syscall.RawSyscall6(syscall.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&a.name)), 0, 0, 0, 0)
	for {
		_, _, errno = syscall.RawSyscall(syscall.SYS_READ, a.pipe, uintptr(unsafe.Pointer(&a.token)), 1)
		if errno != syscall.EINTR {
			break
		}
	}
	// Of a child that has been waited for there is nothing to signal, and its number may be another's: the descriptor knows.
	syscall.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, a.pidfd, uintptr(syscall.SIGTERM), 0, 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.poll)), 1, uintptr(unsafe.Pointer(&a.grace)), 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, a.pidfd, uintptr(syscall.SIGKILL), 0, 0, 0, 0)
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
