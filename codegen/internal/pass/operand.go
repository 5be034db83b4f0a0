package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// need is how an instruction takes an operand.
type need uint8

const (
	// inReg: the operand must be in a register.
	inReg need = iota
	// inRegLate is inReg, and the result must be in another: the instruction writes the result before it reads the operand.
	inRegLate
	// anywhere: the operand is copied to where the instruction wants it, from a register, from the frame, or computed there.
	anywhere
	// inPlace: the instruction itself holds the operand: an immediate, or a slot as an offset from R10.
	inPlace
)

// argNeed says how v takes its argument i. The emitter follows it.
func argNeed(v *ir.Value, i int) need {
	a := v.Args[i]
	switch v.Op {
	case ir.OpHelper, ir.OpKfunc, ir.OpCall, ir.OpGlobal:
		return anywhere
	case ir.OpLoad:
		return addressNeed(a, inReg)
	case ir.OpStore, ir.OpAtomicAdd:
		switch {
		case i == 0:
			return addressNeed(a, inReg)
		case v.Op == ir.OpStore && StoreImm(v):
			return inPlace
		}
		return inReg
	case ir.OpAtomicFetch, ir.OpXchg:
		if i == 0 {
			return addressNeed(a, inRegLate)
		}
		return anywhere // the instruction replaces it by the old value
	case ir.OpCmp:
		if i == 1 && compareImm(a) {
			return inPlace
		}
		return inRegLate
	}
	if len(v.Args) == 1 {
		return anywhere // the result's register starts as a copy of it
	}
	_, imm := Immediate(v)
	switch {
	case i == 1 && imm:
		return inPlace
	case commutes(v.Op) && !imm:
		return inReg // the result's register can be that of either
	case i == 0:
		return anywhere
	case v.Args[0] == a:
		return inReg
	}
	return inRegLate
}

func addressNeed(base *ir.Value, other need) need {
	if base.Op == ir.OpSlot {
		return inPlace
	}
	return other
}

// Immediate is the constant second operand of an arithmetic operation as its instruction holds it; ok is false
// if it must be in a register. The verifier refuses counts of the operand's width or more, and 0 to divide by.
func Immediate(v *ir.Value) (n int32, ok bool) {
	y := v.Args[1]
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
	// With 32 bits the low half is all that counts.
	return int32(y.Imm), fitsImm(y.Imm) || v.W32
}

// StoreImm says whether the instruction of a store holds the number to be stored.
func StoreImm(v *ir.Value) bool {
	x := v.Args[1]
	return x.Op == ir.OpConst && (v.Size < 8 || fitsImm(x.Imm))
}

// compareImm says whether a comparison holds its right side.
func compareImm(y *ir.Value) bool { return y.Op == ir.OpConst && fitsImm(y.Imm) }

// operands calls f with each operand of an operation and how it is taken.
func operands(v *ir.Value, f func(a *ir.Value, n need)) {
	for i, a := range v.Args {
		f(a, argNeed(v, i))
	}
}

// termOperands does the same for a terminator, arguments of edges aside.
func termOperands(t *ir.Term, f func(a *ir.Value, n need)) {
	switch t.Kind {
	case ir.TermReturn:
		f(t.X, anywhere)
	case ir.TermBranch:
		f(t.X, inReg)
		if compareImm(t.Y) {
			f(t.Y, inPlace)
		} else {
			f(t.Y, inReg)
		}
	}
}
