package codegen

import (
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// outputFuncs send something to user space.
var outputFuncs = map[string]callee{
	// printf(format, args…) prints text.
	"printf": func(l *lowerer, c *ast.Call) operand {
		ev := &layout.Event{Kind: layout.EventPrintf, Format: l.text(c.Args[0])}
		l.send(l.newRecord(c, ev, c.Args[1:]), ringWakeIdle)
		return nothing
	},
	// print(x) prints a value, an element of a map, or a whole map.
	"print": func(l *lowerer, c *ast.Call) operand { l.print(c); return nothing },
	// exit(code) ends the trace.
	"exit": func(l *lowerer, c *ast.Call) operand { l.exit(c); return nothing },
}

func (l *lowerer) print(c *ast.Call) {
	ref, ok := c.Args[0].(*ast.MapRef)
	switch {
	case ok && !ref.Indexed:
		ev := &layout.Event{Kind: layout.EventPrintMap, Map: l.mapOf(ref), Top: -1, Div: -1}
		for i, dst := range []*int64{&ev.Top, &ev.Div} {
			if len(c.Args) > i+1 {
				*dst = l.number(c.Args[i+1])
			}
		}
		l.send(l.newRecord(c, ev, nil), ringWakeIdle)
	case ok:
		l.printElem(c, ref)
	default:
		l.send(l.newRecord(c, &layout.Event{Kind: layout.EventPrint}, c.Args[:1]), ringWakeIdle)
	}
}

// printElem is print(@m[key]). Aggregations that are not one number, and all of them where the kernel cannot read
// another CPU's value or the map is kept twice, are left to user space.
func (l *lowerer) printElem(c *ast.Call, ref *ast.MapRef) {
	m := l.mapOf(ref)
	a, ok := m.Value.(types.Agg)
	if !ok || a.OneNumber() && l.k.kernel.AtLeast(5, 19) && l.k.Spec(m).Swap == 0 {
		l.send(l.newRecord(c, &layout.Event{Kind: layout.EventPrint}, c.Args[:1]), ringWakeIdle)
		return
	}
	mk := l.mark()
	key := l.keyPlace(m, ref.Keys)
	ev := &layout.Event{Kind: layout.EventPrintElem, Map: m, Names: []string{"key", m.Name}}
	ev.PlaceKey(l.k.Spec(m), a)
	l.send(l.announce(c, &record{ev: ev, what: c.Name, key: &key}), ringWakeIdle)
	l.release(mk)
}

// number is the value of a constant integer.
func (l *lowerer) number(e ast.Expr) int64 {
	c, ok := l.constOf(e)
	if !ok {
		l.fail(e, "", "the number must be a constant")
	}
	return int64(c.Int)
}

// exit tells user space, makes programs that start from now on do nothing, and ends this one.
func (l *lowerer) exit(c *ast.Call) {
	code := l.b.Const(0)
	if len(c.Args) > 0 {
		code = l.numExpr(c.Args[0])
	}
	l.k.usesGlo = true
	globals := l.b.MapValue(layout.MapGlobals, 0)
	l.b.Store(8, globals, layout.GlobalExitCode, code)
	l.b.Store(8, globals, layout.GlobalExiting, l.b.Const(layout.GlobalExit))
	r := l.newRecord(c, &layout.Event{Kind: layout.EventExit}, c.Args)
	for i := range c.Args {
		r.early[i] = &operand{typ: r.ev.Fields[i], val: code}
	}
	l.send(r, ringForceWakeup)
	l.leave()
}
