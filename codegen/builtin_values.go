package codegen

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// valueFuncs make a value of another.
var valueFuncs = map[string]callee{
	"clamp":        func(l *lowerer, c *ast.Call) operand { return l.clamp(c) },
	"find":         func(l *lowerer, c *ast.Call) operand { return l.find(c) },
	"path":         func(l *lowerer, c *ast.Call) operand { return l.path(c) },
	"signal_name":  func(l *lowerer, c *ast.Call) operand { return l.named(c) },
	"strerror":     func(l *lowerer, c *ast.Call) operand { return l.named(c) },
	"syscall_name": func(l *lowerer, c *ast.Call) operand { return l.named(c) },
	// is_err(pointer) is true of the last page of addresses: MAX_ERRNO is 4095 (include/linux/err.h).
	"is_err": func(l *lowerer, c *ast.Call) operand {
		return operand{typ: l.typeOf(c), val: l.b.Cmp(ir.UGe, l.numExpr(c.Args[0]), l.b.Const(-4095))}
	},
}

// named looks a number up in a table of names that user space has filled.
func (l *lowerer) named(c *ast.Call) operand {
	table := check.NameTable(c.Name, l.k.kernel.Arch)
	last := int64(table.Entries() - 1)
	name := "names_" + c.Name
	if l.k.ByName[name] == nil {
		l.k.Add(&layout.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: table.Size * table.Entries(), MaxEntries: 1, Init: table.Bytes()})
	}
	n := l.b.Ext(l.numExpr(c.Args[0]), 32, true)
	if check.NumberOf(c.Name, -1) == 1 {
		neg, end := l.fn.fn.NewBlock("negative"), l.fn.fn.NewBlock("number")
		abs := end.AddParam()
		l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLt, X: n, Y: l.b.Const(0),
			Then: ir.Edge{To: neg}, Else: ir.Edge{To: end, Args: []*ir.Value{n}}})
		l.b.At(neg)
		l.b.Jump(end, l.b.Op(ir.OpNeg, n))
		l.b.At(end)
		n = abs
	}
	n = l.b.OpImm(ir.OpAnd, l.limited(n, int(last)), last) // the last has no name
	addr := l.b.Op(ir.OpAdd, l.b.MapValue(name, 0), l.b.OpImm(ir.OpMul, n, int64(table.Size)))
	p := bpf(addr, 0)
	p.exact = true
	return operand{typ: l.typeOf(c), mem: p}
}

// clamp takes the nearer bound of a number that is not between two.
func (l *lowerer) clamp(c *ast.Call) operand {
	t := l.typeOf(c)
	var v [3]*ir.Value
	for i, e := range c.Args {
		v[i] = l.convert(l.numExpr(e), l.typeOf(e), t)
	}
	l.b.Pos = c.Pos
	less := ir.ULt
	if signed(t) {
		less = ir.SLt
	}
	low, high, end := l.newJoin("notlow"), l.newJoin("nothigh"), l.newJoin("clamped")
	below, above := l.newJoin("below"), l.newJoin("above")
	l.branch(less, v[0], v[1], below, low)
	l.land(below)
	l.jump(end, v[1])
	l.land(low)
	l.branch(less, v[2], v[0], above, high)
	l.land(above)
	l.jump(end, v[2])
	l.land(high)
	l.jump(end, v[0])
	if out := l.land(end); out != nil {
		return operand{typ: t, val: out[0]}
	}
	return operand{typ: t, val: l.b.Const(0)}
}

// find copies an element into a variable if there is one.
func (l *lowerer) find(c *ast.Call) operand {
	ref := c.Args[0].(*ast.MapRef)
	m := l.mapOf(ref)
	v := l.prog.Vars[c.Args[2].(*ast.Var)]
	if types.InMemory(v.Type) || l.inMemory(v) {
		l.varPlace(v) // here, where both paths have it
	}
	short := *c
	short.Args = c.Args[:2]
	key, release := l.elementOf(&short)
	addr := l.lookup(key)
	some, none, end := l.newJoin("found"), l.newJoin("none"), l.newJoin("looked")
	l.branch(ir.Ne, addr, l.b.Const(0), some, none)
	l.land(some)
	o := l.valueAt(m, bpf(addr, 0))
	if types.InMemory(v.Type) {
		l.storeOperand(l.varPlace(v), v.Type, o, l.padded[v])
	} else {
		l.putVar(v, l.convert(l.num(o), o.typ, v.Type))
	}
	l.jump(end, l.b.Const(1))
	l.land(none)
	l.jump(end, l.b.Const(0))
	found := l.land(end)
	release()
	if found == nil {
		return operand{typ: l.typeOf(c), val: l.b.Const(0)}
	}
	return operand{typ: l.typeOf(c), val: found[0]}
}

// path has the kernel write the path of a struct path, of which the verifier must know the type.
func (l *lowerer) path(c *ast.Call) operand {
	t := l.typeOf(c)
	p := l.temp("path", t.Size())
	l.zero(p, t.Size())
	l.needsOf(c, "path()", builtin.Find("path").Kernel)
	if object, f := l.iterObject(c.Args[0]); object != nil {
		l.livePath(c, p, object, f)
	} else {
		l.pathAt(c, p)
	}
	p.exact = false
	return operand{typ: t, mem: p}
}

// iterObject is the argument of an iterator, a pointer to a struct, that an expression begins with, nil if it does not: ctx.file in ctx.file.f_path.
func (l *lowerer) iterObject(e ast.Expr) (*ast.FieldExpr, types.Field) {
	if !l.prog.Kind.Nullable || l.prog.Args == nil {
		return nil, types.Field{}
	}
	switch x := e.(type) {
	case *ast.Unary:
		return l.iterObject(x.X)
	case *ast.FieldExpr:
		root, ok := x.X.(*ast.Ident)
		if !ok {
			return l.iterObject(x.X)
		}
		f, ok := l.prog.Args.Field(x.Name)
		if p, isPtr := f.Type.(types.Pointer); ok && isPtr && types.Is(p.Elem, types.KindStruct) && (root.Name == "ctx" || root.Name == "args") {
			return x, f
		}
	}
	return nil, types.Field{}
}

// livePath is pathAt for what is reached from an argument of an iterator, which may be NULL: then the path is empty.
func (l *lowerer) livePath(c *ast.Call, p place, object *ast.FieldExpr, f types.Field) {
	some, end := l.newJoin("object"), l.newJoin("path")
	v := l.b.Load(location.WordSize, l.ctx(), f.Offset)
	l.branch(ir.Ne, v, l.b.Const(0), some, end)
	l.land(some)
	l.liveAt, l.live = object, v
	l.pathAt(c, p)
	l.liveAt, l.live = nil, nil
	l.jump(end)
	l.land(end)
}

// pathAt writes the path of a struct path to p.
func (l *lowerer) pathAt(c *ast.Call, p place) {
	arg := c.Args[0]
	if u, ok := arg.(*ast.Unary); ok && u.Op == "&" {
		arg = u.X
	}
	o := l.expr(arg)
	l.b.Pos = c.Pos
	src := o.mem
	if types.Is(o.typ, types.KindPointer) {
		src = l.pointee(o)
	}
	if !src.typed || l.out.Type != ebpf.Tracing {
		l.fail(c, "path() can be used in fentry, fexit and iter probes, with what is reached from their arguments",
			"the kernel gives the path only of objects that the verifier knows, which this is not")
		return
	}
	ret := l.b.Helper(int(asm.FnDPath), false, l.addr(src), l.addr(p), l.b.Const(int64(l.typeOf(c).Size())))
	l.readFailure(ret, &layout.Site{Kind: layout.SiteRead, Pos: c.Pos, What: "path"})
}

// mapFuncs work on maps of the script.
var mapFuncs = map[string]callee{
	// delete(@m, key), delete(@m[key]) and delete(@m) take an element, or the value of a map without a key, away.
	"delete": func(l *lowerer, c *ast.Call) operand { return l.delete(c) },
	// has_key(@m, key) says whether there is an element.
	"has_key": func(l *lowerer, c *ast.Call) operand {
		key, release := l.elementOf(c)
		v := l.hasElem(key)
		release()
		return operand{typ: l.typeOf(c), val: v}
	},
	// len(@m) is the number of elements, len(stack) that of frames.
	"len": func(l *lowerer, c *ast.Call) operand {
		if types.Is(l.typeOf(c.Args[0]), types.KindStack) {
			return operand{typ: l.typeOf(c), val: l.stackLen(c)}
		}
		return operand{typ: l.typeOf(c), val: l.mapLen(c)}
	},
	// clear(@m) takes all elements away; user space does it.
	"clear": func(l *lowerer, c *ast.Call) operand { return l.mapEvent(c, layout.EventClear) },
	// zero(@m) sets all elements to 0; user space does it.
	"zero": func(l *lowerer, c *ast.Call) operand { return l.mapEvent(c, layout.EventZero) },
}

func (l *lowerer) mapEvent(c *ast.Call, kind layout.EventKind) operand {
	m := l.mapOf(c.Args[0].(*ast.MapRef))
	r := l.newRecord(c, &layout.Event{Kind: kind, Map: m}, nil)
	r.swap = l.k.Spec(m)
	l.send(r, ringWakeIdle)
	return nothing
}

// elementOf builds the key that f(@m, key) or f(@m[key]) names. release gives its memory back.
func (l *lowerer) elementOf(c *ast.Call) (key mapKey, release func()) {
	ref := c.Args[0].(*ast.MapRef)
	mk := l.mark()
	keys := ref.Keys
	if len(c.Args) > 1 {
		keys = c.Args[1:]
	}
	key = l.key(l.mapOf(ref), keys)
	l.b.Pos = c.Pos
	return key, func() { l.release(mk) }
}

// delete says whether there was something to delete.
func (l *lowerer) delete(c *ast.Call) operand {
	t, unused := l.typeOf(c), l.unused == c
	if ref := c.Args[0].(*ast.MapRef); l.mapOf(ref).Key == nil {
		return operand{typ: t, val: l.deleteGlobal(l.mapOf(ref))}
	}
	key, release := l.elementOf(c)
	key = l.placed(key)
	ret := l.b.Helper(int(asm.FnMapDeleteElem), false, key.kmap, l.addr(key.mem))
	release()
	l.forget(key.m)
	if unused {
		// Not "less than 0": see storeElem.
		l.countIf(ir.Ne, ret, &layout.Site{Kind: layout.SiteMissing, Pos: c.Pos, Map: key.m, Helper: "map_delete_elem"})
	}
	return operand{typ: t, val: l.b.Cmp(ir.Eq, ret, l.b.Const(0))}
}

// deleteGlobal clears a map without a key.
func (l *lowerer) deleteGlobal(m *lang.Map) *ir.Value {
	layout, size := l.k.Layout(m), l.k.Spec(m).ValueSize
	if half := l.k.Spec(m).Half; half > 0 {
		size = half
	}
	base := l.keyless(m)()
	if layout.Present < 0 {
		l.zero(bpf(base, 0), size)
		return l.b.Const(1)
	}
	was := l.b.Load(8, base, layout.Present)
	l.zero(bpf(base, 0), size)
	return was // setPresent stores 1
}

// mapLen counts elements: bpf_for_each_map_elem returns how many it went through.
func (l *lowerer) mapLen(c *ast.Call) *ir.Value {
	m := l.mapOf(c.Args[0].(*ast.MapRef))
	if m.Key == nil {
		if layout := l.k.Layout(m); layout.Present >= 0 {
			return l.b.Load(8, l.keyless(m)(), layout.Present)
		}
		return l.b.Const(1)
	}
	if !l.needsOf(c, "len of a map", builtin.Find(c.Name).Kernel) {
		return l.b.Const(0)
	}
	l.walkCost(m)
	name := l.callback(4, 3, func([]*ir.Value) {})
	s := l.k.Spec(m)
	var inUse *ir.Value
	if s.Second != nil {
		inUse = l.inUse(s)
	}
	n := l.forEach(s, inUse, name)
	if s.Short != nil {
		n = l.b.Op(ir.OpAdd, n, l.forEach(s.Short, inUse, name))
	}
	return n
}

// forEach calls bpf_for_each_map_elem, for a map that is kept twice with the instance that the word inUse stands for. There is a call
// for each: the kernel wants to know the map (set_map_elem_callback_state, kernel/bpf/verifier.c).
func (l *lowerer) forEach(s *layout.MapSpec, inUse *ir.Value, callback string) *ir.Value {
	call := func(kmap string) *ir.Value {
		return l.b.Helper(int(asm.FnForEachMapElem), false, l.b.MapPtr(kmap), l.b.FuncPtr(callback), l.envAddr(), l.b.Const(0))
	}
	if s.Second == nil {
		return call(s.Name)
	}
	return l.either(s, inUse, call)
}

// timeVars are clocks.
var timeVars = map[string]variable{
	// nsecs is the time since boot, suspended time included.
	"nsecs": func(l *lowerer, n source.Node, t types.Type) operand { return clocks[builtin.Clocks[0].Name](l, n, t) },
	// elapsed is the time since gotrace started.
	"elapsed": func(l *lowerer, _ source.Node, t types.Type) operand {
		now := l.b.Helper(int(asm.FnKtimeGetBootNs), false)
		return operand{typ: t, val: l.b.Op(ir.OpSub, now, l.global(layout.GlobalStartNS))}
	},
	// jiffies is the kernel's tick counter.
	"jiffies": func(l *lowerer, n source.Node, t types.Type) operand {
		l.needsOf(n, "jiffies", builtin.Find("jiffies").Kernel)
		return operand{typ: t, val: l.b.Helper(int(asm.FnJiffies64), false)}
	},
}

// clocks are the modes of nsecs(), one for each of builtin.Clocks.
var clocks = map[string]variable{
	"boot": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnKtimeGetBootNs), false)}
	},
	"monotonic": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnKtimeGetNs), false)}
	},
	"tai": func(l *lowerer, n source.Node, t types.Type) operand {
		l.needsOf(n, "nsecs(tai)", builtin.FindClock("tai").Kernel)
		return operand{typ: t, val: l.b.Helper(int(asm.FnKtimeGetTaiNs), false)}
	},
	"sw_tai": func(l *lowerer, _ source.Node, t types.Type) operand {
		now := l.b.Helper(int(asm.FnKtimeGetBootNs), false)
		return operand{typ: t, val: l.b.Op(ir.OpAdd, now, l.global(layout.GlobalTAI))}
	},
}

// timeFuncs are the functions of time.
var timeFuncs = map[string]callee{
	// nsecs(mode) reads another clock.
	"nsecs": func(l *lowerer, c *ast.Call) operand {
		mode := builtin.Clocks[0].Name
		if len(c.Args) > 0 {
			if id, ok := c.Args[0].(*ast.Ident); ok {
				mode = id.Name
			}
		}
		return clocks[mode](l, c, l.typeOf(c))
	},
	// strftime(format, ns) is the number; user space formats it.
	"strftime": func(l *lowerer, c *ast.Call) operand {
		return operand{typ: l.typeOf(c), val: l.numExpr(c.Args[1])}
	},
	// time(format) prints the time at which user space gets the event.
	"time": func(l *lowerer, c *ast.Call) operand {
		ev := &layout.Event{Kind: layout.EventTime, Format: "%H:%M:%S\n"}
		if len(c.Args) > 0 {
			ev.Format = l.text(c.Args[0])
		}
		l.send(l.newRecord(c, ev, nil), ringWakeIdle)
		return nothing
	},
}

// global reads a word of MapGlobals.
func (l *lowerer) global(off int) *ir.Value {
	l.k.usesGlo = true
	return l.b.Load(8, l.b.MapValue(layout.MapGlobals, 0), off)
}
