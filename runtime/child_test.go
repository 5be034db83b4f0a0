package runtime

import (
	"context"
	"os"
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
		t.Errorf("error of a command that can not be executed: %v", err)
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
		opts := Options{Child: c}
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
