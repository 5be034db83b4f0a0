package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
)

// `print(@x); clear(@x)` must lose nothing of what other CPUs add between the two. A map that a script both prints and clears (or
// zeroes) while other probes run is therefore kept twice, and a word in MapGlobals says which of the two instances
// programs use. User space swaps them when it prints, waits until no program uses the old instance, prints that one, and
// empties it at the clear() that follows. See docs/architecture.md.

// inUse is the word that says which instance programs use.
func (l *lowerer) inUse(s *layout.MapSpec) *ir.Value {
	return l.b.Load(8, l.b.MapValue(layout.MapGlobals, layout.SwapOffset(s.Swap)), layout.SwapInUse)
}

// keyless returns what gives the address of the value, or of the values of all CPUs, of a map without a key. All addresses
// from one call of keyless are in the same instance.
func (l *lowerer) keyless(m *lang.Map) func() *ir.Value {
	s := l.k.Spec(m)
	if s.Swap == 0 {
		return func() *ir.Value { return l.b.MapValue(s.In, s.Offset) }
	}
	half := l.b.OpImm(ir.OpAnd, l.inUse(s), int64(s.Half))
	base := l.b.Op(ir.OpAdd, l.b.MapValue(s.In, s.Offset), half)
	return func() *ir.Value { return base }
}

// kernelMap is the kernel map that has the elements of a map with keys.
func (l *lowerer) kernelMap(s *layout.MapSpec) *ir.Value {
	if s.Second == nil {
		return l.b.MapPtr(s.Name)
	}
	return l.either(s, l.inUse(s), func(name string) *ir.Value { return l.b.MapPtr(name) })
}

// either gives the result of do for the instance of a map with keys that the word inUse stands for.
func (l *lowerer) either(s *layout.MapSpec, inUse *ir.Value, do func(name string) *ir.Value) *ir.Value {
	f := l.fn.fn
	first, second, end := f.NewBlock("first"), f.NewBlock("second"), f.NewBlock("instance")
	res := end.AddParam()
	l.b.Branch(ir.Eq, inUse, l.b.Const(0), first, second)
	l.b.At(first)
	l.b.Jump(end, do(s.Name))
	l.b.At(second)
	l.b.Jump(end, do(s.Second.Name))
	l.b.At(end)
	return res
}

// askSwap notes that a record asks user space to empty a map; it is sent right after that.
func (l *lowerer) askSwap(s *layout.MapSpec) {
	if s.Swap != 0 {
		l.b.Atomic(ir.OpAtomicAdd, 8, l.b.MapValue(layout.MapGlobals, layout.SwapOffset(s.Swap)+layout.SwapAsked), 0, l.b.Const(1))
	}
}
