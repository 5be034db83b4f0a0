package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// Child is a command that is traced from its first instruction on. It waits, before its exec, until Release.
type Child struct {
	argv   []string
	path   string // of the program
	pid    int
	gate   *os.File // closed or written to: the child goes on
	result *os.File // an errno if exec failed, end of file if it worked
	guard  *guard
	ended  bool
	status unix.WaitStatus
}

// StartChild starts a command, given as a line of words as a shell would split them, but with no expansion. The process exists
// afterwards and has its final pid, but runs the command only after Release.
func StartChild(cmdline string) (*Child, error) {
	argv, err := splitWords(cmdline)
	if err != nil {
		return nil, fmt.Errorf("command %q: %w", cmdline, err)
	}
	if len(argv) == 0 {
		return nil, errors.New("command is empty")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return nil, fmt.Errorf("command %q does not exist or is not executable", argv[0])
	}
	c := &Child{argv: argv, path: path}
	if err := c.fork(path); err != nil {
		return nil, fmt.Errorf("starting %q: %w", argv[0], err)
	}
	return c, nil
}

// fork makes the process and the pipes to it.
func (c *Child) fork(path string) error {
	gateR, gateW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer gateR.Close()
	resultR, resultW, err := os.Pipe()
	if err != nil {
		gateW.Close()
		return err
	}
	defer resultW.Close()
	c.gate, c.result = gateW, resultR
	if c.pid, err = forkBlocked(path, c.argv, os.Environ(), gateR.Fd(), gateW.Fd(), resultW.Fd()); err != nil {
		gateW.Close()
		resultR.Close()
		return err
	}
	if c.guard, err = startGuard(c.pid); err != nil {
		return errors.Join(err, c.Close())
	}
	return nil
}

// PID is the process id, which exec does not change.
func (c *Child) PID() int { return c.pid }

// Path is that of the program which the child runs.
func (c *Child) Path() string { return c.path }

// Release lets the child run its command. The error says why the command could not be executed.
func (c *Child) Release() error {
	if c.gate == nil {
		return nil
	}
	_, err := c.gate.Write([]byte{1})
	c.gate.Close()
	c.gate = nil
	if err != nil {
		return fmt.Errorf("starting %q: %w", c.argv[0], err)
	}
	var errno [4]byte
	n, _ := c.result.Read(errno[:])
	c.result.Close()
	c.result = nil
	if n == len(errno) {
		return fmt.Errorf("starting %q: %w", c.argv[0], unix.Errno(binary.NativeEndian.Uint32(errno[:])))
	}
	return nil
}

// Wait waits for the end of the child and says how it ended, as "exited with code 1" or "was killed by signal 9 (killed)".
func (c *Child) Wait() (string, error) {
	for !c.ended {
		_, err := unix.Wait4(c.pid, &c.status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("waiting for the command: %w", err)
		}
		c.ended = c.status.Exited() || c.status.Signaled()
	}
	if c.status.Signaled() {
		return fmt.Sprintf("was killed by signal %d (%s)", int(c.status.Signal()), c.status.Signal()), nil
	}
	return fmt.Sprintf("exited with code %d", c.status.ExitStatus()), nil
}

// Close ends the child if it still runs, and gives everything back.
func (c *Child) Close() error {
	for _, f := range []**os.File{&c.gate, &c.result} {
		if *f != nil {
			(*f).Close() // a child that was not released ends when its gate closes
			*f = nil
		}
	}
	var err error
	if !c.ended {
		_ = unix.Kill(c.pid, unix.SIGKILL) // not reaped yet, so the pid is still its own
		_, err = c.Wait()
	}
	c.guard.close() // after the child, which has nothing to fear from it then
	c.guard = nil
	return err
}

// splitWords splits a line at blanks. Quotes and backslashes work as in a POSIX shell; nothing is expanded.
func splitWords(line string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		in    bool // a word has begun
		quote byte
	)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'' && c != '\'':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && i+1 < len(line) && (quote == 0 || strings.IndexByte("\"\\$`", line[i+1]) >= 0):
			i++
			word.WriteByte(line[i])
			in = true
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteByte(c)
			in = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("no closing %c", quote)
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
