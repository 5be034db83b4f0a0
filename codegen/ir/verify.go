package ir

import "fmt"

// Verify checks that a program is well formed: every block ends, edges give each parameter its argument,
// every operand is defined on every path to its use, and sizes and counts are right. Tests run it between passes.
func Verify(p *Program) error {
	for _, f := range p.Funcs {
		if err := verifyFunc(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func verifyFunc(f *Func) error {
	if len(f.Blocks) == 0 {
		return fmt.Errorf("no blocks")
	}
	if n := len(f.Blocks[0].Params); n != f.Params {
		return fmt.Errorf("entry has %d parameters, not %d", n, f.Params)
	}
	known := map[*Block]bool{}
	for _, b := range f.Blocks {
		known[b] = true
	}
	defs := map[*Value]bool{}
	for _, b := range f.Blocks {
		if err := verifyBlock(f, b, known, defs); err != nil {
			return fmt.Errorf("%s: %w", b.label(), err)
		}
	}
	return verifyUses(f, defs)
}

func verifyBlock(f *Func, b *Block, known map[*Block]bool, defs map[*Value]bool) error {
	for _, list := range [][]*Value{b.Params, b.Values} {
		for _, v := range list {
			if defs[v] {
				return fmt.Errorf("%s is defined twice", v)
			}
			defs[v] = true
		}
	}
	for _, v := range b.Values {
		if err := verifyValue(f, v); err != nil {
			return fmt.Errorf("%s: %w", v.text(), err)
		}
	}
	if b.Term.Kind == TermNone {
		return fmt.Errorf("block has no end")
	}
	for _, e := range b.Edges() {
		if !known[e.To] {
			return fmt.Errorf("edge to a block that is not in the function")
		}
		if len(e.Args) != len(e.To.Params) {
			return fmt.Errorf("edge to %s has %d arguments for %d parameters", e.To.label(), len(e.Args), len(e.To.Params))
		}
	}
	return nil
}

func verifyValue(f *Func, v *Value) error {
	info := ops[v.Op]
	if v.Op == OpInvalid || v.Op == OpParam {
		return fmt.Errorf("not an operation")
	}
	if info.args >= 0 && len(v.Args) != info.args {
		return fmt.Errorf("%d arguments, not %d", len(v.Args), info.args)
	}
	if v.IsCall() && len(v.Args) > 5 {
		return fmt.Errorf("%d arguments: a call takes five", len(v.Args))
	}
	switch v.Op {
	case OpLoad, OpStore, OpAtomicAdd, OpAtomicFetch, OpXchg:
		if v.Size != 1 && v.Size != 2 && v.Size != 4 && v.Size != 8 {
			return fmt.Errorf("size %d", v.Size)
		}
	case OpSlot:
		if v.Slot == nil || v.Slot.ID >= len(f.Slots) || f.Slots[v.Slot.ID] != v.Slot {
			return fmt.Errorf("a slot of another function")
		}
		if int(v.Off) < 0 || int(v.Off) > v.Slot.Size {
			return fmt.Errorf("offset %d in a slot of %d bytes", v.Off, v.Slot.Size)
		}
	case OpCtx:
		if f.Params != 0 {
			return fmt.Errorf("the context is the main function's")
		}
	}
	return nil
}

// verifyUses checks that operands are defined before they are used, on every path: the set of values that
// are defined at a block's start is the intersection over the blocks before it.
func verifyUses(f *Func, defs map[*Value]bool) error {
	preds := map[*Block][]*Block{}
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			preds[e.To] = append(preds[e.To], b)
		}
	}
	out := map[*Block]map[*Value]bool{} // nil: not known yet, everything
	for changed := true; changed; {
		changed = false
		for i, b := range f.Blocks {
			in := map[*Value]bool{}
			if i > 0 {
				in = intersect(preds[b], out)
			}
			if in == nil {
				continue
			}
			for _, v := range b.Params {
				in[v] = true
			}
			for _, v := range b.Values {
				in[v] = true
			}
			if old, ok := out[b]; !ok || len(old) != len(in) {
				out[b], changed = in, true
			}
		}
	}
	for i, b := range f.Blocks {
		in := map[*Value]bool{}
		if i > 0 {
			in = intersect(preds[b], out)
		}
		if in == nil {
			continue // not reachable
		}
		if err := verifyBlockUses(b, in, defs); err != nil {
			return fmt.Errorf("%s: %w", b.label(), err)
		}
	}
	return nil
}

func intersect(preds []*Block, out map[*Block]map[*Value]bool) map[*Value]bool {
	var in map[*Value]bool
	for _, p := range preds {
		o, ok := out[p]
		if !ok {
			continue
		}
		if in == nil {
			in = make(map[*Value]bool, len(o))
			for v := range o {
				in[v] = true
			}
			continue
		}
		for v := range in {
			if !o[v] {
				delete(in, v)
			}
		}
	}
	return in
}

func verifyBlockUses(b *Block, have map[*Value]bool, defs map[*Value]bool) error {
	use := func(at fmt.Stringer, a *Value) error {
		if have[a] {
			return nil
		}
		if !defs[a] {
			return fmt.Errorf("%s uses %s, which is not in the function", at, a)
		}
		return fmt.Errorf("%s uses %s, which is not defined on every path to it", at, a)
	}
	for _, v := range b.Params {
		have[v] = true
	}
	for _, v := range b.Values {
		for _, a := range v.Args {
			if err := use(v, a); err != nil {
				return err
			}
		}
		have[v] = true
	}
	var err error
	b.Term.Operands(func(a *Value) {
		if e := use(termName{}, a); e != nil && err == nil {
			err = e
		}
	})
	return err
}

type termName struct{}

func (termName) String() string { return "the block's end" }
