package emit

import (
	"fmt"
	"math"
	"sort"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang/source"
)

// Jumps have an offset of 16 bits. (A jump with 32 bits is there from Linux 6.6 on, and it has no condition.) In a long function
// those that go further do so through islands: jumps that stand every few thousand instructions and lead on. What
// leads to the same place shares them.

const maxJump = math.MaxInt16

// reach is how far jumps go, in units of eight bytes.
type reach int

// hop is the distance to an island that a jump chooses: less than the reach, so that islands that are added in between do little harm.
func (r reach) hop() int { return int(r) * 3 / 4 }

// step is the distance from one possible place of an island to the next.
func (r reach) step() int { return max(int(r)/8, 1) }

// RangeError says that a function is so long that a jump does not reach its target, not even through islands.
type RangeError struct {
	Distance int         // in units of eight bytes
	Pos      *source.Pos // nil where that is not known
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("a jump of %d instructions is too far", e.Distance)
}

// grown is the size of an instruction in units of eight bytes when the verifier is done with it, or more: it replaces calls of some
// helpers and divisions by several instructions, accesses of the context, too (do_misc_fixups and
// convert_ctx_accesses, kernel/bpf/verifier.c), and refuses the program if a jump over them no longer fits.
func grown(ins asm.Instruction) int {
	op := ins.OpCode
	switch class := op.Class(); {
	case op.IsDWordLoad():
		return 2
	case class.IsJump() && op.JumpOp() == asm.Call && ins.IsBuiltinCall() && asm.BuiltinFunc(ins.Constant) == asm.FnLoop:
		return 32
	case class.IsJump() && op.JumpOp() == asm.Call:
		return 12
	case class.IsALU() && (op.ALUOp() == asm.Div || op.ALUOp() == asm.Mod || op.ALUOp() == asm.SDiv || op.ALUOp() == asm.SMod):
		return 10
	case class == asm.LdXClass && ins.Src != asm.RFP:
		return 4
	}
	return 1
}

// island is a place before an instruction for jumps that lead on.
type island struct {
	before  int // index of the instruction
	offset  int // of the first entry
	entries []*entry
	to      map[any]*entry // by target
}

// entry is a jump of an island. It is itself the label of those that lead to it.
type entry struct {
	to     any
	island int
	index  int // among the entries
}

// bridges finds routes for the far jumps of a function.
type bridges struct {
	*code
	reach   reach
	islands []*island // in the order of the code
	offset  []int     // by index of an instruction
}

// bridge makes jumps that are too far for 16 bits go through islands.
func (c *code) bridge(r reach) error {
	b := &bridges{code: c, reach: r, offset: make([]int, len(c.insns)+1)}
	b.survey()
	if b.offset[len(c.insns)] <= int(r) {
		return nil
	}
	for found := true; found; {
		var err error
		if found, err = b.redirect(); err != nil {
			return err
		}
		b.measure()
	}
	b.build()
	return nil
}

// survey chooses the places where islands can be.
func (b *bridges) survey() {
	for i, ins := range b.insns {
		n := 0
		if k := len(b.islands); k > 0 {
			n = b.islands[k-1].offset
		}
		if i > 0 && b.offset[i]-n >= b.reach.step() {
			b.islands = append(b.islands, &island{before: i, offset: b.offset[i], to: map[any]*entry{}})
		}
		b.offset[i+1] = b.offset[i] + grown(ins)
	}
}

// measure finds the offsets of instructions and islands anew.
func (b *bridges) measure() {
	at, next := 0, 0
	for i, ins := range b.insns {
		if next < len(b.islands) && b.islands[next].before == i {
			at += b.detour(b.islands[next])
			b.islands[next].offset = at
			at += len(b.islands[next].entries)
			next++
		}
		b.offset[i] = at
		at += grown(ins)
	}
	b.offset[len(b.insns)] = at
}

// detour is how many instructions it takes to pass an island by.
func (b *bridges) detour(s *island) int {
	if len(s.entries) == 0 || leaves(b.insns[s.before-1]) {
		return 0
	}
	return 1
}

// placeOf is the offset of a label.
func (b *bridges) placeOf(label any) int {
	if e, ok := label.(*entry); ok {
		return b.islands[e.island].offset + e.index
	}
	return b.offset[b.labels[label]]
}

// redirect lets all jumps that are too far go to islands. It says whether there were some.
func (b *bridges) redirect() (found bool, err error) {
	for i := range b.insns { // not in the order of the map
		to, ok := b.jumps[i]
		if !ok {
			continue
		}
		via, err := b.via(b.offset[i], to, -1)
		if err != nil {
			err.Pos = b.pos[i]
			return false, err
		}
		if via != to {
			b.jumps[i], found = via, true
		}
	}
	for k, s := range b.islands {
		for j := range s.entries {
			e := s.entries[j]
			via, err := b.via(s.offset+j, e.to, k)
			if err != nil {
				err.Pos = b.pos[s.before-1]
				return false, err
			}
			found = found || via != e.to
			e.to = via
		}
	}
	return found, nil
}

// via is where a jump at an offset goes: to its target, or to an island between. own is the island that the jump is part
// of, -1 for none.
func (b *bridges) via(from int, to any, own int) (any, *RangeError) {
	distance := b.placeOf(to) - (from + 1)
	if max(distance, -distance) <= int(b.reach) {
		return to, nil
	}
	var k int
	if distance > 0 {
		k = sort.Search(len(b.islands), func(k int) bool { return b.islands[k].offset > from+b.reach.hop() }) - 1
		if k < 0 || k <= own || b.islands[k].offset <= from {
			return nil, &RangeError{Distance: distance}
		}
	} else {
		k = sort.Search(len(b.islands), func(k int) bool { return b.islands[k].offset >= from-b.reach.hop() })
		if k == len(b.islands) || own >= 0 && k >= own || b.islands[k].offset >= from {
			return nil, &RangeError{Distance: -distance}
		}
	}
	s := b.islands[k]
	e := s.to[to]
	if e == nil {
		e = &entry{to: to, island: k, index: len(s.entries)}
		s.to[to] = e
		s.entries = append(s.entries, e)
	}
	return e, nil
}

// build puts the islands that have entries into the code.
func (b *bridges) build() {
	old := *b.code
	c := b.code
	c.insns, c.pos = make(asm.Instructions, 0, len(old.insns)), make([]*source.Pos, 0, len(old.insns))
	c.jumps, c.labels = make(map[int]any, len(old.jumps)), make(map[any]int, len(old.labels))
	at := make([]int, len(old.insns)+1) // new indexes
	islands := b.islands
	for i, ins := range old.insns {
		if len(islands) > 0 && islands[0].before == i {
			b.raise(islands[0], leaves(old.insns[i-1]), old.pos[i-1])
			islands = islands[1:]
		}
		at[i] = len(c.insns)
		if to, ok := old.jumps[i]; ok {
			c.jumps[at[i]] = to
		}
		c.insns, c.pos = append(c.insns, ins), append(c.pos, old.pos[i])
	}
	at[len(old.insns)] = len(c.insns)
	for l, i := range old.labels {
		c.labels[l] = at[i]
	}
}

// raise adds the entries of an island, and a jump over them unless nothing comes from the instruction before.
func (b *bridges) raise(s *island, left bool, pos *source.Pos) {
	if len(s.entries) == 0 {
		return
	}
	b.at = pos
	if !left {
		b.jump(asm.Ja.Label(""), s)
	}
	for _, e := range s.entries {
		b.place(e)
		b.jump(asm.Ja.Label(""), e.to)
	}
	if !left {
		b.place(s)
	}
}
