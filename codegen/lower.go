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
	refusals int                           // places that keep the keys that full maps refuse
	unrolled int                           // statements of unrolled bodies so far, with their copies
	inlined  int                           // statements of functions that are put into other functions
	heights  map[*ast.Func]int             // see funcHeight
	unused   *ast.Call                     // a call whose value nobody asks for
	subs     map[*ast.Func]*subprogram     // functions of the script
	outlines outliner
	loads    int // direct loads of the kernel's memory so far
	// liveAt is an argument of an iterator, and live its pointer, of which the verifier knows the type and that it is not NULL; see livePath.
	liveAt     *ast.FieldExpr
	live       *ir.Value
	words      bool       // the words of an interface of Go are asked for, and not its text
	deep       bool       // too many of them would be active at a time
	oneTooMany source.Pos // of the first function that the kernel does not load
	stops      bool       // the code so far can end the run, or all loops
	err        *Error     // the first limit exceeded
}

// function is the state of one IR function while it is built.
type function struct {
	parent *function
	fn     *ir.Func
	body   *ir.Block // where the code after the prologue starts
	exit   *ir.Block // returns; joined by everything that leaves early
	vars   map[*lang.Variable]current
	reads  map[string]*ir.Value          // elements of maps that were read on this path (see mapaccess.go)
	env    *ir.Value                     // callbacks: address of the main function's environment slot
	active *activation                   // the function of the script that this is in, nil in the probe's own code
	loop   *loop                         // innermost loop or unrolled copy that break and continue leave
	alone  bool                          // it is called from many places, and has only what it is given: see outline.go
	sites  map[layout.SiteKind]*ir.Value // if alone: where its caller counts failures, in words

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
	base   *ir.Value
	off    int
	space  types.AddrSpace
	typed  bool // kernel memory that the verifier lets us load from directly
	sure   bool // that is always there
	number bool // whose address was a number of the script
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
	l.finishOutlines()
	if l.err == nil && len(l.ir.Funcs) > maxFuncs && len(l.outlines.names) > 0 {
		return nil, errOutlines
	}
	if l.err == nil && len(l.ir.Funcs) > maxFuncs {
		return nil, &Error{
			Span:    source.Span{Pos: l.oneTooMany, EndPos: l.oneTooMany},
			Message: fmt.Sprintf("this is one loop too many: a probe has up to %d loops and functions", maxFuncs-1),
			Hint:    "use several probes: those with the same attach point run in order",
		}
	}
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

// block lowers the statements of a block.
func (l *lowerer) block(b *ast.Block) {
	for _, s := range b.Stmts {
		if l.b.Block == nil {
			return // after return, break or exit
		}
		m := l.mark()
		l.stmt(s)
		l.release(m)
	}
}

func (l *lowerer) stmt(s ast.Stmt) {
	l.b.Pos = s.Range().Pos
	switch s := s.(type) {
	case *ast.ExprStmt:
		l.effect(s.X)
	case *ast.Assign:
		l.assign(s)
	case *ast.Let:
		l.let(s)
	case *ast.If:
		l.ifStmt(s)
	case *ast.Block:
		l.block(s)
	case *ast.While:
		l.while(s)
	case *ast.ForRange:
		l.forRange(s)
	case *ast.ForMap:
		l.forMap(s)
	case *ast.Unroll:
		l.unroll(s)
	case *ast.Branch:
		l.breakOrContinue(s)
	case *ast.Return:
		if l.fn.active != nil {
			l.returnFrom(l.fn.active, s.Value)
			return
		}
		l.returned(s.Value)
		l.leave()
	}
}

// returned evaluates what a program returns. Nobody looks at it but gotrace itself, at that of tests and benchmarks.
func (l *lowerer) returned(e ast.Expr) {
	switch {
	case e == nil:
	case l.prog.Kind.Verdict:
		l.k.usesGlo = true
		l.b.Store(8, l.b.MapValue(layout.MapGlobals, 0), layout.GlobalVerdict, l.numExpr(e))
	default:
		l.effect(e)
	}
}

// effect evaluates an expression and drops its value.
func (l *lowerer) effect(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BlockExpr:
		l.block(e.Body)
	case *ast.Ternary:
		l.ternaryEffect(e)
	default:
		if _, ok := l.constOf(e); !ok {
			l.unused, _ = e.(*ast.Call)
			l.expr(e)
		}
	}
}

func (l *lowerer) ifStmt(s *ast.If) {
	yes, no, end := l.newJoin("then"), l.newJoin("else"), l.newJoin("endif")
	l.cond(s.Cond, yes, no)
	l.land(yes)
	l.block(s.Then)
	l.jump(end)
	l.land(no)
	if s.Else != nil {
		l.maybe(func() { l.stmt(s.Else) })
	}
	l.jump(end)
	l.land(end)
}

// maybe runs f if the code is reachable.
func (l *lowerer) maybe(f func()) {
	if l.b.Block != nil {
		f()
	}
}

func (l *lowerer) assign(s *ast.Assign) {
	switch t := s.Target.(type) {
	case nil: // _ = x: who drops a result in so many words does not want to be told of failures
		if _, ok := s.Value.(*ast.Call); ok {
			l.expr(s.Value)
			return
		}
		l.effect(s.Value)
	case *ast.MapRef:
		l.mapAssign(t, s.Op, s.Value, s)
	case *ast.Var:
		v := l.prog.Vars[t]
		if s.Op == "=" {
			l.setVar(v, s.Value)
			return
		}
		l.putVar(v, l.compound(s.Op, v.Type, l.num(l.getVar(v)), s.Value))
	}
}

// compound computes `old op= value` for a variable of type t.
func (l *lowerer) compound(op string, t types.Type, old *ir.Value, value ast.Expr) *ir.Value {
	return l.compoundNum(op, t, old, l.numExpr(value), l.typeOf(value))
}

// compoundNum is compound with the right side, a number of type vt, already lowered.
func (l *lowerer) compoundNum(op string, t types.Type, old, y *ir.Value, vt types.Type) *ir.Value {
	op = op[:len(op)-1]
	if p, ok := t.(types.Pointer); ok {
		return l.pointerAdd(op, p, old, y)
	}
	if op == "<<" || op == ">>" {
		return l.convert(l.arith(op, t, old, y), t, t)
	}
	wide := types.CommonType(t, vt)
	x := l.convert(old, t, wide)
	return l.convert(l.arith(op, wide, x, l.convert(y, vt, wide)), wide, t)
}

func (l *lowerer) let(s *ast.Let) {
	v := l.prog.Vars[s.Var]
	if v == nil {
		return // declared and never used
	}
	if s.Value != nil {
		l.setVar(v, s.Value)
		return
	}
	if v.Type == nil {
		return
	}
	if types.InMemory(v.Type) {
		l.zero(l.varPlace(v), v.Type.Size())
		return
	}
	l.putVar(v, l.b.Const(0))
}

// setVar assigns an expression to a variable.
func (l *lowerer) setVar(v *lang.Variable, e ast.Expr) {
	if types.InMemory(v.Type) {
		// The right side may read the variable itself, so that it cannot be built in place.
		o := l.expr(e)
		if dst := l.varPlace(v); !samePlace(dst, o.mem) {
			l.storeOperand(dst, v.Type, o, l.padded[v])
		}
		return
	}
	o := l.expr(e)
	if o.typed && !l.inMemory(v) && o.val != nil {
		l.fn.vars[v] = current{val: o.val, typed: true}
		return
	}
	l.putVar(v, l.convert(l.num(o), o.typ, v.Type))
}

// putVar sets a scalar variable.
func (l *lowerer) putVar(v *lang.Variable, x *ir.Value) {
	if l.inMemory(v) {
		if l.fn.parent != nil {
			x = l.hideResult(x)
		}
		p := l.varPlace(v)
		l.b.Store(8, p.base, p.off, x)
		return
	}
	l.fn.vars[v] = current{val: x}
}

// getVar reads a variable. One that was never assigned on this path is 0.
func (l *lowerer) getVar(v *lang.Variable) operand {
	if types.InMemory(v.Type) {
		p := l.varPlace(v)
		p.exact = l.padded[v]
		return operand{typ: v.Type, mem: p}
	}
	if l.inMemory(v) {
		p := l.varPlace(v)
		return operand{typ: v.Type, val: l.b.Load(8, p.base, p.off)}
	}
	c, ok := l.fn.vars[v]
	if !ok {
		return operand{typ: v.Type, val: l.b.Const(0)}
	}
	return operand{typ: v.Type, val: c.val, typed: c.typed}
}

// varPlace is where a variable that lies in memory does: captured scalars in the environment, small values on the
// stack, the rest in scratch memory. It is cleared at the start of the run.
func (l *lowerer) varPlace(v *lang.Variable) place {
	h, ok := l.homes[v]
	if !ok {
		h = l.newHome(v)
		l.homes[v] = h
	}
	if h.slot != nil {
		if l.fn.parent == nil || h.fn == l.fn {
			return bpf(l.b.SlotAddr(h.slot, h.off), 0)
		}
		return bpf(l.fn.env, h.off)
	}
	return bpf(l.scratchBase(), h.off)
}

// inMemory says whether a scalar variable lies in memory, too: others use that memory, or registers and the stack have no room.
func (l *lowerer) inMemory(v *lang.Variable) bool {
	return v.Captured || v.Addressed || l.thrift >= thriftVariables
}

// home is the memory of a variable: in a slot, or at an offset of the scratch frame.
type home struct {
	slot *ir.Slot
	fn   *function // the function whose slot it is
	off  int
}

func (l *lowerer) newHome(v *lang.Variable) home {
	size := (v.Type.Size() + 7) &^ 7
	if !l.fits(size) {
		size = 8
	}
	if !types.InMemory(v.Type) && !v.Addressed && l.thrift < thriftObjects {
		off := l.envAlloc(8)
		return home{slot: l.env, off: off, fn: l.main()}
	}
	if size <= stackObjectMax && !l.inMemory(v) && v.Func == nil && l.fn.parent == nil && l.fn.stack+size <= l.stackFor(true) {
		l.fn.stack += size
		l.fn.stackFloor = l.fn.stack
		s := l.fn.fn.NewSlot("$"+v.Name, size)
		l.clear = append(l.clear, clearing{slot: s, size: size})
		return home{slot: s, fn: l.fn}
	}
	off := l.scratch.size
	l.scratch.size += size
	l.scratch.floor = l.scratch.size
	l.scratch.top = max(l.scratch.top, l.scratch.size)
	l.clear = append(l.clear, clearing{off: off, size: size})
	return home{off: off}
}

// clearing is memory that the prologue clears.
type clearing struct {
	slot *ir.Slot // nil: scratch
	off  int
	size int
}

// main is the state of the main function.
func (l *lowerer) main() *function {
	f := l.fn
	for f.parent != nil {
		f = f.parent
	}
	return f
}
