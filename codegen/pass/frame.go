package pass

import (
	"sort"

	"github.com/gotrace/gotrace/codegen/ir"
)

// frame lays out the stack: slots and spilled values whose lifetimes do not meet share memory.
func (a *allocator) frame() {
	type piece struct {
		size int
		r    Ranges
		set  func(off int)
	}
	a.out.slots = make([]int, len(a.f.Slots))
	var pieces []piece
	for i, r := range a.slotRanges() {
		if len(r) > 0 {
			pieces = append(pieces, piece{(a.f.Slots[i].Size + 7) &^ 7, r, func(off int) { a.out.slots[i] = off }})
		}
	}
	for _, id := range a.spilled {
		pieces = append(pieces, piece{8, a.ranges[id], func(off int) { a.out.locs[id].Frame = off }})
	}
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].size > pieces[j].size })
	var words []Ranges // by distance from R10 in words
	for _, p := range pieces {
		n := p.size / 8
		at := firstFit(words, n, p.r)
		for len(words) < at+n {
			words = append(words, nil)
		}
		for i := at; i < at+n; i++ {
			words[i] = words[i].add(p.r)
		}
		p.set(-8 * (at + n))
	}
	a.out.FrameSize = 8 * len(words)
}

// firstFit finds n words in a row that are free in r.
func firstFit(words []Ranges, n int, r Ranges) int {
	free := 0
	for i := range words {
		if words[i].overlaps(r) {
			free = 0
			continue
		}
		if free++; free == n {
			return i + 1 - n
		}
	}
	return len(words) - free
}

// slotRanges says where the contents of each slot must be kept: wherever the slot, or an address made from
// it, was mentioned before on some way and will be mentioned after on some way. Without loops in a function that is
// from the first mention to the last.
func (a *allocator) slotRanges() []Ranges {
	mentions := a.mentions()
	out := make([]Ranges, len(a.f.Slots))
	for i := range out {
		out[i] = a.slotRange(mentions[i])
	}
	return out
}

// mentions gives, for each slot, the positions in each block (by id) at which it is used.
func (a *allocator) mentions() []map[int][]int {
	of := a.derived()
	out := make([]map[int][]int, len(a.f.Slots))
	for i := range out {
		out[i] = map[int][]int{}
	}
	for _, b := range a.f.Blocks {
		pos := a.start[b.ID]
		note := func(v *ir.Value, pos int) {
			for s := range of[v.ID] {
				out[s][b.ID] = append(out[s][b.ID], pos)
			}
		}
		for _, v := range b.Values {
			pos += posStep
			for _, x := range v.Args {
				note(x, pos)
			}
		}
		b.Term.Operands(func(x *ir.Value) { note(x, a.end[b.ID]) })
	}
	return out
}

// derived says which slots' addresses a value may hold.
func (a *allocator) derived() []map[int]bool {
	of := make([]map[int]bool, a.f.Values())
	join := func(v, x *ir.Value) bool {
		changed := false
		for s := range of[x.ID] {
			if !of[v.ID][s] {
				if of[v.ID] == nil {
					of[v.ID] = map[int]bool{}
				}
				of[v.ID][s] = true
				changed = true
			}
		}
		return changed
	}
	for changed := true; changed; {
		changed = false
		for _, b := range a.f.Blocks {
			for _, v := range b.Values {
				if v.Op == ir.OpSlot && of[v.ID] == nil {
					of[v.ID] = map[int]bool{v.Slot.ID: true}
					changed = true
				}
				if !v.HasResult() || v.Op == ir.OpLoad || v.Op == ir.OpCmp || v.IsCall() {
					continue
				}
				for _, x := range v.Args {
					changed = join(v, x) || changed
				}
			}
			for _, e := range b.Edges() {
				for i, x := range e.Args {
					changed = join(e.To.Params[i], x) || changed
				}
			}
		}
	}
	return of
}

func (a *allocator) slotRange(at map[int][]int) Ranges {
	if len(at) == 0 {
		return nil
	}
	before := reach(a.succs, at) // mentioned on some way to the block's start
	after := reach(a.preds, at)  // mentioned on some way from the block's end
	var r Ranges
	for _, b := range a.f.Blocks {
		s := Span{a.start[b.ID], a.end[b.ID] + posStep - 1}
		m := at[b.ID]
		switch {
		case len(m) == 0 && !(before[b.ID] && after[b.ID]):
			continue
		case len(m) > 0:
			if !before[b.ID] {
				s.From = m[0]
			}
			if !after[b.ID] {
				s.To = m[len(m)-1] + posDef
			}
		}
		r = r.add(Ranges{s})
	}
	return r
}

// reach says which blocks a way of at least one edge leads to from the blocks in from. All are ids.
func reach(edges [][]int, from map[int][]int) []bool {
	seen := make([]bool, len(edges))
	var work []int
	visit := func(b int) {
		for _, to := range edges[b] {
			if !seen[to] {
				seen[to] = true
				work = append(work, to)
			}
		}
	}
	for b := range from {
		visit(b)
	}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		visit(b)
	}
	return seen
}

// graph gives the ids of the blocks after and before each block.
func graph(f *ir.Func) (succs, preds [][]int) {
	succs, preds = make([][]int, f.BlockIDs()), make([][]int, f.BlockIDs())
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			succs[b.ID] = append(succs[b.ID], e.To.ID)
			preds[e.To.ID] = append(preds[e.To.ID], b.ID)
		}
	}
	return succs, preds
}
