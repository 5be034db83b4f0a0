package pass

import (
	"maps"
	"sort"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// resolve makes the moves between the parts of values: inside of blocks where a value is split, and on
// the edges between blocks where the linear order did not show the path that control takes.
func (a *Allocation) resolve() {
	a.insideBlocks()
	// On edges everything that stays is among the moves.
	free := room{func() regSet { return 0 }, a.aside}
	for _, b := range a.f.Blocks {
		for i, e := range b.Edges() {
			if moves := sequence(a.edgeMoves(b, e), free); len(moves) > 0 {
				a.edges[edgeKey{b, i}] = moves
			}
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

// held is a stretch in which a register holds a part of a value.
type held struct {
	span
	since int // the beginning of the part
}

// staying is the set of registers whose values are live at pos and were in the same register before.
func (a *Allocation) staying(pos int) regSet {
	if a.inRegs == nil {
		a.findHeld()
	}
	var busy regSet
	for r, list := range a.inRegs {
		i := sort.Search(len(list), func(i int) bool { return list[i].to > pos })
		if i < len(list) && list[i].from <= pos && list[i].since < pos {
			busy.add(r)
		}
	}
	return busy
}

// findHeld finds what each register holds.
func (a *Allocation) findHeld() {
	a.inRegs = new([numRegs][]held)
	for _, first := range a.parts {
		for it := first; it != nil; it = it.next {
			if it.reg == inMemory {
				continue
			}
			for _, s := range it.live {
				a.inRegs[it.reg] = append(a.inRegs[it.reg], held{s, it.start()})
			}
		}
	}
	for _, list := range a.inRegs {
		sort.Slice(list, func(i, j int) bool { return list[i].from < list[j].from })
	}
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

// storedBefore drops stores of values that the frame holds already, on every path to them. Values that order
// comparisons look at are stored again: what the verifier knows about them may be more than when they were stored (before
// Linux 6.9 it does not relate what it learns about a register to the copy in the frame).
func (a *Allocation) storedBefore() {
	in := make([]stored, a.f.BlockIDs()) // nil: not reached yet
	in[a.f.Blocks[0].ID] = stored{}
	order := reversePostorder(a.f)
	for changed := true; changed; {
		changed = false
		for _, b := range order {
			a.stores(b, maps.Clone(in[b.ID]), nil, func(to *ir.Block, have stored) {
				changed = a.meet(in, to, have) || changed
			})
		}
	}
	learnt := a.compared()
	for _, b := range a.f.Blocks {
		drop := func(v *ir.Value) bool { return !learnt[v] }
		a.stores(b, in[b.ID], drop, func(*ir.Block, stored) {})
	}
}

// stored is a set of values that the frame holds. Between blocks it has only those that are live.
type stored map[*ir.Value]bool

// meet intersects what is known at a block with what is known on one more edge to it.
func (a *Allocation) meet(in []stored, to *ir.Block, have stored) bool {
	if in[to.ID] == nil {
		in[to.ID] = stored{}
		for _, list := range [][]*ir.Value{a.in[to.ID], to.Params} {
			for _, v := range list {
				if have[v] {
					in[to.ID][v] = true
				}
			}
		}
		return true
	}
	n := len(in[to.ID])
	maps.DeleteFunc(in[to.ID], func(v *ir.Value, _ bool) bool { return !have[v] })
	return len(in[to.ID]) < n
}

// stores goes through a block with the set of values that the frame holds. If drop is not nil, stores that it allows and
// that are not needed are removed.
func (a *Allocation) stores(b *ir.Block, have stored, drop func(*ir.Value) bool, edge func(*ir.Block, stored)) {
	do := func(have stored, moves []Move) []Move {
		var kept []Move
		for _, m := range moves {
			if m.As != nil && m.To.InFrame() {
				if m.As == m.Value && have[m.As] && drop != nil && drop(m.As) {
					continue
				}
				have[m.As] = true
			}
			kept = append(kept, m)
		}
		return kept
	}
	i := a.first[b.ID]
	for _, v := range b.Values {
		i++
		if moves := a.before[i]; len(moves) > 0 {
			a.before[i] = do(have, moves)
		}
		delete(have, v) // defined anew
	}
	if moves := a.before[i+1]; len(moves) > 0 {
		a.before[i+1] = do(have, moves)
	}
	for k, e := range b.Edges() {
		out := have
		if k > 0 || b.Term.Kind == ir.TermBranch {
			out = maps.Clone(have)
		}
		for _, p := range e.To.Params {
			delete(out, p)
		}
		if moves := a.edges[edgeKey{b, k}]; len(moves) > 0 {
			a.edges[edgeKey{b, k}] = do(out, moves)
		}
		edge(e.To, out)
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
