package check

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/imports"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// constInt is the value of an expression that is a constant integer.
func (c *checker) constInt(e ast.Expr) (types.Const, bool) {
	k, ok := c.p.Consts[e]
	return k, ok && k.Str == nil
}

// truthOf is the type of a condition, of which the expression has type t: a text that is known is true unless it is empty.
func (c *checker) truthOf(e ast.Expr, t types.Type) types.Type {
	k := c.p.Consts[e]
	if _, isParam := e.(*ast.Param); k.Str == nil || isParam || t == nil {
		return t
	}
	c.p.Consts[e], c.p.Types[e] = types.Const{Int: types.Truth(cText(*k.Str) != "")}, types.Bool{}
	return types.Bool{}
}

// foldTexts is an operation on texts that are known: which of two comes first in the order of their bytes, both as one, or what follows the
// first n characters of one. done is false if it is none of these.
func (c *checker) foldTexts(e *ast.Binary) (t types.Type, done bool) {
	x, y := c.p.Consts[e.X], c.p.Consts[e.Y]
	_, isParam := e.X.(*ast.Param)
	if x.Str == nil || isParam {
		return nil, false
	}
	if y.Str == nil {
		n, ok := c.constInt(e.Y)
		if !ok || e.Op != "+" || int64(n.Int) < 0 || !types.Is(c.p.Types[e.Y], types.KindInt) {
			return nil, false
		}
		return c.strConst(e, (*x.Str)[min(n.Int, uint64(len(*x.Str))):]), true
	}
	order := strings.Compare(*x.Str, *y.Str)
	yes, ok := map[string]bool{"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[e.Op]
	switch _, isParam := e.Y.(*ast.Param); {
	case isParam:
		return nil, false
	case e.Op == "+":
		return c.strConst(e, *x.Str+*y.Str), true
	case !ok:
		return nil, false
	}
	c.p.Consts[e] = types.Const{Int: types.Truth(yes)}
	return types.Bool{}, true
}

// setConst notes the value of a constant expression, cut to its type.
func (c *checker) setConst(e ast.Expr, n uint64, t types.Type) {
	c.p.Consts[e] = types.Const{Int: types.CutTo(n, t)}
}

// foldUnary computes an operation on a constant. t is its type; that of a literal is known more exactly afterwards.
func (c *checker) foldUnary(e *ast.Unary, t types.Type) types.Type {
	delete(c.p.Consts, e)
	k, ok := c.constInt(e.X)
	if !ok {
		return t
	}
	if x := c.p.Types[e.X]; types.IsLiteral(x) && e.Op != "!" {
		n := integer(k, x)
		switch {
		case e.Op == "-":
			n.Neg(n)
		case e.Op == "~" && types.AsInt(x).Signed:
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
		c.setConst(e, types.Truth(k.Int == 0), t)
	}
	return t
}

// foldBinary computes an operation on constants as the program would.
func (c *checker) foldBinary(e *ast.Binary, t types.Type) {
	delete(c.p.Consts, e)
	x, okX := c.p.Consts[e.X]
	y, okY := c.p.Consts[e.Y]
	if types.Is(c.p.Types[e.X], types.KindTuple) {
		c.foldTuples(e)
		return
	}
	if !okX || !okY {
		return
	}
	if x.Str != nil || y.Str != nil {
		if x.Str != nil && y.Str != nil && (e.Op == "==" || e.Op == "!=") {
			c.p.Consts[e] = types.Const{Int: types.Truth((*x.Str == *y.Str) == (e.Op == "=="))}
		}
		return
	}
	if types.Is(t, types.KindPointer) {
		return
	}
	common := types.CommonType(c.p.Types[e.X], c.p.Types[e.Y])
	if !types.Is(t, types.KindBool) {
		common = t
	}
	signed := types.AsInt(common).Signed
	n, ok := types.Compute(e.Op, signed, types.CutTo(x.Int, common), types.CutTo(y.Int, common))
	if ok {
		c.setConst(e, n, t)
	}
}

// foldTernary takes the value of the chosen side where the condition is known and that side is.
func (c *checker) foldTernary(e *ast.Ternary) {
	delete(c.p.Consts, e)
	k, ok := c.p.Consts[e.Cond]
	if !ok {
		return
	}
	side := e.Y
	if k.Int != 0 || k.Str != nil && cText(*k.Str) != "" {
		side = e.X
	}
	if v, ok := c.p.Consts[side]; ok {
		c.p.Consts[e] = v
	}
}

func (c *checker) foldCast(e *ast.Cast, to types.Type) {
	delete(c.p.Consts, e)
	k, ok := c.p.Consts[e.X]
	switch {
	case !ok || !types.Of(to).Numeric:
	case k.Str != nil:
		if types.Is(to, types.KindBool) {
			c.p.Consts[e] = types.Const{Int: types.Truth(cText(*k.Str) != "")}
		}
	default:
		c.setConst(e, types.CutTo(k.Int, c.p.Types[e.X]), to)
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
	if s == "" || !literal.IsDigit(s[0]) {
		return 0, false, false
	}
	n, err := literal.ParseInt(s)
	if err != nil {
		n, err = strconv.ParseUint(s, 0, 64) // 0b101
	}
	if neg && n > 1<<63 {
		return 0, false, false
	}
	return n, neg, err == nil
}

// integer is a constant as a number, read as its type says.
func integer(k types.Const, t types.Type) *big.Int {
	if types.AsInt(t).Signed {
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
func (c *checker) foldLiterals(e *ast.Binary, x, y types.Type) (t types.Type, done bool) {
	kx, okX := c.constInt(e.X)
	ky, okY := c.constInt(e.Y)
	op := exact[e.Op]
	if op == nil || !okX || !okY || !types.IsLiteral(x) || !types.IsLiteral(y) {
		return nil, false
	}
	return c.literalResult(e, wrapped(op(new(big.Int), integer(kx, x), integer(ky, y)))), true
}

// literalResult notes the value of an operation on literals and gives its type, nil with a message if 64 bits do not hold it.
func (c *checker) literalResult(e ast.Expr, n *big.Int) types.Type {
	switch {
	case n.IsUint64():
		c.p.Consts[e] = types.Const{Int: n.Uint64()}
		return types.Literal(0, n.Uint64())
	case n.IsInt64():
		c.p.Consts[e] = types.Const{Int: uint64(n.Int64())}
		return types.Literal(-uint64(n.Int64()), 0)
	}
	c.report(source.Errorf(e, "out-of-range", "%s does not fit 64 bits", n))
	return nil
}

// Without its types, (name) - 1 is a cast of -1 as well as a difference. The parser takes it for a cast unless the script itself says that the
// name is a value's. Where it turns out that a constant of the kernel or of a header has the name, the script is parsed again.

// reparse parses the script again if names of constants were taken for types.
func (c *checker) reparse() {
	if c.out.Source == nil {
		return
	}
	values := map[string]bool{}
	ast.Inspect(c.file, func(n source.Node) bool {
		if cast, ok := n.(*ast.Cast); ok && couldBeOperand(cast.X) && !values[cast.Type.Name] && c.isConstName(cast.Type) && !c.isTypeName(cast.Type.Name) {
			values[cast.Type.Name] = true
		}
		return true
	})
	if len(values) == 0 {
		return
	}
	if file, diags := imports.Parse(c.out.Source, &imports.Options{Params: c.opts.Params, Values: values, Files: c.opts.Imports}); len(diags) == 0 {
		c.file, c.out.File = file, file
	}
}

// couldBeOperand says whether what a cast applies to begins with an operator that is also one of two operands.
func couldBeOperand(x ast.Expr) bool {
	u, ok := x.(*ast.Unary)
	return ok && (u.Op == "-" || u.Op == "*" || u.Op == "&")
}

// isTypeName says whether there is a type that the script can write without a keyword.
func (c *checker) isTypeName(name string) bool {
	for _, keyword := range []string{"", "struct", "union", "enum"} {
		if _, ok := c.typeOf(keyword, name); ok {
			return true
		}
	}
	return false
}
