package ctypes

import "github.com/gotrace/gotrace/lang/types"

// unit reads the declarations in the tokens that the preprocessor has made.
func (c *Types) unit() {
	p := &cParser{Types: c, tokens: c.out}
	c.out = nil
	for p.peek().Kind != cEnd {
		start := p.at
		p.depth = 0
		err := p.external()
		if err == nil {
			continue
		}
		c.Fail(err)
		p.at = start
		p.skipDeclaration()
	}
}

// skipDeclaration goes behind the next semicolon outside of braces, or behind the end of a function.
func (p *cParser) skipDeclaration() {
	depth := 0
	for {
		switch t := p.next(); {
		case t.Kind == cEnd:
			return
		case t.is("{"), t.is("("), t.is("["):
			depth++
		case t.is("}"), t.is(")"), t.is("]"):
			depth--
			if depth <= 0 && t.is("}") && !p.continues() {
				return
			}
		case t.is(";") && depth <= 0:
			return
		}
	}
}

// continues says whether a declaration goes on behind a brace.
func (p *cParser) continues() bool {
	t := p.peek()
	return t.is(";") || t.is(",") || t.is("=") || t.is("*") || t.Text == "__attribute__"
}

// external reads a declaration that is not within another: a type, a variable or a function.
func (p *cParser) external() error {
	if p.accept(";") {
		return nil
	}
	t := p.peek()
	switch t.Text {
	case "_Static_assert", "static_assert", "asm", "__asm__", "__asm":
		p.next()
		p.skipDeclaration()
		return nil
	}
	p.storage = cStorage{}
	if p.declaresEnum() {
		return nil
	}
	base, attrs, err := p.specifier()
	if err != nil {
		return err
	}
	isTypedef := p.storage.typedef
	if p.accept(";") {
		return nil
	}
	for {
		if p.peek().Kind == cEnd {
			return nil // the script's own definitions need no semicolon
		}
		d, err := p.declarator(base)
		if err != nil {
			return err
		}
		more, err := p.attributes()
		if err != nil {
			return err
		}
		if d.name.Kind == cEnd {
			return CErrorf(p.peek(), "a definition ends before %s", p.peek())
		}
		if isTypedef {
			if err := p.defineType(d.name, attrs.with(more).apply(d.cType)); err != nil {
				return err
			}
		}
		if p.peek().is("{") || p.peek().is("=") {
			return p.skipBody()
		}
		if p.accept(",") {
			continue
		}
		if p.peek().Kind == cEnd {
			return nil
		}
		return p.expect(";")
	}
}

// declaresEnum goes behind a declaration of an enum that is defined elsewhere, if there is one.
func (p *cParser) declaresEnum() bool {
	if p.peek().Text != "enum" || p.at+2 >= len(p.tokens) || !p.tokens[p.at+2].is(";") {
		return false
	}
	p.at += 3
	return true
}

// defineType notes a name of a type. It may be there already, if it means the same.
func (p *cParser) defineType(name CToken, t cType) error {
	if _, isConst := p.consts[name.Text]; isConst {
		return CErrorf(name, "%s is a constant already", name.Text)
	}
	if old, twice := p.typedefs[name.Text]; twice && !types.SameType(old.Type, t.Type) {
		return CErrorf(name, "the type %s is defined twice, as %s and %s", name.Text, old.Type, t.Type)
	}
	p.typedefs[name.Text] = t
	return nil
}

// skipBody goes behind the body of a function, or the value of a variable.
func (p *cParser) skipBody() error {
	function := p.peek().is("{")
	depth := 0
	for {
		t := p.next()
		switch {
		case t.Kind == cEnd:
			return CErrorf(t, "this is never closed")
		case t.is("{"), t.is("("):
			depth++
		case t.is("}"), t.is(")"):
			depth--
		}
		if depth == 0 && (function || t.is(";")) {
			return nil
		}
	}
}
