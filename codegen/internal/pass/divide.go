package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// divide replaces signed divisions on kernels that have no instruction for them (before 6.6): the magnitudes are
// divided and the sign is put back, without a branch. With s = x>>63 (all ones if x is negative), |x| = (x^s) - s.
// 0 as divisor and the smallest number by -1 come out as eBPF's own signed division has them.
func divide(f *ir.Func, o *Options) {
	if o.atLeast(6, 6) {
		return
	}
	r := &replacements{f: f}
	for _, b := range f.Blocks {
		old := b.Values
		b.Values = make([]*ir.Value, 0, len(old))
		for _, v := range old {
			r.args(v.Args)
			if v.Op != ir.OpSDiv && v.Op != ir.OpSMod {
				b.Values = append(b.Values, v)
				continue
			}
			r.put(v, divideSigned(f, b, v))
		}
		r.term(&b.Term)
	}
	r.apply(f)
}

func divideSigned(f *ir.Func, b *ir.Block, v *ir.Value) *ir.Value {
	add := func(op ir.Op, args ...*ir.Value) *ir.Value {
		n := f.NewValue(op, args...)
		n.Pos, n.Block = v.Pos, b
		b.Values = append(b.Values, n)
		return n
	}
	x, y := v.Args[0], v.Args[1]
	shift := add(ir.OpConst)
	shift.Imm = 63
	sx, sy := add(ir.OpAShr, x, shift), add(ir.OpAShr, y, shift)
	ax := add(ir.OpSub, add(ir.OpXor, x, sx), sx)
	ay := add(ir.OpSub, add(ir.OpXor, y, sy), sy)
	if v.Op == ir.OpSMod {
		m := add(ir.OpUMod, ax, ay) // the sign is the dividend's
		return add(ir.OpSub, add(ir.OpXor, m, sx), sx)
	}
	s := add(ir.OpXor, sx, sy)
	q := add(ir.OpUDiv, ax, ay)
	return add(ir.OpSub, add(ir.OpXor, q, s), s)
}
