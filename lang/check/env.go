package check

import (
	"slices"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

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
}

func (e *NotFoundError) Error() string { return e.What + " does not exist" }
