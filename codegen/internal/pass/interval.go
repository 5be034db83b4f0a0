package pass

import (
	"sort"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// interval is a value in one place for a part of its life. The parts of a value form a list in the order of the code.
type interval struct {
	value *ir.Value
	live  ranges
	uses  []use
	reg   int // inMemory: in the frame, or nowhere if it is cheap to compute again
	next  *interval
}

const inMemory = -1

func (it *interval) start() int { return it.live.start() }
func (it *interval) end() int   { return it.live.end() }

// split cuts off and returns what comes from pos on.
func (it *interval) split(pos int) *interval {
	before, after := it.live.split(pos)
	n := &interval{value: it.value, live: after, reg: inMemory, next: it.next}
	it.live, it.next = before, n
	i := it.useAt(pos)
	it.uses, n.uses = it.uses[:i:i], it.uses[i:]
	return n
}

// regUse is the first position from pos on at which the value must be in a register.
func (it *interval) regUse(pos int) int {
	i := it.useAt(pos)
	if i == len(it.uses) || it.uses[i].reg > it.uses[len(it.uses)-1].pos {
		return never
	}
	return it.uses[i].reg
}

// useAt is the index of the first use from pos on.
func (it *interval) useAt(pos int) int {
	return sort.Search(len(it.uses), func(i int) bool { return it.uses[i].pos >= pos })
}

// usedBefore says whether the value is used before pos.
func (it *interval) usedBefore(pos int) bool { return len(it.uses) > 0 && it.uses[0].pos < pos }

// queue has intervals by the position at which they begin.
type queue []*interval

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].start() != q[j].start() {
		return q[i].start() < q[j].start()
	}
	return q[i].value.ID < q[j].value.ID
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*interval)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
