package ir

import (
	"fmt"
	"slices"
)

// Verify checks that a program is well formed: every block ends, edges give each parameter its argument,
// every operand is defined on every path to its use, and sizes and counts are right. Tests run it between passes.
func Verify(p *Program) error {
	names := map[string]bool{}
	for _, f := range p.Funcs {
		if names[f.Name] {
			return fmt.Errorf("%s is there twice", f.Name)
		}
		names[f.Name] = true
	}
	for _, f := range p.Funcs {
		if err := VerifyFunc(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, b := range f.Blocks {
			for _, v := range b.Values {
				if v.Op == OpFuncPtr && !names[v.Sym] {
					return fmt.Errorf("%s: %s: no such function", f.Name, v.text())
				}
			}
		}
	}
	return nil
}

// maxArgs is how many arguments calls and callbacks take: R1 to R5.
const maxArgs = 5

// VerifyFunc checks one function; see Verify.
func VerifyFunc(f *Func) error {
	if len(f.Blocks) == 0 {
		return fmt.Errorf("no blocks")
	}
	if n := len(f.Blocks[0].Params); n != f.Params || n > maxArgs {
		return fmt.Errorf("entry has %d parameters, the function %d of at most %d", n, f.Params, maxArgs)
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
	if err := verifyTerm(&b.Term); err != nil {
		return err
	}
	for _, e := range b.Edges() {
		if !known[e.To] {
			return fmt.Errorf("edge to a block that is not in the function")
		}
		if e.To == f.Blocks[0] {
			return fmt.Errorf("edge to the entry")
		}
		if len(e.Args) != len(e.To.Params) {
			return fmt.Errorf("edge to %s has %d arguments for %d parameters", e.To.label(), len(e.Args), len(e.To.Params))
		}
	}
	return nil
}

func verifyTerm(t *Term) error {
	switch t.Kind {
	case TermNone:
		return fmt.Errorf("block has no end")
	case TermBranch:
		if t.X == nil || t.Y == nil || !t.Cond.valid() {
			return fmt.Errorf("branch without operands or comparison")
		}
	case TermReturn:
		if t.X == nil {
			return fmt.Errorf("return of nothing")
		}
	}
	return nil
}

func verifyValue(f *Func, v *Value) error {
	if int(v.Op) >= len(ops) || ops[v.Op].name == "" || v.Op == OpInvalid || v.Op == OpParam {
		return fmt.Errorf("not an operation")
	}
	info := ops[v.Op]
	if info.args >= 0 && len(v.Args) != info.args {
		return fmt.Errorf("%d arguments, not %d", len(v.Args), info.args)
	}
	if v.IsCall() && len(v.Args) > maxArgs {
		return fmt.Errorf("%d arguments: a call takes %d", len(v.Args), maxArgs)
	}
	for _, a := range v.Args {
		if a == nil || !a.HasResult() {
			return fmt.Errorf("an argument has no result")
		}
	}
	switch v.Op {
	case OpLoad, OpStore:
		return verifyAccess(v, 1, 2, 4, 8)
	case OpAtomicAdd, OpAtomicFetch, OpXchg:
		return verifyAccess(v, 4, 8)
	case OpZext, OpSext:
		if v.Imm != 8 && v.Imm != 16 && v.Imm != 32 {
			return fmt.Errorf("cut to %d bits", v.Imm)
		}
	case OpBswap:
		if v.Imm != 16 && v.Imm != 32 && v.Imm != 64 {
			return fmt.Errorf("byte order of %d bits", v.Imm)
		}
	case OpCmp:
		if !v.Cond.valid() {
			return fmt.Errorf("no comparison")
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

// verifyAccess checks the size of a memory operation, and its place where the address is that of a slot.
func verifyAccess(v *Value, sizes ...int) error {
	size := int(v.Size)
	if !slices.Contains(sizes, size) {
		return fmt.Errorf("size %d", size)
	}
	if a := v.Args[0]; a.Op == OpSlot && a.Slot != nil {
		if off := int(a.Off) + int(v.Off); off < 0 || off+size > a.Slot.Size {
			return fmt.Errorf("bytes %d to %d of a slot of %d", off, off+size, a.Slot.Size)
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
