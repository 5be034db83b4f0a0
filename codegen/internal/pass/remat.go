package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// remat makes what is cheap to compute (constants, addresses of slots and maps) anew in each block that needs it in a
// register, and again after each call: one instruction costs less than a register that calls keep. Operands that
// instructions hold themselves, or that are made straight where a call or an edge wants them, need none.
func remat(f *ir.Func, _ *Options) {
	for _, b := range f.Blocks {
		r := &rematerializer{f: f, b: b}
		r.block()
	}
}

type rematerializer struct {
	f      *ir.Func
	b      *ir.Block
	out    []*ir.Value
	copies map[*ir.Value]*ir.Value // since the last call
}

func (r *rematerializer) block() {
	r.copies = map[*ir.Value]*ir.Value{}
	for _, v := range r.b.Values {
		for i, a := range v.Args {
			v.Args[i] = r.operand(a, argNeed(v, i))
		}
		r.out = append(r.out, v)
		switch {
		case v.IsCall():
			r.copies = map[*ir.Value]*ir.Value{}
		case v.Remat():
			r.copies[v] = v
		}
	}
	t := &r.b.Term
	if t.Kind == ir.TermBranch {
		t.X = r.operand(t.X, inReg)
		if !compareImm(t.Y) {
			t.Y = r.operand(t.Y, inReg)
		}
	}
	r.b.Values = r.out
}

// operand is what to use in the place of a.
func (r *rematerializer) operand(a *ir.Value, n need) *ir.Value {
	if !a.Remat() || n == anywhere || n == inPlace {
		return a
	}
	c := r.copies[a]
	if c == nil {
		c = r.f.NewValue(a.Op)
		c.Imm, c.Off, c.Slot, c.Sym, c.Pos, c.Block = a.Imm, a.Off, a.Slot, a.Sym, a.Pos, r.b
		r.copies[a] = c
		r.out = append(r.out, c)
	}
	return c
}
