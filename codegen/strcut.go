package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// markCut looks at the byte that comes after a string of size-1 bytes, for which there was room. If the string goes on,
// that byte takes the place of the NUL: a field without one is shown with a trailer. The cut is counted.
func (l *lowerer) markCut(dst place, size int, n, src *ir.Value, space types.AddrSpace, pos source.Pos) {
	full, cut, done := l.fn.fn.NewBlock("full"), l.fn.fn.NewBlock("cut"), l.fn.fn.NewBlock("whole")
	l.b.BranchUnlikely(ir.Eq, n, l.b.Const(int64(size)), full, done)
	l.b.At(full)
	last := dst.at(size - 1)
	// A failure leaves a zero: the string ends where its memory does.
	l.b.Helper(int(readerOf(space).bytes), false, l.addr(last), l.b.Const(1), l.b.OpImm(ir.OpAdd, src, int64(size-1)))
	l.b.BranchUnlikely(ir.Ne, l.b.Load(1, last.base, last.off), l.b.Const(0), cut, done)
	l.b.At(cut)
	l.countFailure(&layout.Site{Kind: layout.SiteTrunc, Pos: pos, What: "str"})
	l.b.Jump(done)
	l.b.At(done)
}

// copyCut copies the last byte of a string that fills its field: it is no NUL if the string was cut (see markCut). The helper reads it,
// because a shorter string leaves that byte of its field unwritten, which the verifier refuses to load from the stack.
func (l *lowerer) copyCut(dst, src place, size int, n *ir.Value) {
	full, done := l.fn.fn.NewBlock("full"), l.fn.fn.NewBlock("copied")
	l.b.BranchUnlikely(ir.Eq, n, l.b.Const(int64(size)), full, done)
	l.b.At(full)
	last := dst.at(size - 1)
	l.b.Helper(int(asm.FnProbeReadKernel), false, l.addr(last), l.b.Const(1), l.scalarAddr(src.at(size-1)))
	l.b.Jump(done)
	l.b.At(done)
}
