package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// manyPending is how many branches make a function one in which the verifier may find too many: it follows no more than 8192 in a row
// (BPF_COMPLEXITY_LIMIT_JMP_SEQ, kernel/bpf/verifier.c).
const manyPending = 2048

// straight makes arithmetic of branches that only count: `if (x != 0) { counter += 1; }` becomes `counter += (x | -x) >> 63`. Functions
// with fewer branches keep them: an addition to memory that other CPUs use costs more than a branch that is never taken.
func straight(f *ir.Func, _ *Options) { straightFrom(f, manyPending) }

// straightFrom does that in a function with more than limit branches.
func straightFrom(f *ir.Func, limit int) {
	branches := 0
	for _, b := range f.Blocks {
		if b.Term.Kind == ir.TermBranch {
			branches++
		}
	}
	if branches <= limit {
		return
	}
	preds := predecessors(f)
	for _, b := range f.Blocks {
		if t := &b.Term; t.Kind == ir.TermBranch && t.Y.IsConst(0) && preds[t.Then.To.ID] == 1 {
			countStraight(b)
		}
	}
}

// countStraight does that in a block that branches to one that only counts.
func countStraight(b *ir.Block) {
	counts := b.Term.Then.To
	add := onlyCounts(counts)
	if add == nil || !sameEdge(&counts.Term.Then, &b.Term.Else) {
		return
	}
	bit := truthBit(b, add)
	if bit == nil {
		return
	}
	for _, v := range counts.Values {
		v.Block = b
	}
	b.Values = append(b.Values, counts.Values...)
	add.Args[1] = bit
	counts.Values = nil
	b.Term = ir.Term{Kind: ir.TermJump, Then: b.Term.Else, Pos: b.Term.Pos}
}

// onlyCounts is the addition of one to memory that is all that a block does, but for computing where, nil if it does anything else.
func onlyCounts(b *ir.Block) *ir.Value {
	if len(b.Params) > 0 || b.Term.Kind != ir.TermJump {
		return nil
	}
	var add *ir.Value
	for _, v := range b.Values {
		switch {
		case v.Op == ir.OpAtomicAdd && add == nil && inMapValue(v.Args[0]) && v.Args[1].IsConst(1):
			add = v
		case v.Mergeable() && !v.IsCall():
		default:
			return nil
		}
	}
	return add
}

// inMapValue says whether an address is in the value of a map, wherever the branch goes: at an offset that is known, or one that a mask limits.
func inMapValue(x *ir.Value) bool {
	if x.Op == ir.OpAdd && x.Args[1].Op == ir.OpAnd && x.Args[1].Args[1].Op == ir.OpConst {
		x = x.Args[0]
	}
	return x.Op == ir.OpMapValue
}

func sameEdge(a, b *ir.Edge) bool {
	if a.To != b.To {
		return false
	}
	for i, x := range a.Args {
		if b.Args[i] != x {
			return false
		}
	}
	return true
}

// truthBit adds to a block what is 1 if its branch is taken, and 0 if not. It is nil for comparisons that have no short way.
func truthBit(b *ir.Block, like *ir.Value) *ir.Value {
	add := func(op ir.Op, args ...*ir.Value) *ir.Value {
		v := b.Func.NewValue(op, args...)
		v.Block, v.Pos = b, like.Pos
		b.Values = append(b.Values, v)
		return v
	}
	x := b.Term.X
	switch b.Term.Cond {
	case ir.Ne:
		x = add(ir.OpOr, x, add(ir.OpNeg, x)) // negative, if it is not 0
	case ir.SLt:
	default:
		return nil
	}
	shift := add(ir.OpConst)
	shift.Imm = 63
	return add(ir.OpLShr, x, shift)
}
