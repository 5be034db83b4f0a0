// Package langtest has a machine made up for tests: a small kernel that is the same everywhere.
package langtest

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Env is a lang.Env with a fixed kernel: a few structs, tracepoints and functions.
type Env struct {
	// KernelInfo is what Kernel returns. Tests may change it before the first use.
	KernelInfo *kernel.Kernel

	structs map[string]*types.Struct
	records map[string]*types.Struct // args of tracepoints, by name
	rawArgs map[string]*types.Struct // of raw tracepoints, by name
	funcs   map[string]signature     // of functions of the kernel, by name
}

// New returns the fake machine: Linux 6.12 on amd64 with four CPUs.
func New() *Env {
	e := &Env{structs: map[string]*types.Struct{}, records: map[string]*types.Struct{}}
	e.buildStructs()
	e.buildRecords()
	e.buildFunctions()
	e.KernelInfo = &kernel.Kernel{
		Version: 6<<16 | 12<<8, Arch: "amd64", PossibleCPUs: 4, OnlineCPUs: 4, BTF: true,
		RdonlyCast: 1000, TaskStruct: e.structs["task_struct"],
		Kfunc:    func(name string) uint32 { return kfuncs[name] },
		CgroupID: func(path string) (uint64, error) { return uint64(len(path)), nil },
		Address:  func(string) (uint64, error) { return 0xffffffff81000000, nil },
		PerCPU:   func(string) (uint64, types.Type, error) { return 0x1000, u64, nil },
	}
	return e
}

// kfuncs are the functions of the kernel that programs can call.
var kfuncs = map[string]uint32{"bpf_rdonly_cast": 1000, "bpf_task_from_pid": 1001, "bpf_task_release": 1002}

// Kernel returns KernelInfo.
func (e *Env) Kernel() *kernel.Kernel { return e.KernelInfo }

// Type finds one of the fixed types.
func (e *Env) Type(keyword, name string) (types.Type, bool) {
	switch keyword {
	case "struct":
		if s, ok := e.structs[name]; ok {
			return s, true
		}
	case "enum":
		if name == pidType.Name {
			return types.Int{Bits: 32, Enum: pidType}, true
		}
	case "":
		if t, ok := baseTypes[name]; ok {
			return t, true
		}
		if name == "kuid_t" {
			return e.structs[name], true
		}
	}
	return nil, false
}

// EnumConst finds a constant of the one enum there is.
func (e *Env) EnumConst(name string) (types.Int, int64, bool) {
	for v, n := range pidType.Values {
		if n == name {
			return types.Int{Bits: 32, Enum: pidType}, v, true
		}
	}
	return types.Int{}, 0, false
}

// KernelAddress knows the address of one symbol.
func (e *Env) KernelAddress(name string) (uint64, error) {
	if name == "jiffies" {
		return 0xffffffff82000000, nil
	}
	return 0, &lang.NotFoundError{What: "symbol " + name + " of the kernel", Near: []string{"jiffies"}}
}

// SymbolFrom knows one symbol of each binary.
func (e *Env) SymbolFrom(_ *lang.Target, name string) (distance int64, size uint64, err error) {
	if name == "ps1_prompt" {
		return 0x1000, 8, nil
	}
	return 0, 0, &lang.NotFoundError{What: "symbol " + name, Near: []string{"ps1_prompt"}}
}

// Near finds near names of structs.
func (e *Env) Near(kind, name string) []string {
	var all []string
	if kind == "struct" {
		for n := range e.structs {
			all = append(all, n)
		}
	}
	sort.Strings(all)
	return source.Nearest(name, all)
}

// Args returns the arguments of tracepoints.
func (e *Env) Args(t *lang.Target) (*types.Struct, types.Type, error) {
	switch t.Kind.Context {
	case builtin.CtxTracepoint:
		return e.records[t.Category+":"+t.Event], nil, nil
	case builtin.CtxRawArgs:
		return e.rawArgs[t.Event], nil, nil
	case builtin.CtxTracing:
		if t.Kind.Name == "rawtracepoint" {
			return e.rawArgs[t.Event], nil, nil
		}
		if t.Kind.Nullable {
			return types.NewArgs("bpf_iter__task", 16, []types.Field{{Name: "meta", Type: types.Pointer{Elem: types.Void{}}},
				{Name: "task", Type: e.pointerTo("task_struct"), Offset: 8}}), nil, nil
		}
		args, result := e.tracedArgs(t)
		return args, result, nil
	case builtin.CtxRegs:
		if !t.Kind.User {
			args, result := e.registerArgs(t)
			return args, result, nil
		}
	}
	return nil, nil, nil
}

// Resolve finds targets. Everything is as for the real machine, with fewer names.
func (e *Env) Resolve(ap *ast.AttachPoint) ([]lang.Target, error) {
	kind := builtin.ProbeKindByName(ap.Provider)
	if kind == nil {
		return nil, fmt.Errorf("there is no probe type %s", ap.Provider)
	}
	p := ap.Parts
	switch {
	case kind.Verdict:
		if len(p) != 1 {
			return nil, fmt.Errorf("%s takes a name", kind.Name)
		}
		return []lang.Target{{Kind: kind, Name: kind.Name + ":" + p[0], Event: p[0]}}, nil
	case kind.Name == "self":
		return []lang.Target{{Kind: kind, Name: "self:" + strings.Join(p, ":")}}, nil
	case kind.Once:
		return []lang.Target{{Kind: kind, Name: ap.Provider}}, nil
	case len(p) == 0:
		return nil, fmt.Errorf("a %s probe is of something", kind.Name)
	case kind.Name == "software" || kind.Name == "hardware" || strings.HasSuffix(kind.Name, "watchpoint"):
		return counter(kind, p)
	case kind.Name == "iter":
		pin := strings.Join(p[1:], ":")
		return matched("iterator "+p[0], p[0], iterators, func(name string) lang.Target {
			return lang.Target{Kind: kind, Event: name, Name: kind.Name + ":" + strings.Join(p, ":"), Path: pin}
		})
	case kind.Name == "interval" || kind.Name == "profile":
		return timer(kind, p)
	case kind.Name == "tracepoint":
		return e.tracepoints(kind, p)
	case kind.Name == "usdt":
		if len(p) < 2 || len(p) > 3 {
			return nil, fmt.Errorf("a static probe is written usdt:PATH:PROVIDER:NAME")
		}
		return matched("static probe "+p[len(p)-1], p[len(p)-1], staticProbes, func(name string) lang.Target {
			return lang.Target{Kind: kind, Path: p[0], Event: name, Name: kind.Name + ":" + p[0] + ":app:" + name, ArgN: staticArgs[name]}
		})
	case kind.User:
		if len(p) > 3 && slices.Contains([]string{"cpp", "rust", "d"}, p[1]) { // a name of the source, which no function here has
			p = []string{p[0], strings.Join(p[2:], ":")}
		}
		if len(p) != 2 {
			return nil, fmt.Errorf("%s takes a path and a function: %s:PATH:FUNCTION", kind.Name, kind.Name)
		}
		return matched("function "+p[1], p[1], userFunctions, func(name string) lang.Target {
			t := lang.Target{Kind: kind, Path: p[0], Func: name, Name: kind.Name + ":" + p[0] + ":" + name, Go: strings.Contains(name, ".")}
			if t.Go {
				t.GoID = &lang.ArgPlace{Loc: location.Memory{At: location.Address{Base: location.Register{Name: "r14", Size: 8}, Offset: 152}, Size: 8, User: true}}
				t.ArgN = []lang.ArgPlace{{Loc: location.Register{Name: "ax", Size: 8}}, {Loc: location.Register{Name: "bx", Size: 8}}}
			}
			return t
		})
	case kind.Context == builtin.CtxTracing:
		return matched("function "+p[len(p)-1], p[len(p)-1], functions, func(name string) lang.Target {
			return lang.Target{Kind: kind, Func: name, Module: "vmlinux", Name: kind.Name + ":vmlinux:" + name}
		})
	case len(p) != 1:
		return nil, fmt.Errorf("%s takes one name: %s:NAME", kind.Name, kind.Name)
	case kind.Name == "rawtracepoint":
		return matched("raw tracepoint "+p[0], p[0], rawTracepoints, func(name string) lang.Target {
			return lang.Target{Kind: kind, Event: name, Name: kind.Name + ":" + name}
		})
	}
	return matched("function "+p[0], p[0], functions, func(name string) lang.Target {
		return lang.Target{Kind: kind, Func: name, Name: kind.Name + ":" + name}
	})
}

// iterators are over tasks only.
var iterators = []string{"task"}

// counters are the events of software and hardware.
var counters = []string{"page-faults", "task-clock", "cpu", "cache-misses"}

// counter is software:EVENT:COUNT, hardware:EVENT:COUNT, and watchpoint:ADDRESS:LENGTH:MODE.
func counter(kind *builtin.ProbeKind, p []string) ([]lang.Target, error) {
	if strings.HasSuffix(kind.Name, "watchpoint") {
		if len(p) != 3 || !strings.Contains("1 2 4 8", p[1]) || !strings.Contains("w rw x", p[2]) {
			return nil, fmt.Errorf("a watchpoint is written watchpoint:ADDRESS:LENGTH:MODE")
		}
		return []lang.Target{{Kind: kind, Name: kind.Name + ":" + strings.Join(p, ":"), Event: p[2], Period: 1}}, nil
	}
	if n := p[len(p)-1]; len(p) == 2 && n == "0" || len(p) > 2 {
		return nil, fmt.Errorf("%q is no count", n)
	}
	return matched("event "+p[0], p[0], counters, func(name string) lang.Target {
		return lang.Target{Kind: kind, Name: kind.Name + ":" + name, Event: name, Period: 1}
	})
}

// Names that exist, in order.
var (
	functions      = []string{"__dev_queue_xmit", "__x64_sys_getuid", "do_filp_open", "do_nanosleep", "do_sys_open", "ip_send_skb", "ksys_lseek", "security_file_open", "udp_sendmsg", "vfs_open", "vfs_read", "vfs_write"}
	userFunctions  = []string{"free", "main", "main.add", "malloc", "readline", "wl_add", "wl_neg", "wl_point", "wl_say", "wl_six"}
	staticProbes   = []string{"setjmp", "start", "stop"}
	rawTracepoints = []string{"sched_switch", "sched_wakeup", "sys_enter", "sys_exit", "test_none"}
)

// staticArgs are the arguments of static probes: a number of four bytes with its sign, memory at an address that is computed, a
// constant, and one that cannot be read.
var staticArgs = map[string][]lang.ArgPlace{
	"setjmp": {{Loc: location.Register{Name: "di", Size: 8}}, {Loc: location.Register{Name: "si", Size: 4, Signed: true}, Signed: true}},
	"start": {
		{Loc: location.Register{Name: "di", Size: 4, Signed: true}, Signed: true},
		{Loc: location.Memory{At: location.Address{Base: location.Register{Name: "bp", Size: 8},
			Index: location.Register{Name: "cx", Size: 8}, Scale: 8, Offset: -16}, Size: 8, User: true}},
		{Loc: location.Const{Value: -5}, Signed: true},
		{Text: "8f@%xmm0", Why: "%xmm0 is no register that programs can read"},
	},
	"stop": {},
}

func (e *Env) tracepoints(kind *builtin.ProbeKind, p []string) ([]lang.Target, error) {
	if len(p) != 2 {
		return nil, fmt.Errorf("tracepoint takes a category and an event: tracepoint:CATEGORY:EVENT")
	}
	var all []string
	for name := range e.records {
		all = append(all, name)
	}
	sort.Strings(all)
	return matched("tracepoint "+p[0]+":"+p[1], p[0]+":"+p[1], all, func(name string) lang.Target {
		category, event, _ := strings.Cut(name, ":")
		return lang.Target{Kind: kind, Category: category, Event: event, Name: "tracepoint:" + name}
	})
}

// matched makes targets of the names that fit a pattern.
func matched(what, pattern string, all []string, target func(string) lang.Target) ([]lang.Target, error) {
	var out []lang.Target
	for _, name := range all {
		if glob(pattern, name) {
			out = append(out, target(name))
		}
	}
	if out == nil {
		return nil, &lang.NotFoundError{What: what, Near: source.Nearest(pattern, all)}
	}
	return out, nil
}

// glob says whether a name fits a pattern, in which '*' is any text. Each piece between two of them may take the first place
// where it fits, so that no pattern takes long.
func glob(pattern, name string) bool {
	pieces := strings.Split(pattern, "*")
	last := len(pieces) - 1
	if last == 0 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, pieces[0])
	if !ok {
		return false
	}
	for _, piece := range pieces[1:last] {
		if _, name, ok = strings.Cut(name, piece); !ok {
			return false
		}
	}
	return strings.HasSuffix(name, pieces[last])
}

// units of interval and profile, in nanoseconds.
var units = map[string]uint64{"s": 1e9, "ms": 1e6, "us": 1e3}

// timer is interval:s:1, interval:1s, profile:hz:99.
func timer(kind *builtin.ProbeKind, p []string) ([]lang.Target, error) {
	t := lang.Target{Kind: kind, Name: kind.Name + ":" + strings.Join(p, ":")}
	unit, digits := "", ""
	switch len(p) {
	case 1:
		digits = strings.TrimRight(p[0], "abcdefghijklmnopqrstuvwxyz")
		unit = p[0][len(digits):]
	case 2:
		unit, digits = p[0], p[1]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 || unit != "hz" && units[unit] == 0 {
		return nil, fmt.Errorf("%s takes a unit and a number: %s:s:1", kind.Name, kind.Name)
	}
	if unit == "hz" {
		t.Hz = n
	} else {
		t.Period = n * units[unit]
	}
	return []lang.Target{t}, nil
}
