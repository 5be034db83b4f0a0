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

// effectFuncs change what is traced.
var effectFuncs = map[string]callee{
	// signal(signal) sends one to the process, signal_thread(signal) to the thread.
	"signal":        func(l *lowerer, c *ast.Call) operand { return l.signal(c, asm.FnSendSignal) },
	"signal_thread": func(l *lowerer, c *ast.Call) operand { return l.signal(c, asm.FnSendSignalThread) },
	// override(value) ends the traced function before it has begun.
	"override": func(l *lowerer, c *ast.Call) operand {
		value := l.numExpr(c.Args[0])
		l.b.Helper(int(asm.FnOverrideReturn), false, l.ctx(), value)
		return nothing
	},
	// write_user(target, source, length) writes to the process's memory.
	"write_user": func(l *lowerer, c *ast.Call) operand { return l.writeUser(c) },
}

// signal sends a signal. Numbers that are none are counted, and so is what the kernel does not send.
func (l *lowerer) signal(c *ast.Call, helper asm.BuiltinFunc) operand {
	l.needsOf(c, c.Name+"()", builtin.Find(c.Name).Kernel)
	if k, ok := l.constOf(c.Args[0]); ok && k.Str != nil {
		l.sendSignal(c, helper, l.b.Const(int64(lang.SignalNumber(*k.Str))))
		return nothing
	}
	n := l.numExpr(c.Args[0])
	if n.Op == ir.OpConst {
		l.sendSignal(c, helper, n)
		return nothing
	}
	wrong, right, end := l.newJoin("none"), l.newJoin("signal"), l.newJoin("sent")
	l.branch(ir.UGt, l.b.OpImm(ir.OpSub, n, 1), l.b.Const(lang.MaxSignal-1), wrong, right)
	l.land(wrong)
	l.countFailure(&layout.Site{Kind: layout.SiteSignal, Pos: c.Pos, What: c.Name + "()"})
	l.jump(end)
	l.land(right)
	l.sendSignal(c, helper, n)
	l.jump(end)
	l.land(end)
	return nothing
}

func (l *lowerer) sendSignal(c *ast.Call, helper asm.BuiltinFunc, n *ir.Value) {
	l.readFailure(l.b.Helper(int(helper), false, n), &layout.Site{Kind: layout.SiteCall, Pos: c.Pos, What: c.Name + "()", Helper: effectHelpers[c.Name]})
}

// effectHelpers are the names of the helpers that can fail.
var effectHelpers = map[string]string{"signal": "send_signal", "signal_thread": "send_signal_thread", "write_user": "probe_write_user"}

// writeUser copies what is written to memory of the program's own, and from there to the process. What fails is counted where the
// script does not ask.
func (l *lowerer) writeUser(c *ast.Call) operand {
	unused := l.unused == c
	dst := l.numExpr(c.Args[0])
	m := l.mark()
	n, size, bound := l.writeLength(c)
	src := l.written(c.Args[1], n, size)
	end := l.newJoin("written")
	if bound != nil {
		bad, good := l.newJoin("toolong"), l.newJoin("write")
		l.branch(ir.UGt, l.b.OpImm(ir.OpSub, bound, 1), l.b.Const(int64(size-1)), bad, good)
		l.land(bad)
		l.jump(end, l.b.Const(-1))
		l.land(good)
	}
	l.jump(end, l.b.Helper(int(asm.FnProbeWriteUser), false, dst, l.addr(src), n))
	ret := l.land(end)[0]
	l.release(m)
	if unused {
		l.readFailure(ret, &layout.Site{Kind: layout.SiteCall, Pos: c.Pos, What: c.Name + "()", Helper: effectHelpers[c.Name]})
	}
	return operand{typ: l.typeOf(c), val: l.b.Cmp(ir.Eq, ret, l.b.Const(0))}
}

// writeLength is how many bytes are written, at most size of them; bound is what the script asks for where only the run tells.
func (l *lowerer) writeLength(c *ast.Call) (n *ir.Value, size int, bound *ir.Value) {
	size = l.k.checked.Config.MaxStrlen
	if t := l.typeOf(c.Args[1]); types.InMemory(t) {
		size = t.Size()
	}
	if k, ok := l.constOf(c.Args[2]); ok {
		return l.b.Const(int64(k.Int)), int(k.Int), nil
	}
	bound = l.numExpr(c.Args[2])
	// The helper takes no size that may be 0: what is bounded is one less.
	return l.b.OpImm(ir.OpAdd, l.atMost(l.b.OpImm(ir.OpSub, bound, 1), size-1), 1), size, bound
}

// written is what is written, n bytes of it and no more than size, in memory of the program's own.
func (l *lowerer) written(e ast.Expr, n *ir.Value, size int) place {
	o := l.expr(e)
	if types.InMemory(o.typ) {
		return l.exactOperand(l.materialize(o), o.typ)
	}
	dst := l.temp("written", size)
	from := l.pointee(o)
	l.readMemN(dst, n, l.plainAddr(from), from.space)
	return dst
}
