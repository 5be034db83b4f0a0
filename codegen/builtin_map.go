package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
)

// mapFuncs work on maps of the script.
var mapFuncs = map[string]callee{
	// delete(@m, key), delete(@m[key]) and delete(@m) take an element, or the value of a map without a key, away.
	"delete": func(l *lowerer, c *ast.Call) operand { return l.delete(c) },
	// has_key(@m, key) says whether there is an element.
	"has_key": func(l *lowerer, c *ast.Call) operand {
		key, release := l.elementOf(c)
		v := l.b.Cmp(ir.Ne, l.lookup(key), l.b.Const(0))
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
	t := l.typeOf(c)
	if ref := c.Args[0].(*ast.MapRef); l.mapOf(ref).Key == nil {
		return operand{typ: t, val: l.deleteGlobal(l.mapOf(ref))}
	}
	key, release := l.elementOf(c)
	ret := l.b.Helper(int(asm.FnMapDeleteElem), false, key.kmap, l.addr(key.mem))
	release()
	l.forget(key.m)
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
