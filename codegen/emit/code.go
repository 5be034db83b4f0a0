package emit

import (
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang"
)

// code is the instructions of a function while they are made. Jumps go to labels, which are any comparable values.
type code struct {
	insns  asm.Instructions
	pos    []lang.Pos
	labels map[any]int // index of the instruction behind the label
	jumps  map[int]any // label, by the index of the jump
	at     lang.Pos    // of what is added
	copies copies
}

func newCode() *code {
	return &code{labels: map[any]int{}, jumps: map[int]any{}, copies: newCopies()}
}

// add appends an instruction.
func (c *code) add(ins asm.Instruction) {
	c.copies.note(ins)
	c.insns = append(c.insns, ins)
	c.pos = append(c.pos, c.at)
}

// jump appends a jump to a label.
func (c *code) jump(ins asm.Instruction, to any) {
	c.jumps[len(c.insns)] = to
	c.add(ins)
}

// place puts a label before the next instruction.
func (c *code) place(label any) {
	c.labels[label] = len(c.insns)
	c.copies = newCopies()
}

// MaxJump is the longest jump of ordinary instructions, in units of eight bytes: its offset has 16 bits.
const MaxJump = math.MaxInt16

// RangeError says that a jump is longer than an instruction of the kernel can say, because the program is too long.
type RangeError struct {
	Distance int // in units of eight bytes
	Pos      lang.Pos
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("a jump of %d instructions, the longest is of %d", e.Distance, MaxJump)
}

// stretch replaces jumps that are too far for 16 bits. long says that the kernel has jumps with 32 bits.
func (c *code) stretch(long bool) error {
	for {
		far, distance := c.farJumps()
		switch {
		case len(far) == 0:
			return nil
		case !long:
			return &RangeError{Distance: distance, Pos: c.pos[far[0]]}
		}
		for i := len(far) - 1; i >= 0; i-- {
			c.lengthen(far[i])
		}
	}
}

// farJumps are the indexes of the jumps whose target is out of reach, and the distance of the first.
func (c *code) farJumps() (far []int, distance int) {
	offset := c.offsets()
	for i, ins := range c.insns {
		to, ok := c.jumps[i]
		if !ok || isLong(ins) {
			continue
		}
		if d := offset[c.labels[to]] - offset[i+1]; d != int(int16(d)) {
			if len(far) == 0 {
				distance = max(d, -d)
			}
			far = append(far, i)
		}
	}
	return far, distance
}

// offsets are the places of the instructions in units of eight bytes, and the end.
func (c *code) offsets() []int {
	offset := make([]int, len(c.insns)+1)
	for i, ins := range c.insns {
		offset[i+1] = offset[i] + int(ins.Width())
	}
	return offset
}

func isLong(ins asm.Instruction) bool {
	return ins.OpCode.Class() == asm.Jump32Class && ins.OpCode.JumpOp() == asm.Ja
}

// lengthen makes a jump go by way of a long one that stands next to it.
func (c *code) lengthen(i int) {
	to := c.jumps[i]
	if c.insns[i].OpCode.JumpOp() == asm.Ja {
		c.insns[i] = asm.LongJump("")
		return
	}
	// if … goto 2; goto 3; 2: long goto; 3:
	long, on := new(int), new(int)
	c.insert(i+1, asm.Ja.Label(""), asm.LongJump(""))
	c.jumps[i], c.jumps[i+1], c.jumps[i+2] = long, on, to
	c.labels[long], c.labels[on] = i+2, i+3
}

// insert puts instructions before the one with index i, which keeps its labels.
func (c *code) insert(i int, insns ...asm.Instruction) {
	n := len(insns)
	c.insns = append(c.insns[:i:i], append(insns, c.insns[i:]...)...)
	pos := make([]lang.Pos, n)
	for k := range pos {
		pos[k] = c.pos[i-1]
	}
	c.pos = append(c.pos[:i:i], append(pos, c.pos[i:]...)...)
	for l, at := range c.labels {
		if at >= i {
			c.labels[l] = at + n
		}
	}
	jumps := map[int]any{}
	for at, l := range c.jumps {
		if at >= i {
			at += n
		}
		jumps[at] = l
	}
	c.jumps = jumps
}

// link names the targets of jumps, by their offset, and the first instruction after the function.
func (c *code) link(name string) asm.Instructions {
	offset := c.offsets()
	for i, to := range c.jumps {
		target := c.labels[to]
		label := fmt.Sprintf("%s_%d", name, offset[target])
		c.insns[target] = c.insns[target].WithSymbol(label)
		c.insns[i] = c.insns[i].WithReference(label)
	}
	c.insns[0] = c.insns[0].WithSymbol(name)
	return c.insns
}
