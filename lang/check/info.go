package check

import (
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/ctypes"
	"github.com/gotrace/gotrace/lang/getopt"
	"github.com/gotrace/gotrace/lang/imports"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Options are the settings of one compilation, from the command line and the script's config block.
type Options struct {
	Params     []string        // positional parameters $1…
	Named      []string        // named parameters, "name" or "name=value" each, for getopt()
	ChildPID   int             // cpid: the process of -c, 0 if there is none
	MaxStrlen  int             // bytes str() reads by default, the NUL included; 0 means the default, 64 … see config
	MaxMapKeys int             // entries of a keyed map; 0 means 4096
	NoWarnings []string        // codes of warnings that are not told
	Unsafe     bool            // calls with side effects are allowed
	Headers    *ctypes.Headers // where #include finds files; nil: there are none
	Imports    *imports.Files  // where import finds files; nil: there are none
	// Environ gives BPFTRACE_* and GOTRACE_* variables, as os.LookupEnv does; nil means none.
	Environ func(string) (string, bool)
}

// Checked is a script that the checker has accepted: what the code generator reads.
type Checked struct {
	File     *ast.File
	Source   *source.Source
	Config   Config
	Maps     []*Map          // in order of first appearance
	Byname   map[string]*Map // by name without '@'
	Progs    []*Prog
	Settings []Setting // what `config` holds; nil if the script does not read it
	// Options are the named parameters that the script has; HelpAsked says that the command line asks for them.
	Options   []*getopt.Option
	HelpAsked bool
	// SeriesClock, if set, is a map that tseries() takes the time from. Tests set it by an environment variable.
	SeriesClock *Map
}

// Config is the effective configuration.
type Config struct {
	MaxStrlen       int
	MaxMapKeys      int
	PrintMapsOnExit bool
	StrTruncTrailer string
	MissingProbes   string // error, warn, ignore
	MaxProbes       int    // targets of all attach points
	MaxPrograms     int
	// MaxLoopIterations is how many iterations all loops of a run may do together; 0: by what an iteration costs.
	MaxLoopIterations int
	PerfRBPages       int    // 0: by memory
	MaxCatBytes       int    // that cat() shows of a file
	License           string // "GPL" unless set
	StackMode         string // one of types.StackModes
	UserUnwind        string // how user stacks are followed: one of Unwind…
	DebugInfo         bool   // show files, lines and inlined functions in stacks
	UnstableTSeries   string // "error": tseries() is refused
	UnstableDWUstack  string // "error": dw_ustack is refused
	Demangle          bool   // show names of C++, Rust and D as in the source
	// NoWarnings are the codes of warnings that are not told.
	NoWarnings []string
}

// How user stacks are followed.
const (
	UnwindFramePointer = "frame_pointer" // by frame pointers, as the kernel does it
	UnwindAuto         = "auto"          // as with UnwindTables, where the kernel and the machine can do that
	UnwindTables       = "dwarf"         // by the tables in files (.eh_frame), and by frame pointers in code that has none
)

// Map is a map of the script with its types.
type Map struct {
	Name       string     // without '@'
	Pos        source.Pos // first appearance
	Key        types.Type // nil for a map without a key; a Tuple for several keys
	Value      types.Type // an Agg for aggregations
	MaxEntries int
	Kind       string // from a declaration: "hash", "lruhash", …; "" by default
}

// Prog is one eBPF program to make: a probe body for targets that see the same argument types.
// A probe gives several when its targets differ in their arguments, or when it uses `probe`.
type Prog struct {
	Probe   *ast.Probe
	Kind    *builtin.ProbeKind
	Targets []Target
	Args    *types.Struct // the args struct, nil if there is none
	Retval  types.Type    // type of retval where it is known
	// ProbeName is the text of the `probe` builtin; it is set, and all targets have that name, when the body uses it.
	ProbeName string
	// Dispatch is set for a program that stands for several tracepoints of system calls: its Kind is that of the raw tracepoint.
	Dispatch *Dispatch

	Types   map[ast.Expr]types.Type           // the type of every expression of the probe
	Consts  map[ast.Expr]types.Const          // the value of every constant expression
	Vars    map[*ast.Var]*Variable            // what each mention of a $variable stands for
	Results map[*ast.Func]types.Type          // the types of the values that they return
	Funcs   []*ast.Func                       // the functions of the script that it calls
	Infos   map[*ast.Typeinfo]*ast.RecordExpr // the value of each typeinfo()
}

// Variable is a scratch variable of one program.
type Variable struct {
	Name string
	Type types.Type
	Pos  source.Pos
	ID   int // unique in the program, in order of declaration
	// Captured says that a loop body (for over a range or map, while) deeper than the one that declares it uses it: it lives in memory.
	Captured bool
	// Addressed says that the script takes its address, or that of a part of it.
	Addressed bool
	Func      *ast.Func // the function of the script that it belongs to, nil for the probe's own
}

// Parts are what is compiled for a program: its filter, its body, and the bodies of the functions that it calls.
func (p *Prog) Parts() []source.Node {
	var parts []source.Node
	if p.Probe.Filter != nil {
		parts = append(parts, p.Probe.Filter)
	}
	parts = append(parts, p.Probe.Body)
	for _, f := range p.Funcs {
		parts = append(parts, f.Body)
	}
	return parts
}

// Variables are all variables of a program that are mentioned, in order of declaration.
func (p *Prog) Variables() []*Variable {
	seen := map[*Variable]bool{}
	var vars []*Variable
	for _, v := range p.Vars {
		if !seen[v] {
			seen[v] = true
			vars = append(vars, v)
		}
	}
	sort.Slice(vars, func(i, j int) bool { return vars[i].ID < vars[j].ID })
	return vars
}

// Callee is the function of the script that a call means, nil if it means another.
func (p *Prog) Callee(c *ast.Call) *ast.Func {
	for _, f := range p.Funcs {
		if f.Name == c.Name {
			return f
		}
	}
	return nil
}

// DumpTypes prints what the checker found out: the maps, and for each program its targets, variables, and the type and value of
// every expression. It is what -d types shows.
func DumpTypes(w io.Writer, c *Checked) {
	for _, m := range c.Maps {
		key := ""
		if m.Key != nil {
			key = "[" + m.Key.String() + "]"
		}
		fmt.Fprintf(w, "map @%s%s: %s, %d entries\n", m.Name, key, m.Value, m.MaxEntries)
	}
	for i, p := range c.Progs {
		fmt.Fprintf(w, "program %d: %s", i, p.Targets[0].Name)
		if n := len(p.Targets); n > 1 {
			fmt.Fprintf(w, " and %d more", n-1)
		}
		fmt.Fprintln(w)
		dumpVars(w, p)
		dumpExprs(w, p)
	}
}

func dumpVars(w io.Writer, p *Prog) {
	for _, v := range p.Variables() {
		shared := ""
		if v.Captured {
			shared = " (shared with a loop)"
		}
		fmt.Fprintf(w, "  var $%s: %v%s\n", v.Name, v.Type, shared)
	}
}

func dumpExprs(w io.Writer, p *Prog) {
	show := func(n source.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		t := p.Types[e]
		if t == nil {
			return true
		}
		value := ""
		if k, ok := p.Consts[e]; ok {
			if k.Str != nil {
				value = fmt.Sprintf(" = %q", *k.Str)
			} else {
				value = fmt.Sprintf(" = %d", int64(k.Int))
			}
		}
		fmt.Fprintf(w, "  %d:%d %s: %s%s\n", e.Range().Pos.Line, e.Range().Pos.Column, kindOf(e), t, value)
		return true
	}
	for _, part := range p.Parts() {
		ast.Inspect(part, show)
	}
}

// kindOf names the kind of an expression.
func kindOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Var:
		return "$" + e.Name
	case *ast.MapRef:
		return "@" + e.Name
	case *ast.Ident:
		return e.Name
	case *ast.Call:
		return e.Name + "()"
	case *ast.Binary:
		return "binary " + e.Op
	case *ast.Unary:
		return "unary " + e.Op
	case *ast.FieldExpr:
		return "." + e.Name
	}
	return fmt.Sprintf("%T", e)[len("*lang."):]
}

// Env is what the checker and the code generator know of the machine a script is compiled for.
// Package probes makes the real one; tests have a fake one. Every answer must be
// the same for the same question, so that the same script gives the same program.
type Env interface {
	// Resolve finds what an attach point stands for, wildcards expanded. Targets are in a stable order.
	// An error says in one sentence what is wrong; Suggest of a *NotFoundError names near names.
	Resolve(ap *ast.AttachPoint) ([]Target, error)
	// Args returns the `args` struct of a target, nil if it has none; for return probes with
	// a known return type, Retval is its type (else nil).
	Args(t *Target) (args *types.Struct, retval types.Type, err error)
	// Type finds a type by keyword ("struct", "union", "enum" or "" for typedefs and base types) and name.
	Type(keyword, name string) (types.Type, bool)
	// EnumConst finds an enumeration constant of the kernel.
	EnumConst(name string) (types.Int, int64, bool)
	// KernelAddress is the address of a symbol of the kernel.
	KernelAddress(name string) (uint64, error)
	// SymbolFrom is how far a symbol of a target's binary is from the place that is probed, and the symbol's size in bytes.
	SymbolFrom(t *Target, name string) (distance int64, size uint64, err error)
	// Near returns up to three names of the kind ("struct", "union", "enum", or "" for a type without a keyword) near to name.
	Near(kind, name string) []string
	// Kernel says what the kernel can do.
	Kernel() *kernel.Kernel
}

// Target is one thing to attach to.
type Target struct {
	Kind *builtin.ProbeKind
	// Name is the full name, which `probe` gives: "kprobe:vfs_read", "BEGIN" (as it was written for begin and end).
	Name string

	Module   string // kprobe, fentry, rawtracepoint
	Func     string // kprobe, fentry, uprobe: symbol
	Offset   uint64 // kprobe, uprobe: +offset in the function
	Address  uint64 // uprobe by address (a virtual address as in the ELF file)
	Path     string // uprobe: absolute path of the binary
	Category string // tracepoint: "syscalls"
	Event    string // tracepoint, rawtracepoint: "sys_enter_openat"; test, bench: their name
	Period   uint64 // interval, profile: nanoseconds, or
	Hz       uint64 // interval, profile: frequency

	Syscall int    // tracepoint: number of its system call and 1, 0 if there is none or it is not known
	Raw     bool   // tracepoint: the kernel has none of system calls, and the program is on the raw tracepoint that all calls pass
	Shared  string // tracepoint: the raw tracepoint whose program it shares, "" if it has its own; the checker sets it
	ProgID  uint32 // fentry, fexit: the BPF program whose function it is, 0 for a function of the kernel

	// Wildcard says that a pattern matched it: where such a target cannot be attached, the others still are.
	Wildcard bool
	Go       bool   // uprobe: the Go compiler's code, whose arguments are not where C has them
	Copies   int    // kprobe: how many functions of the kernel have this name, as far as it is known
	I386     bool   // uprobe: 32-bit x86 code, which has its arguments on the stack
	Note     string // what the user should know of the target, "" for nothing

	// ArgN is where arg0, arg1, … lie, if that is not where C has them: then nil.
	ArgN []ArgPlace
	// Result is where the value that a function returned lies, if that is not where C has a number; else nil.
	Result *ArgPlace
	// GoID is where the number of the current goroutine lies; nil if it is not known.
	GoID *ArgPlace
	// ArgsWhy says why the arguments are not known by name. Env.Args sets it and Result.
	ArgsWhy string
	// FuncOffset is how far the probed instruction lies behind the entry of Func, where that is not told by Offset.
	FuncOffset uint64
	// Semaphore is where in the file a counter lies that is to be increased while the target is traced (usdt); 0 if there is none.
	Semaphore uint64
	// Further says that it is one more place of the probe that the target before it is a place of, too: they count as one.
	Further bool

	Span source.Span // of the attach point in the script; the checker sets it
}

// ArgPlace is where a numbered argument of a target lies, a number of 64 bits.
type ArgPlace struct {
	Loc    location.Location // nil if it cannot be read
	Signed bool
	Text   string // what describes it, for messages: "-4@%xmm0"
	Why    string // it cannot be read
}

// Type is that of the argument's value.
func (a *ArgPlace) Type() types.Type { return types.Int{Bits: 64, Signed: a.Signed} }

// sameArgN says whether numbered arguments lie at the same places.
func sameArgN(a, b []ArgPlace) bool {
	return slices.EqualFunc(a, b, func(x, y ArgPlace) bool { return x.Signed == y.Signed && location.Same(x.Loc, y.Loc) })
}

// TargetTypes is an Env that knows the types which traced programs define.
type TargetTypes interface {
	// TargetType finds a type of the program of a target, as Env.Type finds one of the kernel.
	TargetType(t *Target, keyword, name string) (types.Type, bool)
}

// sameResult says whether results lie at the same place.
func sameResult(a, b *ArgPlace) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Why == b.Why && location.Same(a.Loc, b.Loc)
}

// NotFoundError says that an attach point matches nothing, and what is near to it.
type NotFoundError struct {
	What string   // "tracepoint syscalls:sys_enter_opennat", "function vfs_raed"
	Near []string // the nearest names, best first
	Note string   // what else there is to know, for a warning; "" for nothing
}

func (e *NotFoundError) Error() string { return e.What + " does not exist" }

// MissingError says that a probe is not there for another reason than its name: the file is not there, or the kernel has no probes of the kind. The
// setting missing_probes is about both.
type MissingError struct{ Err error }

func (e *MissingError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *MissingError) Unwrap() error { return e.Err }
