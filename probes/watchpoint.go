package probes

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/probes/internal/argwatch"
)

// Modes of a watchpoint (HW_BREAKPOINT_* of include/uapi/linux/hw_breakpoint.h).
const (
	watchRead  = 1
	watchWrite = 2
	watchExec  = 4
)

var watchModes = map[rune]uint32{'r': watchRead, 'w': watchWrite, 'x': watchExec}

// resolveWatchpoint is watchpoint:address:length:mode and watchpoint:function+argN:length:mode.
func resolveWatchpoint(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) != 3 {
		return nil, errors.New("a watchpoint is written watchpoint:address:length:mode, as in watchpoint:0x10000000:8:w, or watchpoint:function+argN:length:mode")
	}
	t := lang.Target{Kind: builtin.ProbeKindByName(ap.Provider)}
	var err error
	if t.Address, err = strconv.ParseUint(ap.Parts[0], 0, 64); err != nil {
		if t, err = e.watchedArgument(t.Kind, ap.Parts[0]); err != nil {
			return nil, err
		}
	}
	if t.Period, err = strconv.ParseUint(ap.Parts[1], 0, 64); err != nil || t.Period != 1 && t.Period != 2 && t.Period != 4 && t.Period != 8 {
		return nil, fmt.Errorf("a watchpoint has 1, 2, 4 or 8 bytes, not %s", ap.Parts[1])
	}
	if t.Func == "" && t.Address%t.Period != 0 {
		return nil, fmt.Errorf("%#x is not a multiple of %d: the processor watches aligned bytes only", t.Address, t.Period)
	}
	t.Event = ap.Parts[2]
	if _, err := watchMode(t.Event); err != nil {
		return nil, err
	}
	if t.Func == "" && userAddress(t.Address) && e.opts.PID == 0 && e.opts.Child == 0 {
		return nil, fmt.Errorf("%#x is an address of a process: say of which, by -p PID or -c COMMAND", t.Address)
	}
	t.Name = fmt.Sprintf("%s:%s:%d:%s", t.Kind.Name, ap.Parts[0], t.Period, t.Event)
	return []lang.Target{t}, nil
}

// watchedArgument is function+argN: the memory that an argument of a function points to, from the function's call on.
func (e *Env) watchedArgument(kind *builtin.ProbeKind, text string) (t lang.Target, err error) {
	i := strings.LastIndex(text, "+arg")
	if i <= 0 {
		return t, fmt.Errorf("%q is neither an address nor an argument of a function: write function+arg0", text)
	}
	n, err := strconv.ParseUint(text[i+len("+arg"):], 10, 7)
	if err != nil {
		return t, fmt.Errorf("%q is no argument: write arg0, arg1, …", text[i+1:])
	}
	if e.opts.PID == 0 && e.opts.Child == 0 && e.opts.Command == "" {
		return t, fmt.Errorf("%s is an argument in a process: say in which, by -p PID or -c COMMAND", text)
	}
	found, err := e.user.ResolveUprobe(&ast.AttachPoint{Provider: "uprobe", Parts: []string{text[:i]}})
	if err != nil {
		return t, err
	}
	if len(found) != 1 {
		return t, fmt.Errorf("%s are %d functions: a watchpoint is on an argument of one", text[:i], len(found))
	}
	t = found[0]
	t.Kind, t.Note = kind, ""
	places := t.ArgN // of Go
	if places == nil {
		places = []lang.ArgPlace{}
		for k := range int(n) + 1 {
			places = append(places, lang.ArgPlace{Loc: location.Of(e.kernel.Arch, t.I386).Arg(k, true)})
		}
	}
	if int(n) >= len(places) {
		return t, fmt.Errorf("where arg%d of %s lies is not known", n, t.Func)
	}
	t.ArgN = places[n : n+1]
	return t, nil
}

// watchMode reads a mode: r, w and x, of which only r and w go together.
func watchMode(s string) (uint32, error) {
	var mode uint32
	for _, c := range s {
		if watchModes[c] == 0 || mode&watchModes[c] != 0 {
			return 0, fmt.Errorf("%q is not a mode: r (read), w (written), rw or x (executed)", s)
		}
		mode |= watchModes[c]
	}
	switch {
	case mode == 0, mode&watchExec != 0 && mode != watchExec:
		return 0, fmt.Errorf("%q is not a mode: r (read), w (written), rw or x (executed)", s)
	case mode == watchRead && runtime.GOARCH == "amd64":
		return 0, errors.New("x86 processors cannot watch reads alone: use rw")
	}
	return mode, nil
}

// userAddress says whether an address is a process's: the kernel's have the highest bit set, on x86_64 and arm64.
func userAddress(a uint64) bool { return a>>63 == 0 }

// planWatchpoint opens a breakpoint on every CPU for an address of the kernel, for the threads of the process for one of its own.
func planWatchpoint(e *Env, targets []lang.Target) (*Plan, error) {
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		if t.Func != "" {
			return e.watchArgument(t, prog)
		}
		return e.watch(t, t.Address, prog)
	})}, nil
}

// watchArgument watches what a function is called with, from each call on. asyncwatchpoint lets the process run meanwhile.
func (e *Env) watchArgument(t *lang.Target, prog *ebpf.Program) (closer, error) {
	off, err := e.user.Offset(t)
	if err != nil {
		return nil, err
	}
	pid := cmp.Or(e.opts.PID, e.opts.Child)
	return argwatch.Start(argwatch.Options{
		PID: pid, Arg: t.ArgN[0].Loc, Conv: location.Of(e.kernel.Arch, t.I386), Stop: t.Kind.Name == "watchpoint",
		Attach: func(learn *ebpf.Program) (io.Closer, error) {
			return openProbe("uprobe", t.Path, off, false, pid, learn)
		},
		Open: func(address uint64) (io.Closer, error) {
			if address%t.Period != 0 {
				return nil, fmt.Errorf("it is not a multiple of %d: the processor watches aligned bytes only", t.Period)
			}
			return e.watch(t, address, prog)
		},
		Failed: func() {
			if e.onFailure != nil {
				e.onFailure()
			}
		},
	})
}

// watch sets a breakpoint of the processor.
func (e *Env) watch(t *lang.Target, address uint64, prog *ebpf.Program) (closer, error) {
	mode, err := watchMode(t.Event)
	if err != nil {
		return nil, err
	}
	length := t.Period
	if mode == watchExec {
		length = 8 // sizeof(long), whatever the instruction's length (arch_build_bp_info, arch/x86/kernel/hw_breakpoint.c)
	}
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_BREAKPOINT, Bp_type: mode, Ext1: address, Ext2: length, Sample: 1}
	pid := 0
	if userAddress(address) {
		pid = cmp.Or(e.opts.PID, e.opts.Child)
	}
	links, err := openEverywhere(&attr, pid, prog)
	switch {
	case errors.Is(err, unix.ENOSPC):
		return nil, &explained{"the processor has no breakpoint left (x86 has 4 on each CPU)", err}
	case err != nil:
		return nil, err
	}
	return links, nil
}
