package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/types"
)

var int64Type = types.Int{Bits: 64, Signed: true}

// expr lowers an expression.
func (l *lowerer) expr(e ast.Expr) operand {
	l.b.Pos = e.Range().Pos
	t := l.typeOf(e)
	if c, ok := l.constOf(e); ok {
		if c.Str != nil {
			return operand{typ: t, lit: c.Str}
		}
		return operand{typ: t, val: l.b.Const(int64(c.Int))}
	}
	switch e := e.(type) {
	case *ast.Var:
		return l.getVar(l.prog.Vars[e])
	case *ast.MapRef:
		return l.mapRead(e)
	case *ast.Ident:
		return l.builtinVar(e)
	case *ast.Call:
		return l.call(e)
	case *ast.Unary:
		return l.unary(e)
	case *ast.Binary:
		return l.binary(e)
	case *ast.Ternary:
		return l.ternary(e)
	case *ast.Cast:
		return l.cast(e)
	case *ast.IncDec:
		return l.incDec(e)
	case *ast.FieldExpr:
		return l.field(e)
	case *ast.Index:
		return l.indexExpr(e)
	case *ast.TupleIndex:
		return l.tupleIndex(e)
	case *ast.TupleExpr, *ast.RecordExpr:
		p := l.temp("tuple", t.Size())
		l.store(p, t, e, true)
		p.exact = true
		return operand{typ: t, mem: p}
	case *ast.BlockExpr:
		return l.blockExpr(e)
	case *ast.Comptime:
		return l.expr(e.X)
	case *ast.Typeinfo:
		return l.expr(l.prog.Infos[e])
	}
	// What is left is constant (literals, sizeof, parameters), and the checker has given its value.
	l.fail(e, "", "internal: expression %T has no value", e)
	return operand{typ: t, val: l.b.Const(0)}
}

// num is an operand as a plain number, extended to 64 bits as its type says.
func (l *lowerer) num(o operand) *ir.Value {
	switch {
	case o.val == nil && o.mem.base != nil && !types.InMemory(o.typ):
		return l.num(l.loadAt(o.mem, o.typ))
	case o.val == nil && o.mem.base != nil:
		return l.scalarAddr(o.mem) // arrays and strings as pointers to themselves
	case o.val == nil:
		return l.b.Const(0)
	case o.typed:
		return l.b.Op(ir.OpScalar, o.val)
	}
	return o.val
}

func (l *lowerer) numExpr(e ast.Expr) *ir.Value { return l.num(l.expr(e)) }

// convert turns a number of one type into one of another, as C does.
func (l *lowerer) convert(v *ir.Value, from, to types.Type) *ir.Value {
	if types.Is(to, types.KindBool) {
		if types.Is(from, types.KindBool) {
			return v
		}
		return l.b.Cmp(ir.Ne, v, l.b.Const(0))
	}
	ti, ok := to.(types.Int)
	if !ok || ti.Bits == 64 {
		return v // widening keeps the value: registers hold it extended as its own type says
	}
	if fi, ok := from.(types.Int); ok {
		if fi.Bits < ti.Bits && (!fi.Signed || ti.Signed) || fi.Bits == ti.Bits && fi.Signed == ti.Signed {
			return v
		}
	}
	return l.b.Ext(v, ti.Bits, ti.Signed)
}

// wrap cuts the result of an operation to its type.
func (l *lowerer) wrap(v *ir.Value, t types.Type) *ir.Value {
	if i, ok := t.(types.Int); ok {
		return l.b.Ext(v, i.Bits, i.Signed)
	}
	return v
}

func signed(t types.Type) bool {
	i, ok := t.(types.Int)
	return ok && i.Signed
}

// arithOps gives the operation of an operator for unsigned and signed operands.
var arithOps = map[string][2]ir.Op{
	"+":  {ir.OpAdd, ir.OpAdd},
	"-":  {ir.OpSub, ir.OpSub},
	"*":  {ir.OpMul, ir.OpMul},
	"/":  {ir.OpUDiv, ir.OpSDiv},
	"%":  {ir.OpUMod, ir.OpSMod},
	"&":  {ir.OpAnd, ir.OpAnd},
	"|":  {ir.OpOr, ir.OpOr},
	"^":  {ir.OpXor, ir.OpXor},
	"<<": {ir.OpShl, ir.OpShl},
	">>": {ir.OpLShr, ir.OpAShr},
}

// arith computes x op y in type t; both are extended as t says, and so is the result.
func (l *lowerer) arith(op string, t types.Type, x, y *ir.Value) *ir.Value {
	ops := arithOps[op]
	o := ops[0]
	if signed(t) {
		o = ops[1]
	}
	if (op == "/" || op == "%") && (y.Op != ir.OpConst || y.Imm == 0) && l.b.Block != nil {
		return l.wrap(l.divideChecked(o, x, y), t)
	}
	return l.wrap(l.b.Op(o, x, y), t)
}

// divideChecked divides by what may be zero: that is counted, and gives 1 as in bpftrace.
func (l *lowerer) divideChecked(o ir.Op, x, y *ir.Value) *ir.Value {
	pos := l.b.Pos
	if out := (outline{what: o.String()}); l.mayOutline(out) {
		site := &layout.Site{Kind: layout.SiteDivide, Pos: pos}
		return l.callOutline(out, nil, []*layout.Site{site}, []*ir.Value{x, y}, func(_ mapKey, args []*ir.Value) *ir.Value {
			return l.divideChecked(o, args[0], args[1])
		})
	}
	zero, some, end := l.newJoin("zero"), l.newJoin("nonzero"), l.newJoin("quotient")
	l.branch(ir.Ne, y, l.b.Const(0), some, zero)
	l.land(zero)
	l.countFailure(&layout.Site{Kind: layout.SiteDivide, Pos: pos})
	l.jump(end, l.b.Const(1))
	l.land(some)
	l.jump(end, l.b.Op(o, x, y))
	return l.land(end)[0]
}

// pointerAdd is p + n or p - n, in elements.
func (l *lowerer) pointerAdd(op string, p types.Pointer, x, n *ir.Value) *ir.Value {
	if size := p.Elem.Size(); size > 1 {
		n = l.b.OpImm(ir.OpMul, n, int64(size))
	}
	return l.b.Op(arithOps[op][0], x, n)
}

func isComparison(op string) bool {
	switch op {
	case "==", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}

// conds gives the comparison of an operator for unsigned and signed operands.
var conds = map[string][2]ir.Cond{
	"==": {ir.Eq, ir.Eq}, "!=": {ir.Ne, ir.Ne},
	"<": {ir.ULt, ir.SLt}, "<=": {ir.ULe, ir.SLe},
	">": {ir.UGt, ir.SGt}, ">=": {ir.UGe, ir.SGe},
}

// compareNumbers lowers the operands of a comparison of numbers or pointers.
func (l *lowerer) compareNumbers(e *ast.Binary) (ir.Cond, *ir.Value, *ir.Value) {
	tx, ty := l.typeOf(e.X), l.typeOf(e.Y)
	t := types.CommonType(tx, ty)
	x := l.convert(l.numExpr(e.X), tx, t)
	y := l.convert(l.numExpr(e.Y), ty, t)
	c := conds[e.Op][0]
	if signed(t) {
		c = conds[e.Op][1]
	}
	return c, x, y
}

func (l *lowerer) binary(e *ast.Binary) operand {
	t := l.typeOf(e)
	switch {
	case e.Op == "&&" || e.Op == "||" || isComparison(e.Op) && types.InMemory(l.typeOf(e.X)):
		return l.truth(e)
	case isComparison(e.Op):
		c, x, y := l.compareNumbers(e)
		return operand{typ: t, val: l.b.Cmp(c, x, y)}
	}
	tx, ty := l.typeOf(e.X), l.typeOf(e.Y)
	if p, ok := t.(types.Pointer); ok {
		if types.Is(tx, types.KindPointer) {
			x := l.numExpr(e.X)
			return operand{typ: t, val: l.pointerAdd(e.Op, p, x, l.numExpr(e.Y))}
		}
		x := l.numExpr(e.X)
		return operand{typ: t, val: l.pointerAdd(e.Op, p, l.numExpr(e.Y), x)}
	}
	x := l.convert(l.numExpr(e.X), tx, t)
	y := l.numExpr(e.Y)
	if e.Op != "<<" && e.Op != ">>" {
		y = l.convert(y, ty, t)
	}
	l.b.Pos = e.Pos
	return operand{typ: t, val: l.arith(e.Op, t, x, y)}
}

// truth lowers a condition as the number 1 or 0.
func (l *lowerer) truth(e ast.Expr) operand {
	yes, no, end := l.newJoin("true"), l.newJoin("false"), l.newJoin("truth")
	l.cond(e, yes, no)
	l.land(yes)
	l.maybe(func() { l.jump(end, l.b.Const(1)) })
	l.land(no)
	l.maybe(func() { l.jump(end, l.b.Const(0)) })
	v := l.land(end)
	if v == nil {
		return operand{typ: l.typeOf(e), val: l.b.Const(0)}
	}
	return operand{typ: l.typeOf(e), val: v[0]}
}

func (l *lowerer) unary(e *ast.Unary) operand {
	t := l.typeOf(e)
	switch e.Op {
	case "*":
		return l.deref(l.expr(e.X), t)
	case "&":
		return operand{typ: t, val: l.addressOf(e.X)}
	case "!":
		return operand{typ: t, val: l.b.Cmp(ir.Eq, l.numExpr(e.X), l.b.Const(0))}
	}
	x := l.convert(l.numExpr(e.X), l.typeOf(e.X), t)
	switch e.Op {
	case "-":
		x = l.wrap(l.b.Op(ir.OpNeg, x), t)
	case "~":
		x = l.wrap(l.b.OpImm(ir.OpXor, x, -1), t)
	}
	return operand{typ: t, val: x}
}

// ternaryEffect is `c ? x : y` as a statement.
func (l *lowerer) ternaryEffect(e *ast.Ternary) {
	if e.X == e.Cond {
		l.ternary(e) // a ?: b
		return
	}
	yes, no, end := l.newJoin("then"), l.newJoin("else"), l.newJoin("end")
	l.cond(e.Cond, yes, no)
	l.land(yes)
	l.maybe(func() { l.effect(e.X) })
	l.jump(end)
	l.land(no)
	l.maybe(func() { l.effect(e.Y) })
	l.jump(end)
	l.land(end)
}

func (l *lowerer) ternary(e *ast.Ternary) operand {
	t := l.typeOf(e)
	if types.Is(t, types.KindNone) {
		l.ternaryEffect(e)
		return operand{typ: t}
	}
	if types.InMemory(t) {
		p := l.temp("choice", t.Size())
		l.storeTernary(p, t, e, true)
		p.exact = true
		return operand{typ: t, mem: p}
	}
	yes, no, end := l.newJoin("then"), l.newJoin("else"), l.newJoin("end")
	side := func() *ir.Value { return l.numExpr(e.X) }
	if e.X == e.Cond { // a ?: b evaluates a once
		x := l.numExpr(e.X)
		side = func() *ir.Value { return x }
		l.branch(ir.Ne, x, l.b.Const(0), yes, no)
	} else {
		l.cond(e.Cond, yes, no)
	}
	l.land(yes)
	l.maybe(func() { l.jump(end, l.convert(side(), l.typeOf(e.X), t)) })
	l.land(no)
	l.maybe(func() { l.jump(end, l.convert(l.numExpr(e.Y), l.typeOf(e.Y), t)) })
	v := l.land(end)
	if v == nil {
		return operand{typ: t, val: l.b.Const(0)}
	}
	return operand{typ: t, val: v[0]}
}

// storeTernary builds the chosen side of a ternary at dst.
func (l *lowerer) storeTernary(dst place, t types.Type, e *ast.Ternary, exact bool) {
	yes, no, end := l.newJoin("then"), l.newJoin("else"), l.newJoin("end")
	l.cond(e.Cond, yes, no)
	l.land(yes)
	l.maybe(func() { l.store(dst, t, e.X, exact) })
	l.jump(end)
	l.land(no)
	l.maybe(func() { l.store(dst, t, e.Y, exact) })
	l.jump(end)
	l.land(end)
}

func (l *lowerer) cast(e *ast.Cast) operand {
	t, from := l.typeOf(e), l.typeOf(e.X)
	if check.CastCalls(e, from) {
		return l.expr(e.Call)
	}
	if o, ok := l.typedArgument(e.X, t); ok {
		return o
	}
	o := l.expr(e.X)
	switch t := t.(type) {
	case types.Pointer:
		if o.typed && samePointee(o.typ, t) {
			return operand{typ: t, val: o.val, typed: true}
		}
		return operand{typ: t, val: l.num(l.lasting(e.X, o))}
	case types.Int:
		if types.InMemory(from) {
			// The bytes of an array as a number.
			return l.loadAt(o.mem, t)
		}
		return operand{typ: t, val: l.convert(l.num(o), from, t)}
	case types.Bool:
		if types.Is(from, types.KindString) { // whether it has a first character
			return operand{typ: t, val: l.b.Cmp(ir.Ne, l.num(l.loadAt(l.materialize(o).mem, types.TypeUint8)), l.b.Const(0))}
		}
		return operand{typ: t, val: l.convert(l.num(o), from, t)}
	case types.User:
		return operand{typ: t, val: l.convert(l.num(o), from, t)}
	}
	switch {
	case !types.InMemory(from): // an integer as an array of bytes
		p := l.temp("cast", 8)
		l.b.Store(8, p.base, p.off, l.num(o))
		return operand{typ: t, mem: p}
	case types.Is(from, types.KindString) && types.Is(t, types.KindString):
		if t.Size() > from.Size() {
			o = operand{mem: l.exactOperand(o, t)}
		}
	case types.Is(from, types.KindString) && !o.mem.chars: // a string as an array, with zeros after its end
		o = operand{mem: l.exactOperand(o, from)}
	}
	o.typ, o.mem.chars = t, o.mem.chars && types.Is(t, types.KindString)
	return o
}

// lasting is an operand to which a pointer is made: what lies in a temporary is copied to where it stays until the run's end.
func (l *lowerer) lasting(e ast.Expr, o operand) operand {
	if !types.InMemory(o.typ) || o.lit == nil && (o.mem.space != types.SpaceBPF || l.stays(e)) {
		return o
	}
	size := layout.Align8(o.typ.Size())
	if !l.fits(size) {
		return operand{typ: o.typ, val: l.b.Const(0)}
	}
	p := l.scratchTemp(size)
	l.scratch.floor = l.scratch.size
	l.storeOperand(p, o.typ, o, true)
	return operand{typ: o.typ, mem: p}
}

// stays says whether an object of the program's own memory is a variable, a map without a key, or a part of these.
func (l *lowerer) stays(e ast.Expr) bool {
	if rootVar(e) != nil {
		return true
	}
	ref, ok := e.(*ast.MapRef)
	return ok && l.mapOf(ref).Key == nil
}

// samePointee says whether two pointer types point to the same struct.
func samePointee(a, b types.Type) bool {
	pa, ok1 := a.(types.Pointer)
	pb, ok2 := b.(types.Pointer)
	if !ok1 || !ok2 {
		return false
	}
	sa, ok1 := pa.Elem.(*types.Struct)
	sb, ok2 := pb.Elem.(*types.Struct)
	return ok1 && ok2 && (sa == sb || sa.BTFID != 0 && sa.BTFID == sb.BTFID)
}

// incDec is ++ or --, before or after.
func (l *lowerer) incDec(e *ast.IncDec) operand {
	target, ok := e.Target.(*ast.Var)
	if !ok {
		return l.mapIncDec(e)
	}
	v := l.prog.Vars[target]
	old := l.num(l.getVar(v))
	step := l.b.Const(1)
	var now *ir.Value
	if p, ok := v.Type.(types.Pointer); ok {
		now = l.pointerAdd(e.Op[:1], p, old, step)
	} else {
		now = l.arith(e.Op[:1], v.Type, old, step)
	}
	l.putVar(v, now)
	if e.Prefix {
		return operand{typ: v.Type, val: now}
	}
	return operand{typ: v.Type, val: old}
}

func (l *lowerer) tupleIndex(e *ast.TupleIndex) operand {
	o := l.tupleOf(l.expr(e.X))
	return l.element(o, o.typ.(types.Tuple), e.N)
}

// tupleOf is a tuple, or the one that a pointer points to.
func (l *lowerer) tupleOf(o operand) operand {
	if p, ok := o.typ.(types.Pointer); ok {
		return l.deref(o, p.Elem)
	}
	return o
}

// element is a part of a tuple that lies in memory.
func (l *lowerer) element(o operand, t types.Tuple, i int) operand {
	p := o.mem.at(t.Offset(i))
	if types.InMemory(t.Elems[i]) {
		return operand{typ: t.Elems[i], mem: p}
	}
	return l.loadAt(p, t.Elems[i])
}

// blockExpr evaluates a block; its value is that of its last expression.
func (l *lowerer) blockExpr(e *ast.BlockExpr) operand {
	stmts := e.Body.Stmts
	last := len(stmts) - 1
	for _, s := range stmts[:max(last, 0)] {
		if l.b.Block == nil {
			break
		}
		l.stmt(s) // temporaries live on: the value may refer to them
	}
	if last >= 0 {
		if x, ok := stmts[last].(*ast.ExprStmt); ok {
			return l.expr(x.X)
		}
		l.stmt(stmts[last])
	}
	return operand{typ: l.typeOf(e)}
}
