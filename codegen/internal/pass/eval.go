package pass

import (
	"math"
	"math/bits"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// Eval is what an operation on constants gives, with the meaning that package ir defines. ok is false
// for operations that do not only compute.
func Eval(v *ir.Value, x, y int64) (result int64, ok bool) {
	switch v.Op {
	case ir.OpZext:
		return zext(x, int(v.Imm)), true
	case ir.OpSext:
		s := 64 - v.Imm
		return x << s >> s, true
	case ir.OpBswap:
		return bswap(x, int(v.Imm)), true
	case ir.OpNeg:
		return narrow(v, -x), true
	case ir.OpCmp:
		if v.Cond.Holds(x, y) {
			return 1, true
		}
		return 0, true
	}
	if v.W32 {
		return eval32(v.Op, uint32(x), uint32(y))
	}
	return eval64(v.Op, x, y)
}

func zext(x int64, n int) int64 {
	if n >= 64 {
		return x
	}
	return x & (1<<n - 1)
}

func narrow(v *ir.Value, x int64) int64 {
	if v.W32 {
		return zext(x, 32)
	}
	return x
}

func bswap(x int64, n int) int64 {
	return int64(bits.ReverseBytes64(uint64(x)) >> (64 - n))
}

func eval64(op ir.Op, x, y int64) (int64, bool) {
	ux, uy := uint64(x), uint64(y)
	switch op {
	case ir.OpAdd:
		return x + y, true
	case ir.OpSub:
		return x - y, true
	case ir.OpMul:
		return x * y, true
	case ir.OpUDiv:
		if y == 0 {
			return 0, true
		}
		return int64(ux / uy), true
	case ir.OpUMod:
		if y == 0 {
			return x, true
		}
		return int64(ux % uy), true
	case ir.OpSDiv:
		switch {
		case y == 0:
			return 0, true
		case y == -1:
			return -x, true
		}
		return x / y, true
	case ir.OpSMod:
		switch {
		case y == 0:
			return x, true
		case y == -1:
			return 0, true
		}
		return x % y, true
	case ir.OpAnd:
		return x & y, true
	case ir.OpOr:
		return x | y, true
	case ir.OpXor:
		return x ^ y, true
	case ir.OpShl:
		return x << (uy & 63), true
	case ir.OpLShr:
		return int64(ux >> (uy & 63)), true
	case ir.OpAShr:
		return x >> (uy & 63), true
	}
	return 0, false
}

func eval32(op ir.Op, x, y uint32) (int64, bool) {
	switch op {
	case ir.OpShl:
		return int64(x << (y & 31)), true
	case ir.OpLShr:
		return int64(x >> (y & 31)), true
	case ir.OpAShr:
		return int64(uint32(int32(x) >> (y & 31))), true
	case ir.OpUDiv, ir.OpUMod:
		r, ok := eval64(op, int64(x), int64(y))
		return int64(uint32(r)), ok
	}
	r, ok := eval64(op, int64(int32(x)), int64(int32(y)))
	return int64(uint32(r)), ok
}

// fitsImm says whether a constant fits the 32-bit, sign-extended immediate of an instruction.
func fitsImm(n int64) bool { return n >= math.MinInt32 && n <= math.MaxInt32 }
