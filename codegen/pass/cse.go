package pass

import "github.com/gotrace/gotrace/codegen/ir"

// key is what makes two operations equal.
type key struct {
	op   ir.Op
	a    [5]int // ids of the arguments, -1 for none
	imm  int64
	off  int32
	size uint8
	cond ir.Cond
	w32  bool
	slot int
	sym  string
}

func keyOf(v *ir.Value) key {
	k := key{op: v.Op, a: [5]int{-1, -1, -1, -1, -1}, imm: v.Imm, off: v.Off, size: v.Size, cond: v.Cond, w32: v.W32, slot: -1, sym: v.Sym}
	for i, a := range v.Args {
		k.a[i] = a.ID
	}
	if commutes(v.Op) && k.a[0] > k.a[1] {
		k.a[0], k.a[1] = k.a[1], k.a[0]
	}
	if v.Slot != nil {
		k.slot = v.Slot.ID
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

// cse removes operations that were done before, in the same block or one that dominates it.
func cse(f *ir.Func, _ *Options) {
	idom, rpo := dominators(f)
	tables := make([]map[key]*ir.Value, f.BlockIDs())
	r := replacements{}
	for _, b := range rpo {
		table := map[key]*ir.Value{}
		tables[b.ID] = table
		kept := b.Values[:0]
		for _, v := range b.Values {
			r.args(v.Args)
			if !v.Mergeable() {
				kept = append(kept, v)
				continue
			}
			k := keyOf(v)
			if old := lookup(tables, idom, b, k); old != nil {
				r[v] = old
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

// lookup finds an equal operation in a block or one of its dominators.
func lookup(tables []map[key]*ir.Value, idom []*ir.Block, b *ir.Block, k key) *ir.Value {
	for {
		if v := tables[b.ID][k]; v != nil {
			return v
		}
		if idom[b.ID] == b {
			return nil
		}
		b = idom[b.ID]
	}
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
	params := map[*ir.Value]func(func(*ir.Value)){}
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			for i, p := range e.To.Params {
				arg, prev := e.Args[i], params[p]
				params[p] = func(f func(*ir.Value)) {
					f(arg)
					if prev != nil {
						prev(f)
					}
				}
			}
		}
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
		if args := params[v]; args != nil {
			args(need)
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
