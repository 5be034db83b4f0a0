package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// running is a gotrace process that has attached its probes and printed its first tick.
type running struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr *strings.Builder
}

// ticking has a probe of most kinds and says when it runs.
const ticking = `BEGIN { @started = 1; }
interval:ms:1 { printf("tick\n"); @ticks["n"] = count(); }
tracepoint:syscalls:sys_enter_lseek { @seeks = count(); }
END { printf("end\n"); clear(@ticks); }`

// start runs a script until its first line of output.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: running a script needs root")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "gotrace") // testscript.Main goes by the name
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	r := &running{cmd: exec.Command(link, args...), stderr: &strings.Builder{}}
	r.cmd.Stderr = r.stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		r.cmd.Wait()
	})
	line, err := r.out.ReadString('\n')
	if err != nil || line != "tick\n" {
		t.Fatalf("first line %q, %v; messages:\n%s", line, err, r.stderr)
	}
	return r
}

// finish reads the rest of the output and returns it with the exit code.
func (r *running) finish(t *testing.T) (string, int) {
	t.Helper()
	rest, err := io.ReadAll(r.out)
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Wait() // the exit code tells
	return string(rest), r.cmd.ProcessState.ExitCode()
}

func TestSignalsEndInOrder(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			// A signal that is handled here has its default action in the process, whatever started this test ignores.
			signal.Notify(make(chan os.Signal, 1), sig)
			defer signal.Reset(sig)
			r := start(t, "-e", ticking)
			if err := r.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			out, code := r.finish(t)
			if code != 0 {
				t.Errorf("exit code %d, want 0; messages:\n%s", code, r.stderr)
			}
			end := strings.Index(out, "end\n")
			started := strings.Index(out, "@started: 1")
			if end < 0 || started < end {
				t.Errorf("END must run, then maps print; output ends:\n%s", out[max(0, len(out)-300):])
			}
			if strings.Contains(out, "@ticks") || strings.LastIndex(out, "tick\n") > end {
				t.Errorf("something printed after END:\n%s", out[max(0, len(out)-300):])
			}
		})
	}
}

// A SIGHUP that was ignored at the start, as nohup has it, ends nothing: a second of ticks follows.
func TestIgnoredHangup(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	r := start(t, "-e", ticking)
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if line, err := r.out.ReadString('\n'); line != "tick\n" {
			t.Fatalf("SIGHUP ended the run: %q, %v; messages:\n%s", line, err, r.stderr)
		}
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, code := r.finish(t); code != 0 {
		t.Errorf("exit code %d, want 0; messages:\n%s", code, r.stderr)
	}
}

func TestSecondSignalQuitsAtOnce(t *testing.T) {
	// The reader of the output never comes: the end of the run cannot complete.
	r := start(t, "-e", `interval:ms:1 { printf("tick\n"); } END { printf("end\n"); }`)
	deadline := time.AfterFunc(60*time.Second, func() { r.cmd.Process.Kill() })
	defer deadline.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r.cmd.Process.Signal(syscall.SIGINT) == nil {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	r.cmd.Wait() // the exit code tells
	<-done
	end := r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if end.Signal() == syscall.SIGINT {
		return // it came when gotrace had let go of its signals, just before its exit
	}
	if code := end.ExitStatus(); code != 0 && code != 128+int(syscall.SIGINT) {
		t.Errorf("exit code %d (signal %v), want 0 or %d", code, end.Signal(), 128+int(syscall.SIGINT))
	}
}

// While a hundred probes are being detached, which takes the kernel seconds, a second signal ends gotrace at once: its program is still
// there then. What is left behind detaches the rest.
func TestSecondSignalWhileDetaching(t *testing.T) {
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT} {
		t.Run(second.String(), func(t *testing.T) {
			r := start(t, "-e", `BEGIN { @started = 1; } interval:ms:1 { printf("tick\n"); }
				tracepoint:sched:*, tracepoint:kmem:*, tracepoint:timer:*, tracepoint:irq:*, tracepoint:writeback:*, tracepoint:signal:*
				/pid == 1 && tid == 2/ { @never = 1; }`)
			progs, _ := held(t, r.cmd.Process.Pid)
			if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			for line := ""; line != "@started: 1\n"; { // maps print before the probes are detached
				var err error
				if line, err = r.out.ReadString('\n'); err != nil {
					t.Fatalf("%v; messages:\n%s", err, r.stderr)
				}
			}
			if err := r.cmd.Process.Signal(second); err != nil {
				t.Fatal(err)
			}
			r.cmd.Wait() // the exit code tells
			if code := r.cmd.ProcessState.ExitCode(); code != 128+int(second) {
				t.Errorf("exit code %d, want %d; messages:\n%s", code, 128+int(second), r.stderr)
			}
			if !slices.ContainsFunc(progs, inKernel) {
				t.Errorf("nothing of the programs %v was left to detach: gotrace has waited for that", progs)
			}
			for slices.ContainsFunc(progs, inKernel) {
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// inKernel says whether the kernel has a program.
func inKernel(id int) bool {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err == nil {
		p.Close()
	}
	return err == nil
}

func TestQuitShowsNoStack(t *testing.T) {
	r := start(t, "-e", ticking)
	if err := r.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if _, code := r.finish(t); code != 128+int(syscall.SIGQUIT) || strings.Contains(r.stderr.String(), "goroutine") {
		t.Errorf("exit code %d, messages:\n%s", code, r.stderr)
	}
}

func TestKillLeavesNothing(t *testing.T) {
	r := start(t, "-e", ticking)
	progs, maps := held(t, r.cmd.Process.Pid)
	if len(progs) < 2 || len(maps) < 2 {
		t.Fatalf("a running script holds programs %v and maps %v", progs, maps)
	}
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.finish(t)
	for _, id := range progs {
		gone(t, fmt.Sprintf("program %d", id), func() (io.Closer, error) { return ebpf.NewProgramFromID(ebpf.ProgramID(id)) })
	}
	for _, id := range maps {
		gone(t, fmt.Sprintf("map %d", id), func() (io.Closer, error) { return ebpf.NewMapFromID(ebpf.MapID(id)) })
	}
}

var idLine = regexp.MustCompile(`(?m)^(prog|map)_id:\s+(\d+)$`)

// held returns the ids of the programs and maps that a process has open (proc(5), fdinfo).
func held(t *testing.T, pid int) (progs, maps []int) {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // closed in between
		}
		for _, m := range idLine.FindAllStringSubmatch(string(data), -1) {
			id, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			if m[1] == "prog" {
				progs = append(progs, id)
			} else {
				maps = append(maps, id)
			}
		}
	}
	return progs, maps
}

// gone waits until the kernel has freed an object, which it does after a grace period.
func gone(t *testing.T, what string, open func() (io.Closer, error)) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := open()
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Errorf("%s is still there after its process was killed", what)
			return
		}
	}
}
