package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// hints knows which registers save a copy of a value: those of arguments and results of calls, and those of the values it
// is copied to or from (block parameters, first operands).
type hints struct {
	fixed [][]int       // registers, by value id
	like  [][]*ir.Value // values that should have the same register
	reg   []int         // the register of each value that has had one, -1 for none
}

func newHints(f *ir.Func) *hints {
	h := &hints{fixed: make([][]int, f.Values()), like: make([][]*ir.Value, f.Values()), reg: make([]int, f.Values())}
	for i := range h.reg {
		h.reg[i] = inMemory
	}
	for i, p := range f.Blocks[0].Params {
		h.fix(p, i+1)
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			h.operation(v)
		}
		for _, e := range b.Edges() {
			for i, a := range e.Args {
				h.pair(e.To.Params[i], a)
			}
		}
		if b.Term.Kind == ir.TermReturn {
			h.fix(b.Term.X, 0)
		}
	}
	return h
}

// maxHints is how many hints of a kind a value has at most: more would cost time for each of its many copies.
const maxHints = 16

func (h *hints) fix(v *ir.Value, reg int) {
	if len(h.fixed[v.ID]) < maxHints {
		h.fixed[v.ID] = append(h.fixed[v.ID], reg)
	}
}

func (h *hints) pair(x, y *ir.Value) {
	h.pairOne(x, y)
	h.pairOne(y, x)
}

func (h *hints) pairOne(x, y *ir.Value) {
	if len(h.like[x.ID]) < maxHints {
		h.like[x.ID] = append(h.like[x.ID], y)
	}
}

func (h *hints) operation(v *ir.Value) {
	switch {
	case v.IsCall():
		for i, a := range v.Args {
			h.fix(a, i+1)
		}
		h.fix(v, 0)
	case v.Op == ir.OpCtx:
		h.fix(v, 1)
	case v.Op == ir.OpAtomicFetch || v.Op == ir.OpXchg:
		h.pair(v, v.Args[1])
	case v.HasResult() && len(v.Args) > 0 && v.Op != ir.OpLoad && v.Op != ir.OpCmp:
		h.pair(v, v.Args[0])
		if commutes(v.Op) && argNeed(v, 1) != inPlace {
			h.pair(v, v.Args[1])
		}
	}
}

// placed notes the register that a part of a value got.
func (h *hints) placed(it *interval) { h.reg[it.value.ID] = it.reg }

// of are the registers that would save a copy, the best first: the register in which a call wants the value is worth
// more than that of another value.
func (h *hints) of(it *interval) []int {
	id := it.value.ID
	out := h.fixed[id]
	out = out[:len(out):len(out)]
	for _, x := range h.like[id] {
		if r := h.reg[x.ID]; r >= 0 {
			out = append(out, r)
		}
		if x.Op == ir.OpParam { // the value of another edge to the same parameter
			for _, y := range h.like[x.ID] {
				if r := h.reg[y.ID]; r >= 0 && y != it.value {
					out = append(out, r)
				}
			}
		}
		if h.reg[x.ID] < 0 {
			out = append(out, h.fixed[x.ID]...)
		}
	}
	return out
}

// order is all registers, those that save a copy first.
func (h *hints) order(it *interval) []int {
	out := h.of(it)
	for r := range numRegs {
		out = append(out, r)
	}
	return out
}
