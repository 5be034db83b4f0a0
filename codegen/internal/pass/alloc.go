package pass

import (
	"fmt"
	"sort"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// maxFrame is MAX_BPF_STACK (include/linux/filter.h).
const maxFrame = 512

// FrameError says that a function needs more stack than the kernel gives.
type FrameError struct {
	Func string
	Size int    // bytes needed
	What string // the largest pieces, or the functions that are active at once
}

// Limit is what the kernel gives, in bytes.
func (e *FrameError) Limit() int { return maxFrame }

func (e *FrameError) Error() string {
	return fmt.Sprintf("%s needs %d bytes of stack (%s), the kernel gives %d", e.Func, e.Size, e.What, maxFrame)
}

// Allocation says where the values and slots of a function lie. Operations are numbered as they stand, from
// Number(block)+1 in each block; the terminator comes after them.
type Allocation struct {
	FrameSize int // bytes

	*liveness
	parts  []*interval // by value id
	frame  []int       // by value id: offset from R10, 0 for values that are never spilled
	slots  []int       // by slot id: offset from R10
	before map[int][]Move
	edges  map[edgeKey][]Move
	entry  []Move
	asides [2]int
	index  map[int][]*interval // by value id: the parts of values that have many
	inRegs *[numRegs][]held    // what each register holds, in the order of the code; made when it is asked for
}

type edgeKey struct {
	from *ir.Block
	i    int // 0: Then, 1: Else
}

// Allocate decides where the values of a function lie: live ranges, a linear scan over the registers, the frame, and
// the moves between places. The values get new ids first: most of a long function's are gone by now.
func Allocate(f *ir.Func) (*Allocation, error) {
	f.Compact()
	s := scan(newLiveness(f))
	a := &Allocation{liveness: s.liveness, parts: s.parts, before: map[int][]Move{}, edges: map[edgeKey][]Move{}}
	a.indexParts()
	what := a.layOut()
	a.resolve()
	a.storedBefore()
	if a.FrameSize > maxFrame {
		return nil, &FrameError{Func: f.Name, Size: a.FrameSize, What: what}
	}
	return a, nil
}

// Number is the number of a block's header.
func (a *Allocation) Number(b *ir.Block) int { return a.first[b.ID] }

// Used is where operation or terminator i finds its operand v.
func (a *Allocation) Used(v *ir.Value, i int) Loc { return a.at(v, i*posStep) }

// Defined is where operation i leaves its result v; ok is false if v is computed where it is used.
func (a *Allocation) Defined(v *ir.Value, i int) (l Loc, ok bool) {
	if a.parts[v.ID] == nil {
		return Loc{}, false
	}
	return a.at(v, i*posStep+posDef), true
}

// Before are the moves to make before operation or terminator i.
func (a *Allocation) Before(i int) []Move { return a.before[i] }

// Edge are the moves to make on an edge out of a block: 0 for Then, 1 for Else.
func (a *Allocation) Edge(b *ir.Block, i int) []Move { return a.edges[edgeKey{b, i}] }

// Entry are the moves of a callback's parameters at its start.
func (a *Allocation) Entry() []Move { return a.entry }

// Slot returns the offset of a slot from R10.
func (a *Allocation) Slot(s *ir.Slot) int { return a.slots[s.ID] }

// at is where a value lies at a position.
func (a *Allocation) at(v *ir.Value, pos int) Loc {
	if it := a.part(v, pos); it != nil {
		return a.loc(it)
	}
	return Loc{Reg: inMemory}
}

// part is the part of a value that is live at a position, nil if none is.
func (a *Allocation) part(v *ir.Value, pos int) *interval {
	if parts := a.index[v.ID]; parts != nil {
		i := sort.Search(len(parts), func(i int) bool { return parts[i].end() > pos })
		if i < len(parts) && parts[i].live.covers(pos) {
			return parts[i]
		}
		return nil
	}
	for it := a.parts[v.ID]; it != nil; it = it.next {
		if it.live.covers(pos) {
			return it
		}
	}
	return nil
}

// manyParts is from how many parts on a value has an index of them.
const manyParts = 8

// indexParts prepares the search for what lies where.
func (a *Allocation) indexParts() {
	a.index = map[int][]*interval{}
	for id, first := range a.parts {
		var parts []*interval
		for it := first; it != nil; it = it.next {
			parts = append(parts, it)
		}
		if len(parts) >= manyParts {
			a.index[id] = parts
		}
	}
}

// loc is the place of a part of a value.
func (a *Allocation) loc(it *interval) Loc {
	switch {
	case it.reg >= 0:
		return Register(it.reg)
	case it.value.Remat():
		return Loc{Reg: inMemory}
	}
	return Loc{Reg: inMemory, Frame: a.frame[it.value.ID]}
}

// aside is a word of the frame in which moves put values aside.
func (a *Allocation) aside(i int) Loc {
	if a.asides[i] == 0 {
		a.FrameSize += 8
		a.asides[i] = -a.FrameSize
	}
	return Loc{Reg: inMemory, Frame: a.asides[i]}
}
