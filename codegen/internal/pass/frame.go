package pass

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// piece is something in the frame.
type piece struct {
	name string
	size int // bytes, a multiple of 8
	live ranges
	off  *int
}

// layOut places slots and spilled values in the frame; those whose lifetimes do not meet share memory. It
// returns a description of the largest pieces.
func (a *Allocation) layOut() string {
	a.slots = make([]int, len(a.f.Slots))
	a.frame = make([]int, a.f.Values())
	var pieces []piece
	for i, r := range a.slotRanges() {
		if len(r) > 0 {
			s := a.f.Slots[i]
			pieces = append(pieces, piece{"slot " + s.Name, (s.Size + 7) &^ 7, r, &a.slots[i]})
		}
	}
	for id, first := range a.parts {
		if spilled(first) {
			pieces = append(pieces, piece{"spilled value", 8, a.live[id], &a.frame[id]})
		}
	}
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].size > pieces[j].size })
	var words []ranges // by distance from R10 in words
	for _, p := range pieces {
		n := p.size / 8
		at := firstFit(words, n, p.live)
		for len(words) < at+n {
			words = append(words, nil)
		}
		for i := at; i < at+n; i++ {
			words[i] = words[i].add(p.live)
		}
		*p.off = -8 * (at + n)
	}
	a.FrameSize = 8 * len(words)
	return describe(pieces)
}

// spilled says whether a value needs a place in the frame.
func spilled(it *interval) bool {
	for ; it != nil; it = it.next {
		if it.reg == inMemory && !it.value.Remat() {
			return true
		}
	}
	return false
}

// describe names what takes the most room.
func describe(pieces []piece) string {
	size := map[string]int{}
	var names []string
	for _, p := range pieces {
		if size[p.name] == 0 {
			names = append(names, p.name)
		}
		size[p.name] += p.size
	}
	sort.SliceStable(names, func(i, j int) bool { return size[names[i]] > size[names[j]] })
	for i, n := range names {
		names[i] = fmt.Sprintf("%s: %d", n, size[n])
	}
	return strings.Join(names[:min(len(names), 3)], ", ")
}

// firstFit finds n words in a row that are free in r.
func firstFit(words []ranges, n int, r ranges) int {
	free := 0
	for i := range words {
		if words[i].meets(r) != never {
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
// it, was mentioned before on some path and will be mentioned after on some path. Without loops in a function that is
// from the first mention to the last. A slot whose address is stored in memory is kept everywhere.
func (a *Allocation) slotRanges() []ranges {
	of := a.derived()
	mentions := a.mentions(of)
	escaped := a.escaped(of)
	between := newBetween(a.f)
	out := make([]ranges, len(a.f.Slots))
	for i := range out {
		if escaped[i] {
			out[i] = ranges{{0, len(a.header) * posStep}}
			continue
		}
		out[i] = a.slotRange(mentions[i], between)
	}
	return out
}

// escaped finds the slots whose address lies in memory, or that a function got as a number: it may put it there.
func (a *Allocation) escaped(of []map[int]bool) map[int]bool {
	out := map[int]bool{}
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			switch v.Op {
			case ir.OpStore, ir.OpXchg, ir.OpAtomicAdd, ir.OpAtomicFetch:
				for s := range of[v.Args[1].ID] {
					out[s] = true
				}
			case ir.OpCall, ir.OpGlobal:
				for _, x := range v.Args {
					if x.Op == ir.OpSlot {
						continue // the address of what the function reads
					}
					for s := range of[x.ID] {
						out[s] = true
					}
				}
			}
		}
	}
	return out
}

// mentions gives, for each slot, the positions in each block (by id) at which it is used.
func (a *Allocation) mentions(of []map[int]bool) []map[int][]int {
	out := make([]map[int][]int, len(a.f.Slots))
	for i := range out {
		out[i] = map[int][]int{}
	}
	for _, b := range a.f.Blocks {
		pos := a.start(b)
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
		b.Term.Operands(func(x *ir.Value) { note(x, a.last[b.ID]*posStep) })
	}
	return out
}

// derived says which slots' addresses a value may hold.
func (a *Allocation) derived() []map[int]bool {
	of := make([]map[int]bool, a.f.Values())
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
					changed = inherit(of, v, x) || changed
				}
			}
			for _, e := range b.Edges() {
				for i, x := range e.Args {
					changed = inherit(of, e.To.Params[i], x) || changed
				}
			}
		}
	}
	return of
}

// inherit notes that v may hold the addresses that x may hold.
func inherit(of []map[int]bool, v, x *ir.Value) bool {
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

// slotRange is the range of a slot that is mentioned at the given positions of blocks.
func (a *Allocation) slotRange(at map[int][]int, w *between) ranges {
	if len(at) == 0 {
		return nil
	}
	var r ranges
	for _, b := range w.find(at) {
		s := span{a.start(b), a.end(b)}
		m := at[b.ID]
		before, after := w.before.has(b), w.after.has(b)
		switch {
		case len(m) == 0 && !(before && after):
			continue
		case len(m) > 0:
			if !before {
				s.from = m[0] - 1 // moves before the operation
			}
			if !after {
				s.to = m[len(m)-1] + posMove
			}
		}
		r = append(r, s)
	}
	return ranges(nil).add(sorted(r))
}
