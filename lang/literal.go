package lang

import "math/big"

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

const maxInt64 = 1<<63 - 1

// literal is the type of numbers from -neg to pos. Where no type holds all of them it is an int64 of which nothing more is known.
func literal(neg, pos uint64) Int {
	if neg > 0 && pos > maxInt64 {
		return typeInt64
	}
	// Rounded up to the next bound of a type, so that a range changes a few times only while types are found out.
	for n := 8; n <= 64; n *= 2 {
		if neg > 0 && neg <= 1<<(n-1) {
			neg = 1 << (n - 1)
			break
		}
	}
	for _, n := range []int{7, 8, 15, 16, 31, 32, 63, 64} {
		if pos <= 1<<n-1 {
			pos = 1<<n - 1
			break
		}
	}
	return Int{Bits: 64, Signed: pos <= maxInt64, Range: Range{true, neg, pos}}
}

// literalOf is the type of the number n, of which negative says how to read its highest bit.
func literalOf(n uint64, negative bool) Int {
	if negative {
		return literal(-n, 0)
	}
	return literal(0, n)
}

// typeCounted is the type of numbers that are counted up from a literal, and of results of which only the sign is known.
var typeCounted = literal(0, maxInt64)

// isLiteral says whether numbers of a type come from literals alone.
func isLiteral(t Type) bool {
	i, ok := t.(Int)
	return ok && i.Range.Known
}

// flexible says whether the sign of a number is open.
func (t Int) flexible() bool { return t.Range.Known && t.Range.Neg == 0 && t.Range.Pos <= maxInt64 }

// belowZero says whether a number comes from literals of which some are negative.
func (t Int) belowZero() bool { return t.Range.Known && t.Range.Neg > 0 }

// in says whether a type holds all the values.
func (r Range) in(t Int) bool {
	if t.Signed {
		return r.Neg <= 1<<(t.Bits-1) && r.Pos <= 1<<(t.Bits-1)-1
	}
	return r.Neg == 0 && (t.Bits == 64 || r.Pos < 1<<t.Bits)
}

// fixed is the smallest signed type that holds all values of a number from literals, uint64 if there is none, and any
// other type as it is: what sizeof tells, as in bpftrace.
func fixed(t Type) Type {
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
		return typeUint64
	case Tuple:
		elems := make([]Type, len(t.Elems))
		for i, e := range t.Elems {
			elems[i] = fixed(e)
		}
		return Tuple{Elems: elems}
	}
	return t
}

// plain is a type without what is known of its literals: the type of values as they lie in memory.
func plain(t Type) Type {
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
		return literal(max(x.Range.Neg, y.Range.Neg), max(x.Range.Pos, y.Range.Pos))
	case y.Range.Known:
		x, y = y, x
	}
	if x.Range.in(y) {
		return y
	}
	t, _ := widenInt(fixed(x).(Int), y)
	return t.(Int)
}

// integer is a constant as a number, read as its type says.
func integer(k Const, t Type) *big.Int {
	if asInt(t).Signed {
		return big.NewInt(int64(k.Int))
	}
	return new(big.Int).SetUint64(k.Int)
}

// wrapped is a number cut to 64 bits, where they do not hold it.
func wrapped(n *big.Int) *big.Int {
	if n.IsInt64() || n.IsUint64() {
		return n
	}
	low := new(big.Int).And(n, new(big.Int).SetUint64(1<<64-1))
	if n.Sign() < 0 {
		return big.NewInt(int64(low.Uint64()))
	}
	return low
}

// exact are the operations on literals: they lose nothing that 64 bits hold.
var exact = map[string]func(n, x, y *big.Int) *big.Int{
	"+": (*big.Int).Add, "-": (*big.Int).Sub, "*": (*big.Int).Mul, "/": (*big.Int).Quo, "%": (*big.Int).Rem,
	"&": (*big.Int).And, "|": (*big.Int).Or, "^": (*big.Int).Xor,
	"<<": func(n, x, y *big.Int) *big.Int { return n.Lsh(x, shiftCount(y)) },
	">>": func(n, x, y *big.Int) *big.Int { return n.Rsh(x, shiftCount(y)) },
}

// shiftCount is how far the kernel shifts.
func shiftCount(y *big.Int) uint { return uint(new(big.Int).And(y, big.NewInt(63)).Uint64()) }

// foldLiterals computes an operation on two literals. done is false if they are none.
func (c *checker) foldLiterals(e *Binary, x, y Type) (t Type, done bool) {
	kx, okX := c.constInt(e.X)
	ky, okY := c.constInt(e.Y)
	op := exact[e.Op]
	if op == nil || !okX || !okY || !isLiteral(x) || !isLiteral(y) {
		return nil, false
	}
	return c.literalResult(e, wrapped(op(new(big.Int), integer(kx, x), integer(ky, y)))), true
}

// literalResult notes the value of an operation on literals and gives its type, nil with a message if 64 bits do not hold it.
func (c *checker) literalResult(e Expr, n *big.Int) Type {
	switch {
	case n.IsUint64():
		c.p.Consts[e] = Const{Int: n.Uint64()}
		return literal(0, n.Uint64())
	case n.IsInt64():
		c.p.Consts[e] = Const{Int: uint64(n.Int64())}
		return literal(-uint64(n.Int64()), 0)
	}
	c.report(Errorf(e, "out-of-range", "%s does not fit 64 bits", n))
	return nil
}
