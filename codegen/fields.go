package codegen

import (
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// Memory of the kernel is read in one of three ways, the cheapest that the verifier takes:
//
//   - a direct load through a pointer whose BTF type the verifier knows (the current task, arguments of a
//     BTF raw tracepoint, and pointers loaded from such objects). A bad address reads as 0, which loadTyped counts;
//   - the same after bpf_rdonly_cast, a kfunc of Linux 6.2 that gives any number a BTF type;
//   - bpf_probe_read_kernel.

// deref is what a pointer points to.
func (l *lowerer) deref(o operand, t types.Type) operand {
	p := l.pointee(o)
	if types.InMemory(t) {
		if pt, ok := o.typ.(types.Pointer); ok {
			return l.object(t, p, pt.Elem)
		}
		return operand{typ: t, mem: p}
	}
	return l.loadAt(p, t)
}

// object is what lies at a place, of type t as a value and of type raw in C.
func (l *lowerer) object(t types.Type, p place, raw types.Type) operand {
	if s, ok := raw.(*types.Struct); ok && s.Text && types.Is(t, types.KindString) {
		switch {
		case s.Go != nil && l.words:
			return operand{typ: raw, mem: p}
		case s.Go != nil:
			return l.goInterface(p, t, s.Go)
		}
		return l.goText(p, t)
	}
	_, array := types.CharArray(raw)
	p.chars = array && types.Is(t, types.KindString)
	return operand{typ: t, mem: p}
}

// pointee is the place that a pointer points to.
func (l *lowerer) pointee(o operand) place {
	pt, ok := o.typ.(types.Pointer)
	if !ok {
		if o.val == nil && o.mem.base != nil {
			return o.mem // an array stands for its first element
		}
		pt = types.Pointer{Elem: types.Void{}}
	}
	if pt.Space == types.SpaceCtx {
		return l.ctxPlace(o)
	}
	if o.typed {
		return place{base: o.val, space: types.SpaceKernel, typed: true, sure: isTask(o.val)}
	}
	addr := l.num(o)
	if s, ok := pt.Elem.(*types.Struct); ok && (pt.Space == types.SpaceKernel || pt.Space == types.SpaceNone && l.numbersAreKernel()) {
		if id := l.k.kernel.Cast(); id != 0 && s.BTFID != 0 {
			cast := l.b.Kfunc(id, true, addr, l.b.Const(int64(s.BTFID)))
			return place{base: cast, space: types.SpaceKernel, typed: true, number: true}
		}
	}
	return place{base: addr, space: pt.Space}
}

// field is x.name or x->name.
func (l *lowerer) field(e *ast.FieldExpr) operand {
	if e == l.liveAt {
		return operand{typ: l.typeOf(e), val: l.live, typed: true}
	}
	if f, ok := l.namedArgument(e); ok {
		l.b.Pos = e.Pos
		return l.argument(e, f)
	}
	words := l.words
	l.words = types.Is(l.typeOf(e.X), types.KindString) // only an interface of Go has fields then
	o := l.expr(e.X)
	l.words = words
	l.b.Pos = e.Pos
	if r := types.TupleBehind(o.typ); r != nil {
		return l.element(l.tupleOf(o), *r, r.Find(e.Name))
	}
	s, p := l.structOf(o)
	if s == nil {
		l.fail(e, "", "internal: field of %s", o.typ)
		return operand{typ: l.typeOf(e), val: l.b.Const(0)}
	}
	f, ok := s.Field(e.Name)
	if !ok {
		l.fail(e, "", "internal: no field %s in %s", e.Name, s)
		return operand{typ: l.typeOf(e), val: l.b.Const(0)}
	}
	p = p.at(f.Offset)
	p.union = p.union || s.Union || throughUnion(s, e.Name)
	return l.fieldAt(p, f, l.typeOf(e))
}

// fieldAt is a field that lies at a place, of type t as a value.
func (l *lowerer) fieldAt(p place, f types.Field, t types.Type) operand {
	switch {
	case f.DataLoc:
		return operand{typ: t, mem: l.dataLoc(p, 0)}
	case f.RelLoc:
		return operand{typ: t, mem: l.dataLoc(p, f.Offset+4)}
	case f.BitSize != 0:
		return operand{typ: t, val: l.bitfield(p, f)}
	case types.InMemory(f.Type):
		return l.object(t, p, f.Type)
	}
	p.union = p.union || f.MayBeNull
	o := l.loadAt(p, f.Type)
	o.typ = t
	return o
}

// Where the runtime's description of a type of Go (internal/abi.Type, since Go 1.17) has what is read here, on all machines of 64 bits.
const (
	goTypeFlag, goTypeKind, goTypeName = 20, 23, 40
	goKindMask, goKindString           = 31, 24
	goExtraStar                        = 2 // in goTypeFlag: the name has a * before it that does not belong there
	goItabType                         = 8
)

// goInterface is the text of an interface value of Go: that of a string, and of errors that are little else; the name of the type of others; and "nil".
func (l *lowerer) goInterface(p place, t types.Type, g *types.GoInterface) operand {
	size := t.Size()
	dst := l.temp("interface", size)
	l.zero(dst, size)
	word := func(base *ir.Value, off, size int) *ir.Value {
		return l.loadAt(place{base: base, off: off, space: types.SpaceUser}, types.Int{Bits: 8 * size}).val
	}
	typ := l.loadAt(p, types.TypeUint64).val
	data := l.loadAt(p.at(location.WordSize), types.TypeUint64).val
	none, some, text, name, bytes, shown := l.newJoin("nil"), l.newJoin("some"), l.newJoin("text"), l.newJoin("name"), l.newJoin("bytes"), l.newJoin("shown")
	l.branch(ir.Eq, typ, l.b.Const(0), none, some)
	l.land(some)
	if g.Methods {
		typ = word(typ, goItabType, 8)
	}
	for _, address := range g.Texts {
		next := l.newJoin("other")
		l.branch(ir.Eq, typ, l.b.Const(int64(address)), text, next)
		l.land(next)
	}
	kind := l.b.OpImm(ir.OpAnd, word(typ, goTypeKind, 1), goKindMask)
	l.branch(ir.Eq, kind, l.b.Const(goKindString), text, name)
	l.land(text)
	l.jump(bytes, word(data, 0, 8), word(data, location.WordSize, 8))
	// A name is a byte of flags, its length in seven bits a byte, and the bytes (internal/abi.Name).
	l.land(name)
	at := l.b.OpImm(ir.OpAdd, word(typ, goTypeName, 4), int64(g.Types))
	low, high := word(at, 1, 1), word(at, 2, 1)
	long := l.b.OpImm(ir.OpLShr, low, 7)
	n := l.b.Op(ir.OpAdd, l.b.OpImm(ir.OpAnd, low, 127), l.b.Op(ir.OpMul, long, l.b.OpImm(ir.OpShl, high, 7)))
	star := l.b.OpImm(ir.OpLShr, l.b.OpImm(ir.OpAnd, word(typ, goTypeFlag, 1), goExtraStar), 1)
	begin := l.b.Op(ir.OpAdd, l.b.Op(ir.OpAdd, l.b.OpImm(ir.OpAdd, at, 2), long), star)
	l.jump(bytes, begin, l.b.Op(ir.OpSub, n, star))
	found := l.land(bytes)
	l.goBytes(dst, size, found[0], found[1])
	l.jump(shown)
	l.land(none)
	nothing := "nil"
	l.storeOperand(dst, t, operand{typ: types.String{Len: len(nothing) + 1}, lit: &nothing}, true)
	l.jump(shown)
	l.land(shown)
	dst.exact = true
	return operand{typ: t, mem: dst}
}

// structOf is the struct an operand is or points to, and where it lies.
func (l *lowerer) structOf(o operand) (*types.Struct, place) {
	if s, ok := o.typ.(*types.Struct); ok {
		return s, o.mem
	}
	if pt, ok := o.typ.(types.Pointer); ok {
		if s, ok := pt.Elem.(*types.Struct); ok {
			return s, l.pointee(o)
		}
	}
	return nil, place{}
}

// throughUnion says whether a field is found in an anonymous union of s.
func throughUnion(s *types.Struct, name string) bool {
	for _, f := range s.Fields() {
		if f.Name == name {
			return s.Union
		}
	}
	for _, f := range s.Fields() {
		if inner, ok := f.Type.(*types.Struct); ok && f.Name == "" {
			if _, ok := inner.Field(name); ok {
				return inner.Union || throughUnion(inner, name)
			}
		}
	}
	return false
}

// dataLoc follows a tracepoint's __data_loc or __rel_loc field: the low 16 bits are the offset of the data from
// a place in the record (include/trace/stages/stage1_struct_define.h).
func (l *lowerer) dataLoc(p place, from int) place {
	loc := l.loadAt(p, types.Int{Bits: 32})
	off := l.b.OpImm(ir.OpAnd, loc.val, 0xffff)
	base := l.b.Op(ir.OpAdd, l.b.Op(ir.OpScalar, l.ctx()), off)
	return place{base: base, off: from, space: types.SpaceKernel}
}

// bitfield loads the bytes that hold a bitfield and cuts it out.
func (l *lowerer) bitfield(p place, f types.Field) *ir.Value {
	size := f.Type.Size()
	v := l.loadAt(p, types.Int{Bits: size * 8}).val
	v = l.b.OpImm(ir.OpShl, v, int64(64-f.BitOffset-f.BitSize))
	op := ir.OpLShr
	if signed(f.Type) {
		op = ir.OpAShr
	}
	return l.b.OpImm(op, v, int64(64-f.BitSize))
}

// loadAt reads a scalar of type t.
func (l *lowerer) loadAt(p place, t types.Type) operand {
	size := t.Size()
	var v *ir.Value
	switch {
	case p.space == types.SpaceBPF:
		v = l.b.Load(size, p.base, p.off)
	case p.space == types.SpaceCtx:
		v = l.loadCtx(p, size)
	case p.typed && l.manyLoads(size):
		v = l.callLoad(p, size)
	case p.typed:
		v = l.loadTyped(p, size)
		if pt, ok := t.(types.Pointer); ok {
			if s, ok := pt.Elem.(*types.Struct); ok && s.BTFID != 0 && !p.union && pt.Space != types.SpaceUser {
				return operand{typ: t, val: v, typed: true}
			}
		}
		if size == 8 {
			// The verifier may take it for a pointer (a union, a type it knows more of than we do).
			if types.Is(t, types.KindPointer) || p.union {
				v = l.b.Op(ir.OpScalar, v)
			}
		}
	default:
		v = l.probeRead(p, size)
	}
	if signed(t) && size < 8 {
		v = l.b.Ext(v, size*8, true)
	}
	return operand{typ: t, val: v}
}

// maxDirect is how many direct loads of the kernel's memory a program has. From Linux 6.10 on the kernel puts a check before each, and
// moves the whole program for it (do_misc_fixups, kernel/bpf/verifier.c).
const maxDirect = 256

// manyLoads counts a direct load, and says whether there are so many that it is to be a call.
func (l *lowerer) manyLoads(size int) bool {
	l.loads++
	return l.loads > maxDirect && l.mayOutline(outline{what: "load", size: size})
}

// callLoad is a direct load by a function for all places that have it: it gives 0, too, where there is no memory, and counts that.
func (l *lowerer) callLoad(p place, size int) *ir.Value {
	site := l.kernelRead()
	o, addr := outline{what: "load", size: size}, l.plainAddr(p)
	return l.callOutline(o, nil, []*layout.Site{site}, []*ir.Value{addr}, func(_ mapKey, args []*ir.Value) *ir.Value {
		tmp := l.temp("read", 8)
		l.readFailure(l.b.Helper(int(asm.FnProbeReadKernel), false, l.addr(tmp), l.b.Const(int64(size)), args[0]), site)
		return l.b.Load(size, tmp.base, tmp.off)
	})
}

// errorAddresses are below 0 what pointers never are: they stand for errors (MAX_ERRNO and IS_ERR, include/linux/err.h).
const errorAddresses = 4096

// isTask says whether a pointer is that of the current task, which is never wrong.
func isTask(v *ir.Value) bool {
	return v.Op == ir.OpHelper && asm.BuiltinFunc(v.Imm) == asm.FnGetCurrentTaskBtf
}

// checkTyped counts a load through a pointer that is no address of the kernel's: NULL, one of the process, or an error. The kernel
// gives 0 for these without a word. As signed numbers its addresses are the least, so that one comparison tells.
func (l *lowerer) checkTyped(p place) {
	if !p.sure {
		l.countUnlikely(ir.SGe, p.base, -errorAddresses, l.kernelRead())
	}
}

// loadTyped reads a scalar by a direct load. Of a number that the script takes for a pointer nothing is known: where 0 is read,
// a helper says whether there was something to read.
func (l *lowerer) loadTyped(p place, size int) *ir.Value {
	if !p.number {
		l.checkTyped(p)
		return l.b.Load(size, p.base, p.off)
	}
	v := l.b.Load(size, p.base, p.off)
	zero, on := l.fn.fn.NewBlock("zero"), l.fn.fn.NewBlock("loaded")
	l.b.BranchUnlikely(ir.Eq, l.b.Op(ir.OpScalar, v), l.b.Const(0), zero, on)
	l.b.At(zero)
	l.probeRead(p, size)
	l.b.Jump(on)
	l.b.At(on)
	return v
}

func (l *lowerer) kernelRead() *layout.Site {
	r := readerOf(types.SpaceKernel)
	return &layout.Site{Kind: layout.SiteRead, Pos: l.b.Pos, What: r.what, Helper: r.name}
}

// probeRead reads up to 8 bytes of kernel or user memory by a helper; a failed read is counted and gives 0.
func (l *lowerer) probeRead(p place, size int) *ir.Value {
	m := l.mark()
	tmp := l.temp("read", 8)
	l.readMem(tmp, size, l.plainAddr(p), p.space)
	v := l.b.Load(size, tmp.base, tmp.off)
	l.release(m)
	return v
}

// readMem copies size bytes of kernel or user memory to the program's own. A failed read is counted and gives zeros:
// the helper clears its destination.
func (l *lowerer) readMem(dst place, size int, src *ir.Value, space types.AddrSpace) {
	l.readMemN(dst, l.b.Const(int64(size)), src, space)
}

// readMemN is readMem for a number of bytes that the verifier knows the bounds of.
func (l *lowerer) readMemN(dst place, size, src *ir.Value, space types.AddrSpace) {
	r := readerOf(space)
	ret := l.b.Helper(int(r.bytes), false, l.addr(dst), size, src)
	l.readFailure(ret, &layout.Site{Kind: layout.SiteRead, Pos: l.b.Pos, What: r.what, Helper: r.name})
}

// plainAddr is the address of a place as a number.
func (l *lowerer) plainAddr(p place) *ir.Value {
	base := p.base
	if p.typed {
		base = l.b.Op(ir.OpScalar, base)
	}
	p.base = base
	return l.addr(p)
}

// scalarAddr is the address of any place, BPF memory and the context too, as a number.
func (l *lowerer) scalarAddr(p place) *ir.Value {
	base := p.base
	if p.typed || p.space == types.SpaceBPF || p.space == types.SpaceCtx {
		base = l.b.Op(ir.OpScalar, base)
	}
	if p.off == 0 {
		return base
	}
	return l.b.OpImm(ir.OpAdd, base, int64(p.off))
}

// A pointer keeps its address space in its type through variables, maps, tuples and casts. It is lost where an address was a number in
// between, in structs that were copied, and where a pointer is now of one space, now of the other. Such an address is read
// by the helpers that look at the address itself: below TASK_SIZE it is the process's (bpf_probe_read_compat_common,
// kernel/trace/bpf_trace.c). That is exact where the two spaces do not overlap, as on x86_64 and arm64.

// reader is how memory of an address space is read.
type reader struct {
	bytes, str asm.BuiltinFunc
	name       string // of the helper for bytes; that for strings has "_str" behind it
	what       string // for the message about a read that failed
}

func readerOf(space types.AddrSpace) reader {
	switch space {
	case types.SpaceUser:
		return reader{asm.FnProbeReadUser, asm.FnProbeReadUserStr, "probe_read_user", "user memory"}
	case types.SpaceNone:
		return reader{asm.FnProbeRead, asm.FnProbeReadStr, "probe_read", "memory"}
	}
	return reader{asm.FnProbeReadKernel, asm.FnProbeReadKernelStr, "probe_read_kernel", "kernel memory"} // BPF memory and the context are the kernel's, too
}

// helperSpace is the address space by which a helper reads a place.
func helperSpace(s types.AddrSpace) types.AddrSpace {
	if s == types.SpaceBPF || s == types.SpaceCtx {
		return types.SpaceKernel
	}
	return s
}

// numbersAreKernel says that a number which is used as a pointer to a struct of the kernel is taken for a kernel address, which direct loads can
// follow: they read 0 at an address of the process. In probes of programs and of system calls it is as likely
// one of the process.
func (l *lowerer) numbersAreKernel() bool {
	if l.prog.Kind.User {
		return false
	}
	for i := range l.prog.Targets {
		if ofSyscall(&l.prog.Targets[i]) {
			return false
		}
	}
	return true
}

// syscallFuncs are how the names of functions begin that get the arguments of system calls, underscores before it left out
// (include/linux/syscalls.h, arch/x86/include/asm/syscall_wrapper.h).
var syscallFuncs = []string{"sys_", "ksys_", "do_sys_", "se_sys_", "x64_sys_", "ia32_sys_", "arm64_sys_", "x32_compat_sys_", "compat_sys_"}

// ofSyscall says whether the arguments of a probe are, or lead to, those of a system call.
func ofSyscall(t *lang.Target) bool {
	name := strings.TrimLeft(t.Func, "_")
	for _, prefix := range syscallFuncs {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasSuffix(t.Category, "syscalls") || t.Category == "" && (t.Event == "sys_enter" || t.Event == "sys_exit")
}
