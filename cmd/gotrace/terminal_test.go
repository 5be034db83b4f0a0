package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with what was written to it.
type terminal struct {
	device *os.File // the program's side
	mu     sync.Mutex
	text   strings.Builder
}

// openTerminal makes a terminal of so many columns.
func openTerminal(t *testing.T, columns uint16) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo-terminals here: %v", err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo-terminals here: %v", err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: columns}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{device: device}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			term.mu.Lock()
			term.text.Write(buf[:n])
			term.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { device.Close(); master.Close() })
	return term
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// await waits until the terminal shows something.
func (t *terminal) await(tb testing.TB, text string, limit time.Duration) {
	tb.Helper()
	for deadline := time.Now().Add(limit); !strings.Contains(t.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("the terminal does not show %q within %v but\n%q", text, limit, t)
		}
	}
}

// onTerminal starts gotrace with its messages on a terminal.
func onTerminal(t *testing.T, term *terminal, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: running a script needs root")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "gotrace")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, args...)
	cmd.Env = append(os.Environ(), append([]string{"TERM=xterm"}, environ...)...)
	cmd.Stderr = term.device
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// While a hundred tracepoints are detached, for each of which the kernel waits, a terminal shows a bar, and nothing of it in the end.
func TestBarWhileDetaching(t *testing.T) {
	term := openTerminal(t, 70)
	cmd := onTerminal(t, term, nil, "-e", `BEGIN { exit(); }
		tracepoint:sched:*, tracepoint:kmem:*, tracepoint:timer:*, tracepoint:irq:*, tracepoint:writeback:*, tracepoint:signal:*
		/pid == 1 && tid == 2/ { @never = 1; }`)
	start := time.Now()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %q", err, term)
	}
	text := term.String()
	if !strings.Contains(text, "\r\x1b[KDetaching ") {
		if time.Since(start) < 3*time.Second {
			t.Skipf("SKIPPED: the kernel detaches all in less than a second")
		}
		t.Fatalf("no bar: %q", text)
	}
	lines := strings.Split(text, "\r\x1b[K")
	if last := lines[len(lines)-1]; strings.Contains(last, "Detaching") {
		t.Errorf("the bar stays: %q", last)
	}
	for _, line := range lines {
		if len(line) >= 70 && strings.HasPrefix(line, "Detaching") {
			t.Errorf("%q does not fit the terminal", line)
		}
	}
}

// Thousands of kprobes, one by one, take minutes: a bar says how far it is, and a signal ends it at once. What is attached by then is
// detached, with a bar again, and a second signal does not wait for that.
func TestStopWhileAttaching(t *testing.T) {
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); err != nil {
		t.Skip("SKIPPED: the kernel has no kprobes")
	}
	for _, tt := range []struct{ stage, script string }{
		{"Attaching", `kprobe:vfs_*, kprobe:tcp_*, kprobe:sk_*, kprobe:skb_* { @ = 1; }`},
		{"Loading", `fentry:vmlinux:vfs_*, fentry:vmlinux:tcp_*, fentry:vmlinux:sk_*, fentry:vmlinux:skb_* { @ = 1; }`},
	} {
		t.Run(tt.stage, func(t *testing.T) {
			term := openTerminal(t, 80)
			cmd := onTerminal(t, term, []string{"GOTRACE_MAX_PROBES=100000"}, "--no-feature", "kprobe_multi", "-e", "END { printf(\"end\\n\"); } "+tt.script)
			term.await(t, "\r\x1b[K"+tt.stage+" ", time.Minute)
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if tt.stage == "Attaching" {
				term.await(t, "\r\x1b[KDetaching ", time.Minute)
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Errorf("it still runs after a minute: %q", term)
			}
			if strings.Contains(term.String(), "Attached") {
				t.Errorf("all is attached: %q", term)
			}
		})
	}
}
