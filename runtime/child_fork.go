package runtime

import (
	goruntime "runtime"
	"syscall"
	"unsafe"
)

// sigset is the kernel's set of signals, sigaction what it does for one; the zero action is the default.
type (
	sigset    uint64
	sigaction struct {
		handler              uintptr
		flags, restorer, set uint64
	}
)

const (
	sigsetSize   = 8
	sigCount     = 64
	sigSetMask   = 2
	prPdeathsig  = 1
	exitNoExec   = 127
	sigIgnore    = 1
	cloneSIGCHLD = uintptr(syscall.SIGCHLD)
)

// forkArgs is what the child needs. It is made before the fork, because the child cannot allocate.
type forkArgs struct {
	path         *byte
	argv, env    **byte
	gate, result uintptr
	other        uintptr // the parent's end of gate
	none         sigset
	act, old     sigaction
	token        [1]byte
	errno        uint32
}

// forkBlocked makes a child process that waits for a byte on gate, whose other end the parent has, and then executes path; if that fails it writes
// the errno to result. It is not os/exec because the exec itself must be seen by the
// probes, and so must come after they are attached. The child ends with its parent.
func forkBlocked(path string, argv, env []string, gate, other, result uintptr) (int, error) {
	a := &forkArgs{gate: gate, other: other, result: result}
	var err error
	if a.path, err = syscall.BytePtrFromString(path); err != nil {
		return 0, err
	}
	argvp, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return 0, err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return 0, err
	}
	a.argv, a.env = &argvp[0], &envp[0]

	var pid uintptr
	errno := withSignalsBlocked(func() (errno syscall.Errno) {
		pid, errno = forkRaw(a)
		return errno
	})
	goruntime.KeepAlive(argvp)
	goruntime.KeepAlive(envp)
	if errno != 0 {
		return 0, errno
	}
	return int(pid), nil
}

// forkRaw forks. The child has one thread and none of the Go runtime's: between the fork and the exec it only makes raw
// system calls, which neither allocate nor grow the stack.
//
//go:noinline
//go:norace
func forkRaw(a *forkArgs) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, cloneSIGCHLD, 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	syscall.RawSyscall6(syscall.SYS_PRCTL, prPdeathsig, uintptr(syscall.SIGTERM), 0, 0, 0, 0)
	syscall.RawSyscall(syscall.SYS_CLOSE, a.other, 0, 0) // or the gate would never close
	n, _, _ := syscall.RawSyscall(syscall.SYS_READ, a.gate, uintptr(unsafe.Pointer(&a.token)), 1)
	if n != 1 {
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	for sig := uintptr(1); sig <= sigCount; sig++ {
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&a.old)), sigsetSize, 0, 0)
		if a.old.handler == sigIgnore {
			continue // as exec has it: nohup must work for the command, too
		}
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&a.act)), 0, sigsetSize, 0, 0)
	}
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetMask, uintptr(unsafe.Pointer(&a.none)), 0, sigsetSize, 0, 0)
	_, _, errno = syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(a.path)),
		uintptr(unsafe.Pointer(a.argv)), uintptr(unsafe.Pointer(a.env)))
	a.errno = uint32(errno)
	syscall.RawSyscall(syscall.SYS_WRITE, a.result, uintptr(unsafe.Pointer(&a.errno)), unsafe.Sizeof(a.errno))
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, exitNoExec, 0, 0)
	}
}
