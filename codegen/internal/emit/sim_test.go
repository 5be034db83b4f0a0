package emit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
)

// sim runs eBPF instructions, without privileges and stricter than the kernel: it fails on reads of registers and
// stack bytes that nobody wrote, and calls destroy R1 to R5.
type sim struct {
	*irtest.Machine
	insns  asm.Instructions
	labels map[string]int
	maps   map[string]int64
	fp     int64
	wrote  [frameBytes]bool // bytes of the frame
	regs   [11]int64
	known  [11]bool
}

const frameBytes = 512

func newSim(m *irtest.Machine, insns asm.Instructions) *sim {
	s := &sim{Machine: m, insns: insns, labels: map[string]int{}, maps: map[string]int64{}}
	for i, ins := range insns {
		if l := ins.Symbol(); l != "" {
			s.labels[l] = i
		}
	}
	m.Reset()
	s.fp = m.Region(make([]byte, frameBytes)) + frameBytes
	for name, mem := range m.Maps {
		s.maps[name] = m.Region(mem)
	}
	return s
}

// run runs the first function to its end and returns R0.
func (s *sim) run() (int64, error) {
	s.set(asm.R1, s.Region(make([]byte, 64)))
	s.set(asm.RFP, s.fp)
	for pc, steps := 0, 0; ; steps++ {
		if steps > 1e6 || pc >= len(s.insns) {
			return 0, fmt.Errorf("the program does not end")
		}
		ins := s.insns[pc]
		if ins.OpCode.Class().IsJump() && ins.OpCode.JumpOp() == asm.Exit {
			return s.get(asm.R0)
		}
		next, err := s.step(pc, ins)
		if err != nil {
			return 0, fmt.Errorf("%d: %v: %w", pc, ins, err)
		}
		pc = next
	}
}

func (s *sim) get(r asm.Register) (int64, error) {
	if !s.known[r] {
		return 0, fmt.Errorf("R%d was never written", r)
	}
	return s.regs[r], nil
}

func (s *sim) set(r asm.Register, x int64) { s.regs[r], s.known[r] = x, true }

func (s *sim) step(pc int, ins asm.Instruction) (next int, err error) {
	switch op := ins.OpCode; {
	case op.Class().IsALU():
		return pc + 1, s.alu(ins)
	case op.Class().IsJump():
		return s.jump(pc, ins)
	case op.IsDWordLoad():
		x := ins.Constant
		if ins.IsLoadFromMap() {
			x = s.maps[ins.Reference()] + x>>32
		}
		s.set(ins.Dst, x)
		return pc + 1, nil
	default:
		return pc + 1, s.memory(ins)
	}
}

// memory does loads, stores and atomic operations.
func (s *sim) memory(ins asm.Instruction) error {
	size, base := ins.OpCode.Size().Sizeof(), ins.Dst
	if ins.OpCode.Class() == asm.LdXClass {
		base = ins.Src
	}
	addr, err := s.get(base)
	if err != nil {
		return err
	}
	addr += int64(ins.Offset)
	switch ins.OpCode.Class() {
	case asm.LdXClass:
		if err := s.frame(addr, size, false); err != nil {
			return err
		}
		x, err := s.Load(addr, size)
		s.set(ins.Dst, x)
		return err
	case asm.StClass:
		if ins.Constant != int64(int32(ins.Constant)) {
			return fmt.Errorf("constant is cut")
		}
		return errorOf(s.frame(addr, size, true), s.Store(addr, size, ins.Constant))
	}
	x, err := s.get(ins.Src)
	if err != nil {
		return err
	}
	if ins.OpCode.Mode() == asm.MemMode {
		return errorOf(s.frame(addr, size, true), s.Store(addr, size, x))
	}
	return s.atomic(ins, addr, size, x)
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sim) atomic(ins asm.Instruction, addr int64, size int, x int64) error {
	if ins.Constant != int64(ins.OpCode.AtomicOp()>>8) {
		return fmt.Errorf("the constant is not encoded")
	}
	old, err := s.Load(addr, size)
	if err != nil {
		return err
	}
	switch ins.OpCode.AtomicOp() {
	case asm.AddAtomic:
		x += old
	case asm.FetchAdd:
		x += old
		s.set(ins.Src, old)
	case asm.Xchg:
		s.set(ins.Src, old)
	default:
		return fmt.Errorf("unknown atomic operation")
	}
	return errorOf(s.frame(addr, size, false), s.Store(addr, size, x))
}

// frame notes a write of the frame's bytes, or checks that bytes to be read were written.
func (s *sim) frame(addr int64, size int, write bool) error {
	off := addr - (s.fp - frameBytes)
	if off < 0 || off >= frameBytes {
		return nil
	}
	if off%int64(size) != 0 {
		return fmt.Errorf("misaligned access of the stack")
	}
	for i := off; i < off+int64(size); i++ {
		if write {
			s.wrote[i] = true
		} else if !s.wrote[i] {
			return fmt.Errorf("frame byte %d was never written", i-frameBytes)
		}
	}
	return nil
}

func (s *sim) jump(pc int, ins asm.Instruction) (int, error) {
	op := ins.OpCode.JumpOp()
	if op == asm.Call {
		x, err := s.Helper(s.Machine, ins.Constant, s.regs[1:6])
		s.set(asm.R0, x)
		for r := asm.R1; r <= asm.R5; r++ {
			s.known[r] = false
		}
		return pc + 1, err
	}
	target, ok := s.labels[ins.Reference()]
	if !ok {
		return 0, fmt.Errorf("no label")
	}
	if op == asm.Ja {
		return target, nil
	}
	x, err := s.get(ins.Dst)
	if err != nil {
		return 0, err
	}
	y := ins.Constant
	if ins.OpCode.Source() == asm.RegSource {
		if y, err = s.get(ins.Src); err != nil {
			return 0, err
		}
	} else if y != int64(int32(y)) {
		return 0, fmt.Errorf("constant is cut")
	}
	for c, j := range jumpOps {
		if j == op && irtest.Holds(c, x, y) {
			return target, nil
		}
	}
	return pc + 1, nil
}

func (s *sim) alu(ins asm.Instruction) error {
	if ins.Offset != 0 {
		return fmt.Errorf("the offset is not encoded")
	}
	op, w32 := ins.OpCode.ALUOp(), ins.OpCode.Class() == asm.ALUClass
	x, y := int64(0), ins.Constant
	var err error
	if op != asm.Mov && op != asm.MovSX8 && op != asm.MovSX16 && op != asm.MovSX32 {
		if x, err = s.get(ins.Dst); err != nil {
			return err
		}
	}
	switch {
	case op == asm.Swap:
		s.set(ins.Dst, irtest.Swap(x, int(ins.Constant)))
		return nil
	case op == asm.Neg:
		y = 0
	case ins.OpCode.Source() == asm.RegSource:
		if y, err = s.get(ins.Src); err != nil {
			return err
		}
	case y != int64(int32(y)):
		return fmt.Errorf("constant is cut")
	}
	r, err := aluResult(op, w32, x, y)
	s.set(ins.Dst, r)
	return err
}

func aluResult(op asm.ALUOp, w32 bool, x, y int64) (int64, error) {
	switch op {
	case asm.Mov:
		x = y
	case asm.MovSX8:
		x = int64(int8(y))
	case asm.MovSX16:
		x = int64(int16(y))
	case asm.MovSX32:
		x = int64(int32(y))
	case asm.Neg:
		x = -x
	default:
		for o, a := range aluOps {
			if a == op {
				return irtest.Arith(o, w32, x, y)
			}
		}
		return 0, fmt.Errorf("unknown operation")
	}
	if w32 {
		x = int64(uint32(x))
	}
	return x, nil
}
