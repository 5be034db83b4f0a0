package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// between finds the blocks that lie between some blocks of a function: on a path from one to another. A function can have
// many slots that are used in a few neighbouring blocks each, so the search looks only at blocks between the first
// and the last of them in an order in which edges lead forwards.
type between struct {
	order        []*ir.Block
	num          []int // by block id: its place in order
	succs, preds [][]*ir.Block
	loops        bool // some edge leads backwards: every block can be between others

	before marks // blocks to which a path of at least one edge leads from those looked for
	after  marks // blocks from which one leads to them
	found  []*ir.Block
}

// marks is a set of blocks that is emptied at no cost.
type marks struct {
	round []int // by block id: the last search in which the block was marked
	now   int
}

func (m *marks) has(b *ir.Block) bool { return m.round[b.ID] == m.now }

func newBetween(f *ir.Func) *between {
	n := f.BlockIDs()
	w := &between{order: reversePostorder(f), num: make([]int, n), succs: make([][]*ir.Block, n), preds: make([][]*ir.Block, n),
		before: marks{round: make([]int, n)}, after: marks{round: make([]int, n)}}
	for i, b := range w.order {
		w.num[b.ID] = i
	}
	for _, b := range w.order {
		for _, e := range b.Edges() {
			w.succs[b.ID] = append(w.succs[b.ID], e.To)
			w.preds[e.To.ID] = append(w.preds[e.To.ID], b)
			w.loops = w.loops || w.num[e.To.ID] <= w.num[b.ID]
		}
	}
	return w
}

// find returns blocks among which are all that are in ids, or on a path between two of these. The marks before and after tell which.
func (w *between) find(ids map[int][]int) []*ir.Block {
	first, last := len(w.order), 0
	for id := range ids {
		first, last = min(first, w.num[id]), max(last, w.num[id])
	}
	if w.loops {
		first, last = 0, len(w.order)-1
	}
	w.found = w.found[:0]
	for id := range ids {
		w.found = append(w.found, w.order[w.num[id]])
	}
	w.spread(&w.before, w.succs, ids, first, last)
	for _, b := range w.spread(&w.after, w.preds, ids, first, last) {
		if len(ids[b.ID]) == 0 && w.before.has(b) {
			w.found = append(w.found, b)
		}
	}
	return w.found
}

// spread marks, and returns, what edges lead to from the blocks in ids, as far as it lies from first to last in the order.
func (w *between) spread(m *marks, edges [][]*ir.Block, ids map[int][]int, first, last int) (reached []*ir.Block) {
	m.now++
	visit := func(id int) {
		for _, to := range edges[id] {
			if n := w.num[to.ID]; !m.has(to) && first <= n && n <= last {
				m.round[to.ID] = m.now
				reached = append(reached, to)
			}
		}
	}
	for id := range ids {
		visit(id)
	}
	for i := 0; i < len(reached); i++ {
		visit(reached[i].ID)
	}
	return reached
}
