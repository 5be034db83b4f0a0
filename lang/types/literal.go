package types

// Numbers that are written in the script have no type of their own yet: 5 fits an int8 as well as a uint64. So the type of a
// literal tells its value, and so does the type of everything that only literals go into: a variable, the values of a map, an element
// of a tuple. Where such a number meets one of a certain type, that type is taken if it holds all the values (widenLiteral);
// where it is computed with, it takes the sign of what stands beside it (CommonType, arithResult). Until then it is kept in
// 64 bits. Casts, builtins and fields have a type, and end this.

// Range is the values that a number made of literals can have: -Neg to Pos, as far as it matters for the types that hold them. It is not
// Known of all other numbers.
type Range struct {
	Known    bool
	Neg, Pos uint64
}

// MaxInt64 is the largest number of 64 bits with a sign.
const MaxInt64 = 1<<63 - 1

// Literal is the type of numbers from -neg to pos. Where no type holds all of them it is an int64 of which nothing more is known.
func Literal(neg, pos uint64) Int {
	if neg > 0 && pos > MaxInt64 {
		return TypeInt64
	}
	// Rounded up to the next bound of a type, so that a range changes a few times only while types are found out.
	for n := 8; n <= 64; n *= 2 {
		if neg > 0 && neg <= 1<<(n-1) {
			neg = 1 << (n - 1)
			break
		}
	}
	for _, n := range []int{0, 7, 8, 15, 16, 31, 32, 63, 64} { // 0 alone is also no address: see isNull
		if pos <= 1<<n-1 {
			pos = 1<<n - 1
			break
		}
	}
	return Int{Bits: 64, Signed: pos <= MaxInt64, Range: Range{true, neg, pos}}
}

// LiteralOf is the type of the number n, of which negative says how to read its highest bit.
func LiteralOf(n uint64, negative bool) Int {
	if negative {
		return Literal(-n, 0)
	}
	return Literal(0, n)
}

// TypeCounted is the type of numbers that are counted up from a literal, and of results of which only the sign is known.
var TypeCounted = Literal(0, MaxInt64)

// IsLiteral says whether numbers of a type come from literals alone.
func IsLiteral(t Type) bool {
	i, ok := t.(Int)
	return ok && i.Range.Known
}

// Flexible says whether the sign of a number is open.
func (t Int) Flexible() bool { return t.Range.Known && t.Range.Neg == 0 && t.Range.Pos <= MaxInt64 }

// BelowZero says whether a number comes from literals of which some are negative.
func (t Int) BelowZero() bool { return t.Range.Known && t.Range.Neg > 0 }

// in says whether a type holds all the values.
func (r Range) in(t Int) bool {
	if t.Signed {
		return r.Neg <= 1<<(t.Bits-1) && r.Pos <= 1<<(t.Bits-1)-1
	}
	return r.Neg == 0 && (t.Bits == 64 || r.Pos < 1<<t.Bits)
}

// Fixed is the smallest signed type that holds all values of a number from literals, uint64 if there is none, and any
// other type as it is: what sizeof tells, as in bpftrace.
func Fixed(t Type) Type {
	switch t := t.(type) {
	case Int:
		if !t.Range.Known {
			return t
		}
		for bits := 8; bits <= 64; bits *= 2 {
			if small := (Int{Bits: bits, Signed: true}); t.Range.in(small) {
				return small
			}
		}
		return TypeUint64
	case Tuple:
		elems := make([]Type, len(t.Elems))
		for i, e := range t.Elems {
			elems[i] = Fixed(e)
		}
		return Tuple{Elems: elems, Names: t.Names}
	}
	return t
}

// Plain is a type without what is known of its literals: the type of values as they lie in memory.
func Plain(t Type) Type {
	if i, ok := t.(Int); ok {
		i.Range = Range{}
		return i
	}
	return t
}

// widenLiteral is widenInt where at least one of both comes from literals.
func widenLiteral(x, y Int) Int {
	switch {
	case x.Range.Known && y.Range.Known:
		return Literal(max(x.Range.Neg, y.Range.Neg), max(x.Range.Pos, y.Range.Pos))
	case y.Range.Known:
		x, y = y, x
	}
	if x.Range.in(y) {
		return y
	}
	t, _ := widenInt(Fixed(x).(Int), y)
	return t.(Int)
}
