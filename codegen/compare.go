package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// equalMemory branches on the equality of two strings, tuples or arrays.
func (l *lowerer) equalMemory(e *ast.Binary, yes, no *join) {
	for _, side := range [][2]ast.Expr{{e.X, e.Y}, {e.Y, e.X}} {
		if c, ok := l.constOf(side[1]); ok && c.Str != nil {
			l.equalLiteral(side[0], *c.Str, yes, no)
			return
		}
	}
	t := l.typeOf(e.X)
	if o := l.typeOf(e.Y); o.Size() > t.Size() {
		t = o
	}
	if !l.fits(t.Size()) {
		l.jump(no)
		return
	}
	m := l.mark()
	x := l.expr(e.X)
	if effects.Has(e.Y) {
		x = l.copied(x) // the right side may change it
	}
	if types.Is(t, types.KindString) {
		p := l.exactOperand(x, t) // here, so that a failed read is told at its place
		p.exact = true
		x = operand{typ: t, mem: p}
	}
	l.equalValues(x, l.expr(e.Y), no)
	l.release(m)
	l.jump(yes)
}

// equalValues branches to no if two values differ. Those of tuples are compared as values by themselves are: numbers by what they are
// worth, strings up to their NUL.
func (l *lowerer) equalValues(x, y operand, no *join) {
	if l.b.Block == nil {
		return
	}
	tx, ty := x.typ, y.typ
	if t, ok := tx.(types.Tuple); ok {
		x, y = l.inTuple(x), l.inTuple(y)
		for i := range t.Elems {
			m := l.mark()
			other := ty.(types.Tuple)
			l.equalValues(l.element(x, t, i), l.element(y, other, t.In(other, i)), no)
			l.release(m)
		}
		return
	}
	if !types.InMemory(tx) {
		t := types.CommonType(tx, ty)
		same := l.newJoin("same")
		l.branch(ir.Ne, l.convert(l.num(x), tx, t), l.convert(l.num(y), ty, t), no, same)
		l.land(same)
		return
	}
	t := tx
	if ty.Size() > t.Size() {
		t = ty
	}
	px, py := l.exactOperand(x, t), l.exactOperand(y, t)
	l.equalWords(t.Size(), []place{px, py}, no, func(size, off int) (*ir.Value, *ir.Value) {
		return l.b.Load(size, px.base, px.off+off), l.b.Load(size, py.base, py.off+off)
	})
}

// inTuple is a tuple that has a place; one that is nowhere is all zeros.
func (l *lowerer) inTuple(o operand) operand {
	if o.mem.base == nil {
		o.mem = l.exactOperand(o, o.typ)
	}
	return o
}

// equalWords branches to no at the first of size bytes in which two things differ. from are the places that words reads.
func (l *lowerer) equalWords(size int, from []place, no *join, words func(size, off int) (x, y *ir.Value)) {
	for off := 0; off < size; {
		var offs []int
		for _, p := range from {
			if p.space == types.SpaceBPF { // it may be the stack; the kernel's memory can be read at any address
				offs = append(offs, p.off+off)
			}
		}
		w := wordAt(size-off, offs...)
		x, y := words(w, off)
		next := l.newJoin("same")
		l.branch(ir.Ne, x, y, no, next)
		l.land(next)
		off += w
	}
}

// equalLiteral compares a string with a constant, eight bytes at a time. Of str(x) no more is read than it takes.
func (l *lowerer) equalLiteral(x ast.Expr, lit string, yes, no *join) {
	m := l.mark()
	defer l.release(m)
	n := len(lit) + 1 // the NUL is compared too
	field := l.typeOf(x).Size()
	var p place
	if c, ok := x.(*ast.Call); ok && c.Name == "str" && len(c.Args) == 1 && n <= field {
		// One byte more than the literal and its NUL tells a longer string from an equal one.
		size := min((n+1+7)&^7, max(field, 8))
		p = l.temp("name", size)
		src, space := l.strSource(c)
		l.readStr(p, size, src, space, false, &layout.Site{Kind: layout.SiteRead, Pos: c.Pos, What: "str"})
	} else {
		o := l.expr(x)
		if o.lit != nil {
			if *o.lit == lit {
				l.jump(yes)
			} else {
				l.jump(no)
			}
			return
		}
		if n > field && types.Is(o.typ, types.KindString) {
			l.jump(no) // too long to be equal
			return
		}
		if !l.wordsReadable(o.mem) {
			o = l.materialize(o)
		}
		p = o.mem
		n = min(n, field-boolInt(p.chars)) // the last byte of the string is not in the array
	}
	buf := append([]byte(lit), 0)
	l.equalWords(n, []place{p}, no, func(size, off int) (*ir.Value, *ir.Value) {
		return l.b.Load(size, p.base, p.off+off), l.b.Const(word(buf[off : off+size]))
	})
	l.jump(yes)
}
