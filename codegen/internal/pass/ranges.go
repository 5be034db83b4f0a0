package pass

import (
	"math"
	"sort"
)

// Positions. Every operation, terminator and block header has a number i in the order of the code. Before it, at
// 4i-1, values can be moved; it reads operands at 4i, destroys the registers that calls destroy at 4i+1, and
// defines its result at 4i+2. A header defines the block's parameters at 4i, and has no position for moves: those are made
// on the edges that lead to it.
const (
	posClobber = 1
	posDef     = 2
	posMove    = 3 // of the next operation
	posStep    = 4
)

// never is after every position.
const never = math.MaxInt

// span is a stretch of positions in which something is kept: from, and up to but without to.
type span struct{ from, to int }

// ranges are spans in ascending order that do not touch.
type ranges []span

func (r ranges) start() int { return r[0].from }
func (r ranges) end() int   { return r[len(r)-1].to }

func (r ranges) covers(pos int) bool {
	i := r.after(pos)
	return i < len(r) && r[i].from <= pos
}

// after is the index of the first span that ends behind pos.
func (r ranges) after(pos int) int {
	return sort.Search(len(r), func(i int) bool { return r[i].to > pos })
}

// meets is the first position that two lists share, never if there is none.
func (r ranges) meets(o ranges) int {
	if len(o) == 0 {
		return never
	}
	for i, j := 0, 0; ; {
		if i += r[i:].after(o[j].from); i == len(r) {
			return never
		}
		if j += o[j:].after(r[i].from); j == len(o) {
			return never
		}
		if o[j].from < r[i].to {
			return max(r[i].from, o[j].from)
		}
	}
}

// add merges another list into r, which is not to be used any more.
func (r ranges) add(o ranges) ranges {
	if len(o) == 0 {
		return r
	}
	// What lies before the other list stays where it is: lists grow at the end most of the time.
	keep := sort.Search(len(r), func(i int) bool { return r[i].to >= o[0].from })
	out, rest := r[:keep], r[keep:]
	if len(rest) > 0 {
		rest = append(ranges(nil), rest...)
	}
	for i, j := 0, 0; i < len(rest) || j < len(o); {
		var s span
		if j >= len(o) || i < len(rest) && rest[i].from <= o[j].from {
			s = rest[i]
			i++
		} else {
			s = o[j]
			j++
		}
		if n := len(out); n > 0 && out[n-1].to >= s.from {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// split cuts a list, which is not to be used any more, at a position.
func (r ranges) split(pos int) (before, after ranges) {
	i := r.after(pos)
	before, after = append(ranges(nil), r[:i]...), r[i:]
	if i < len(r) && r[i].from < pos {
		before = append(before, span{r[i].from, pos})
		after[0].from = pos
	}
	return before, after
}
