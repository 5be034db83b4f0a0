// Package actions does what functions of scripts ask user space for: it reads files and runs commands.
package actions

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ReadFile is the first bytes of a file, limit of them at most; more says that there are others. It never waits for a pipe to be
// written to.
func ReadFile(path string, limit int) (data []byte, more bool, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, false, err
	}
	defer unix.Close(fd)
	data = make([]byte, 0, min(limit+1, 1<<16))
	for len(data) <= limit {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := unix.Read(fd, data[len(data):min(cap(data), limit+1)])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return data, false, nil // a pipe, of which this is all
		case err != nil:
			return data, false, err
		case n <= 0:
			return data, false, nil
		}
		data = data[:len(data)+n]
	}
	return data[:limit], true, nil
}

// chunk is how much of a command's output is shown at a time.
const chunk = 1 << 16

// linger is how long the output of what a command left behind is waited for.
const linger = 200 * time.Millisecond

// Shell runs a command by sh until it ends or ctx does. show gets what it writes to its standard output; what it writes to standard error goes to
// that of gotrace, and it reads nothing. That a command fails is its own to tell.
func Shell(ctx context.Context, command string, show func([]byte) error) error {
	out := &output{show: show}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Stdout, cmd.Stderr = io.Writer(out), os.Stderr
	cmd.WaitDelay = linger
	// All that the shell has started ends with it: killed alone it may leave the command behind that it was about to wait for.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	if flushed := out.flush(); flushed != nil {
		return flushed
	}
	var exit *exec.ExitError
	if out.err != nil || errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) || ctx.Err() != nil {
		return out.err
	}
	return err
}

// output shows what a command writes, a chunk at a time.
type output struct {
	show func([]byte) error
	buf  []byte
	err  error
}

// Write keeps what is written until there is a chunk.
func (o *output) Write(b []byte) (int, error) {
	o.buf = append(o.buf, b...)
	if len(o.buf) < chunk {
		return len(b), nil
	}
	return len(b), o.flush()
}

func (o *output) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	o.err = o.show(o.buf)
	o.buf = o.buf[:0]
	return o.err
}
