package codegen

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// This is the one place that makes code of locations: of the arguments of probes, whoever described them.

// namedArgument is the argument that `args.NAME` names.
func (l *lowerer) namedArgument(e *ast.FieldExpr) (types.Field, bool) {
	name := ""
	switch x := e.X.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.Call:
		name = x.Name
	}
	if name != "args" && !(name == "ctx" && l.prog.Kind.Nullable) || l.prog.Args == nil {
		return types.Field{}, false
	}
	f, ok := l.prog.Args.Field(e.Name)
	return f, ok && f.Loc != nil
}

// argument is args.NAME: what lies at the argument's location.
func (l *lowerer) argument(e *ast.FieldExpr, f types.Field) operand {
	t := l.typeOf(e)
	if err := location.Check(f.Loc, l.convention(e)); err != nil {
		l.fail(e, "", "internal: argument %s: %v", f.Name, err)
		return operand{typ: t, val: l.b.Const(0)}
	}
	if location.InMemory(f.Loc) && (types.InMemory(f.Type) || f.Loc.Bytes() == f.Type.Size()) {
		p := l.placeOf(e, f.Loc)
		// The parts of a struct are plain numbers for the verifier, whatever it says of a pointer; and a pointer that
		// may be the process's is not one to load from.
		p.union = p.typed && (l.prog.Kind.Nullable || types.Is(f.Type, types.KindStruct) || !l.numbersAreKernel())
		return l.fieldAt(p, f, t)
	}
	return l.locatedAs(e, f.Loc, f.Type, t)
}

// typedArgument is argN that is cast to the type that it has, which the verifier knows.
func (l *lowerer) typedArgument(x ast.Expr, t types.Type) (operand, bool) {
	id, ok := x.(*ast.Ident)
	if !ok || l.prog.Kind.Context != builtin.CtxTracing || l.prog.Args == nil {
		return operand{}, false
	}
	digits, ok := strings.CutPrefix(id.Name, "arg")
	i, err := strconv.Atoi(digits)
	if !ok || err != nil || i >= len(l.prog.Args.Fields()) {
		return operand{}, false
	}
	f := l.prog.Args.Fields()[i]
	if !samePointee(f.Type, t) || f.Loc != nil && !location.InMemory(f.Loc) {
		return operand{}, false
	}
	o := l.loadAt(l.ctxRecord(f.Offset), f.Type)
	o.typ = t
	return o, true
}

// locatedAs is what lies at a location, of type t as a value and of type raw in memory.
func (l *lowerer) locatedAs(n source.Node, loc location.Location, raw, t types.Type) operand {
	o := l.located(n, loc, raw)
	if types.InMemory(raw) && !types.SameType(raw, t) {
		return l.object(t, o.mem, raw)
	}
	o.typ = t
	return o
}

// convention is that of the code that the probe is in.
func (l *lowerer) convention(n source.Node) *location.Convention {
	c := location.Of(l.k.kernel.Arch, l.prog.Targets[0].I386)
	if c == nil {
		l.fail(n, "", "registers of %s are not known", l.k.kernel.Arch)
		return location.Of("amd64", false)
	}
	return c
}

// hasRegisters says whether the context begins with the registers of the traced code.
func (l *lowerer) hasRegisters() bool {
	return l.prog.Kind.Context == builtin.CtxRegs || l.prog.Kind.Context == builtin.CtxPerf
}

// located is what lies at a location, as a value of type t.
func (l *lowerer) located(n source.Node, loc location.Location, t types.Type) operand {
	switch {
	case types.InMemory(t) && location.InMemory(loc):
		return l.object(t, l.placeOf(n, loc), t)
	case types.InMemory(t):
		return l.object(t, l.gather(n, loc, t.Size()), t)
	case loc.Bytes() > location.WordSize:
		return l.loadAt(l.gather(n, loc, location.WordSize), t)
	}
	from := types.Int{Bits: 64, Signed: loc.IsSigned()}
	if size := loc.Bytes(); scalarSize(size) {
		from.Bits = size * 8
	}
	return operand{typ: t, val: l.convert(l.numberAt(n, loc), from, t)}
}

// scalarSize says whether there are loads of a size.
func scalarSize(n int) bool { return n == 1 || n == 2 || n == 4 || n == 8 }

// placeOf is the memory at a location that is memory.
func (l *lowerer) placeOf(n source.Node, loc location.Location) place {
	if c, ok := loc.(location.Context); ok {
		return l.ctxRecord(c.Offset)
	}
	m := loc.(location.Memory)
	base, off := l.address(n, m.At)
	if m.User {
		return place{base: base, off: off, space: types.SpaceUser}
	}
	return place{base: base, off: off, space: types.SpaceKernel}
}

// ctxRecord is the context from an offset on.
func (l *lowerer) ctxRecord(off int) place {
	if l.out.Type == ebpf.Tracing {
		// Loads from this context give pointers that the verifier knows the type of.
		return place{base: l.ctx(), off: off, space: types.SpaceKernel, typed: true, sure: true}
	}
	return place{base: l.ctx(), off: off, space: types.SpaceCtx}
}

// numberAt is what lies at a location of at most 8 bytes, extended to 64 bits as the location says.
func (l *lowerer) numberAt(n source.Node, loc location.Location) *ir.Value {
	size, signed := loc.Bytes(), loc.IsSigned()
	switch loc := loc.(type) {
	case location.Const:
		return l.b.Const(loc.Value)
	case location.Address:
		base, off := l.address(n, loc)
		if off == 0 {
			return base
		}
		return l.b.OpImm(ir.OpAdd, base, int64(off))
	case location.Traced:
		return l.extend(l.traced(n, loc), size, signed)
	case location.Register:
		return l.extend(l.register(n, loc), size, signed)
	case location.Context:
		if size == location.WordSize && loc.Offset%size == 0 {
			return l.ctxNumber(loc.Offset)
		}
	case location.Pieces:
		return l.join(n, loc)
	}
	if scalarSize(size) {
		return l.loadAt(l.placeOf(n, loc), types.Int{Bits: size * 8, Signed: signed}).val
	}
	word := l.gather(n, loc, location.WordSize)
	return l.extend(l.b.Load(location.WordSize, word.base, word.off), size, signed)
}

// register is a register's bytes from the first that a location asks for to its last.
func (l *lowerer) register(n source.Node, r location.Register) *ir.Value {
	off, ok := l.convention(n).Register(r.Name)
	switch {
	case !l.hasRegisters():
		l.fail(n, "", "a %s probe does not know the registers", l.prog.Kind.Name)
		return l.b.Const(0)
	case !ok:
		l.fail(n, "", "internal: no register %s", r.Name)
		return l.b.Const(0)
	}
	v := l.ctxWord(off)
	if r.From > 0 {
		v = l.b.OpImm(ir.OpLShr, v, int64(8*r.From))
	}
	return v
}

// traced is a value of the traced function as a number, by a helper that stores it (the verifier makes a load of it). It fails only for a word
// that the function does not have.
func (l *lowerer) traced(n source.Node, t location.Traced) *ir.Value {
	if !l.needs(n, 5, 17, "this value", "bpf_get_func_arg", "use kprobe") {
		return l.b.Const(0)
	}
	m := l.mark()
	defer l.release(m)
	p := l.temp("traced", location.WordSize)
	if t.Result {
		l.b.Helper(int(asm.FnGetFuncRet), false, l.ctx(), l.addr(p))
	} else {
		l.b.Helper(int(asm.FnGetFuncArg), false, l.ctx(), l.b.Const(int64(t.Word)), l.addr(p))
	}
	return l.b.Load(location.WordSize, p.base, p.off)
}

// ctxNumber is a word of the context as a number. In a program bound to its tracepoint the verifier knows the argument's type, which
// arithmetic would offend.
func (l *lowerer) ctxNumber(off int) *ir.Value {
	v := l.ctxWord(off)
	if l.prog.Kind.Context == builtin.CtxRawArgs || l.prog.Kind.Context == builtin.CtxTracing {
		v = l.b.Op(ir.OpScalar, v)
	}
	return v
}

// address is the sum that a location stands for, its constant part apart.
func (l *lowerer) address(n source.Node, a location.Address) (base *ir.Value, off int) {
	if a.Base != nil {
		base = l.numberAt(n, a.Base)
	}
	if a.Index != nil {
		x := l.numberAt(n, a.Index)
		if a.Scale != 1 {
			x = l.b.OpImm(ir.OpMul, x, a.Scale)
		}
		if base != nil {
			x = l.b.Op(ir.OpAdd, base, x)
		}
		base = x
	}
	if base == nil {
		return l.b.Const(a.Offset), 0
	}
	return base, int(a.Offset)
}

// join puts the pieces of a number together.
func (l *lowerer) join(n source.Node, p location.Pieces) *ir.Value {
	var v *ir.Value
	at := 0
	for _, part := range p.Parts {
		x := l.extend(l.numberAt(n, part), part.Bytes(), false)
		if at > 0 {
			x = l.b.OpImm(ir.OpShl, x, int64(8*at))
		}
		if v != nil {
			x = l.b.Op(ir.OpOr, v, x)
		}
		v, at = x, at+part.Bytes()
	}
	return l.extend(v, at, p.Signed)
}

// extend extends the low bytes of a number to 64 bits.
func (l *lowerer) extend(v *ir.Value, size int, signed bool) *ir.Value {
	if scalarSize(size) {
		return l.b.Ext(v, size*8, signed)
	}
	op := ir.OpLShr
	if signed {
		op = ir.OpAShr
	}
	n := int64(64 - 8*size)
	return l.b.OpImm(op, l.b.OpImm(ir.OpShl, v, n), n)
}

// gather copies what lies at a location to memory of the program's own, of which size bytes are set: zeros follow what is there.
func (l *lowerer) gather(n source.Node, loc location.Location, size int) place {
	dst, at := l.temp("argument", size), 0
	parts := []location.Location{loc}
	if p, ok := loc.(location.Pieces); ok {
		parts = p.Parts
	}
	for _, part := range parts {
		if bytes := min(part.Bytes(), size-at); bytes > 0 {
			l.gatherPart(n, dst.at(at), part, bytes)
			at += bytes
		}
	}
	l.storeBytes(dst.at(at), l.b.Const(0), size-at)
	return dst
}

// collectArgs copies all arguments of the probe to an object of their struct.
func (l *lowerer) collectArgs(n source.Node) place {
	args := l.prog.Args
	dst := l.temp("arguments", args.Size())
	l.zero(dst, args.Size())
	for _, f := range args.Fields() {
		if f.Loc == nil {
			l.fail(n, "name the arguments that are wanted: args.NAME", "argument %s cannot be read here: %s", f.Name, f.Why)
			break
		}
		at, size := dst.at(f.Offset), f.Type.Size()
		switch {
		case !types.InMemory(f.Type):
			l.storeBytes(at, l.num(l.located(n, f.Loc, f.Type)), size)
		case location.InMemory(f.Loc):
			p := l.placeOf(n, f.Loc)
			l.copyObject(at, size, l.object(f.Type, p, f.Type))
		default:
			l.gatherPart(n, at, f.Loc, min(f.Loc.Bytes(), size))
		}
	}
	return dst
}

// gatherPart copies the first size bytes of a location.
func (l *lowerer) gatherPart(n source.Node, dst place, loc location.Location, size int) {
	if loc.Bytes() <= location.WordSize && (scalarSize(loc.Bytes()) || !location.InMemory(loc)) {
		l.storeBytes(dst, l.numberAt(n, loc), size)
		return
	}
	if p, ok := loc.(location.Pieces); ok {
		src := l.gather(n, p, size)
		l.copyBytes(dst, src, size)
		return
	}
	p := l.placeOf(n, loc)
	if p.space == types.SpaceCtx {
		l.copyCtx(dst, p, size)
		return
	}
	l.readMem(dst, size, l.plainAddr(p), p.space)
}

// storeBytes stores the low size bytes of a number, of any bytes beyond its eight zeros.
func (l *lowerer) storeBytes(dst place, v *ir.Value, size int) {
	for i := 0; i < size; {
		n := wordAt(size-i, dst.off+i)
		x := v
		switch {
		case i >= location.WordSize:
			x = l.b.Const(0)
		case i > 0:
			x = l.b.OpImm(ir.OpLShr, v, int64(8*i))
		}
		l.b.Store(n, dst.base, dst.off+i, x)
		i += n
	}
}
