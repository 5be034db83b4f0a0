package pass

import "github.com/gotrace/gotrace/codegen/ir"

// resolve makes the moves between the parts of values: inside of blocks where a value is split, and on
// the edges between blocks where the linear order did not show the way that control takes.
func (a *Allocation) resolve() {
	a.insideBlocks()
	// On edges everything that stays is among the moves.
	free := room{func() regSet { return 0 }, a.aside}
	for _, b := range a.f.Blocks {
		for i, e := range b.Edges() {
			a.edges[edgeKey{b, i}] = sequence(a.edgeMoves(b, e), free)
		}
	}
	var entry []Move
	for i, p := range a.f.Blocks[0].Params {
		entry = append(entry, Move{p, p, a.at(p, a.start(a.f.Blocks[0])), Register(i + 1)})
	}
	a.entry = sequence(entry, free)
}

// insideBlocks makes the moves where a part of a value follows on another.
func (a *Allocation) insideBlocks() {
	moves := map[int][]Move{}
	var at []int
	for _, first := range a.parts {
		for it := first; it != nil && it.next != nil; it = it.next {
			pos := it.next.start()
			if it.end() != pos || pos%posStep != posMove {
				continue // a hole, or an edge
			}
			if moves[pos] == nil {
				at = append(at, pos)
			}
			moves[pos] = append(moves[pos], Move{it.value, it.value, a.loc(it.next), a.loc(it)})
		}
	}
	for _, pos := range at {
		a.before[(pos+1)/posStep] = sequence(moves[pos], room{func() regSet { return a.staying(pos) }, a.aside})
	}
}

// staying is the set of registers whose values are live at pos and were in the same register before.
func (a *Allocation) staying(pos int) regSet {
	var busy regSet
	for _, first := range a.parts {
		for it := first; it != nil; it = it.next {
			if it.reg >= 0 && it.start() < pos && it.live.covers(pos) {
				busy.add(it.reg)
			}
		}
	}
	return busy
}

// edgeMoves are the moves on an edge: of all that is live behind it, and of its arguments.
func (a *Allocation) edgeMoves(b *ir.Block, e *ir.Edge) []Move {
	end, start := a.last[b.ID]*posStep+posDef, a.start(e.To)
	var moves []Move
	for _, v := range a.in[e.To.ID] {
		moves = append(moves, Move{v, v, a.at(v, start), a.at(v, end)})
	}
	for i, p := range e.To.Params {
		arg := e.Args[i]
		from := Loc{Reg: inMemory}
		if !arg.Remat() {
			from = a.at(arg, end)
		}
		moves = append(moves, Move{arg, p, a.at(p, start), from})
	}
	return moves
}

// storedBefore drops stores of values that the frame holds already, on every way to them. Values that order
// comparisons look at are stored again: what the verifier knows about them may be more than when they were stored (before
// Linux 6.9 it does not relate what it learns about a register to the copy in the frame).
func (a *Allocation) storedBefore() {
	a.spills = a.spilledValues()
	words := len(a.spills)/64 + 1
	in := make([]bitset, a.f.BlockIDs()) // nil: not reached yet
	in[a.f.Blocks[0].ID] = make(bitset, words)
	for changed := true; changed; {
		changed = false
		for _, b := range a.f.Blocks {
			if in[b.ID] == nil {
				continue
			}
			a.stores(b, append(bitset(nil), in[b.ID]...), nil, func(to *ir.Block, have bitset) {
				changed = meet(in, to.ID, have) || changed
			})
		}
	}
	learnt := a.compared()
	for _, b := range a.f.Blocks {
		drop := func(v *ir.Value) bool { return !learnt[v] }
		a.stores(b, in[b.ID], drop, func(*ir.Block, bitset) {})
	}
}

// spilledValues numbers the values that have a place in the frame.
func (a *Allocation) spilledValues() map[*ir.Value]int {
	n := map[*ir.Value]int{}
	for id, off := range a.frame {
		if off != 0 {
			n[a.parts[id].value] = len(n)
		}
	}
	return n
}

// meet intersects what is known at a block with what is known on one more edge to it.
func meet(in []bitset, id int, have bitset) bool {
	if in[id] == nil {
		in[id] = append(bitset(nil), have...)
		return true
	}
	changed := false
	for i, w := range have {
		changed = changed || in[id][i]&^w != 0
		in[id][i] &= w
	}
	return changed
}

// stores goes through a block with the set of values that the frame holds. If drop is not nil, stores that it allows and
// that are not needed are removed.
func (a *Allocation) stores(b *ir.Block, have bitset, drop func(*ir.Value) bool, edge func(*ir.Block, bitset)) {
	do := func(moves []Move) []Move {
		var kept []Move
		for _, m := range moves {
			if m.As != nil && m.To.InFrame() {
				id := a.spills[m.As]
				if m.As == m.Value && have.has(id) && drop != nil && drop(m.As) {
					continue
				}
				have.set(id)
			}
			kept = append(kept, m)
		}
		return kept
	}
	i := a.first[b.ID]
	for _, v := range b.Values {
		i++
		if moves := a.before[i]; len(moves) > 0 {
			a.before[i] = do(moves)
		}
		a.forget(have, v)
	}
	if moves := a.before[i+1]; len(moves) > 0 {
		a.before[i+1] = do(moves)
	}
	out := have
	for k, e := range b.Edges() {
		have = append(bitset(nil), out...)
		for _, p := range e.To.Params {
			a.forget(have, p)
		}
		a.edges[edgeKey{b, k}] = do(a.edges[edgeKey{b, k}])
		edge(e.To, have)
	}
}

// forget notes that a value is defined anew.
func (a *Allocation) forget(have bitset, v *ir.Value) {
	if id, ok := a.spills[v]; ok {
		have.unset(id)
	}
}

// compared is the set of values that branches compare by order.
func (a *Allocation) compared() map[*ir.Value]bool {
	set := map[*ir.Value]bool{}
	for _, b := range a.f.Blocks {
		if t := &b.Term; t.Kind == ir.TermBranch && (!t.Y.IsConst(0) || t.Cond != ir.Eq && t.Cond != ir.Ne) {
			set[t.X], set[t.Y] = true, true
		}
	}
	return set
}

// bitset is a set of small numbers.
type bitset []uint64

func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) unset(i int)    { b[i/64] &^= 1 << (i % 64) }
