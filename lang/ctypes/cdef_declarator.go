package ctypes

import (
	"github.com/gotrace/gotrace/lang/types"
)

// cDeclared is what one declarator declares.
type cDeclared struct {
	cType
	name CToken // cEnd where it has none
}

// declarator reads `*a`, `b[4]`, `(*f)(int)`: a name with what its type makes of the base.
func (p *cParser) declarator(base cType) (cDeclared, error) {
	if p.depth++; p.depth > cMaxDepth {
		return cDeclared{}, CErrorf(p.peek(), "this nests too deep")
	}
	defer func() { p.depth-- }()
	for {
		if p.accept("*") {
			base = cType{types.Pointer{Elem: base.Type}, 8}
			continue
		}
		start := p.at
		if _, err := p.qualify(); err != nil {
			return cDeclared{}, err
		}
		if p.at == start {
			break
		}
	}
	d := cDeclared{cType: base}
	if p.groups() {
		return p.grouped(base)
	}
	if p.peek().Kind == CWord {
		d.name = p.next()
	}
	var err error
	d.cType, err = p.suffixes(base)
	return d, err
}

// groups says whether a parenthesis comes next that holds a declarator, and not the parameters of a function.
func (p *cParser) groups() bool {
	if !p.peek().is("(") || p.at+1 >= len(p.tokens) {
		return false
	}
	t := p.tokens[p.at+1]
	if t.is("*") || t.is("(") || t.Text == "__attribute__" {
		return true
	}
	if t.Kind != CWord {
		return false
	}
	p.at++
	defer func() { p.at-- }()
	return !p.beginsType()
}

// grouped reads a declarator in parentheses. What follows them belongs to the base of what is in them.
func (p *cParser) grouped(base cType) (cDeclared, error) {
	open := p.next()
	inner := p.at
	if err := p.skipTo(")", open); err != nil {
		return cDeclared{}, err
	}
	base, err := p.suffixes(base)
	if err != nil {
		return cDeclared{}, err
	}
	end := p.at
	p.at = inner
	d, err := p.declarator(base)
	if err == nil {
		err = p.expect(")")
	}
	p.at = end
	return d, err
}

// skipTo goes behind the bracket that closes one that was read.
func (p *cParser) skipTo(closing string, open CToken) error {
	for depth := 1; depth > 0; {
		switch t := p.next(); {
		case t.Kind == cEnd:
			return CErrorf(t, "expected '%s' before %s", closing, t)
		case t.is(open.Text):
			depth++
		case t.is(closing):
			depth--
		}
	}
	return nil
}

// suffixes reads the brackets behind a name: sizes of arrays, or the parameters of a function.
func (p *cParser) suffixes(base cType) (cType, error) {
	if open := p.peek(); open.is("(") {
		p.next()
		return cType{types.Void{}, 1}, p.skipTo(")", open) // a function: nobody looks into it
	}
	return p.dims(base)
}

// maxObject is the largest object, in bytes.
const maxObject = 1 << 30

// dims reads the sizes of an array, the outermost first.
func (p *cParser) dims(t cType) (cType, error) {
	var sizes []int
	start := p.peek()
	if start.is("[") {
		t = p.borrow(start, t)
	}
	total := int64(max(t.size(), 1))
	for p.accept("[") {
		at := p.peek()
		n := int64(0)
		if !at.is("]") {
			v, err := p.plainConst()
			if err != nil {
				return t, err
			}
			n = int64(v.n)
		}
		if n < 0 || n > maxObject || total*max(n, 1) > maxObject {
			return t, CErrorf(at, "an array cannot have %d elements", n)
		}
		total *= max(n, 1)
		if err := p.expect("]"); err != nil {
			return t, err
		}
		sizes = append(sizes, int(n))
	}
	if len(sizes) > 0 {
		if err := p.sized(start, t); err != nil {
			return t, err
		}
	}
	for i := len(sizes) - 1; i >= 0; i-- {
		t.Type = types.Array{Elem: t.Type, Len: sizes[i]}
	}
	return t, nil
}

// plainConst reads a constant by the rules of C.
func (p *cParser) plainConst() (cValue, error) {
	mode := p.mode
	p.mode = cPlain
	defer func() { p.mode = mode }()
	return p.condExpr()
}

// size is that of a type, 0 without one.
func (t cType) size() int {
	if t.Type == nil {
		return 0
	}
	return t.Type.Size()
}

// sized makes sure that a type has a size where one is needed.
func (p *cParser) sized(at CToken, t cType) error {
	switch typ := t.Type.(type) {
	case nil, types.Void:
		return CErrorf(at, "what is here has no size: its type is void, or a function's")
	case *types.Struct:
		if p.incomplete(typ) {
			return CErrorf(at, "%s is not complete here", typ)
		}
	}
	return nil
}

// incomplete says whether a struct of the script's own is only declared so far.
func (c *Types) incomplete(s *types.Struct) bool {
	done, own := c.complete[s]
	return own && !done
}

// tagOf is the key of a struct or union among the script's own.
func tagOf(s *types.Struct) string {
	if s.Union {
		return "union " + s.Name
	}
	return "struct " + s.Name
}
