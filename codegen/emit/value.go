package emit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/ir"
	"github.com/gotrace/gotrace/codegen/pass"
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
	if v.Remat() {
		return nil // where it is used
	}
	switch v.Op {
	case ir.OpCtx:
		r, done := e.result(v)
		e.mov(r, asm.R1)
		done()
	case ir.OpNeg, ir.OpScalar, ir.OpBswap, ir.OpZext, ir.OpSext:
		e.unary(v)
	case ir.OpCmp:
		e.compare(v)
	case ir.OpLoad:
		base, off := e.address(v, tmp1)
		r, done := e.result(v)
		e.add(asm.LoadMem(r, base, off, sizes[v.Size]))
		done()
	case ir.OpStore:
		e.store(v)
	case ir.OpAtomicAdd, ir.OpAtomicFetch, ir.OpXchg:
		e.atomic(v)
	case ir.OpHelper, ir.OpKfunc:
		e.call(v)
	default:
		if _, ok := aluOps[v.Op]; !ok {
			return fmt.Errorf("operation %s can not be emitted", v.Op)
		}
		e.alu(v)
	}
	return nil
}

func (e *emitter) mov(to, from asm.Register) {
	if to != from {
		e.add(asm.Mov.Reg(to, from))
	}
}

// alu32 makes the 32-bit form of an arithmetic instruction.
func alu32(ins asm.Instruction) asm.Instruction {
	ins.OpCode = ins.OpCode&^7 | asm.OpCode(asm.ALUClass)
	return ins
}

func (e *emitter) op(v *ir.Value, ins asm.Instruction) {
	if v.W32 {
		ins = alu32(ins)
	}
	e.add(ins)
}

// alu emits a two-address operation: the result's register gets the first operand, then is changed.
func (e *emitter) alu(v *ir.Value) {
	op, x, y := aluOps[v.Op], v.Args[0], v.Args[1]
	r, done := e.result(v)
	defer done()
	if n, ok := immediate(v, y); ok {
		e.moveTo(r, x)
		e.op(v, op.Imm(r, n))
		return
	}
	ry := e.reg(y, tmp2)
	if ry == r {
		if lx, ok := e.alloc.Loc(x); commutes(v.Op) && ok && lx.InReg() {
			e.op(v, op.Reg(r, asm.Register(lx.Reg)))
			return
		}
		e.mov(tmp2, ry)
		ry = tmp2
	}
	e.moveTo(r, x)
	e.op(v, op.Reg(r, ry))
}

// immediate is the constant operand of an operation as its instruction has it; ok is false if it must be in a register.
// The verifier refuses some numbers there: a count of the operand's width or more, and 0 to divide by.
func immediate(v, y *ir.Value) (n int32, ok bool) {
	if y.Op != ir.OpConst {
		return 0, false
	}
	switch v.Op {
	case ir.OpShl, ir.OpLShr, ir.OpAShr:
		if v.W32 {
			return int32(y.Imm & 31), true
		}
		return int32(y.Imm & 63), true
	case ir.OpUDiv, ir.OpSDiv, ir.OpUMod, ir.OpSMod:
		if uint32(y.Imm) == 0 {
			return 0, false
		}
	}
	fits := y.Imm == int64(int32(y.Imm)) || v.W32 // 32 bits are all that count
	return int32(y.Imm), fits
}

func commutes(op ir.Op) bool {
	switch op {
	case ir.OpAdd, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor:
		return true
	}
	return false
}

func (e *emitter) unary(v *ir.Value) {
	x := v.Args[0]
	r, done := e.result(v)
	defer done()
	switch v.Op {
	case ir.OpZext:
		e.zext(r, x, int(v.Imm))
		return
	case ir.OpSext:
		e.sext(r, x, int(v.Imm))
		return
	}
	e.moveTo(r, x)
	neg := asm.Instruction{OpCode: asm.OpCode(asm.ALU64Class).SetALUOp(asm.Neg), Dst: r}
	switch v.Op {
	case ir.OpNeg:
		e.op(v, neg)
	case ir.OpScalar:
		// Twice: the result is the same number, and the verifier has forgotten that it was a pointer.
		e.add(neg)
		e.add(neg)
	case ir.OpBswap:
		size := map[int64]asm.Size{16: asm.Half, 32: asm.Word, 64: asm.DWord}[v.Imm]
		e.add(asm.HostTo(asm.BE, r, size))
	}
}

// movsx are the sign-extending moves, by their width.
var movsx = map[int]asm.ALUOp{8: asm.MovSX8, 16: asm.MovSX16, 32: asm.MovSX32}

// zext cuts to n bits.
func (e *emitter) zext(r asm.Register, x *ir.Value, n int) {
	if n == 32 {
		e.add(asm.Mov.Reg32(r, e.reg(x, r)))
		return
	}
	e.moveTo(r, x)
	e.add(asm.And.Imm(r, int32(1<<n-1)))
}

// movSX are the moves with sign extension of ISA v4, by bits.
var movSX = map[int]asm.ALUOp{8: asm.MovSX8, 16: asm.MovSX16, 32: asm.MovSX32}

// sext extends the sign from n bits.
func (e *emitter) sext(r asm.Register, x *ir.Value, n int) {
	if e.v4 {
		e.add(movSX[n].Reg(r, e.reg(x, r)))
		return
	}
	e.moveTo(r, x)
	e.add(asm.LSh.Imm(r, int32(64-n)))
	e.add(asm.ArSh.Imm(r, int32(64-n)))
}

// compare makes 1 or 0 of a comparison.
func (e *emitter) compare(v *ir.Value) {
	l, ok := e.alloc.Loc(v)
	if !ok {
		return
	}
	set := func(n int32) {
		if l.InReg() {
			e.add(asm.Mov.Imm(asm.Register(l.Reg), n))
			return
		}
		e.add(storeImm(asm.RFP, int16(l.Frame), int64(n), asm.DWord))
	}
	yes, end := e.newLabel(), e.newLabel()
	e.compareJump(v.Cond, v.Args[0], v.Args[1], yes)
	set(0)
	e.add(jump(end))
	e.place(yes)
	set(1)
	e.place(end)
}

// compareJump jumps to a label if x c y.
func (e *emitter) compareJump(c ir.Cond, x, y *ir.Value, label string) {
	rx := e.reg(x, tmp1)
	if y.Op == ir.OpConst && y.Imm == int64(int32(y.Imm)) {
		e.add(jumpOps[c].Imm(rx, int32(y.Imm), label))
		return
	}
	e.add(jumpOps[c].Reg(rx, e.reg(y, tmp2), label))
}

// address gives the base register and offset of a memory operation.
func (e *emitter) address(v *ir.Value, temp asm.Register) (asm.Register, int16) {
	base, off := v.Args[0], int64(v.Off)
	if base.Op == ir.OpSlot {
		return asm.RFP, int16(int64(e.alloc.Slot(base.Slot)) + int64(base.Off) + off)
	}
	if base.Op == ir.OpMapValue {
		e.add(asm.LoadMapValue(temp, 0, uint32(int64(base.Off)+off)).WithReference(base.Sym))
		return temp, 0
	}
	r := e.reg(base, temp)
	if off == int64(int16(off)) {
		return r, int16(off)
	}
	e.mov(temp, r)
	e.add(asm.Add.Imm(temp, int32(off)))
	return temp, 0
}

func (e *emitter) store(v *ir.Value) {
	base, off := e.address(v, tmp1)
	x := v.Args[1]
	if x.Op == ir.OpConst {
		n := x.Imm
		if v.Size < 8 {
			s := 64 - 8*int64(v.Size)
			n = n << s >> s // only the low bytes are stored
		}
		if n == int64(int32(n)) {
			e.add(storeImm(base, off, n, sizes[v.Size]))
			return
		}
	}
	e.add(asm.StoreMem(base, off, e.reg(x, tmp2), sizes[v.Size]))
}

var atomicOps = map[ir.Op]asm.AtomicOp{ir.OpAtomicAdd: asm.AddAtomic, ir.OpAtomicFetch: asm.FetchAdd, ir.OpXchg: asm.Xchg}

func (e *emitter) atomic(v *ir.Value) {
	base, off := e.address(v, tmp1)
	src := tmp2 // the instruction replaces it by the old value
	if v.Op == ir.OpAtomicAdd {
		src = e.reg(v.Args[1], tmp2)
	} else {
		e.moveTo(tmp2, v.Args[1])
	}
	op := atomicOps[v.Op]
	ins := op.Mem(base, src, sizes[v.Size], off)
	ins.Constant = int64(op >> 8) // cilium/ebpf 0.22 encodes what stands here, not what the operation says
	e.add(ins)
	if l, ok := e.alloc.Loc(v); ok && v.Op != ir.OpAtomicAdd {
		e.copy(l, pass.Loc{Reg: int(tmp2)})
	}
}

// call moves the arguments to R1 … R5, calls, and moves the result from R0.
func (e *emitter) call(v *ir.Value) {
	var m moves
	for i, x := range v.Args {
		if l, ok := e.alloc.Loc(x); ok && l.InReg() {
			m = append(m, move{to: pass.Loc{Reg: i + 1}, from: l})
		}
	}
	e.parallel(m, asm.R0)
	for i, x := range v.Args {
		if l, ok := e.alloc.Loc(x); !ok || !l.InReg() {
			e.moveTo(asm.Register(i+1), x)
		}
	}
	if v.Op == ir.OpHelper {
		e.add(asm.BuiltinFunc(v.Imm).Call())
	} else {
		e.add(asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: v.Imm})
	}
	if l, ok := e.alloc.Loc(v); ok {
		e.copyResult(l)
	}
}

func (e *emitter) copyResult(l pass.Loc) {
	if r0 := (pass.Loc{Reg: 0}); l != r0 {
		e.copy(l, r0)
	}
}

// storeImm stores a constant of 32 bits, sign-extended to the size. (asm.StoreImm has no form for 64 bits; eBPF has.)
func storeImm(base asm.Register, off int16, n int64, size asm.Size) asm.Instruction {
	return asm.Instruction{OpCode: asm.StoreImmOp(size), Dst: base, Offset: off, Constant: n}
}
