package check

import (
	"math/big"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// expr finds the type of an expression and notes it. nil means that it is not known yet or, in the last
// round, that a mistake is already reported.
func (c *checker) expr(e ast.Expr) types.Type {
	t := c.exprType(e)
	if t == nil {
		delete(c.p.Types, e)
		return nil
	}
	c.p.Types[e] = t
	return t
}

func (c *checker) exprType(e ast.Expr) types.Type {
	switch e := e.(type) {
	case *ast.IntLit:
		return c.intConst(e, e.Value)
	case *ast.StrLit:
		return c.strConst(e, e.Value)
	case *ast.BoolLit:
		c.p.Consts[e] = types.Const{Int: types.Truth(e.Value)}
		return types.Bool{}
	case *ast.Param:
		return c.param(e)
	case *ast.Ident:
		return c.ident(e)
	case *ast.Var:
		return c.variable(e)
	case *ast.MapRef:
		return c.mapRef(e)
	case *ast.Unary:
		return c.unary(e)
	case *ast.IncDec:
		return c.incDec(e)
	case *ast.Binary:
		return c.binary(e)
	case *ast.Ternary:
		return c.ternary(e)
	case *ast.Cast:
		return c.cast(e)
	case *ast.FieldExpr:
		return c.field(e)
	case *ast.TupleIndex:
		return c.tupleIndex(e)
	case *ast.Index:
		return c.index(e)
	case *ast.Call:
		return c.call(e)
	case *ast.TupleExpr:
		return c.tuple(e)
	case *ast.Sizeof:
		return c.sizeof(e)
	case *ast.Offsetof:
		return c.offsetof(e)
	case *ast.BlockExpr:
		return c.blockExpr(e)
	case *ast.Comptime:
		return c.comptime(e)
	case *ast.RecordExpr:
		return c.record(e)
	case *ast.TypeExpr:
		c.report(source.Errorf(e, "no-value", "a type is no value").WithHint("typeinfo(…) names it, sizeof(…) measures it"))
	case *ast.Typeinfo:
		return c.typeinfo(e)
	}
	return nil
}

// intConst is a literal, or what counts as one.
func (c *checker) intConst(e ast.Expr, n uint64) types.Type {
	c.p.Consts[e] = types.Const{Int: n}
	return types.Literal(0, n)
}

func (c *checker) strConst(e ast.Expr, s string) types.Type {
	if len(s) >= maxStrlenLimit {
		c.report(source.Errorf(e, "string-too-long", "a string of %d bytes: programs can handle %d", len(s), maxStrlenLimit-1))
		s = ""
	}
	c.p.Consts[e] = types.Const{Str: &s}
	return types.String{Len: len(s) + 1}
}

// countsParams says whether the script looks at how many parameters there are: then one that is not given is no oversight.
func (c *checker) countsParams() (counts bool) {
	ast.Inspect(c.file, func(n source.Node) bool {
		if p, ok := n.(*ast.Param); ok && p.N == 0 {
			counts = true
		}
		return !counts
	})
	return counts
}

// param is $1 or $#: a number if it is written as one, else a string.
func (c *checker) param(e *ast.Param) types.Type {
	if e.N == 0 {
		return c.intConst(e, uint64(len(c.opts.Params)))
	}
	text := c.paramText(e)
	if text == "" {
		if !c.countsParams() {
			c.report(source.Warningf(e, "missing-parameter", "$%d is not given: it is 0", e.N))
		}
		return c.intConst(e, 0)
	}
	if n, neg, ok := parseParam(text); ok {
		if neg {
			return c.literalResult(e, new(big.Int).Neg(new(big.Int).SetUint64(n)))
		}
		return c.intConst(e, n)
	}
	return c.strConst(e, text)
}

// paramText is the text of a positional parameter, for str($1).
func (c *checker) paramText(e *ast.Param) string {
	if e.N >= 1 && e.N <= len(c.opts.Params) {
		return c.opts.Params[e.N-1]
	}
	return ""
}

func (c *checker) ident(e *ast.Ident) types.Type {
	if t, why, ok := c.builtinType(e.Name, c.p.Prog); ok {
		if t == nil {
			d := source.Errorf(e, "builtin-not-here", "%s", why)
			if builtin.Find(e.Name).Probe == builtin.HasArgs {
				d = c.withoutTypes(d)
			}
			c.report(d)
			return nil
		}
		c.setBuiltin(e, e.Name)
		return t
	}
	if c.strange[e.Name] || len(c.strange) >= maxStrange {
		c.unknownIdent(e)
		return nil
	}
	if k, ok, err := c.c.Defined(e.Name); ok {
		return c.defined(e, k, err)
	}
	if t, n, ok := c.constOf(e.Name); ok {
		c.p.Consts[e] = types.Const{Int: uint64(n)}
		return t
	}
	if k, ok := c.c.System.Text(e.Name); ok {
		return c.strConst(e, *k.Str)
	}
	c.strange[e.Name] = true
	c.unknownIdent(e)
	return nil
}

// maxStrange is how many names that mean nothing are searched for in the kernel's types and the system's headers, which takes time. The script
// has that many mistakes then.
const maxStrange = 200

// unknownIdent reports a name that means nothing here.
func (c *checker) unknownIdent(e *ast.Ident) {
	switch b := builtin.Find(e.Name); {
	case b != nil && b.Planned && b.Variable:
		c.report(errUnsupported(e, e.Name))
	case b != nil && b.Function:
		c.report(source.Errorf(e, "unknown-name", "%s is a function: write %s()", e.Name, e.Name))
	default:
		c.report(errUnknownIdent(e, e.Name, c.nearest(e.Name, builtin.Names)))
	}
}

// defined is a name that a #define gives a constant.
func (c *checker) defined(e ast.Expr, k types.Const, err error) types.Type {
	switch {
	case err != nil:
		c.report(source.Errorf(e, "c-definition", "%v", err))
		return nil
	case k.Str != nil:
		return c.strConst(e, *k.Str)
	}
	c.p.Consts[e] = k
	return types.LiteralOf(k.Int, int64(k.Int) < 0 && !k.Unsigned)
}

func (c *checker) variable(e *ast.Var) types.Type {
	if v := c.used(e); v != nil {
		return v.Type
	}
	return nil
}

func (c *checker) tuple(e *ast.TupleExpr) types.Type {
	elems := c.elements(e.Elems)
	if elems == nil {
		return nil
	}
	return types.Tuple{Elems: elems}
}

func (c *checker) record(e *ast.RecordExpr) types.Type {
	elems := c.elements(e.Elems)
	if elems == nil {
		return nil
	}
	return types.Tuple{Elems: elems, Names: e.Names}
}

// elements are the types of the elements of a tuple or a record, nil if one is not known.
func (c *checker) elements(list []ast.Expr) []types.Type {
	elems := make([]types.Type, len(list))
	known := true
	for i, x := range list {
		if elems[i] = types.Value(c.value(x)); elems[i] == nil {
			elems[i] = c.guessPart()
		}
		known = known && elems[i] != nil
	}
	if !known {
		return nil
	}
	return elems
}

func (c *checker) blockExpr(e *ast.BlockExpr) types.Type {
	c.enter()
	defer c.leave()
	stmts := e.Body.Stmts
	for i, s := range stmts {
		x, ok := s.(*ast.ExprStmt)
		if ok && i == len(stmts)-1 && x.NoSemi {
			t := c.expr(x.X)
			delete(c.p.Consts, e)
			if k, known := c.p.Consts[x.X]; known && i == 0 {
				c.p.Consts[e] = k
			}
			return t
		}
		c.stmt(s)
	}
	return types.None{}
}
