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
	for _, s := range r {
		if s.from <= pos && pos < s.to {
			return true
		}
	}
	return false
}

// meets is the first position that two lists share, never if there is none.
func (r ranges) meets(o ranges) int {
	if len(o) == 0 {
		return never
	}
	i := sort.Search(len(r), func(i int) bool { return r[i].to > o[0].from })
	for j := 0; i < len(r) && j < len(o); {
		switch {
		case r[i].to <= o[j].from:
			i++
		case o[j].to <= r[i].from:
			j++
		default:
			return max(r[i].from, o[j].from)
		}
	}
	return never
}

// add merges another list into r.
func (r ranges) add(o ranges) ranges {
	out := make(ranges, 0, len(r)+len(o))
	for i, j := 0, 0; i < len(r) || j < len(o); {
		var s span
		if j >= len(o) || i < len(r) && r[i].from <= o[j].from {
			s = r[i]
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

// split cuts a list at a position.
func (r ranges) split(pos int) (before, after ranges) {
	for _, s := range r {
		if s.from < pos {
			before = append(before, span{s.from, min(s.to, pos)})
		}
		if s.to > pos {
			after = append(after, span{max(s.from, pos), s.to})
		}
	}
	return before, after
}
