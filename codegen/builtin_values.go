package codegen

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/check"
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
	n = l.b.OpImm(ir.OpAnd, l.atMost(n, int(last)), last) // the last has no name
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
	o := l.expr(c.Args[0])
	l.b.Pos = c.Pos
	src := o.mem
	if types.Is(o.typ, types.KindPointer) {
		src = l.pointee(o)
	}
	l.needsOf(c, "path()", builtin.Find("path").Kernel)
	if !src.typed || l.out.Type != ebpf.Tracing {
		l.fail(c, "path() can be used in fentry, fexit and iter probes, with what is reached from their arguments",
			"the kernel gives the path only of objects that the verifier knows, which this is not")
		return operand{typ: t, mem: p}
	}
	ret := l.b.Helper(int(asm.FnDPath), false, l.addr(src), l.addr(p), l.b.Const(int64(t.Size())))
	l.readFailure(ret, &layout.Site{Kind: layout.SiteRead, Pos: c.Pos, What: "path"})
	p.exact = false
	return operand{typ: t, mem: p}
}
