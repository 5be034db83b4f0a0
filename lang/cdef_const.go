package lang

// constant is the value of an integer constant expression of C. In an #if, names that mean nothing are 0.
func (c *cTypes) constant(tokens []cToken, inIf bool) (int64, error) {
	p := &cParser{cTypes: c, tokens: c.expand(tokens), inIf: inIf}
	v, err := p.constExpr(0)
	if err == nil && p.peek().kind != cEnd {
		err = cErrorf(p.peek(), "a constant ends before %s", p.peek())
	}
	return v, err
}

// cPrecedence are the binary operators of constant expressions, the higher the tighter.
var cPrecedence = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
	"<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}

// constExpr reads operators of at least a precedence.
func (p *cParser) constExpr(least int) (int64, error) {
	x, err := p.constUnary()
	if err != nil {
		return 0, err
	}
	for {
		op := p.peek()
		prec := cPrecedence[op.text]
		if op.kind != cPunct || prec == 0 || prec <= least {
			return x, nil
		}
		p.next()
		y, err := p.constExpr(prec)
		if err != nil {
			return 0, err
		}
		if x, err = cBinary(op, x, y); err != nil {
			return 0, err
		}
	}
}

func cBinary(op cToken, x, y int64) (int64, error) {
	v, ok := compute(op.text, true, uint64(x), uint64(y))
	if !ok {
		return 0, cErrorf(op, "division by zero")
	}
	return int64(v), nil
}

// cMaxDepth bounds how deep C definitions nest.
const cMaxDepth = 200

func (p *cParser) constUnary() (int64, error) {
	if p.depth++; p.depth > cMaxDepth {
		return 0, cErrorf(p.peek(), "this nests too deep")
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t.kind == cInt:
		return int64(t.value), nil
	case t.kind == cWord:
		if k, ok := p.consts[t.text]; ok {
			return k.value, nil
		}
		if p.inIf {
			return 0, nil
		}
	case t.is("("):
		v, err := p.constExpr(0)
		if err == nil {
			err = p.expect(")")
		}
		return v, err
	case t.is("-"), t.is("+"), t.is("~"), t.is("!"):
		v, err := p.constUnary()
		switch t.text {
		case "-":
			v = -v
		case "~":
			v = ^v
		case "!":
			v = int64(truth(v == 0))
		}
		return v, err
	}
	return 0, cErrorf(t, "%s is no constant", t)
}
