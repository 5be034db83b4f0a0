package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

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

// text is the value of a constant string.
func (l *lowerer) text(e ast.Expr) string {
	if c, ok := l.constOf(e); ok && c.Str != nil {
		return *c.Str
	}
	if s, ok := e.(*ast.StrLit); ok {
		return s.Value
	}
	l.fail(e, "", "the string must be a constant")
	return ""
}
