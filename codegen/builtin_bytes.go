package codegen

import (
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/syntax"
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
	if o.mem.space == types.SpaceBPF {
		l.copyBytes(dst, o.mem, n)
	} else { // behind a pointer
		l.copyObject(dst, n, o)
	}
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

// join() reads one string behind the other into the scratch frame, and sends as much as there is.
const (
	joinStrings = layout.JoinStrings
	joinText    = layout.JoinText
)

// joinState is what the reads of a join() share, in the scratch frame.
const (
	joinAddr  = 0  // of the next address
	joinLen   = 8  // of the text
	joinMore  = 16 // not 0: there may be more strings than were read
	joinValue = 24 // the address of a string
	joinSize  = 32
)

func (l *lowerer) joinStrings(c *ast.Call) {
	m := l.mark()
	defer l.release(m)
	sep := " "
	if len(c.Args) > 1 {
		sep = l.text(c.Args[1])
	}
	o := l.expr(c.Args[0])
	space := types.SpaceNone
	if p, ok := o.typ.(types.Pointer); ok {
		space = p.Space
	}
	l.b.Pos = c.Pos
	limit := l.k.checked.Config.MaxStrlen
	state := l.scratchTemp(joinSize).off
	rec := l.scratchTemp(layout.RecordHeader + joinText + len(sep) + limit + 8).off
	r := l.announce(c, &record{ev: &layout.Event{Kind: layout.EventJoin, Size: layout.RecordHeader}, what: c.Name})
	at := func(word int) place { return bpf(l.scratchBase(), state+word) }
	put := func(word int, v *ir.Value) { p := at(word); l.b.Store(8, p.base, p.off, v) }
	get := func(word int) *ir.Value { p := at(word); return l.b.Load(8, p.base, p.off) }
	put(joinAddr, l.num(o))
	put(joinLen, l.b.Const(0))
	put(joinMore, l.b.Const(1))
	// step reads a string, and goes on at end if there is none.
	step := func(first *ir.Value, end *ir.Block) {
		addr := get(joinAddr)
		value := at(joinValue)
		l.readMem(value, 8, addr, helperSpace(space))
		ptr := get(joinValue)
		some, none := l.fn.fn.NewBlock("some"), l.fn.fn.NewBlock("none")
		l.b.Branch(ir.Eq, ptr, l.b.Const(0), none, some)
		l.b.At(none)
		put(joinMore, l.b.Const(0))
		l.b.Jump(end)
		l.b.At(some)
		put(joinAddr, l.b.OpImm(ir.OpAdd, addr, 8))
		l.separate(first, sep, rec, at(joinLen))
		length := l.b.OpImm(ir.OpAnd, get(joinLen), joinText-1)
		dst := bpf(l.b.Op(ir.OpAdd, l.scratchBase(), length), rec+layout.RecordHeader)
		n := l.readStr(dst, limit, ptr, helperSpace(space), false, l.readSite("a string of join"))
		l.markCut(dst, limit, n, ptr, helperSpace(space), c.Pos)
		length = l.b.Op(ir.OpAdd, length, l.textLength(n, limit))
		put(joinLen, length)
		room := l.fn.fn.NewBlock("room")
		l.b.Branch(ir.UGe, length, l.b.Const(joinText-int64(len(sep))), end, room)
		l.b.At(room)
	}
	l.joinAll(step)
	l.cutJoin(c, get(joinMore))
	l.sendText(r, rec, l.atMost(l.b.OpImm(ir.OpAdd, get(joinLen), layout.RecordHeader), layout.RecordHeader+joinText))
}

// separate puts the separator before all strings but the first.
func (l *lowerer) separate(first *ir.Value, sep string, rec int, length place) {
	if sep == "" || first.IsConst(1) {
		return
	}
	other, on := l.fn.fn.NewBlock("next"), l.fn.fn.NewBlock("on")
	l.b.Branch(ir.Eq, first, l.b.Const(0), other, on)
	l.b.At(other)
	n := l.b.Load(8, length.base, length.off)
	n = l.b.OpImm(ir.OpAnd, n, joinText-1)
	dst := l.b.Op(ir.OpAdd, l.scratchBase(), n)
	for i := 0; i < len(sep); {
		w := wordAt(len(sep) - i)
		l.b.Store(w, dst, rec+layout.RecordHeader+i, l.b.Const(word([]byte(sep[i:i+w]))))
		i += w
	}
	l.b.Store(8, length.base, length.off, l.b.OpImm(ir.OpAdd, n, int64(len(sep))))
	l.b.Jump(on)
	l.b.At(on)
}

// joinUnrolled is the most strings where the kernel has no loops.
const joinUnrolled = 32

// joinAll does a step for each string, in a loop where the kernel has them.
func (l *lowerer) joinAll(step func(first *ir.Value, end *ir.Block)) {
	if !l.k.kernel.AtLeast(5, 17) {
		end := l.fn.fn.NewBlock("joined")
		for i := range joinUnrolled {
			step(l.b.Const(int64(boolInt(i == 0))), end)
		}
		l.b.Jump(end)
		l.b.At(end)
		return
	}
	reads := l.fn.reads
	name := l.callback(2, 1, func(params []*ir.Value) {
		end := l.fn.fn.NewBlock("end")
		step(l.b.Cmp(ir.Eq, l.b.Ext(params[0], 32, false), l.b.Const(0)), end)
		l.b.Return(l.b.Const(loopGoOn))
		l.b.At(end)
		l.b.Return(l.b.Const(loopStop))
	})
	l.fn.reads = reads // the loop changes no map
	l.payFor(joinStrings)
	l.b.Helper(int(asm.FnLoop), false, l.b.Const(joinStrings), l.b.FuncPtr(name), l.envAddr(), l.b.Const(0))
}

// cutJoin counts a join() that has not come to the end of its strings.
func (l *lowerer) cutJoin(c *ast.Call, more *ir.Value) {
	cut, end := l.fn.fn.NewBlock("more"), l.fn.fn.NewBlock("all")
	l.b.BranchUnlikely(ir.Ne, more, l.b.Const(0), cut, end)
	l.b.At(cut)
	l.countFailure(&layout.Site{Kind: layout.SiteTrunc, Pos: c.Pos, What: "join"})
	l.b.Jump(end)
	l.b.At(end)
}

// sendText sends a record of size bytes that is made in the scratch frame.
func (l *lowerer) sendText(r *record, rec int, size *ir.Value) {
	p := bpf(l.scratchBase(), rec)
	l.b.Store(8, p.base, p.off, l.b.Const(int64(r.ev.ID)))
	ret := l.b.Helper(int(asm.FnRingbufOutput), false, l.b.MapPtr(layout.MapEvents), l.addr(p), size, l.b.Const(ringWakeIdle))
	l.readFailure(ret, &layout.Site{Kind: layout.SiteLost, Pos: r.ev.Pos, What: r.what})
}

// debugBits is the width of a number for debugf(): an address has all bits.
func debugBits(it syntax.FormatItem) int {
	if it.Verb == "p" {
		return 64
	}
	return syntax.IntBits(it.Length)
}

// kernelFormat is what a helper that formats values takes: the format's address and length, and the values.
func (l *lowerer) kernelFormat(c *ast.Call) (format []*ir.Value, values []*ir.Value) {
	text, values := l.kernelValues(c)
	f := l.temp("format", len(text)+1)
	l.storeLiteral(f, layout.Align8(len(text)+1), text, false)
	return []*ir.Value{l.addr(f), l.b.Const(int64(len(text) + 1))}, values
}

// kernelValues are the values of a call of printf() or debugf(), and its format as the kernel understands it.
func (l *lowerer) kernelValues(c *ast.Call) (string, []*ir.Value) {
	var format strings.Builder
	var values []*ir.Value
	items, _ := syntax.ParseFormat(l.text(c.Args[0]))
	for _, it := range items {
		if it.Verb == "" {
			format.WriteString(strings.ReplaceAll(it.Text, "%", "%%"))
			continue
		}
		e := c.Args[1+len(values)]
		if it.Verb == "s" {
			t := types.String{Len: l.textRoom(e)}
			p := l.temp("shown", t.Len)
			l.store(p, t, e, false)
			values = append(values, l.addr(p))
			format.WriteString("%" + it.Flags + it.Width + "s")
			continue
		}
		signed := it.Verb == "d" || it.Verb == "i"
		values = append(values, l.b.Ext(l.numExpr(e), debugBits(it), signed))
		switch {
		case signed:
			format.WriteString("%" + it.Flags + it.Width + "lld")
		case it.Verb == "p":
			format.WriteString("0x%llx")
		default:
			format.WriteString("%" + it.Flags + it.Width + "ll" + it.Verb)
		}
	}
	l.b.Pos = c.Pos
	return format.String(), values
}

// debugf has the kernel format values: three by bpf_trace_printk, more by bpf_trace_vprintk.
func (l *lowerer) debugf(c *ast.Call) {
	m := l.mark()
	defer l.release(m)
	args, values := l.kernelFormat(c)
	if len(values) <= 3 {
		l.b.Helper(int(asm.FnTracePrintk), false, append(args, values...)...)
		return
	}
	l.needs(c, 5, 16, "debugf() with more than three values", "bpf_trace_vprintk", "")
	l.b.Helper(int(asm.FnTraceVprintk), false, append(args, l.listOf(values)...)...)
}

// listOf puts values into an array: its address and its length.
func (l *lowerer) listOf(values []*ir.Value) []*ir.Value {
	list := l.temp("values", 8*len(values))
	for i, v := range values {
		l.b.Store(8, list.base, list.off+8*i, v)
	}
	return []*ir.Value{l.addr(list), l.b.Const(int64(8 * len(values)))}
}

// pinned says whether the program is an iterator that runs when somebody reads its file.
func (l *lowerer) pinned() bool { return l.prog.Kind.Nullable && l.prog.Targets[0].Path != "" }

// seqPrintf is printf() of such an iterator: the text goes into the file. The context begins with a pointer to struct bpf_iter_meta, and that with one to the file
// (include/linux/bpf.h).
func (l *lowerer) seqPrintf(c *ast.Call) {
	m := l.mark()
	defer l.release(m)
	args, values := l.kernelFormat(c)
	meta := l.b.Load(8, l.ctx(), 0)
	args = append([]*ir.Value{l.b.Load(8, meta, 0)}, args...)
	list := []*ir.Value{l.b.Const(0), l.b.Const(0)}
	if len(values) > 0 {
		list = l.listOf(values)
	}
	l.b.Helper(int(asm.FnSeqPrintf), false, append(args, list...)...)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
