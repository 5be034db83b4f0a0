package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

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
