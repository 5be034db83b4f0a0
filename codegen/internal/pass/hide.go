package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang/source"
)

// manyBranches is how many branches make a function one in which control-flow paths are too many for the verifier.
const manyBranches = 16

// ManyBranches says that the verifier must be kept from telling apart the control-flow paths of a function by what its
// branches say about numbers.
func ManyBranches(f *ir.Func) bool {
	n := 0
	for _, b := range f.Blocks {
		if b.Term.Kind == ir.TermBranch {
			n++
		}
		for _, v := range b.Values {
			if v.Op == ir.OpCmp {
				n++
			}
		}
	}
	return n > manyBranches
}

// hide makes comparisons look at copies of numbers that are used again later. A comparison tells the verifier more about its operands:
// behind `if (pid == 7)` it has a state in which pid is 7 and one in which it is not, and checks all that follows for both,
// once more for every such comparison. Of the copy's origin it knows nothing: it follows moves, but no exclusive or.
func hide(f *ir.Func, _ *Options) {
	if !ManyBranches(f) {
		return
	}
	h := &hider{f: f, uses: useCounts(f)}
	var pointers []bool
	h.scalars, pointers = UnknownScalars(f)
	for id, is := range pointers {
		h.scalars[id] = h.scalars[id] && !is // a pointer that is only tried: no arithmetic before it is compared with 0
	}
	h.zero = f.NewValue(ir.OpConst)
	for _, b := range f.Blocks {
		h.block(b)
	}
	if h.used {
		entry := f.Blocks[0]
		h.zero.Block = entry
		entry.Values = append([]*ir.Value{h.zero}, entry.Values...)
	}
}

type hider struct {
	f       *ir.Func
	uses    []int  // by value id
	scalars []bool // by value id: see UnknownScalars
	zero    *ir.Value
	used    bool
}

func (h *hider) block(b *ir.Block) {
	var out []*ir.Value
	copyOf := func(x *ir.Value, pos *source.Pos) *ir.Value {
		if x.Op == ir.OpConst || x.ID >= len(h.scalars) || !h.scalars[x.ID] || h.uses[x.ID] < 2 && !fromFrame(x) {
			return x
		}
		c := h.f.NewValue(ir.OpXor, x, h.zero)
		c.Block, c.Pos = b, pos
		out = append(out, c)
		h.used = true
		return c
	}
	for _, v := range b.Values {
		if v.Op == ir.OpCmp {
			for i, x := range v.Args {
				v.Args[i] = copyOf(x, v.Pos)
			}
		}
		out = append(out, v)
	}
	if t := &b.Term; t.Kind == ir.TermBranch {
		t.X, t.Y = copyOf(t.X, t.Pos), copyOf(t.Y, t.Pos)
	}
	b.Values = out
}

// fromFrame says that a value may come from the stack: what the verifier learns about it holds for the word that it was loaded
// from, too.
func fromFrame(v *ir.Value) bool {
	return v.Op == ir.OpLoad && v.Args[0].Op != ir.OpMapValue
}
