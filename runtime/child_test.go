package runtime

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                          nil,
		"  ":                        nil,
		"ls -l /tmp":                {"ls", "-l", "/tmp"},
		`sh -c "exit 3"`:            {"sh", "-c", "exit 3"},
		`a 'b c'd "e'f" ''`:         {"a", "b cd", "e'f", ""},
		`a\ b "\"\\\n" '\'`:         {"a b", `"\\n`, `\`},
		"tab\tand\nline":            {"tab", "and", "line"},
		`echo "$HOME" ` + "`x` *.c": {"echo", "$HOME", "`x`", "*.c"},
	} {
		got, err := splitWords(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("splitWords(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`a "b`, `'`} {
		if got, err := splitWords(line); err == nil {
			t.Errorf("splitWords(%q) = %q, want an error", line, got)
		}
	}
}

func TestChildWaitsForRelease(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	c, err := StartChild(`/bin/sh -c 'echo $$ > ` + file + `; exit 3'`)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exe, err := os.Readlink("/proc/" + strconv.Itoa(c.PID()) + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	if own, _ := os.Executable(); exe != own {
		t.Errorf("before Release the child runs %s, not a copy of %s", exe, own)
	}
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	how, err := c.Wait()
	if err != nil || how != "exited with code 3" {
		t.Errorf("the child %s (%v)", how, err)
	}
	b, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(b)) != strconv.Itoa(c.PID()) {
		t.Errorf("the command ran as process %s (%v), want %d", b, err, c.PID())
	}
}

// Signals that are blocked during the fork must not be blocked in the command. What whoever started this process
// has it ignore (some CI runners ignore signal 32) is ignored in the command, too; Go's handlers end with the exec.
func TestChildSignals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	c, err := StartChild(`/bin/sh -c 'exec cat /proc/self/status > ` + file + `'`)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	const none = "0000000000000000"
	for _, want := range []struct{ set, value string }{
		{"SigBlk", none}, {"SigCgt", none}, {"SigIgn", statusField(own, "SigIgn")},
	} {
		if got := statusField(b, want.set); got != want.value {
			t.Errorf("%s is %s, want %s", want.set, got, want.value)
		}
	}
}

// statusField returns a field of the text of /proc/PID/status, or "" if it has none of that name.
func statusField(status []byte, name string) string {
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestChildErrors(t *testing.T) {
	for _, line := range []string{"", "/nonexistent/command", "no-such-command-here x", `"`} {
		if c, err := StartChild(line); err == nil {
			c.Close()
			t.Errorf("StartChild(%q) worked", line)
		}
	}
	script := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(script, []byte("#!/nonexistent/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := StartChild(script)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Release(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error of a command that cannot be executed: %v", err)
	}
}

func TestChildClosedBeforeRelease(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	c, err := StartChild("touch " + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the command ran")
	}
	if err := unix.Kill(c.PID(), 0); err != unix.ESRCH {
		t.Errorf("the process is still there: %v", err)
	}
}

// The end of the child, or of the process of -p, ends the run.
func TestRunEndsWithProcess(t *testing.T) {
	needRoot(t)
	for _, byPID := range []bool{false, true} {
		c, err := StartChild("sleep 0.05")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		opts := Options{child: c}
		if byPID {
			opts = Options{PID: c.PID()}
		}
		s, err := Load(&codegen.Blueprint{Checked: checked()}, opts)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Attach(); err != nil {
			t.Fatal(err)
		}
		if byPID {
			if err := c.Release(); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != nil {
			t.Error("the run did not end with the process")
		}
	}
	_, err := Load(&codegen.Blueprint{Checked: checked()}, Options{PID: 1 << 22})
	if err == nil || !strings.Contains(err.Error(), "no such process") {
		t.Errorf("error of a process that is not there: %v", err)
	}
}

// tracerEnv makes TestKilledTracer a tracer that starts a command and waits to be killed.
const tracerEnv = "GOTRACE_TEST_TRACER"

// A tracer that is killed takes its command along, though that ignores SIGTERM or has changed its user, which undoes the
// kernel's signal at a parent's death.
func TestKilledTracer(t *testing.T) {
	if command := os.Getenv(tracerEnv); command != "" {
		c, err := StartChild(command)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Release(); err != nil {
			t.Fatal(err)
		}
		_, err = c.Wait()
		t.Fatal("the command ended by itself", err)
	}
	for _, command := range []string{
		`sh -c 'trap "" TERM; echo $$; exec sleep 600'`,
		`setpriv --reuid=65534 --clear-groups sh -c 'echo $$; exec sleep 600'`,
		`setpriv --reuid=65534 --clear-groups sh -c 'trap "" TERM HUP INT; echo $$; exec sleep 600'`,
	} {
		if strings.HasPrefix(command, "setpriv") && exec.Command("setpriv", "--reuid=65534", "--clear-groups", "true").Run() != nil {
			t.Logf("SKIPPED: not root, or no setpriv: %s", command)
			continue
		}
		killedTracer(t, command)
	}
}

func killedTracer(t *testing.T, command string) {
	t.Helper()
	tracer := exec.Command("/proc/self/exe", "-test.run=^TestKilledTracer$")
	tracer.Env = append(os.Environ(), tracerEnv+"="+command)
	out, err := tracer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, numErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || numErr != nil {
		t.Fatalf("%s: first line %q, %v", command, line, err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := tracer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = tracer.Wait() // it was killed
	if err := awaitEnd(fd); err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Errorf("%s: still there after the tracer was killed (%v)", command, err)
	}
}

// awaitEnd waits for the end of a process, for a minute at most.
func awaitEnd(pidfd int) error {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 60_000)
		switch {
		case errors.Is(err, unix.EINTR): // Go interrupts its threads now and then
		case err == nil && n == 0:
			return errors.New("after a minute")
		default:
			return err
		}
	}
}

// The guard holds nothing of the tracer's, so that a reader of its output sees the end, and ends with the child.
func TestGuard(t *testing.T) {
	c, err := StartChild("sleep 600")
	if err != nil {
		t.Fatal(err)
	}
	proc := "/proc/" + strconv.Itoa(c.guard.pid)
	for { // it renames itself when it has closed what it does not need
		name, err := os.ReadFile(proc + "/comm")
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(name)) == "gotrace-guard" {
			break
		}
	}
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil || len(fds) != 2 {
		t.Errorf("the guard holds %v, %v", fds, err)
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil || statusField(status, "SigBlk") != "fffffffffffbfeff" { // all but SIGKILL and SIGSTOP
		t.Errorf("signals that the guard blocks: %s, %v", statusField(status, "SigBlk"), err)
	}
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(proc); err == nil {
		t.Error("the guard is still there")
	}
}

// A command that was not released ends when nobody is left who could release it, also without its guard.
func TestChildEndsWithItsGate(t *testing.T) {
	c, err := StartChild("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.gate.Close()
	c.gate = nil
	fd, err := unix.PidfdOpen(c.PID(), 0)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer unix.Close(fd)
	if err := awaitEnd(fd); err != nil {
		t.Errorf("the child still waits (%v)", err)
	}
}
