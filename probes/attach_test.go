package probes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols/symbolstest"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
)

// needRoot skips tests that the kernel lets only root do.
func needRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("SKIPPED: needs root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		tb.Fatal(err)
	}
}

// counter is a program that counts how often it runs.
type counter struct {
	prog *ebpf.Program
	runs *ebpf.Map
}

func newCounter(t *testing.T, typ ebpf.ProgramType, plan *Plan) *counter {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	spec := &ebpf.ProgramSpec{Type: typ, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, m.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}}
	prog, err := plan.Load(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close(); m.Close() })
	return &counter{prog, m}
}

func (c *counter) count(t *testing.T) uint64 {
	t.Helper()
	var n uint64
	if err := c.runs.Lookup(uint32(0), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// programTypes are the types of program by what the probes of a kind give them.
var programTypes = map[builtin.Context]ebpf.ProgramType{
	builtin.CtxRegs: ebpf.Kprobe, builtin.CtxTracepoint: ebpf.TracePoint, builtin.CtxRawArgs: ebpf.RawTracepoint, builtin.CtxPerf: ebpf.PerfEvent,
	builtin.CtxNone: ebpf.RawTracepoint,
}

// triggers make events.
var (
	getppid = func() { unix.Getppid() }
	read    = func() { _, _ = os.ReadFile("/proc/self/comm") }
	call    = func() { probed(1) }
	burn    = func() {
		for end := time.Now().Add(time.Millisecond); time.Now().Before(end); {
		}
	}
)

func TestAttach(t *testing.T) {
	needRoot(t)
	exe := fmt.Sprintf("uprobe:/proc/%d/exe:%d", os.Getpid(), reflect.ValueOf(probed).Pointer())
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	for _, tt := range []struct {
		point   string
		pid     int
		trigger func()
		silent  bool // nothing must be seen
	}{
		{point: "tracepoint:syscalls:sys_enter_getppid", trigger: getppid},
		{point: "tracepoint:syscalls:sys_e*_getppid", trigger: getppid},
		{point: "rawtracepoint:sys_enter", trigger: getppid},
		{point: "rawtracepoint:vmlinux:sys_e*t*", trigger: getppid},
		{point: "kprobe:vfs_read", trigger: read},
		{point: "kprobe:vfs_read+0", trigger: read},
		{point: "kprobe:vmlinux:vfs_read", trigger: read},
		{point: "kprobe:vfs_rea*", trigger: read},
		{point: "kretprobe:vfs_read", trigger: read},
		{point: "kretprobe:vfs_rea*", trigger: read},
		{point: exe, trigger: call},
		{point: strings.Replace(exe, "uprobe", "uretprobe", 1), trigger: call},
		{point: exe, pid: os.Getpid(), trigger: call},
		{point: exe, pid: sleeper.Process.Pid, trigger: call, silent: true},
		{point: "profile:hz:999", trigger: burn},
		{point: "profile:us:1000", trigger: burn},
		{point: "profile:hz:999", pid: os.Getpid(), trigger: burn},
		{point: "interval:ms:1", trigger: burn},
		{point: "interval:1ms", trigger: burn},
		{point: "interval:ms:1", pid: sleeper.Process.Pid, trigger: burn},
	} {
		t.Run(fmt.Sprint(strings.ReplaceAll(tt.point, "/", "|"), "_pid", tt.pid != 0), func(t *testing.T) {
			if strings.HasPrefix(tt.point, "k") {
				needKprobes(t)
			}
			testAttach(t, tt.point, tt.pid, tt.trigger, tt.silent)
		})
	}
}

// TestAttachFunctions attaches to functions of a binary by their names.
func TestAttachFunctions(t *testing.T) {
	needRoot(t)
	path, run := namedFunctions(t)
	for _, what := range []string{"uprobe:%s:shown", "uprobe:%s:sho*n", "uretprobe:%s:shown", "uprobe:%s:*h[io]*n", "uprobe:%s:shown+0"} {
		t.Run(what, func(t *testing.T) { testAttach(t, fmt.Sprintf(what, path), 0, run, false) })
	}
}

// namedFunctions gives a binary with functions shown and hidden, and what calls them.
func namedFunctions(t *testing.T) (path string, run func()) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("SKIPPED: no gcc to build a binary with")
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "x.c")
	path = filepath.Join(dir, "x")
	if err := os.WriteFile(src, []byte(symbolstest.CProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(gcc, "-O0", "-o", path, src).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	return path, func() {
		if err := exec.Command(path).Run(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func testAttach(t *testing.T, text string, pid int, trigger func(), silent bool) {
	t.Helper()
	e, err := NewEnv(EnvOptions{PID: pid, Unsafe: strings.Contains(text, "/exe:")}) // return probes on this test, a Go program
	if err != nil {
		t.Fatal(err)
	}
	targets, err := e.Resolve(point(text))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := e.Plan(targets)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d targets, attach type %v", len(targets), plan.attachType)
	c := newCounter(t, programTypes[targets[0].Kind.Context], plan)
	link, err := plan.Attach(c.prog, nil)
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for deadline := time.Now().Add(20 * time.Second); c.count(t) == 0 && !silent; {
		if time.Now().After(deadline) {
			t.Fatal("nothing in 20 seconds")
		}
		trigger()
	}
	if trigger(); silent && c.count(t) != 0 {
		t.Error("the program runs for other processes")
	}
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}
	before := c.count(t)
	for range 10 {
		trigger()
	}
	if after := c.count(t); after != before {
		t.Errorf("the program runs after it was detached: %d more", after-before)
	}
}

// TestAttachNothing checks that a failure leaves nothing attached.
func TestAttachNothing(t *testing.T) {
	needRoot(t)
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kind := builtin.ProbeKindByName("tracepoint")
	targets := []lang.Target{
		{Kind: kind, Name: "tracepoint:syscalls:sys_enter_getppid", Category: "syscalls", Event: "sys_enter_getppid"},
		{Kind: kind, Name: "tracepoint:no:such", Category: "no", Event: "such"},
	}
	plan, err := e.Plan(targets)
	if err != nil {
		t.Fatal(err)
	}
	c := newCounter(t, ebpf.TracePoint, plan)
	if _, err := plan.Attach(c.prog, nil); err == nil || !strings.Contains(err.Error(), "tracepoint:no:such") {
		t.Fatalf("attached to nothing: %v", err)
	}
	getppid()
	if n := c.count(t); n != 0 {
		t.Errorf("the program runs %d times", n)
	}
	if _, err := e.Plan(nil); err == nil {
		t.Error("a plan for nothing")
	}
	if _, err := e.Plan([]lang.Target{{Kind: builtin.ProbeKindByName("BEGIN")}}); err == nil {
		t.Error("BEGIN can be attached")
	}
}

// needKprobes skips a test that has no way to attach kprobes.
func needKprobes(t *testing.T) {
	t.Helper()
	needRoot(t)
	if !havePMU("kprobe") {
		t.Skip("SKIPPED: this kernel has no kprobes")
	}
}

// TestAttachMany attaches to many functions at once, which must not take long.
func TestAttachMany(t *testing.T) {
	needKprobes(t)
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"kprobe:vfs_*", "kretprobe:vfs_*"} {
		targets, err := e.Resolve(point(text))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := e.Plan(targets)
		if err != nil {
			t.Fatal(err)
		}
		c := newCounter(t, ebpf.Kprobe, plan)
		start := time.Now()
		link, err := plan.Attach(c.prog, nil)
		if err != nil {
			t.Fatal(err)
		}
		attached := time.Since(start)
		read()
		start = time.Now()
		if err := link.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d functions (%v): %v to attach, %v to detach", text, len(targets), plan.attachType, attached, time.Since(start))
		if c.count(t) == 0 {
			t.Errorf("%s: nothing seen", text)
		}
	}
}

func TestKprobeErrors(t *testing.T) {
	needKprobes(t)
	e, err := NewEnv(EnvOptions{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	kind := builtin.ProbeKindByName("kprobe")
	for _, tt := range []struct {
		target lang.Target
		want   string
	}{
		{lang.Target{Func: "no_such_function_here"}, "no function"},
		{lang.Target{Func: "do_int3"}, ""}, // blacklisted
		{lang.Target{Func: "vfs_read", Offset: 1}, ""},
	} {
		tt.target.Kind, tt.target.Name = kind, "kprobe:"+tt.target.Func
		plan, err := e.Plan([]lang.Target{tt.target})
		if err != nil {
			t.Fatal(err)
		}
		l, err := plan.Attach(newCounter(t, ebpf.Kprobe, plan).prog, nil)
		if err == nil {
			l.Close()
			if tt.want != "" {
				t.Errorf("%+v is attached", tt.target)
			}
			continue
		}
		t.Log(err)
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %q is not in it", err, tt.want)
		}
	}
}

// probed is what tests attach uprobes to. It calls nothing, so that return probes do not meet the runtime of Go.
//
//go:noinline
func probed(n int) int { return n + probedCalls }

var probedCalls = 1

// The 65th program on a tracepoint is refused by the kernel, and the message says what to do.
func TestFullTracepoint(t *testing.T) {
	needRoot(t)
	e := needTracefs(t)
	targets, err := e.Resolve(point("tracepoint:syscalls:sys_enter_lseek"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := e.Plan(targets)
	if err != nil {
		t.Fatal(err)
	}
	var all Links
	t.Cleanup(func() { all.Close() })
	const says = "as many programs as the kernel allows (64, of this script and all others): use rawtracepoint"
	for n := 0; ; n++ {
		links, err := plan.Attach(newCounter(t, ebpf.TracePoint, plan).prog, nil)
		all = append(all, links...)
		switch {
		case err != nil && !strings.Contains(err.Error(), says):
			t.Fatal(err)
		case err != nil:
			return
		case n == tracepointPrograms:
			t.Fatalf("the tracepoint takes %d programs", n+1)
		}
	}
}
