package builtin

import "strings"

// Context is the kind of context a program of a probe kind gets.
type Context uint8

// The contexts.
const (
	CtxNone       Context = iota // BEGIN, END, interval: nothing to read
	CtxRegs                      // struct pt_regs (kprobe, uprobe)
	CtxTracepoint                // the tracepoint's record, as its format file tells
	CtxRawArgs                   // an array of u64 arguments (raw tracepoint)
	CtxPerf                      // struct bpf_perf_event_data (profile)
	CtxTracing                   // typed arguments (fentry, fexit; BTF raw tracepoints)
)

// Order is when the programs of a kind are attached.
type Order uint8

// The orders.
const (
	// AttachForward is in the order of the script, in which the kernel runs the programs at one place.
	AttachForward Order = iota
	// AttachReverse is in the reverse order of the script: the kernel runs what is attached last first.
	AttachReverse
	// AttachLast is after all others: to attach thousands of functions takes seconds, and an interval that ends the run begins
	// when all is in place.
	AttachLast
	// AttachNever is for programs that gotrace runs itself.
	AttachNever
)

// ProbeKind is what the language knows of a kind of probe. How it is found and attached is package probes'.
type ProbeKind struct {
	Name    string   // canonical: "kprobe"
	Aliases []string // "k"
	// Help is one line; Point shows what an attach point looks like; Example is a complete script.
	Help, Point, Example string

	Context Context
	Return  bool // has retval (kretprobe, uretprobe)
	ArgN    bool // has arg0 … argN
	Args    bool // may have args
	User    bool // pointers are user space's by default (uprobe)
	Func    bool // has func
	Once    bool // run by gotrace itself, when it says so: BEGIN, END, self, test, bench
	Verdict bool // what it returns says how it went: test, bench
	Timed   bool // run by gotrace itself, in time: interval

	Path      bool  // attach points hold paths, in which slashes are no filters
	Listed    bool  // listed where no kind is named; the others are return probes, timers, and what must be named
	Nullable  bool  // its arguments may be NULL: nothing is loaded from them directly, and the program is not run for no object
	OneTarget bool  // a program is bound to its target when it is loaded, so that each target needs its own
	Attach    Order // when it is attached

	// Typed is the same kind with arguments that the verifier knows the types of, for probes that need such: its programs are bound
	// to their target. It is nil where there is none. It needs BTF.
	Typed *ProbeKind

	// Planned says that the name is kept for what is not there yet.
	Planned bool
}

// There says that a script can use it. It is false for nil.
func (k *ProbeKind) There() bool { return k != nil && !k.Planned }

// Fact is something that a kind of probe has, and a builtin asks for.
type Fact uint8

// The facts. Anything is what every kind has.
const (
	Anything     Fact = iota
	HasArgs           // arguments by name
	HasArgN           // arguments by number
	HasStackArgs      // a stack with arguments
	HasFunc           // a traced function
	HasReturn         // a value that the function returns
	HasUserFunc       // a traced place in a binary
	HasMode           // knows whether the CPU was in user mode
	HasRegisters      // the registers at the probe
	HasProcess        // runs in the process that is traced, not in gotrace
	HasTypes          // pointers of which the verifier knows the type
	HasEntry          // the start of a function of the kernel, which need not run
)

// Has says whether a kind has what a builtin asks for. Whether a certain probe has it depends on its target, too.
func (k *ProbeKind) Has(f Fact) bool {
	switch f {
	case HasArgs:
		return k.Args
	case HasArgN:
		return k.ArgN
	case HasStackArgs:
		return k.ArgN && k.Context == CtxRegs
	case HasFunc:
		return k.Func
	case HasUserFunc:
		return k.Func && k.User
	case HasReturn:
		return k.Return
	case HasProcess:
		return !k.Once && !k.Timed && k.Attach != AttachNever
	case HasTypes:
		return k.Context == CtxTracing || k.Typed != nil
	case HasEntry:
		return k.Func && k.Context == CtxRegs && !k.User && !k.Return
	case HasRegisters:
		return k.Context == CtxPerf || k.Context == CtxRegs
	case HasMode:
		return k.Once || k.Timed || k.Context == CtxPerf || k.Context == CtxRegs || k.Context == CtxTracing
	}
	return true
}

// KindsWith are the kinds that a script can use and that have something, in order.
func KindsWith(f Fact) []*ProbeKind {
	var out []*ProbeKind
	for _, k := range ProbeKinds {
		if k.There() && k.Has(f) {
			out = append(out, k)
		}
	}
	return out
}

var kindsByName = func() map[string]*ProbeKind {
	m := map[string]*ProbeKind{}
	for _, k := range ProbeKinds {
		m[k.Name] = k
		for _, a := range k.Aliases {
			m[a] = k
		}
	}
	return m
}()

// ProbeKindByName finds a kind that a script can use by name or alias, nil if there is none.
func ProbeKindByName(name string) *ProbeKind {
	if k := FindKind(name); k.There() {
		return k
	}
	return nil
}

// FindKind is ProbeKindByName that also finds planned kinds. Names of several letters may be written in capitals; U is not u.
func FindKind(name string) *ProbeKind {
	if k := kindsByName[name]; k != nil || len(name) == 1 {
		return k
	}
	return kindsByName[strings.ToLower(name)]
}

// KindNames are the names of the kinds that a script can use, in order.
func KindNames() []string {
	var names []string
	for _, k := range KindsWith(Anything) {
		names = append(names, k.Name)
	}
	return names
}
