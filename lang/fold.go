package lang

import (
	"strconv"
	"strings"
)

// constInt is the value of an expression that is a constant integer.
func (c *checker) constInt(e Expr) (Const, bool) {
	k, ok := c.p.Consts[e]
	return k, ok && k.Str == nil
}

// setConst notes the value of a constant expression, cut to its type.
func (c *checker) setConst(e Expr, n uint64, t Type) {
	c.p.Consts[e] = Const{Int: cutTo(n, t)}
}

// cutTo converts a number to a type as C does, extended to 64 bits.
func cutTo(n uint64, t Type) uint64 {
	switch t := t.(type) {
	case Bool:
		return truth(n != 0)
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

// foldUnary computes an operation on a constant. t is its type; that of a literal is known more exactly afterwards.
func (c *checker) foldUnary(e *Unary, t Type) Type {
	delete(c.p.Consts, e)
	k, ok := c.constInt(e.X)
	if !ok {
		return t
	}
	if x := c.p.Types[e.X]; isLiteral(x) && e.Op != "!" {
		n := integer(k, x)
		switch {
		case e.Op == "-":
			n.Neg(n)
		case e.Op == "~" && asInt(x).Signed:
			n.Not(n)
		case e.Op == "~":
			n.SetUint64(^k.Int)
		}
		return c.literalResult(e, n)
	}
	switch e.Op {
	case "-":
		c.setConst(e, -k.Int, t)
	case "+":
		c.setConst(e, k.Int, t)
	case "~":
		c.setConst(e, ^k.Int, t)
	case "!":
		c.setConst(e, truth(k.Int == 0), t)
	}
	return t
}

// foldBinary computes an operation on constants as the program would.
func (c *checker) foldBinary(e *Binary, t Type) {
	delete(c.p.Consts, e)
	x, okX := c.p.Consts[e.X]
	y, okY := c.p.Consts[e.Y]
	if !okX || !okY {
		return
	}
	if x.Str != nil || y.Str != nil {
		if x.Str != nil && y.Str != nil && (e.Op == "==" || e.Op == "!=") {
			c.p.Consts[e] = Const{Int: truth((*x.Str == *y.Str) == (e.Op == "=="))}
		}
		return
	}
	if _, ptr := t.(Pointer); ptr {
		return
	}
	common := CommonType(c.p.Types[e.X], c.p.Types[e.Y])
	if _, isBool := t.(Bool); !isBool {
		common = t
	}
	signed := asInt(common).Signed
	n, ok := compute(e.Op, signed, cutTo(x.Int, common), cutTo(y.Int, common))
	if ok {
		c.setConst(e, n, t)
	}
}

// compute is x op y in 64 bits. Division by 0 is not computed.
func compute(op string, signed bool, x, y uint64) (uint64, bool) {
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
		return truth(x != 0 && y != 0), true
	case "||":
		return truth(x != 0 || y != 0), true
	case "==":
		return truth(x == y), true
	case "!=":
		return truth(x != y), true
	}
	less := x < y
	if signed {
		less = int64(x) < int64(y)
	}
	switch op {
	case "<":
		return truth(less), true
	case ">=":
		return truth(!less), true
	case "<=":
		return truth(less || x == y), true
	case ">":
		return truth(!less && x != y), true
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

// foldTernary takes the value of the chosen side where the condition is known and that side is.
func (c *checker) foldTernary(e *Ternary) {
	delete(c.p.Consts, e)
	k, ok := c.constInt(e.Cond)
	if !ok {
		return
	}
	side := e.Y
	if k.Int != 0 {
		side = e.X
	}
	if v, ok := c.p.Consts[side]; ok {
		c.p.Consts[e] = v
	}
}

func (c *checker) foldCast(e *Cast, to Type) {
	delete(c.p.Consts, e)
	k, ok := c.constInt(e.X)
	if !ok || !isNumeric(to) {
		return
	}
	if e.X != nil {
		c.setConst(e, cutTo(k.Int, c.p.Types[e.X]), to)
	}
}

// parseParam reads a positional parameter as a number, as a literal in the script would be read.
func parseParam(s string) (n uint64, neg, ok bool) {
	s = strings.TrimSpace(s)
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		neg, s = true, rest
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	if s == "" || !isDigit(s[0]) {
		return 0, false, false
	}
	n, err := parseInt(s)
	if err != nil {
		n, err = strconv.ParseUint(s, 0, 64) // 0b101
	}
	if neg && n > 1<<63 {
		return 0, false, false
	}
	return n, neg, err == nil
}
