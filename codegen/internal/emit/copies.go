package emit

import (
	"github.com/cilium/ebpf/asm"
)

// copies knows which registers and words of the frame hold the same value since the last label, so that
// moves that change nothing are left out.
type copies struct {
	class map[place]int // places of the same class hold the same
	n     int
}

// place is a register, or the word at an offset from R10.
type place struct {
	reg asm.Register // RFP: the frame
	off int16
}

func newCopies() copies { return copies{class: map[place]int{}} }

// same says whether two places hold the same value.
func (c *copies) same(x, y place) bool {
	cx, ok := c.class[x]
	cy, ok2 := c.class[y]
	return ok && ok2 && cx == cy
}

// registerWith is a register that holds the same as a place; ok is false if none does.
func (c *copies) registerWith(p place) (r asm.Register, ok bool) {
	for r := asm.R0; r <= asm.R9; r++ {
		if c.same(place{reg: r}, p) {
			return r, true
		}
	}
	return 0, false
}

// join notes that to now holds what from holds.
func (c *copies) join(to, from place) {
	if _, ok := c.class[from]; !ok {
		c.n++
		c.class[from] = c.n
	}
	c.class[to] = c.class[from]
}

// note follows an instruction: what it writes holds something new.
func (c *copies) note(ins asm.Instruction) {
	op := ins.OpCode
	switch {
	case op.Class().IsJump():
		if op.JumpOp() == asm.Call {
			for r := asm.R0; r <= asm.R5; r++ {
				delete(c.class, place{reg: r})
			}
		}
	case op.Class() == asm.StXClass && op.Mode() == asm.AtomicMode:
		delete(c.class, place{reg: ins.Src})
	case op.Class() == asm.StClass || op.Class() == asm.StXClass:
		// Words that hold values are written by moves alone.
	default:
		delete(c.class, place{reg: ins.Dst})
	}
}
