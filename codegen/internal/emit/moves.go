package emit

import (
	"maps"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/pass"
)

// moves makes moves in their order.
func (e *emitter) moves(list []pass.Move) {
	for _, m := range list {
		if m.From.InReg() || m.From.InFrame() {
			e.move(m)
		} else {
			e.compute(asm.Register(m.To.Reg), m.Value)
		}
	}
}

// move moves a value from a register or the frame. The verifier is to know nothing of a number in the frame: before Linux 6.9 the number
// is made unknown before it is stored. Newer verifiers follow constants through what unknown does, but a word of
// which one byte was stored again is any number to them.
func (e *emitter) move(m pass.Move) {
	number := m.To.InFrame() && m.Value != nil && e.scalars[m.Value.ID]
	swap := number && (!e.seesFrames || e.pointers[m.Value.ID])
	if swap {
		e.unknown(asm.Register(m.From.Reg))
	}
	e.copy(m.To, m.From)
	if number && !swap {
		e.add(asm.StoreMem(asm.RFP, int16(m.To.Frame), asm.Register(m.From.Reg), asm.Byte))
	}
}

// unknown makes the verifier forget what it knows about a register, which keeps its value.
func (e *emitter) unknown(r asm.Register) {
	same := maps.Clone(e.copies.class)
	e.swapTwice(r)
	e.copies.class = same
}

// swapTwice leaves the same number, of which the verifier only knows that it is one. The newest verifiers (seen on a Linux 6.18) forget
// limits by that, but follow constants, as they do through two negations.
func (e *emitter) swapTwice(r asm.Register) {
	swap := asm.HostTo(asm.BE, r, asm.DWord)
	e.add(swap)
	e.add(swap)
}

func placeOf(l pass.Loc) place {
	if l.InReg() {
		return place{reg: asm.Register(l.Reg)}
	}
	return place{asm.RFP, int16(l.Frame)}
}

// copy moves 8 bytes between two places, one of them a register.
func (e *emitter) copy(to, from pass.Loc) {
	x, y := placeOf(to), placeOf(from)
	if x == y || e.copies.same(x, y) && to.InReg() {
		return
	}
	switch {
	case to.InReg() && from.InReg():
		e.add(asm.Mov.Reg(x.reg, y.reg))
	case to.InReg():
		if r, ok := e.copies.registerWith(y); ok {
			e.add(asm.Mov.Reg(x.reg, r))
		} else {
			e.add(asm.LoadMem(x.reg, asm.RFP, y.off, asm.DWord))
		}
	default:
		e.add(asm.StoreMem(asm.RFP, x.off, y.reg, asm.DWord))
	}
	e.copies.join(x, y)
}

// take puts an operand into a register.
func (e *emitter) take(r asm.Register, v *ir.Value) {
	l := e.alloc.Used(v, e.i)
	if l.InReg() || l.InFrame() {
		e.copy(pass.Register(int(r)), l)
		return
	}
	e.compute(r, v)
}

// reg is the register that holds an operand.
func (e *emitter) reg(v *ir.Value) asm.Register { return asm.Register(e.alloc.Used(v, e.i).Reg) }

// compute makes a constant or an address.
func (e *emitter) compute(r asm.Register, v *ir.Value) {
	switch v.Op {
	case ir.OpConst:
		e.constant(r, v.Imm)
	case ir.OpSlot:
		e.add(asm.Mov.Reg(r, asm.RFP))
		if off := e.alloc.Slot(v.Slot) + int(v.Off); off != 0 {
			e.add(asm.Add.Imm(r, int32(off)))
		}
	case ir.OpMapPtr:
		e.add(asm.LoadMapPtr(r, 0).WithReference(v.Sym))
	case ir.OpMapValue:
		e.add(asm.LoadMapValue(r, 0, uint32(v.Off)).WithReference(v.Sym))
	case ir.OpFuncPtr:
		e.add(asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: r, Src: asm.PseudoFunc, Constant: -1}.WithReference(v.Sym))
	}
}

// constant loads a constant. Numbers that do not fit the sign-extended 32 bits of an ordinary instruction take the wide one.
func (e *emitter) constant(r asm.Register, n int64) {
	switch {
	case n == int64(int32(n)):
		e.add(asm.Mov.Imm(r, int32(n)))
	case n == int64(uint32(n)):
		e.add(asm.Mov.Imm32(r, int32(uint32(n))))
	default:
		e.add(asm.LoadImm(r, n, asm.DWord))
	}
}
