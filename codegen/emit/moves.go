package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/ir"
	"github.com/gotrace/gotrace/codegen/pass"
)

// move copies a value from one place to another.
type move struct{ to, from pass.Loc }

type moves []move

// parallel does moves as if all happened at once. A circle is opened by way of temp, which no move may use;
// memory goes to memory by way of tmp2.
func (e *emitter) parallel(m moves, temp asm.Register) {
	var todo moves
	for _, x := range m {
		if x.to != x.from {
			todo = append(todo, x)
		}
	}
	for len(todo) > 0 {
		if i := todo.free(); i >= 0 {
			e.copy(todo[i].to, todo[i].from)
			todo = append(todo[:i], todo[i+1:]...)
			continue
		}
		// Every target is still to be read: keep one of the sources aside.
		aside := pass.Loc{Reg: int(temp)}
		from := todo[0].from
		e.copy(aside, from)
		for i := range todo {
			if todo[i].from == from {
				todo[i].from = aside
			}
		}
	}
}

// free finds a move whose target no other move reads, -1 if there is none.
func (m moves) free() int {
	for i, x := range m {
		read := false
		for j, y := range m {
			read = read || i != j && y.from == x.to
		}
		if !read {
			return i
		}
	}
	return -1
}

// copy moves 8 bytes between two places.
func (e *emitter) copy(to, from pass.Loc) {
	switch {
	case to.InReg() && from.InReg():
		e.add(asm.Mov.Reg(asm.Register(to.Reg), asm.Register(from.Reg)))
	case to.InReg():
		e.add(asm.LoadMem(asm.Register(to.Reg), asm.RFP, int16(from.Frame), asm.DWord))
	case from.InReg():
		e.add(asm.StoreMem(asm.RFP, int16(to.Frame), asm.Register(from.Reg), asm.DWord))
	default:
		e.add(asm.LoadMem(tmp2, asm.RFP, int16(from.Frame), asm.DWord))
		e.add(asm.StoreMem(asm.RFP, int16(to.Frame), tmp2, asm.DWord))
	}
}

// moveTo puts a value into a register.
func (e *emitter) moveTo(r asm.Register, v *ir.Value) {
	l, ok := e.alloc.Loc(v)
	if !ok {
		e.compute(r, v)
		return
	}
	if l.InReg() && asm.Register(l.Reg) == r {
		return
	}
	e.copy(pass.Loc{Reg: int(r)}, l)
}

// compute does an operation that has no place of its own where it is used.
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

// reg returns a register that holds a value: its own, or temp after loading it there.
func (e *emitter) reg(v *ir.Value, temp asm.Register) asm.Register {
	if l, ok := e.alloc.Loc(v); ok && l.InReg() {
		return asm.Register(l.Reg)
	}
	e.moveTo(temp, v)
	return temp
}

// result returns the register in which to compute a value, and what to do after: nothing, or a store to the frame.
func (e *emitter) result(v *ir.Value) (r asm.Register, done func()) {
	l, ok := e.alloc.Loc(v)
	switch {
	case !ok:
		return tmp1, func() {}
	case l.InReg():
		return asm.Register(l.Reg), func() {}
	}
	return tmp1, func() { e.add(asm.StoreMem(asm.RFP, int16(l.Frame), tmp1, asm.DWord)) }
}
