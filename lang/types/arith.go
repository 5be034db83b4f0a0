package types

// CutTo converts a number to a type as C does, extended to 64 bits.
func CutTo(n uint64, t Type) uint64 {
	switch t := t.(type) {
	case Bool:
		return Truth(n != 0)
	case Int:
		if t.Bits == 64 {
			return n
		}
		s := 64 - t.Bits
		if t.Signed {
			return uint64(int64(n<<s) >> s)
		}
		return n << s >> s
	}
	return n
}

// Compute is x op y in 64 bits. Division by 0 is not computed.
func Compute(op string, signed bool, x, y uint64) (uint64, bool) {
	switch op {
	case "+":
		return x + y, true
	case "-":
		return x - y, true
	case "*":
		return x * y, true
	case "/", "%":
		return divide(op, signed, x, y)
	case "&":
		return x & y, true
	case "|":
		return x | y, true
	case "^":
		return x ^ y, true
	case "<<":
		return x << (y & 63), true
	case ">>":
		if signed {
			return uint64(int64(x) >> (y & 63)), true
		}
		return x >> (y & 63), true
	case "&&":
		return Truth(x != 0 && y != 0), true
	case "||":
		return Truth(x != 0 || y != 0), true
	case "==":
		return Truth(x == y), true
	case "!=":
		return Truth(x != y), true
	}
	less := x < y
	if signed {
		less = int64(x) < int64(y)
	}
	switch op {
	case "<":
		return Truth(less), true
	case ">=":
		return Truth(!less), true
	case "<=":
		return Truth(less || x == y), true
	case ">":
		return Truth(!less && x != y), true
	}
	return 0, false
}

func divide(op string, signed bool, x, y uint64) (uint64, bool) {
	switch {
	case y == 0:
		return 0, false
	case signed && int64(y) == -1 && op == "/":
		return -x, true
	case signed && int64(y) == -1:
		return 0, true
	case signed && op == "/":
		return uint64(int64(x) / int64(y)), true
	case signed:
		return uint64(int64(x) % int64(y)), true
	case op == "/":
		return x / y, true
	}
	return x % y, true
}

// Truth is 1 for true, 0 for false.
func Truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// RangeType is the type of the variable of a loop from x to y: a number from literals as long as both are; unsigned if it begins with a number that
// int64 may not hold, and ends with one that is not negative; else int64.
func RangeType(x, y Type) Type {
	if IsLiteral(x) && IsLiteral(y) {
		if t, ok := Widen(x, y); ok && AsInt(t).Signed {
			return t
		}
	}
	if i, ok := x.(Int); ok && i.Bits == 64 && !i.Signed && UnsignedRange(x, y) {
		return TypeUint64
	}
	return TypeInt64
}

// UnsignedRange says whether the ends of a loop's range are compared as unsigned numbers: one of them is a uint64, and none can be negative.
func UnsignedRange(x, y Type) bool {
	wide := false
	for _, t := range []Type{x, y} {
		i := AsInt(t)
		if i.Signed && !i.Flexible() {
			return false
		}
		wide = wide || i.Bits == 64 && !i.Signed
	}
	return wide
}
