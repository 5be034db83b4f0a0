package lang

import "math/big"

// expr finds the type of an expression and notes it. nil means that it is not known yet or, in the last
// round, that a mistake is already reported.
func (c *checker) expr(e Expr) Type {
	t := c.exprType(e)
	if t == nil {
		delete(c.p.Types, e)
		return nil
	}
	c.p.Types[e] = t
	return t
}

func (c *checker) exprType(e Expr) Type {
	switch e := e.(type) {
	case *IntLit:
		return c.intConst(e, e.Value)
	case *StrLit:
		return c.strConst(e, e.Value)
	case *BoolLit:
		c.p.Consts[e] = Const{Int: truth(e.Value)}
		return Bool{}
	case *Param:
		return c.param(e)
	case *Ident:
		return c.ident(e)
	case *Var:
		return c.variable(e)
	case *MapRef:
		return c.mapRef(e)
	case *Unary:
		return c.unary(e)
	case *IncDec:
		return c.incDec(e)
	case *Binary:
		return c.binary(e)
	case *Ternary:
		return c.ternary(e)
	case *Cast:
		return c.cast(e)
	case *FieldExpr:
		return c.field(e)
	case *TupleIndex:
		return c.tupleIndex(e)
	case *Index:
		return c.index(e)
	case *Call:
		return c.call(e)
	case *TupleExpr:
		return c.tuple(e)
	case *Sizeof:
		return c.sizeof(e)
	case *Offsetof:
		return c.offsetof(e)
	case *BlockExpr:
		return c.blockExpr(e)
	case *Comptime:
		t := c.expr(e.X)
		if k, ok := c.p.Consts[e.X]; ok {
			c.p.Consts[e] = k
		} else if t != nil {
			c.report(Errorf(e, "not-constant", "this is not known at compile time"))
			return nil
		}
		return t
	case *RecordExpr:
		c.report(errUnsupported(e, "a record"))
	case *TypeExpr:
		c.report(errUnsupported(e, "a type as a value"))
	case *Typeinfo:
		c.report(errUnsupported(e, "typeinfo"))
	}
	return nil
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// intConst is a literal, or what counts as one.
func (c *checker) intConst(e Expr, n uint64) Type {
	c.p.Consts[e] = Const{Int: n}
	return literal(0, n)
}

func (c *checker) strConst(e Expr, s string) Type {
	if len(s) >= maxStrlenLimit {
		c.report(Errorf(e, "string-too-long", "a string of %d bytes: programs can handle %d", len(s), maxStrlenLimit-1))
		s = ""
	}
	c.p.Consts[e] = Const{Str: &s}
	return String{Len: len(s) + 1}
}

// param is $1 or $#: a number if it is written as one, else a string.
func (c *checker) param(e *Param) Type {
	if e.N == 0 {
		return c.intConst(e, uint64(len(c.opts.Params)))
	}
	text := c.paramText(e)
	if text == "" {
		c.report(Warningf(e, "missing-parameter", "$%d is not given: it is 0", e.N))
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
func (c *checker) paramText(e *Param) string {
	if e.N >= 1 && e.N <= len(c.opts.Params) {
		return c.opts.Params[e.N-1]
	}
	return ""
}

func (c *checker) ident(e *Ident) Type {
	if t, why, ok := c.builtinType(e.Name, c.p.Prog); ok {
		if t == nil {
			d := Errorf(e, "builtin-not-here", "%s", why)
			if e.Name == "args" {
				d = c.withoutTypes(d)
			}
			c.report(d)
			return nil
		}
		if b := variables[e.Name]; b != nil && b.value != nil {
			c.p.Consts[e] = b.value(c, c.p.Prog)
		}
		return t
	}
	if k, ok, err := c.c.defined(e.Name); ok {
		return c.defined(e, k, err)
	}
	if t, n, ok := c.constOf(e.Name); ok {
		c.p.Consts[e] = Const{Int: uint64(n)}
		return t
	}
	if k, ok := c.c.system.text(e.Name); ok {
		return c.strConst(e, *k.Str)
	}
	switch b := FindBuiltin(e.Name); {
	case b != nil && b.Planned && b.Variable:
		c.report(errUnsupported(e, e.Name))
	case b != nil && b.Function:
		c.report(Errorf(e, "unknown-name", "%s is a function: write %s()", e.Name, e.Name))
	default:
		c.report(errUnknownIdent(e, e.Name, Nearest(e.Name, BuiltinNames())))
	}
	return nil
}

// defined is a name that a #define gives a constant.
func (c *checker) defined(e Expr, k Const, err error) Type {
	switch {
	case err != nil:
		c.report(Errorf(e, "c-definition", "%v", err))
		return nil
	case k.Str != nil:
		return c.strConst(e, *k.Str)
	}
	c.p.Consts[e] = k
	return literalOf(k.Int, int64(k.Int) < 0)
}

func (c *checker) variable(e *Var) Type {
	if v := c.used(e); v != nil {
		return v.Type
	}
	return nil
}

func (c *checker) tuple(e *TupleExpr) Type {
	t := Tuple{Elems: make([]Type, len(e.Elems))}
	known := true
	for i, x := range e.Elems {
		t.Elems[i] = plainValue(c.value(x))
		known = known && t.Elems[i] != nil
	}
	if !known {
		return nil
	}
	if len(t.Elems) == 0 {
		c.report(Errorf(e, "empty-tuple", "a tuple has at least one element"))
		return nil
	}
	return t
}

func (c *checker) blockExpr(e *BlockExpr) Type {
	c.enter()
	defer c.leave()
	stmts := e.Body.Stmts
	for i, s := range stmts {
		x, ok := s.(*ExprStmt)
		if ok && i == len(stmts)-1 && x.NoSemi {
			return c.expr(x.X)
		}
		c.stmt(s)
	}
	return None{}
}
