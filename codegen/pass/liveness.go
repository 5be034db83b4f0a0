package pass

import (
	"math/bits"
	"sort"

	"github.com/gotrace/gotrace/codegen/ir"
)

// Positions. Every operation and terminator has a number i in the order of the code; it reads its operands at
// 4i, destroys the registers that calls destroy at 4i+1, and defines its result at 4i+2. A block's parameters are
// defined at the position before its first operation.
const (
	posUse     = 0
	posClobber = 1
	posDef     = 2
	posStep    = 4
)

// Span is a stretch [From, To] of positions in which something must be kept.
type Span struct{ From, To int }

// Ranges are spans in ascending order that do not touch.
type Ranges []Span

// overlaps says whether two lists share a position.
func (r Ranges) overlaps(o Ranges) bool {
	if len(o) == 0 {
		return false
	}
	i := sort.Search(len(r), func(i int) bool { return r[i].To >= o[0].From })
	for j := 0; i < len(r) && j < len(o); {
		switch {
		case r[i].To < o[j].From:
			i++
		case o[j].To < r[i].From:
			j++
		default:
			return true
		}
	}
	return false
}

// add merges another list into r.
func (r Ranges) add(o Ranges) Ranges {
	out := make(Ranges, 0, len(r)+len(o))
	i, j := 0, 0
	for i < len(r) || j < len(o) {
		var s Span
		if j >= len(o) || i < len(r) && r[i].From <= o[j].From {
			s = r[i]
			i++
		} else {
			s = o[j]
			j++
		}
		if n := len(out); n > 0 && out[n-1].To >= s.From {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// liveness is where the values of a function are live.
type liveness struct {
	f      *ir.Func
	start  []int // position of each block's parameters, by block id
	end    []int // position of its terminator
	ranges []Ranges
	uses   []float64 // weight of the uses of each value
	calls  []int     // positions of calls
}

// newLiveness computes, block by block backwards until nothing changes, what is live where.
func newLiveness(f *ir.Func) *liveness {
	l := &liveness{f: f, start: make([]int, f.BlockIDs()), end: make([]int, f.BlockIDs()),
		ranges: make([]Ranges, f.Values()), uses: make([]float64, f.Values())}
	pos := posStep
	for _, b := range f.Blocks {
		l.start[b.ID] = pos
		pos += posStep
		for _, v := range b.Values {
			if v.IsCall() {
				l.calls = append(l.calls, pos)
			}
			pos += posStep
		}
		l.end[b.ID] = pos
		pos += posStep
	}
	in := l.liveIn()
	for i := len(f.Blocks) - 1; i >= 0; i-- {
		l.block(f.Blocks[i], in)
	}
	for id, r := range l.ranges { // they were added from the end
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		l.ranges[id] = Ranges(nil).add(r)
	}
	return l
}

// bitset is a set of value ids.
type bitset []uint64

func (b bitset) set(i int)   { b[i/64] |= 1 << (i % 64) }
func (b bitset) unset(i int) { b[i/64] &^= 1 << (i % 64) }

func (b bitset) each(f func(i int)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			f(64*i + bits.TrailingZeros64(w))
		}
	}
}

func (b bitset) union(o bitset) bool {
	changed := false
	for i, w := range o {
		if w&^b[i] != 0 {
			b[i] |= w
			changed = true
		}
	}
	return changed
}

// kept says whether a value has a place of its own; what is cheap to compute again has none.
func kept(v *ir.Value) bool { return !v.Remat() }

// liveIn is the set of values that are live at each block's start, its parameters excluded.
func (l *liveness) liveIn() []bitset {
	words := (l.f.Values() + 63) / 64
	in := make([]bitset, l.f.BlockIDs())
	for _, b := range l.f.Blocks {
		in[b.ID] = make(bitset, words)
	}
	order := reversePostorder(l.f)
	for changed := true; changed; {
		changed = false
		for i := len(order) - 1; i >= 0; i-- {
			b := order[i]
			if in[b.ID].union(l.through(b, in, words)) {
				changed = true
			}
		}
	}
	return in
}

// through is what is live before a block, given what is live before the blocks after it.
func (l *liveness) through(b *ir.Block, in []bitset, words int) bitset {
	live := l.liveOut(b, in, words)
	b.Term.Operands(func(v *ir.Value) {
		if kept(v) {
			live.set(v.ID)
		}
	})
	for i := len(b.Values) - 1; i >= 0; i-- {
		v := b.Values[i]
		live.unset(v.ID)
		for _, a := range v.Args {
			if kept(a) {
				live.set(a.ID)
			}
		}
	}
	for _, p := range b.Params {
		live.unset(p.ID)
	}
	return live
}

func (l *liveness) liveOut(b *ir.Block, in []bitset, words int) bitset {
	live := make(bitset, words)
	for _, e := range b.Edges() {
		live.union(in[e.To.ID])
	}
	return live
}

// block adds the ranges of one block, from its end to its start.
func (l *liveness) block(b *ir.Block, in []bitset) {
	words := (l.f.Values() + 63) / 64
	start, end := l.start[b.ID], l.end[b.ID]
	weight := 1.0
	if b.Term.Kind == ir.TermReturn {
		weight = 0.5 // ends are run once, and failures end here
	}
	last := map[int]int{} // id → position up to which it is live
	out := l.liveOut(b, in, words)
	out.each(func(id int) { last[id] = end + posStep - 1 })
	use := func(v *ir.Value, pos int) {
		if !kept(v) {
			return
		}
		l.uses[v.ID] += weight
		if _, ok := last[v.ID]; !ok {
			last[v.ID] = pos
		}
	}
	// The moves of edge arguments come after the comparison.
	for _, e := range b.Edges() {
		for _, a := range e.Args {
			use(a, end+posDef)
		}
	}
	if b.Term.X != nil {
		use(b.Term.X, end)
	}
	if b.Term.Y != nil {
		use(b.Term.Y, end)
	}
	pos := end
	for i := len(b.Values) - 1; i >= 0; i-- {
		v := b.Values[i]
		pos -= posStep
		if kept(v) && v.HasResult() {
			to, ok := last[v.ID]
			if !ok {
				to = pos + posDef // computed for its effect, or dead
			}
			l.ranges[v.ID] = append(l.ranges[v.ID], Span{pos + posDef, to})
			delete(last, v.ID)
		}
		for _, a := range v.Args {
			use(a, pos)
		}
	}
	for _, p := range b.Params {
		to, ok := last[p.ID]
		if !ok {
			to = start + posDef
		}
		l.ranges[p.ID] = append(l.ranges[p.ID], Span{start, to})
		delete(last, p.ID)
	}
	for id, to := range last {
		l.ranges[id] = append(l.ranges[id], Span{start, to})
	}
}
