package pass

import (
	"container/heap"
	"slices"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// Registers of eBPF: R0 to R5 are lost at calls, R6 to R9 are kept. R10 is the frame.
const (
	regLost = 6
	numRegs = 10
)

// scanner is a linear scan over intervals with holes, after Wimmer and Mössenböck, "Optimized interval splitting in
// a linear scan register allocator" (2005). An interval that finds no register for all of its life is split: it has one
// for a while, lies in the frame, and comes back to a register before the next instruction that wants it there.
// From then on it stays in that register, so that what the verifier learns about it at a comparison holds where it is used.
type scanner struct {
	*liveness
	hints    *hints
	parts    []*interval // by value id: the first part
	todo     queue
	active   []*interval // in a register at the current position
	inactive []*interval // in a hole at it
}

// scan gives every interval a place.
func scan(l *liveness) *scanner {
	s := &scanner{liveness: l, parts: make([]*interval, l.f.Values()), hints: newHints(l.f)}
	each := func(v *ir.Value) {
		if len(l.live[v.ID]) > 0 {
			it := &interval{value: v, live: slices.Clone(l.live[v.ID]), uses: l.uses[v.ID]}
			s.parts[v.ID] = it
			s.todo = append(s.todo, it)
		}
	}
	for _, b := range l.f.Blocks {
		for _, p := range b.Params {
			each(p)
		}
		for _, v := range b.Values {
			each(v)
		}
	}
	heap.Init(&s.todo)
	for len(s.todo) > 0 {
		cur := heap.Pop(&s.todo).(*interval)
		s.advance(cur.start())
		if s.free(cur) || s.take(cur) {
			s.active = append(s.active, cur)
			s.hints.placed(cur)
		}
	}
	return s
}

// advance sorts the intervals that have a register into active and inactive ones at pos.
func (s *scanner) advance(pos int) {
	var active, inactive []*interval
	for _, list := range [][]*interval{s.active, s.inactive} {
		for _, it := range list {
			switch {
			case it.reg == inMemory || it.end() <= pos:
			case it.live.covers(pos):
				active = append(active, it)
			default:
				inactive = append(inactive, it)
			}
		}
	}
	s.active, s.inactive = active, inactive
}

// free gives cur a register that nobody uses, for all of its life or until the register is needed by another.
func (s *scanner) free(cur *interval) bool {
	until := [numRegs]int{}
	for r := range until {
		until[r] = never
		if r < regLost {
			until[r] = s.calls.meets(cur.live)
		}
	}
	for _, it := range s.active {
		until[it.reg] = 0
	}
	for _, it := range s.inactive {
		until[it.reg] = min(until[it.reg], it.live.meets(cur.live))
	}
	if r := s.whole(cur, &until); r >= 0 {
		cur.reg = r
		return true
	}
	best := -1
	for _, r := range s.hints.order(cur) {
		if best < 0 || until[r] > until[best] {
			best = r
		}
	}
	at := s.splitPoint(until[best])
	if at <= cur.start() || !cur.usedBefore(at) {
		return false
	}
	cur.reg = best
	s.later(cur.split(at))
	return true
}

// whole finds a register that is free for all of cur's life, -1 if there is none: one that saves a copy, or the one
// that is wanted by another soonest.
func (s *scanner) whole(cur *interval, until *[numRegs]int) int {
	best := -1
	hinted := s.hints.of(cur)
	for _, r := range hinted {
		if until[r] >= cur.end() {
			return r
		}
	}
	first := 0
	if s.leadsAcrossCall(cur) {
		first = regLost
	}
	for i := range numRegs {
		r := (first + i) % numRegs
		if until[r] >= cur.end() && (best < 0 || until[r] < until[best] && (r < regLost) == (best < regLost)) {
			best = r
		}
	}
	return best
}

// leadsAcrossCall says whether cur becomes, by a copy, a value that calls must not destroy: a register that they keep
// saves the copy.
func (s *scanner) leadsAcrossCall(cur *interval) bool {
	for _, x := range s.hints.like[cur.value.ID] {
		live := s.live[x.ID]
		if s.hints.reg[x.ID] < 0 && len(live) > 0 && live.start() >= cur.end()-posMove && s.calls.meets(live) != never {
			return true
		}
	}
	return false
}

// later puts an interval back into the queue.
func (s *scanner) later(it *interval) { heap.Push(&s.todo, it) }

// take gives cur the register whose value is needed last by others, and sends these to the frame; or, if cur itself is
// needed last, sends cur there and returns false.
func (s *scanner) take(cur *interval) bool {
	from := s.splitPoint(cur.start())
	needed, blocked := [numRegs]int{}, [numRegs]int{}
	for r := range numRegs {
		blocked[r] = never
		if r < regLost {
			blocked[r] = s.calls.meets(cur.live)
		}
		needed[r] = blocked[r]
		if s.splitPoint(blocked[r]) <= cur.start() {
			needed[r] = -1
		}
	}
	for _, it := range s.active {
		needed[it.reg] = min(needed[it.reg], it.regUse(from))
	}
	for _, it := range s.inactive {
		if it.live.meets(cur.live) != never {
			needed[it.reg] = min(needed[it.reg], it.regUse(cur.start()))
		}
	}
	best := 0
	for r := range numRegs {
		if needed[r] > needed[best] {
			best = r
		}
	}
	first := cur.regUse(cur.start())
	if s.splitPoint(first) > cur.start() && first >= needed[best] {
		s.spill(cur)
		return false
	}
	cur.reg = best
	if blocked[best] < cur.end() {
		s.later(cur.split(s.splitPoint(blocked[best])))
	}
	s.evict(cur, from)
	return true
}

// spill sends an interval to the frame until an instruction wants it in a register.
func (s *scanner) spill(it *interval) {
	it.reg = inMemory
	if u := it.regUse(it.start()); u != never {
		s.later(it.split(s.splitPoint(u)))
	}
}

// evict takes cur's register away from all others that meet it.
func (s *scanner) evict(cur *interval, from int) {
	for _, it := range s.active {
		switch {
		case it.reg != cur.reg:
		case from <= it.start():
			s.spill(it)
		default:
			s.spill(it.split(from))
		}
	}
	for _, it := range s.inactive {
		if it.reg != cur.reg || it.live.meets(cur.live) == never {
			continue
		}
		i := it.live.after(cur.start())
		s.later(it.split(max(it.live[i].from, cur.start())))
	}
}
