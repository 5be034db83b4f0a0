package codegen

import (
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// textFuncs make strings and look into them.
var textFuncs = map[string]callee{
	// str(pointer, length) reads a string. Where its destination is known, lowerer.store reads it straight there.
	"str": func(l *lowerer, c *ast.Call) operand {
		t := l.typeOf(c)
		p := l.temp("str", t.Size())
		l.storeStr(p, t.Size(), c, true)
		p.exact = true
		return operand{typ: t, mem: p}
	},
	// strlen(text) is what the helper that copies a string says.
	"strlen": func(l *lowerer, c *ast.Call) operand { return operand{typ: l.typeOf(c), val: l.lengthOf(c.Args[0])} },
	// strcap(pointer) is a length; that of other strings is constant.
	"strcap": func(l *lowerer, c *ast.Call) operand { return operand{typ: l.typeOf(c), val: l.lengthOf(c.Args[0])} },
	// strncmp(first, second, n) compares by words.
	"strncmp": func(l *lowerer, c *ast.Call) operand { return operand{typ: l.typeOf(c), val: l.strncmp(c)} },
	// memcmp(left, right, n) finds out which comes first, too.
	"memcmp": func(l *lowerer, c *ast.Call) operand { return operand{typ: l.typeOf(c), val: l.memcmp(c)} },
	// strstr(haystack, needle) is a place, strcontains says whether there is one.
	"strstr": func(l *lowerer, c *ast.Call) operand { return operand{typ: l.typeOf(c), val: l.search(c)} },
	"strcontains": func(l *lowerer, c *ast.Call) operand {
		return operand{typ: l.typeOf(c), val: l.b.Cmp(ir.SGe, l.search(c), l.b.Const(0))}
	},
	// str_concat(first, second) reads one behind the other.
	"str_concat": func(l *lowerer, c *ast.Call) operand { return l.strConcat(c) },
}

// textRoom is how many bytes a text takes at most, its NUL included.
func (l *lowerer) textRoom(e ast.Expr) int {
	switch t := l.typeOf(e).(type) {
	case types.String:
		return t.Len
	case types.Array:
		return t.Len + 1
	}
	return l.k.checked.Config.MaxStrlen
}

// readText copies a text into a field of size bytes, which it ends with a NUL, and returns its length with that, or an error.
func (l *lowerer) readText(dst place, size int, e ast.Expr) *ir.Value {
	if k, ok := l.constOf(e); ok && k.Str != nil {
		text, _, _ := strings.Cut(*k.Str, "\x00")
		l.storeLiteral(dst, size, text, false)
		return l.b.Const(int64(min(len(text)+1, size)))
	}
	if c, ok := e.(*ast.Call); ok && c.Name == "str" {
		return l.storeStr(dst, size, c, false)
	}
	o := l.expr(e)
	switch t := o.typ.(type) {
	case types.Array:
		o.typ = types.String{Len: t.Len + 1}
		o.mem.chars = true
	case types.Pointer:
		return l.readStr(dst, size, l.num(o), helperSpace(t.Space), false, l.readSite("string"))
	}
	return l.readString(dst, size, o)
}

// textLength is the number of characters of a text that a helper has read into a field of size bytes. The verifier knows its bounds.
func (l *lowerer) textLength(n *ir.Value, size int) *ir.Value {
	if n.Op == ir.OpConst {
		return l.b.Const(n.Imm - 1)
	}
	some, end := l.fn.fn.NewBlock("some"), l.fn.fn.NewBlock("length")
	length := end.AddParam()
	zero := l.b.Const(0)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLe, X: n, Y: zero,
		Then: ir.Edge{To: end, Args: []*ir.Value{zero}}, Else: ir.Edge{To: some}, Unlikely: true})
	l.b.At(some)
	l.b.Jump(end, l.b.OpImm(ir.OpAnd, l.b.OpImm(ir.OpAdd, n, -1), int64(layout.CeilPow2(size)-1)))
	l.b.At(end)
	return length
}

// lengthOf is the number of characters of a text.
func (l *lowerer) lengthOf(e ast.Expr) *ir.Value {
	m := l.mark()
	defer l.release(m)
	size := l.textRoom(e)
	return l.textLength(l.readText(l.temp("text", size), size, e), size)
}

// strConcat puts one string behind the other. What does not fit is counted; as with str(), the first character that does not
// takes the place of the NUL.
func (l *lowerer) strConcat(c *ast.Call) operand {
	t := l.typeOf(c)
	first, second := l.textRoom(c.Args[0]), l.textRoom(c.Args[1])
	p := l.scratchTemp(max(layout.CeilPow2(first)+second, t.Size()))
	at := l.textLength(l.readText(p, first, c.Args[0]), first)
	rest := place{base: l.b.Op(ir.OpAdd, l.addr(p), at), space: types.SpaceBPF}
	n := l.textLength(l.readText(rest, second, c.Args[1]), second)
	l.b.Pos = c.Pos
	if first+second-1 > t.Size() {
		l.countAbove(l.b.Op(ir.OpAdd, at, n), t.Size()-1, &layout.Site{Kind: layout.SiteTrunc, Pos: c.Pos, What: c.Name})
	}
	return operand{typ: t, mem: p}
}

// strncmp is 0 if the first characters of two strings are the same, else 1: both are copied to zeros, so that words can be compared.
func (l *lowerer) strncmp(c *ast.Call) *ir.Value {
	m := l.mark()
	defer l.release(m)
	width := max(l.textRoom(c.Args[0]), l.textRoom(c.Args[1])) - 1
	n := l.upTo(c.Args[2], &width)
	if width == 0 {
		return l.b.Const(0)
	}
	x := l.textWords(c.Args[0], width, n)
	y := l.textWords(c.Args[1], width, n)
	differ, end := l.newJoin("differ"), l.newJoin("compared")
	l.equalWords(width, []place{x.mem, y.mem}, differ, func(size, off int) (*ir.Value, *ir.Value) {
		return x.word(l, size, off), y.word(l, size, off)
	})
	l.jump(end, l.b.Const(0))
	l.land(differ)
	l.jump(end, l.b.Const(1))
	return l.land(end)[0]
}

// upTo is the number of bytes that a comparison is to look at, of which there are width: nil if it is constant, width is that then.
func (l *lowerer) upTo(e ast.Expr, width *int) *ir.Value {
	if k, ok := l.constOf(e); ok {
		*width = int(min(k.Int, uint64(*width)))
		return nil
	}
	return l.numExpr(e)
}

// wordSource is memory, or a constant text, that is read by words.
type wordSource struct {
	mem  place
	text []byte
}

func (s wordSource) word(l *lowerer, size, off int) *ir.Value {
	if s.text != nil {
		return l.b.Const(word(s.text[off : off+size]))
	}
	return l.b.Load(size, s.mem.base, s.mem.off+off)
}

// textWords is the first width characters of a text, or of these the first n, with zeros behind them.
func (l *lowerer) textWords(e ast.Expr, width int, n *ir.Value) wordSource {
	if k, ok := l.constOf(e); ok && k.Str != nil && n == nil {
		text := make([]byte, width)
		known, _, _ := strings.Cut(*k.Str, "\x00")
		copy(text, known)
		return wordSource{text: text, mem: place{space: types.SpaceKernel}}
	}
	p := l.temp("text", width+1)
	l.zero(p, width+1)
	l.readText(p, width+1, e)
	if n != nil {
		p = l.firstBytes(p, width, n)
	}
	return wordSource{mem: p}
}

// firstBytes is a copy of the first n of width bytes, with zeros behind them.
func (l *lowerer) firstBytes(src place, width int, n *ir.Value) place {
	p := l.temp("bytes", width)
	l.zero(p, width)
	some, end := l.fn.fn.NewBlock("some"), l.fn.fn.NewBlock("copied")
	l.b.Branch(ir.Eq, n, l.b.Const(0), end, some)
	l.b.At(some)
	l.b.Helper(int(asm.FnProbeReadKernel), false, l.addr(p), l.atMost(n, width), l.scalarAddr(src))
	l.b.Jump(end)
	l.b.At(end)
	return p
}

// memcmp is -1 or 1 where the first of two values comes before or after the second, byte by byte, and 0 if both are the same.
func (l *lowerer) memcmp(c *ast.Call) *ir.Value {
	m := l.mark()
	defer l.release(m)
	x, sizeX := l.valueBytes(c.Args[0])
	y, sizeY := l.valueBytes(c.Args[1])
	width := min(sizeX, sizeY)
	if n := l.upTo(c.Args[2], &width); n != nil {
		l.countAbove(n, width, &layout.Site{Kind: layout.SiteIndex, Pos: c.Pos})
		x, y = l.firstBytes(x, width, n), l.firstBytes(y, width, n)
	}
	differ, end := l.newJoin("differ"), l.newJoin("compared")
	for off := 0; off < width; {
		size := wordAt(width-off, x.off+off, y.off+off)
		a, b := l.b.Load(size, x.base, x.off+off), l.b.Load(size, y.base, y.off+off)
		next, other := l.newJoin("same"), l.newJoin("other")
		l.branch(ir.Ne, a, b, other, next)
		l.land(other)
		l.jump(differ, l.bigEndian(a, size), l.bigEndian(b, size))
		l.land(next)
		off += size
	}
	l.jump(end, l.b.Const(0))
	if ab := l.land(differ); ab != nil {
		less := l.b.Cmp(ir.ULt, ab[0], ab[1])
		l.jump(end, l.b.Op(ir.OpSub, l.b.Const(1), l.b.OpImm(ir.OpShl, less, 1)))
	}
	return l.land(end)[0]
}

// bigEndian is the number that the bytes of a word make if the first of them counts most.
func (l *lowerer) bigEndian(v *ir.Value, size int) *ir.Value {
	if size == 1 {
		return v
	}
	v = l.b.Op(ir.OpBswap, v)
	v.Imm = int64(8 * size)
	return v
}

// valueBytes is a value in memory of the program's own, and how many bytes it has there.
func (l *lowerer) valueBytes(e ast.Expr) (place, int) {
	t := types.Value(l.typeOf(e))
	if types.InMemory(t) {
		o := l.expr(e)
		size := t.Size() - boolInt(o.mem.chars)
		return l.copied(o).mem, size
	}
	p := l.temp("value", 8)
	l.b.Store(8, p.base, p.off, l.numExpr(e))
	return p, t.Size()
}
