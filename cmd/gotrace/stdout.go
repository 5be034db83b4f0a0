package main

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/runtime"
)

// errClosedOutput is told when there is nowhere to print to.
var errClosedOutput = errors.New("standard output is closed, so nothing could be shown: redirect it, to /dev/null if need be, or use -o FILE")

// nullDevice is /dev/null (Documentation/admin-guide/devices.txt).
var nullDevice = unix.Mkdev(1, 3)

// openedHere asks the kernel whether this process opened its standard output itself: files have the credentials of who opened them,
// and every exec makes new ones (prepare_exec_creds, kernel/cred.c).
const openedHere = `BEGIN { exit((uint64)curtask.files.fdt.fd[1].f_cred == (uint64)curtask.cred); }`

// stdoutClosed says whether standard output was closed when gotrace started. Go's runtime opens /dev/null then, for reading
// and writing (runtime.checkfds), and so may have who does not want to see the output; the kernel knows which it was.
func stdoutClosed() bool {
	var st unix.Stat_t
	mode, err := unix.FcntlInt(1, unix.F_GETFL, 0)
	if err != nil || unix.Fstat(1, &st) != nil {
		return errors.Is(err, unix.EBADF)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != nullDevice || mode&unix.O_ACCMODE != unix.O_RDWR {
		return false
	}
	code, err := runQuietly(openedHere)
	return err == nil && code == 1 // where it cannot be asked, the output is what it seems to be
}

// runQuietly runs a script of ours and returns its exit code.
func runQuietly(script string) (int, error) {
	ctx := context.Background()
	s, err := runtime.Open(ctx, script, runtime.Options{Name: "gotrace"})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	err = s.Run(ctx)
	return s.ExitCode(), err
}
