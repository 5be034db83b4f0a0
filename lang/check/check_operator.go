package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

func (c *checker) unary(e *ast.Unary) types.Type {
	if e.Op == "&" {
		return c.addressOf(e)
	}
	t := c.value(e.X)
	if t == nil {
		if e.Op == "!" {
			return types.Bool{}
		}
		return nil
	}
	switch e.Op {
	case "!":
		t = c.truthOf(e.X, t)
		if !types.Of(t).Numeric {
			c.report(source.Errorf(e, "bad-operands", "! cannot be applied to a %s", t))
			return nil
		}
		t = types.Bool{}
	case "*":
		return c.derefType(e, t)
	default:
		if !types.Of(t).Integer {
			c.report(source.Errorf(e, "bad-operands", "%s cannot be applied to a %s", e.Op, t))
			return nil
		}
		t = promoted(t)
	}
	return c.foldUnary(e, t)
}

// promoted is the type of -x, ~x and +x: as in C a uint32 or a uint64 keeps its type, and all other integers become
// signed ones, here of 64 bits, which hold the opposite of every number.
func promoted(t types.Type) types.Type {
	i := types.AsInt(t)
	if !i.Signed && i.Bits >= 32 && i.Enum == nil {
		return types.Plain(i)
	}
	return types.TypeInt64
}

func (c *checker) derefType(e *ast.Unary, t types.Type) types.Type {
	switch t := t.(type) {
	case types.Pointer:
		void := types.Is(t.Elem, types.KindVoid)
		if void && t.Space == types.SpaceCtx {
			return types.Int{Bits: 64} // a word of the context, as old scripts read it: *(ctx + 16)
		} else if void {
			c.report(source.Errorf(e, "bad-operands", "what a void pointer points to has no type: cast it first"))
			return nil
		}
		return foundIn(t.Space, c.fieldValue(t.Elem))
	case types.Int:
		return types.Int{Bits: 64} // an address: the word there
	}
	c.report(source.Errorf(e, "bad-operands", "* cannot be applied to a %s", t))
	return nil
}

func (c *checker) incDec(e *ast.IncDec) types.Type {
	switch target := e.Target.(type) {
	case *ast.Var:
		v := c.used(target)
		if v == nil {
			return nil
		}
		c.grow(v, counted(e, v.Type))
		return c.countable(e, v.Type)
	case *ast.MapRef:
		m := c.mapUse(target)
		m.assigned = true
		c.read(&m.cell)
		ok := c.keyOf(m, target, target.Keys)
		if m.Value == nil {
			m.Value, m.valuePos = types.Literal(0, 0), e.Pos
			c.learnt(&m.cell)
		}
		c.growMap(m, counted(e, m.Value))
		if !ok {
			return nil
		}
		return c.countable(e, m.Value)
	}
	c.report(source.Errorf(e, "bad-operands", "%s takes a variable or a map", e.Op))
	return nil
}

func (c *checker) countable(e *ast.IncDec, t types.Type) types.Type {
	if t == nil || types.Of(t).Counted {
		return t
	}
	c.report(source.Errorf(e, "bad-operands", "%s cannot be applied to a %s", e.Op, t))
	return nil
}

func (c *checker) binary(e *ast.Binary) types.Type {
	x, y := c.value(e.X), c.value(e.Y)
	if x == nil || y == nil {
		return c.unknownOperand(e, x, y)
	}
	if t, ok := c.foldTexts(e); ok {
		return t
	}
	var t types.Type
	switch e.Op {
	case "&&", "||":
		x, y = c.truthOf(e.X, x), c.truthOf(e.Y, y)
		if !types.Of(x).Numeric || !types.Of(y).Numeric {
			c.reportNumber(errOperands(e, x, y), e.X, e.Y)
			return nil
		}
		t = types.Bool{}
	case "==", "!=", "<", "<=", ">", ">=":
		if !comparable(e.Op, x, y) {
			c.reportNumber(errOperands(e, x, y), e.X, e.Y)
			return nil
		}
		c.comparedText(e, e.X, y)
		c.comparedText(e, e.Y, x)
		t = types.Bool{}
	default:
		if t = c.arithType(e, x, y); t == nil {
			delete(c.p.Consts, e)
			return nil
		}
		if folded, ok := c.foldLiterals(e, x, y); ok {
			return folded
		}
	}
	c.foldBinary(e, t)
	return t
}

// comparedText warns of a comparison of a text with a string that is never that long.
func (c *checker) comparedText(e *ast.Binary, text ast.Expr, with types.Type) {
	k := c.p.Consts[text]
	s, ok := with.(types.String)
	if !ok || k.Str == nil || c.p.Consts[other(e, text)].Str != nil {
		return
	}
	if most := s.Len - 1; len(*k.Str) > most {
		c.report(warnNeverEqual(e, *k.Str, most))
	}
}

// other is the other operand.
func other(e *ast.Binary, x ast.Expr) ast.Expr {
	if x == e.X {
		return e.Y
	}
	return e.X
}

// comparable says whether two values can be compared.
func comparable(op string, x, y types.Type) bool {
	if types.Of(x).Numeric && types.Of(y).Numeric {
		return true
	}
	if op != "==" && op != "!=" {
		return false
	}
	_, ok := types.Widen(x, y)
	return ok
}

// arithType is the type in which an operation is done, and that of its result. It is that of C on a machine whose int has 64 bits: numbers of
// fewer bits are widened first, and beside a uint64 both are unsigned. Except that, as in bpftrace,
//
//   - a number from literals takes the sign of the other operand, unless it is negative: then the result is signed;
//   - a sum or product of unsigned numbers of fewer bits is unsigned;
//   - a difference is signed.
//
// A shift has the sign of what is shifted.
func (c *checker) arithType(e *ast.Binary, x, y types.Type) types.Type {
	px, isPX := x.(types.Pointer)
	py, isPY := y.(types.Pointer)
	switch {
	case isPX && isPY && e.Op == "-" && types.SameType(px.Elem, py.Elem):
		return types.TypeInt64
	case isPX && types.Of(y).Integer && (e.Op == "+" || e.Op == "-"):
		return px
	case isPY && types.Of(x).Integer && e.Op == "+":
		return py
	case !types.Of(x).Integer && !isPX || !types.Of(y).Integer && !isPY:
		c.reportNumber(errOperands(e, x, y), e.X, e.Y)
		return nil
	case isPX || isPY:
		c.report(errPointerOperands(e, x, y))
		return nil
	case (e.Op == "/" || e.Op == "%") && c.isZero(e.Y):
		c.report(errDivisionByZero(e.Y))
		return nil
	}
	return arithResult(e.Op, types.AsInt(x), types.AsInt(y))
}

// arithResult is the type of an operation on numbers of these types.
func arithResult(op string, x, y types.Int) types.Type {
	wide := !x.Signed && x.Bits == 64 || !y.Signed && y.Bits == 64 // a uint64 is among them
	switch {
	case op == "-":
		return types.TypeInt64
	case (op == "<<" || op == ">>") && !x.Flexible():
		return types.Int{Bits: 64, Signed: x.Signed}
	case op == "<<" || op == ">>" || x.Flexible() && y.Flexible():
		return types.TypeCounted
	case (op == "&" || op == "|" || op == "^") && wide:
		return types.TypeUint64
	case x.BelowZero() || y.BelowZero():
		return types.TypeInt64
	case wide:
		return types.TypeUint64
	}
	return types.Int{Bits: 64, Signed: x.Signed && !x.Flexible() || y.Signed && !y.Flexible()}
}

func (c *checker) isZero(e ast.Expr) bool {
	k, ok := c.constInt(e)
	return ok && k.Int == 0
}

func (c *checker) ternary(e *ast.Ternary) types.Type {
	if t := c.value(e.Cond); !c.textOr(e) {
		c.conditionOf(e.Cond, t)
	}
	if _, ok := e.Cond.(*ast.Comptime); ok && e.X != e.Cond {
		return c.comptimeTernary(e)
	}
	x := c.p.Types[e.Cond]
	if e.X != e.Cond { // a ?: b has one expression for both, checked once
		x = c.expr(e.X)
	}
	y := c.expr(e.Y)
	if x == nil || y == nil {
		return c.guess(typeOr(x, y))
	}
	nx, ny := types.Is(x, types.KindNone), types.Is(y, types.KindNone)
	if nx && ny {
		return types.None{}
	}
	x, y = types.Value(x), types.Value(y)
	t, ok := types.Widen(x, y)
	if !ok || nx || ny {
		c.report(source.Errorf(e, "type-mismatch", "the two sides of ?: are a %s and a %s", x, y))
		return nil
	}
	c.foldTernary(e)
	return t
}

// textOr says whether the expression is a ?: b of a text that is known, which is a itself if that is not empty.
func (c *checker) textOr(e *ast.Ternary) bool {
	_, isParam := e.Cond.(*ast.Param)
	return e.X == e.Cond && c.p.Consts[e.Cond].Str != nil && !isParam
}

// comptimeTernary is the side that is chosen at compile time; the other need not have a type.
func (c *checker) comptimeTernary(e *ast.Ternary) types.Type {
	then, otherwise := c.chosen(e.Cond)
	delete(c.p.Consts, e)
	switch {
	case then:
		t := types.Value(c.expr(e.X))
		c.foldTernary(e)
		return t
	case otherwise:
		t := types.Value(c.expr(e.Y))
		c.foldTernary(e)
		return t
	}
	return nil
}
