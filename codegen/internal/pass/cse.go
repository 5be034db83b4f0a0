package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// key is what makes two operations equal.
type key struct {
	sym  string
	imm  int64
	a    [5]int32 // ids of the arguments, -1 for none
	off  int32
	slot int32
	op   ir.Op
	size uint8
	cond ir.Cond
	w32  bool
}

func keyOf(v *ir.Value) key {
	k := key{op: v.Op, a: [5]int32{-1, -1, -1, -1, -1}, imm: v.Imm, off: v.Off, size: v.Size, cond: v.Cond, w32: v.W32, slot: -1, sym: v.Sym}
	for i, a := range v.Args {
		k.a[i] = int32(a.ID)
	}
	if commutes(v.Op) && k.a[0] > k.a[1] {
		k.a[0], k.a[1] = k.a[1], k.a[0]
	}
	if v.Slot != nil {
		k.slot = int32(v.Slot.ID)
	}
	return k
}

func commutes(op ir.Op) bool {
	switch op {
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor:
		return true
	}
	return false
}

// cse removes operations that were done before, in the same block or one that dominates it. It goes through the tree of
// dominators from the top, so that all blocks below a block follow on it: the last equal operation that was
// met is the only one that can be in a dominator.
func cse(f *ir.Func, o *Options) {
	tree := newDomTree(f)
	table := map[key]*ir.Value{}
	r := &replacements{f: f}
	for _, b := range tree.order {
		kept := b.Values[:0]
		for _, v := range b.Values {
			r.args(v.Args)
			if !v.Mergeable() {
				kept = append(kept, v)
				continue
			}
			k := keyOf(v)
			if old := table[k]; old != nil && tree.dominates(old.Block, b) && (!o.Short || old.Block == b) {
				r.put(v, old)
				continue
			}
			table[k] = v
			kept = append(kept, v)
		}
		b.Values = kept
		r.term(&b.Term)
	}
	r.apply(f)
}

// dce removes operations whose result nobody uses and that change nothing.
func dce(f *ir.Func, _ *Options) {
	live := make([]bool, f.Values())
	var work []*ir.Value
	need := func(v *ir.Value) {
		if !live[v.ID] {
			live[v.ID] = true
			work = append(work, v)
		}
	}
	args := edgeArguments(f)
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.HasEffect() {
				need(v)
			}
		}
		if b.Term.X != nil {
			need(b.Term.X)
		}
		if b.Term.Y != nil {
			need(b.Term.Y)
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, a := range v.Args {
			need(a)
		}
		for _, a := range args[v] {
			need(a)
		}
	}
	sweep(f, live)
}

// sweep removes what is not live: values, and block parameters with their arguments.
func sweep(f *ir.Func, live []bool) {
	for _, b := range f.Blocks {
		kept := b.Values[:0]
		for _, v := range b.Values {
			if live[v.ID] {
				kept = append(kept, v)
			}
		}
		b.Values = kept
		for _, e := range b.Edges() {
			args := e.Args[:0:0]
			for i, p := range e.To.Params {
				if live[p.ID] || e.To == f.Blocks[0] {
					args = append(args, e.Args[i])
				}
			}
			e.Args = args
		}
	}
	for _, b := range f.Blocks[1:] {
		kept := b.Params[:0]
		for _, p := range b.Params {
			if live[p.ID] {
				kept = append(kept, p)
			}
		}
		b.Params = kept
	}
}
