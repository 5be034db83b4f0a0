package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/types"
)

// byteFuncs are about bytes and addresses of networks.
var byteFuncs = map[string]callee{
	// macaddr(bytes) copies six bytes to a word of the program's own: they may lie at any place, where larger accesses are not aligned.
	"macaddr": func(l *lowerer, c *ast.Call) operand {
		o := l.expr(c.Args[0])
		src := o.mem
		if !types.InMemory(o.typ) {
			src = l.pointee(o)
		}
		mac := types.Array{Elem: types.TypeUint8, Len: 6}
		m := l.mark()
		defer l.release(m)
		word := l.temp("mac", 8)
		l.zero(word, 8)
		l.storeOperand(word, mac, operand{typ: mac, mem: src}, true)
		return operand{typ: types.MAC{}, val: l.b.Load(8, word.base, word.off)}
	},
	// bswap(number) is a swap of the bytes that its type has.
	"bswap": func(l *lowerer, c *ast.Call) operand {
		t := l.typeOf(c).(types.Int)
		v := l.b.Ext(l.numExpr(c.Args[0]), t.Bits, false)
		if t.Bits > 8 {
			v = l.b.Op(ir.OpBswap, v)
			v.Imm = int64(t.Bits)
		}
		return operand{typ: t, val: v}
	},
	// buf(data, length) reads bytes. Where its destination is known, lowerer.store reads them straight there.
	"buf": func(l *lowerer, c *ast.Call) operand {
		t := l.typeOf(c).(types.Buffer)
		p := l.temp("buffer", t.Size())
		l.storeBuf(p, t, c)
		return operand{typ: t, mem: p}
	},
	// ntop([family,] address) is the bytes of an address with its family.
	"ntop": func(l *lowerer, c *ast.Call) operand {
		p := l.temp("inet", types.Inet{}.Size())
		l.storeInet(p, c)
		return operand{typ: types.Inet{}, mem: p}
	},
	// pton(text) is known at compile time.
	"pton": func(l *lowerer, c *ast.Call) operand {
		t := l.typeOf(c)
		addr, _ := literal.ParseInet(l.text(c.Args[0]))
		p := l.temp("address", t.Size())
		for i := 0; i < len(addr); i += 4 {
			l.b.Store(4, p.base, p.off+i, l.b.Const(word(addr[i:i+4])))
		}
		return operand{typ: t, mem: p}
	},
}

// storeBuf builds buf(data) or buf(data, length) in a field of type t, which may be larger than the call needs. All bytes
// that are not read are 0, so that the field can be a key.
func (l *lowerer) storeBuf(dst place, t types.Buffer, c *ast.Call) {
	most := l.typeOf(c).(types.Buffer).Len
	m := l.mark()
	defer l.release(m)
	src, space := l.bufSource(c, most)
	l.zero(dst, t.Size())
	if len(c.Args) == 1 {
		l.readBuf(dst, l.b.Const(int64(most)), src, space)
		return
	}
	if n, ok := l.constOf(c.Args[1]); ok {
		l.readBuf(dst, l.b.Const(int64(min(n.Int, uint64(most)))), src, space)
		return
	}
	n := l.numExpr(c.Args[1])
	l.b.Pos = c.Pos
	some, none := l.newJoin("bytes"), l.newJoin("end")
	l.branch(ir.Eq, n, l.b.Const(0), none, some)
	l.land(some)
	l.countAbove(n, most, &layout.Site{Kind: layout.SiteTrunc, Pos: c.Pos, What: "buf"})
	l.readBuf(dst, l.atMost(n, most), src, space)
	l.jump(none)
	l.land(none)
}

// bufSource is where the bytes of buf() lie. A string of the script's own has zeros behind its end, as many as can be asked for.
func (l *lowerer) bufSource(c *ast.Call, most int) (src *ir.Value, space types.AddrSpace) {
	e := c.Args[0]
	k, constant := l.constOf(e)
	if t := l.typeOf(e); !types.Is(t, types.KindString) || !(constant && k.Str != nil) && !l.isCopy(e) {
		return l.strSource(c)
	}
	p := l.temp("text", most+1)
	l.store(p, types.String{Len: most + 1}, e, true)
	return l.scalarAddr(p), types.SpaceKernel
}

// isCopy says whether a string is a value of the script rather than an array in memory.
func (l *lowerer) isCopy(e ast.Expr) bool {
	switch e.(type) {
	case *ast.FieldExpr, *ast.Index, *ast.Unary:
		return false
	}
	return true
}

// readBuf reads n bytes into a buffer.
func (l *lowerer) readBuf(dst place, n, src *ir.Value, space types.AddrSpace) {
	if n.IsConst(0) {
		return
	}
	l.b.Store(4, dst.base, dst.off, n)
	r := readerOf(space)
	ret := l.b.Helper(int(r.bytes), false, l.addr(dst.at(types.BufferStart)), n, src)
	l.readFailure(ret, &layout.Site{Kind: layout.SiteRead, Pos: l.b.Pos, What: r.what})
}

// countAbove counts a failure if a number is larger than a limit.
func (l *lowerer) countAbove(n *ir.Value, limit int, s *layout.Site) {
	over, end := l.fn.fn.NewBlock("over"), l.fn.fn.NewBlock("within")
	l.b.BranchUnlikely(ir.UGt, n, l.b.Const(int64(limit)), over, end)
	l.b.At(over)
	l.countFailure(s)
	l.b.Jump(end)
	l.b.At(end)
}

// copyBuffer copies a buffer into a field of type t, which is as long or longer.
func (l *lowerer) copyBuffer(dst place, t types.Buffer, o operand) {
	if o.mem.base == nil {
		l.zero(dst, t.Size())
		return
	}
	n := min(t.Size(), o.typ.Size())
	l.copyBytes(dst, o.mem, n)
	if n < t.Size() {
		l.zero(dst.at(n), t.Size()-n)
	}
}

// Families of addresses (include/linux/socket.h).
const (
	familyInet  = 2
	familyInet6 = 10
)

// storeInet builds ntop(address) or ntop(family, address).
func (l *lowerer) storeInet(dst place, c *ast.Call) {
	arg := c.Args[len(c.Args)-1]
	t := l.typeOf(arg)
	size := 4
	if types.InMemory(t) && t.Size() >= 16 {
		size = 16
	}
	family := l.b.Const(familyInet)
	switch {
	case len(c.Args) > 1:
		family = l.numExpr(c.Args[0])
	case size == 16:
		family = l.b.Const(familyInet6)
	}
	var number *ir.Value
	var o operand
	if types.InMemory(t) {
		o = l.expr(arg)
	} else {
		number = l.numExpr(arg)
	}
	l.b.Pos = c.Pos
	l.zero(dst, types.Inet{}.Size())
	l.b.Store(8, dst.base, dst.off, family)
	if number != nil {
		l.b.Store(4, dst.base, dst.off+types.InetStart, number)
		return
	}
	if o.lit != nil {
		o = l.materialize(o)
	}
	l.copyObject(dst.at(types.InetStart), size, o)
}
