package ast

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
)

// How tight the forms of expressions bind, above the binary operators of the table in expr.go.
const (
	bindTernary = 0
	bindPrefix  = 11
	bindPostfix = 12
	bindOperand = 13
)

// binding is how tight an expression binds.
func binding(x Expr) int {
	switch x := x.(type) {
	case *Ternary:
		return bindTernary
	case *Binary:
		return Precedence[x.Op]
	case *Unary, *Cast, *Comptime:
		return bindPrefix
	case *IncDec:
		if x.Prefix {
			return bindPrefix
		}
		return bindPostfix
	case *BlockExpr:
		return bindTernary // as an operand it stands in parentheses, since a '/' before '{' ends a filter
	case *FieldExpr, *TupleIndex, *Index:
		return bindPostfix
	}
	return bindOperand
}

// Expr writes an expression, in parentheses if it binds less tight than least.
func (p *Printer) Expr(x Expr, least int) {
	if binding(x) < least {
		p.put("(")
		p.Expr(x, 0)
		p.put(")")
		return
	}
	switch x := x.(type) {
	case *Unary:
		p.put(x.Op)
		p.operand(x.X)
	case *IncDec:
		p.incDec(x)
	case *Binary:
		p.binary(x)
	case *Ternary:
		p.ternary(x)
	case *Cast:
		p.put("(" + x.Type.String() + ")")
		p.operand(x.X)
	case *Comptime:
		p.put("comptime ")
		p.operand(x.X)
	case *FieldExpr:
		p.field(x)
	case *TupleIndex:
		p.postfixed(x.X)
		p.put("." + strconv.Itoa(x.N))
	case *Index:
		p.postfixed(x.X)
		p.put("[")
		p.Expr(x.I, 0)
		p.put("]")
	default:
		p.primary(x)
	}
}

func (p *Printer) binary(x *Binary) {
	prec := Precedence[x.Op]
	p.Expr(x.X, prec)
	p.put(" " + x.Op + " ")
	p.Expr(x.Y, prec+1)
}

func (p *Printer) ternary(x *Ternary) {
	p.Expr(x.Cond, bindTernary+1)
	if x.X == x.Cond {
		p.put(" ?: ")
	} else {
		p.put(" ? ")
		p.Expr(x.X, bindTernary)
		p.put(" : ")
	}
	p.Expr(x.Y, bindTernary)
}

// operand writes what a prefix operator stands before. A prefix operator there is put in
// parentheses: - -x is not --x.
func (p *Printer) operand(x Expr) {
	least := bindPrefix
	switch x := x.(type) {
	case *Unary:
		least = bindOperand
	case *IncDec:
		if x.Prefix {
			least = bindOperand
		}
	}
	p.Expr(x, least)
}

func (p *Printer) incDec(x *IncDec) {
	if x.Prefix {
		p.put(x.Op)
	}
	p.Expr(x.Target, bindPostfix)
	if !x.Prefix {
		p.put(x.Op)
	}
}

func (p *Printer) field(x *FieldExpr) {
	p.postfixed(x.X)
	if x.Arrow {
		p.put("->")
	} else {
		p.put(".")
	}
	p.put(x.Name)
}

// postfixed writes what a field or an index follows. What would swallow it is put in parentheses: a map without a key
// before '[', a number before '.'.
func (p *Printer) postfixed(x Expr) {
	least := bindPostfix
	switch x := x.(type) {
	case *IntLit:
		least = bindOperand + 1
	case *MapRef:
		if !x.Indexed {
			least = bindOperand + 1
		}
	}
	p.Expr(x, least)
}

func (p *Printer) list(list []Expr) {
	for i, x := range list {
		p.comma(i)
		p.Expr(x, 0)
	}
}

// primary writes what needs no parentheses.
func (p *Printer) primary(x Expr) {
	switch x := x.(type) {
	case *IntLit:
		p.put(x.Text)
	case *StrLit:
		p.put(literal.Quote(x.Value))
	case *BoolLit:
		p.put(strconv.FormatBool(x.Value))
	case *Ident:
		p.put(x.Name)
	case *Var:
		p.put("$" + x.Name)
	case *Param:
		p.put(paramText(x))
	case *MapRef:
		p.put("@" + x.Name)
		if x.Indexed {
			p.put("[")
			p.list(x.Keys)
			p.put("]")
		}
	case *Call:
		p.put(x.Name + "(")
		p.list(x.Args)
		p.put(")")
	case *BlockExpr:
		p.block(x.Body)
	default:
		p.compoundPrimary(x)
	}
}

func (p *Printer) compoundPrimary(x Expr) {
	switch x := x.(type) {
	case *TupleExpr:
		p.put("(")
		p.list(x.Elems)
		if len(x.Elems) == 1 {
			p.put(",")
		}
		p.put(")")
	case *RecordExpr:
		for i, name := range x.Names {
			p.put([]string{"(", ", "}[min(i, 1)] + name + " = ")
			p.Expr(x.Elems[i], 0)
		}
		p.put(")")
	case *Sizeof:
		p.put("sizeof(")
		p.typeArg(x.Type, x.X)
		p.put(")")
	case *Typeinfo:
		p.put("typeinfo(")
		p.typeArg(x.Type, x.X)
		p.put(")")
	case *Offsetof:
		p.put("offsetof(")
		p.typeArg(x.Type, x.X)
		p.put(", " + strings.Join(x.Fields, ".") + ")")
	case *TypeExpr:
		if x.Type.Of == nil {
			p.put("typeof(" + x.Type.String() + ")")
		} else {
			p.put(x.Type.String())
		}
	}
}

// typeArg writes a type, or an expression in parentheses so that it is not taken for a type.
func (p *Printer) typeArg(t *TypeName, x Expr) {
	if t != nil {
		p.put(t.String())
		return
	}
	p.put("(")
	p.Expr(x, 0)
	p.put(")")
}
