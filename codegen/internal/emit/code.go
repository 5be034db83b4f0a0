package emit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang/source"
)

// code is the instructions of a function while they are made. Jumps go to labels, which are any comparable values.
type code struct {
	insns  asm.Instructions
	pos    []*source.Pos
	labels map[any]int // index of the instruction behind the label
	jumps  map[int]any // label, by the index of the jump
	placed int         // index behind the last label
	at     *source.Pos // of what is added
	copies copies
}

// newCode returns empty code with room for so many instructions: growing a long slice takes twice its memory.
func newCode(room int) *code {
	return &code{insns: make(asm.Instructions, 0, room), pos: make([]*source.Pos, 0, room), labels: map[any]int{}, jumps: map[int]any{}, copies: newCopies()}
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
	c.placed = len(c.insns)
	c.copies = newCopies()
}

// offsets are the places of the instructions in units of eight bytes, and the end.
func (c *code) offsets() []int {
	offset := make([]int, len(c.insns)+1)
	for i, ins := range c.insns {
		offset[i+1] = offset[i] + int(ins.Width())
	}
	return offset
}

// open says whether what is added next is reached from the instruction before it.
func (c *code) open() bool {
	n := len(c.insns)
	return n == 0 || c.placed == n || !leaves(c.insns[n-1])
}

// leaves says whether an instruction never goes on to the next one.
func leaves(ins asm.Instruction) bool {
	op := ins.OpCode
	return op.Class().IsJump() && (op.JumpOp() == asm.Ja || op.JumpOp() == asm.Exit)
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
