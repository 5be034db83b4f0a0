package ir

import (
	"fmt"
	"math/bits"
	"slices"
)

// Verify checks that a program is well formed: every block ends, edges give each parameter its argument,
// every operand is defined on every path to its use, and sizes and counts are right. Tests run it between passes.
func Verify(p *Program) error {
	funcs := map[string]*Func{}
	for _, f := range p.Funcs {
		if funcs[f.Name] != nil {
			return fmt.Errorf("%s is there twice", f.Name)
		}
		funcs[f.Name] = f
	}
	for _, f := range p.Funcs {
		if err := VerifyFunc(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, b := range f.Blocks {
			for _, v := range b.Values {
				if !v.Refers() {
					continue
				}
				to := funcs[v.Sym]
				if to == nil {
					return fmt.Errorf("%s: %s: no such function", f.Name, v.text())
				}
				if (v.Op == OpGlobal) != (to.Global != nil) || v.Op == OpGlobal && len(v.Args) != to.Params {
					return fmt.Errorf("%s: %s: the function is not called so", f.Name, v.text())
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
	if f.Global != nil && len(f.Global) != f.Params {
		return fmt.Errorf("%d of %d parameters are described", len(f.Global), f.Params)
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

// verifyUses checks that operands are defined before they are used, on every path: in the same block, or in one that dominates it.
func verifyUses(f *Func, defs map[*Value]bool) error {
	d := dominance(f)
	home := map[*Value]*Block{}
	for _, b := range f.Blocks {
		for _, list := range [][]*Value{b.Params, b.Values} {
			for _, v := range list {
				home[v] = b
			}
		}
	}
	for _, b := range f.Blocks {
		if d.depth[b] == 0 {
			continue // not reachable
		}
		before := func(v *Value) bool { return home[v] != nil && home[v] != b && d.dominates(home[v], b) }
		if err := verifyBlockUses(b, before, defs); err != nil {
			return fmt.Errorf("%s: %w", b.label(), err)
		}
	}
	return nil
}

// dominators of the blocks that can be reached.
type dominators struct {
	up    map[*Block][]*Block // up[b][k] dominates b from 2^k steps above it
	depth map[*Block]int      // in the tree of dominators; 1 for the entry
}

// dominance finds the dominators: a block is below the nearest that dominates all blocks before it.
func dominance(f *Func) *dominators {
	order := f.postorder()
	preds := map[*Block][]*Block{}
	num := map[*Block]int{}
	for i, b := range order {
		num[b] = i
		for _, e := range b.Edges() {
			preds[e.To] = append(preds[e.To], b)
		}
	}
	idom := map[*Block]*Block{f.Blocks[0]: f.Blocks[0]}
	for changed := true; changed; {
		changed = false
		for i := len(order) - 2; i >= 0; i-- {
			var d *Block
			for _, p := range preds[order[i]] {
				if idom[p] == nil {
					continue
				}
				for x := p; d != nil && x != d; {
					if num[x] < num[d] {
						x = idom[x]
					} else {
						d = idom[d]
					}
				}
				if d == nil {
					d = p
				}
			}
			if idom[order[i]] != d {
				idom[order[i]], changed = d, true
			}
		}
	}
	d := &dominators{up: map[*Block][]*Block{}, depth: map[*Block]int{f.Blocks[0]: 1}}
	for _, b := range slices.Backward(order[:len(order)-1]) {
		d.depth[b] = d.depth[idom[b]] + 1
		x := idom[b]
		for k := 0; ; k++ {
			d.up[b] = append(d.up[b], x)
			if len(d.up[x]) <= k {
				break
			}
			x = d.up[x][k]
		}
	}
	return d
}

// dominates says whether every path to b leads through a.
func (d *dominators) dominates(a, b *Block) bool {
	if d.depth[a] == 0 {
		return false
	}
	for d.depth[b] > d.depth[a] {
		k := min(bits.Len(uint(d.depth[b]-d.depth[a]))-1, len(d.up[b])-1)
		b = d.up[b][k]
	}
	return a == b
}

// postorder lists the blocks that can be reached, each after those that follow it, loops aside.
func (f *Func) postorder() []*Block {
	var out []*Block
	seen := map[*Block]bool{f.Blocks[0]: true}
	type visit struct {
		b     *Block
		edges []*Edge
	}
	for stack := []visit{{f.Blocks[0], f.Blocks[0].Edges()}}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		if len(top.edges) == 0 {
			out = append(out, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		to := top.edges[0].To
		top.edges = top.edges[1:]
		if !seen[to] {
			seen[to] = true
			stack = append(stack, visit{to, to.Edges()})
		}
	}
	return out
}

func verifyBlockUses(b *Block, before func(*Value) bool, defs map[*Value]bool) error {
	have := map[*Value]bool{}
	use := func(at fmt.Stringer, a *Value) error {
		if have[a] || before(a) {
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
