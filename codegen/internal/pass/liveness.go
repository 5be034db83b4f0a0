package pass

import (
	"sort"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// use is a place where a value is needed.
type use struct {
	pos int
	reg int // the first position from there on where it is needed in a register
}

// liveness is where the values of a function are live.
type liveness struct {
	f      *ir.Func
	first  []int // number of each block's header, by block id
	last   []int // number of its terminator
	header []bool
	live   []ranges      // by value id; empty for values that need no place of their own
	uses   [][]use       // by value id, ascending
	calls  ranges        // where calls destroy registers
	in     [][]*ir.Value // what is live at each block's start, its parameters aside, by block id
	noted  map[liveAt]bool
}

// newLiveness computes what is live where.
func newLiveness(f *ir.Func) *liveness {
	l := &liveness{f: f, first: make([]int, f.BlockIDs()), last: make([]int, f.BlockIDs()),
		live: make([]ranges, f.Values()), uses: make([][]use, f.Values()), noted: map[liveAt]bool{}}
	l.number()
	l.liveIn()
	for _, b := range f.Blocks {
		l.block(b)
	}
	for id := range l.live {
		l.live[id] = ranges(nil).add(sorted(l.live[id]))
		l.order(l.uses[id])
	}
	return l
}

// order sorts the uses of a value, and lets each know the next one that is in a register.
func (l *liveness) order(uses []use) {
	sort.SliceStable(uses, func(i, j int) bool { return uses[i].pos < uses[j].pos })
	next := never
	for i := len(uses) - 1; i >= 0; i-- {
		next = min(next, uses[i].reg)
		uses[i].reg = next
	}
}

// newUse is a use at a position.
func newUse(pos int, inReg bool) use {
	if inReg {
		return use{pos, pos}
	}
	return use{pos, never}
}

func sorted(r ranges) ranges {
	sort.Slice(r, func(i, j int) bool { return r[i].from < r[j].from })
	return r
}

// number gives headers, operations and terminators their numbers.
func (l *liveness) number() {
	for _, b := range l.f.Blocks {
		l.first[b.ID] = len(l.header)
		l.header = append(l.header, true)
		for _, v := range b.Values {
			if v.IsCall() {
				pos := len(l.header)*posStep + posClobber
				l.calls = append(l.calls, span{pos, pos + 1})
			}
			l.header = append(l.header, false)
		}
		l.last[b.ID] = len(l.header)
		l.header = append(l.header, false)
	}
}

// start and end are the positions between which a block lies.
func (l *liveness) start(b *ir.Block) int { return l.first[b.ID] * posStep }
func (l *liveness) end(b *ir.Block) int   { return (l.last[b.ID] + 1) * posStep }

// splitPoint is the last place at or before a position where a value can change its place.
func (l *liveness) splitPoint(pos int) int {
	switch i := pos / posStep; {
	case pos == never || pos%posStep == posMove:
		return pos
	case l.header[i]:
		return i * posStep
	default:
		return i*posStep - 1
	}
}

// placed says whether an operand has a place of its own: what is cheap to compute has one only where
// an instruction wants it in a register.
func placed(a *ir.Value, n need) bool { return n != inPlace && (n != anywhere || !a.Remat()) }

// liveIn finds what is live at each block's start: from each use backwards, up to the definition.
func (l *liveness) liveIn() {
	l.in = make([][]*ir.Value, l.f.BlockIDs())
	preds := make([][]*ir.Block, l.f.BlockIDs())
	for _, b := range l.f.Blocks {
		for _, e := range b.Edges() {
			preds[e.To.ID] = append(preds[e.To.ID], b)
		}
	}
	for _, b := range l.f.Blocks {
		used := func(a *ir.Value, n need) {
			if placed(a, n) {
				l.reach(a, b, preds)
			}
		}
		for _, v := range b.Values {
			operands(v, used)
		}
		edgeArgs(b, used)
		termOperands(&b.Term, used)
	}
}

// reach notes that a value is live at the start of b and of the blocks before it, as far as its definition.
func (l *liveness) reach(v *ir.Value, b *ir.Block, preds [][]*ir.Block) {
	for work := []*ir.Block{b}; len(work) > 0; {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if b == v.Block || l.noted[liveAt{v, b}] {
			continue
		}
		l.noted[liveAt{v, b}] = true
		l.in[b.ID] = append(l.in[b.ID], v)
		work = append(work, preds[b.ID]...)
	}
}

type liveAt struct {
	v *ir.Value
	b *ir.Block
}

func edgeArgs(b *ir.Block, f func(a *ir.Value, n need)) {
	for _, e := range b.Edges() {
		for _, a := range e.Args {
			f(a, anywhere)
		}
	}
}

// block adds the ranges and uses of one block.
func (l *liveness) block(b *ir.Block) {
	until := map[int]int{} // id → end of its range, for what is live behind the place that is looked at
	for _, e := range b.Edges() {
		for _, v := range l.in[e.To.ID] {
			until[v.ID] = l.end(b)
		}
	}
	pos := l.last[b.ID] * posStep
	note := func(to int) func(*ir.Value, need) {
		return func(a *ir.Value, n need) {
			if !placed(a, n) {
				return
			}
			end := to
			if n == inRegLate {
				end = pos + posMove
			}
			until[a.ID] = max(until[a.ID], end)
			l.uses[a.ID] = append(l.uses[a.ID], newUse(pos, n != anywhere))
		}
	}
	edgeArgs(b, note(pos+posMove)) // they are moved after the comparison
	termOperands(&b.Term, note(pos+1))
	for i := len(b.Values) - 1; i >= 0; i-- {
		v := b.Values[i]
		pos -= posStep
		_, used := until[v.ID]
		if v.HasResult() && (used || !v.Remat()) {
			l.define(v, pos+posDef, until)
			l.uses[v.ID] = append(l.uses[v.ID], newUse(pos+posDef, true))
		}
		operands(v, note(pos+1))
	}
	for _, p := range b.Params {
		l.define(p, l.start(b), until)
		l.uses[p.ID] = append(l.uses[p.ID], newUse(l.start(b), false))
	}
	for id, to := range until {
		l.live[id] = append(l.live[id], span{l.start(b), to})
	}
}

// define ends, looking backwards, the range of a value.
func (l *liveness) define(v *ir.Value, pos int, until map[int]int) {
	to := max(until[v.ID], pos+1) // dead results take their register for a moment
	delete(until, v.ID)
	l.live[v.ID] = append(l.live[v.ID], span{pos, to})
}
