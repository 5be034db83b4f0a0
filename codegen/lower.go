package codegen

import (
	"fmt"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// lowerer turns the checked tree of one program into IR.
//
// The language is structured, and loop bodies become callbacks of their own (see loop.go), so
// control flow within one function only ever forks and joins forwards. Scalar variables are therefore kept as
// a table of current values that joins merge (see flow.go); no general SSA construction is needed.
type lowerer struct {
	k      *compiler
	prog   *lang.Prog
	out    *Program
	index  int
	ir     *ir.Program
	thrift thrift

	b  *ir.Builder // the current function
	fn *function

	scratch  scratchFrame
	homes    map[*lang.Variable]home
	padded   map[*lang.Variable]bool       // strings in these are padded with zeros: see indexedVars
	clear    []clearing                    // memory that the prologue clears
	env      *ir.Slot                      // what callbacks share with the main function; nil until there is a loop
	ctxInEnv bool                          // some callback reads the context
	starts   []int                         // free places for loops' starts in the environment
	budgeted bool                          // some callback takes iterations from the budget
	loops    []*layout.Site                // of the loops that the budget can stop
	walked   []*lang.Map                   // the maps that loops go through
	events   map[source.Node]*layout.Event // by call: copies of an unrolled body send the same kind of record
	unrolled int                           // statements of unrolled bodies so far, with their copies
	unused   *ast.Call                     // a call whose value nobody asks for
	subs     map[*ast.Func]*subprogram     // functions of the script
	deep     bool                          // too many of them would be active at a time
	stops    bool                          // the code so far can end the run, or all loops
	err      *Error                        // the first limit exceeded
}

// function is the state of one IR function while it is built.
type function struct {
	parent *function
	fn     *ir.Func
	body   *ir.Block // where the code after the prologue starts
	exit   *ir.Block // returns; joined by everything that leaves early
	vars   map[*lang.Variable]current
	reads  map[string]*ir.Value // elements of maps that were read on this path (see mapaccess.go)
	env    *ir.Value            // callbacks: address of the main function's environment slot
	active *activation          // the function of the script that this is in, nil in the probe's own code
	loop   *loop                // innermost loop or unrolled copy that break and continue leave

	stack      int // bytes of stack slots in use, for the choice between stack and scratch
	stackFloor int // of these, what variables hold to the end
}

// operand is a lowered expression: a number in a register, or a value that lies in memory.
type operand struct {
	typ types.Type
	// val is a scalar (integer, bool, pointer, timestamp, symbol), extended to 64 bits as its type says.
	val *ir.Value
	// typed says that val is a pointer whose type the verifier knows: loads through it need
	// no helper, arithmetic on it is forbidden (see lowerer.num).
	typed bool
	// mem is where a string, tuple, struct or array lies; val is nil then.
	mem place
	// lit is a string constant that is not in memory yet; val is nil and mem empty then.
	lit *string
}

// place is memory at base+off in an address space.
type place struct {
	base  *ir.Value
	off   int
	space types.AddrSpace
	typed bool // kernel memory that the verifier lets us load from directly
	// scalar results loaded here must be stripped of a type the verifier may give them (a union with a pointer).
	union bool
	// exact says that a string is padded with zeros to its full length, so that its bytes can be a map key.
	exact bool
	// own says that this lies in memory that the script holds, or in the context, though its address is a plain number.
	own bool
	// chars says that this is an array of characters, whose type as a string is longer by a NUL that need not be there.
	chars bool
}

// at returns the place n bytes further.
func (p place) at(n int) place { p.off += n; return p }

// bpf returns a place in memory of the program's own.
func bpf(base *ir.Value, off int) place { return place{base: base, off: off, space: types.SpaceBPF} }

// lower builds the IR of one program.
func lower(k *compiler, index int, p *lang.Prog, out *Program, t thrift) (*ir.Program, error) {
	l := &lowerer{k: k, prog: p, out: out, index: index, thrift: t, homes: map[*lang.Variable]home{}, padded: indexedVars(p), events: map[source.Node]*layout.Event{}}
	l.ir = &ir.Program{Name: out.Name}
	f := ir.NewFunc(out.Name, 0)
	l.ir.Funcs = append(l.ir.Funcs, f)
	l.enter(f, nil)
	l.countRun()
	l.guardExit()
	l.filterPID()
	l.filterNull()
	l.filterSyscall()
	l.filter()
	l.block(p.Probe.Body)
	l.leave()
	l.finish()
	l.prologue(f)
	if l.err != nil {
		return nil, l.err
	}
	return l.ir, nil
}

// fail records a limit that the script exceeds, at a node. Lowering goes on with harmless values.
func (l *lowerer) fail(n source.Node, hint, format string, args ...any) {
	if l.err == nil {
		l.err = &Error{Span: n.Range(), Message: fmt.Sprintf(format, args...), Hint: hint}
	}
}

// needs says whether the kernel is as new as what a node does needs. If not it records the error; what names the feature
// and why the kernel's part in it, a helper or a limit.
func (l *lowerer) needs(n source.Node, major, minor uint32, what, why, hint string) bool {
	if l.k.kernel.AtLeast(major, minor) {
		return true
	}
	if l.err == nil {
		l.fail(n, hint, "%s needs Linux %d.%d (%s)", what, major, minor, why)
		l.err.Needs = major<<16 | minor<<8
	}
	return false
}

// needsOf is needs for what the table of builtins says of the kernel.
func (l *lowerer) needsOf(n source.Node, what string, need *builtin.Need) bool {
	return l.needs(n, need.Major, need.Minor, what, need.What, need.Hint)
}

// typeOf is the checker's type of an expression.
func (l *lowerer) typeOf(e ast.Expr) types.Type { return l.prog.Types[e] }

// constOf is the value of a constant expression.
func (l *lowerer) constOf(e ast.Expr) (types.Const, bool) { c, ok := l.prog.Consts[e]; return c, ok }
