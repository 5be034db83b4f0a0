package emit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/pass"
)

// aluOps gives the instruction of an operation.
var aluOps = map[ir.Op]asm.ALUOp{
	ir.OpAdd: asm.Add, ir.OpSub: asm.Sub, ir.OpMul: asm.Mul, ir.OpUDiv: asm.Div, ir.OpUMod: asm.Mod,
	ir.OpSDiv: asm.SDiv, ir.OpSMod: asm.SMod,
	ir.OpAnd: asm.And, ir.OpOr: asm.Or, ir.OpXor: asm.Xor, ir.OpShl: asm.LSh, ir.OpLShr: asm.RSh, ir.OpAShr: asm.ArSh,
}

var jumpOps = map[ir.Cond]asm.JumpOp{
	ir.Eq: asm.JEq, ir.Ne: asm.JNE, ir.ULt: asm.JLT, ir.ULe: asm.JLE, ir.UGt: asm.JGT, ir.UGe: asm.JGE,
	ir.SLt: asm.JSLT, ir.SLe: asm.JSLE, ir.SGt: asm.JSGT, ir.SGe: asm.JSGE, ir.Set: asm.JSet,
}

var sizes = map[uint8]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}

// value emits one operation.
func (e *emitter) value(v *ir.Value) error {
	loc, placed := e.alloc.Defined(v, e.i)
	r := asm.Register(loc.Reg)
	if v.Remat() {
		if placed {
			e.compute(r, v)
		}
		return nil
	}
	switch v.Op {
	case ir.OpCtx:
		e.copy(loc, pass.Register(1))
	case ir.OpNeg, ir.OpScalar, ir.OpBswap, ir.OpZext, ir.OpSext:
		e.unary(v, r)
	case ir.OpCmp:
		e.compare(v, r)
		e.joined(v)
	case ir.OpLoad:
		base, off, err := e.address(v)
		if err != nil {
			return err
		}
		e.add(asm.LoadMem(r, base, off, sizes[v.Size]))
	case ir.OpStore:
		return e.store(v)
	case ir.OpAtomicAdd, ir.OpAtomicFetch, ir.OpXchg:
		return e.atomic(v, r)
	case ir.OpHelper, ir.OpKfunc, ir.OpCall, ir.OpGlobal:
		e.call(v, loc)
	default:
		if _, ok := aluOps[v.Op]; !ok {
			return fmt.Errorf("cannot be emitted")
		}
		e.alu(v, r)
	}
	return nil
}

// op adds an arithmetic instruction in the width of v.
func (e *emitter) op(v *ir.Value, ins asm.Instruction) {
	if v.W32 {
		ins.OpCode = ins.OpCode&^7 | asm.OpCode(asm.ALUClass)
	}
	e.add(ins)
}

// alu emits a two-address operation: the result's register gets the first operand, then is changed.
func (e *emitter) alu(v *ir.Value, r asm.Register) {
	op, x, y := aluOps[v.Op], v.Args[0], v.Args[1]
	if n, ok := pass.Immediate(v); ok {
		e.take(r, x)
		e.op(v, op.Imm(r, n))
		return
	}
	ry := e.reg(y)
	if ry == r && x != y { // the allocator allows that where the operands can change places
		x, ry = y, e.reg(x)
	}
	e.take(r, x)
	e.op(v, op.Reg(r, ry))
}

func (e *emitter) unary(v *ir.Value, r asm.Register) {
	x := v.Args[0]
	if loc := e.alloc.Used(x, e.i); loc.InReg() {
		// These read one register and write another.
		switch {
		case v.Op == ir.OpZext && v.Imm == 32:
			e.add(asm.Mov.Reg32(r, asm.Register(loc.Reg)))
			return
		case v.Op == ir.OpSext && e.v4:
			e.add(movsx[v.Imm].Reg(r, asm.Register(loc.Reg)))
			return
		}
	}
	e.take(r, x)
	switch {
	case v.Op == ir.OpNeg:
		e.op(v, asm.Instruction{OpCode: asm.OpCode(asm.ALU64Class).SetALUOp(asm.Neg), Dst: r})
	case v.Op == ir.OpScalar:
		e.swapTwice(r) // the verifier has forgotten that it was a pointer
	case v.Op == ir.OpBswap:
		e.add(asm.HostTo(asm.BE, r, sizes[uint8(v.Imm/8)]))
	case v.Op == ir.OpZext && v.Imm == 32:
		e.add(asm.Mov.Reg32(r, r))
	case v.Op == ir.OpZext:
		e.add(asm.And.Imm(r, int32(1<<v.Imm-1)))
	case e.v4:
		e.add(movsx[v.Imm].Reg(r, r))
	default:
		e.add(asm.LSh.Imm(r, int32(64-v.Imm)))
		e.add(asm.ArSh.Imm(r, int32(64-v.Imm)))
	}
}

// movsx are the sign-extending moves, by their width.
var movsx = map[int64]asm.ALUOp{8: asm.MovSX8, 16: asm.MovSX16, 32: asm.MovSX32}

// compare makes 1 or 0 of a comparison.
func (e *emitter) compare(v *ir.Value, r asm.Register) {
	e.add(asm.Mov.Imm(r, 1))
	end := new(int)
	e.compareJump(v.Cond, v.Args[0], v.Args[1], end)
	e.add(asm.Mov.Imm(r, 0))
	e.place(end)
}

// compareJump jumps to a label if x c y.
func (e *emitter) compareJump(c ir.Cond, x, y *ir.Value, to any) {
	if y.Op == ir.OpConst && y.Imm == int64(int32(y.Imm)) {
		e.jump(jumpOps[c].Imm(e.reg(x), int32(y.Imm), ""), to)
		return
	}
	e.jump(jumpOps[c].Reg(e.reg(x), e.reg(y), ""), to)
}

// address gives the base register and offset of a memory operation.
func (e *emitter) address(v *ir.Value) (asm.Register, int16, error) {
	base, off := v.Args[0], int(v.Off)
	r := asm.RFP
	if base.Op == ir.OpSlot {
		off += e.alloc.Slot(base.Slot) + int(base.Off)
	} else {
		r = e.reg(base)
	}
	if off != int(int16(off)) {
		return 0, 0, fmt.Errorf("offset %d does not fit an instruction", off)
	}
	return r, int16(off), nil
}

func (e *emitter) store(v *ir.Value) error {
	base, off, err := e.address(v)
	if err != nil {
		return err
	}
	if pass.StoreImm(v) {
		// asm.StoreImm has no form for 64 bits; eBPF has. The constant is sign-extended, and its low bytes are stored.
		e.add(asm.Instruction{OpCode: asm.StoreImmOp(sizes[v.Size]), Dst: base, Offset: off, Constant: int64(int32(v.Args[1].Imm))})
		return nil
	}
	e.add(asm.StoreMem(base, off, e.reg(v.Args[1]), sizes[v.Size]))
	return nil
}

var atomicOps = map[ir.Op]asm.AtomicOp{ir.OpAtomicAdd: asm.AddAtomic, ir.OpAtomicFetch: asm.FetchAdd, ir.OpXchg: asm.Xchg}

func (e *emitter) atomic(v *ir.Value, r asm.Register) error {
	base, off, err := e.address(v)
	if err != nil {
		return err
	}
	if v.Op == ir.OpAtomicAdd {
		r = e.reg(v.Args[1])
	} else {
		e.take(r, v.Args[1]) // the instruction replaces it by the old value
	}
	ins := atomicOps[v.Op].Mem(base, r, sizes[v.Size], off)
	ins.Constant = int64(atomicOps[v.Op] >> 8) // cilium/ebpf 0.22 takes it from here when it encodes
	e.add(ins)
	return nil
}

// call moves the arguments to R1 … R5, calls, and moves the result from R0.
func (e *emitter) call(v *ir.Value, result pass.Loc) {
	var m []pass.Move
	for i, x := range v.Args {
		m = append(m, pass.Move{Value: x, As: x, To: pass.Register(i + 1), From: e.alloc.Used(x, e.i)})
	}
	e.moves(pass.Arguments(m))
	switch v.Op {
	case ir.OpCall, ir.OpGlobal:
		e.add(asm.Call.Label(v.Sym))
	case ir.OpHelper:
		e.add(asm.BuiltinFunc(v.Imm).Call())
	default:
		e.add(asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: v.Imm})
	}
	e.copy(result, pass.Register(0))
}
