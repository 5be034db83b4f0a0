package syntax

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// paren parses what an opening parenthesis begins: a cast, a record, a tuple or an expression in parentheses.
func (p *parser) paren(lex *lexer.PeekingLexer) (ast.Expr, error) {
	start := lex.Next().Pos
	switch {
	case acceptPunct(lex, ")"):
		return &ast.TupleExpr{Span: since(start, lex)}, nil
	case beginsRecord(lex):
		return p.record(lex, start)
	case p.beginsCast(lex):
		return p.cast(lex, start)
	}
	x, err := p.expr(lex)
	if err != nil {
		return nil, err
	}
	if !isPunct(lex.Peek(), ",") {
		return x, expectPunct(lex, ")")
	}
	elems := []ast.Expr{x}
	for acceptPunct(lex, ",") {
		if isPunct(lex.Peek(), ")") {
			break
		}
		if x, err = p.expr(lex); err != nil {
			return nil, err
		}
		elems = append(elems, x)
	}
	if err := expectPunct(lex, ")"); err != nil {
		return nil, err
	}
	return &ast.TupleExpr{Span: since(start, lex), Elems: elems}, nil
}

// beginsRecord says whether `name =` comes next. Any word can name an element, pid and count too.
func beginsRecord(lex *lexer.PeekingLexer) bool {
	if lex.Peek().Type != tokIdent {
		return false
	}
	next := peekAfter(lex)
	return isPunct(&next, "=")
}

// record parses the rest of (name = x, …).
func (p *parser) record(lex *lexer.PeekingLexer, start source.Pos) (ast.Expr, error) {
	r := &ast.RecordExpr{}
	for {
		name := *lex.Peek()
		if name.Type != tokIdent {
			return nil, errorBefore(lex, "expected the name of a record's element before "+describe(&name))
		}
		for _, seen := range r.Names {
			if seen == name.Value {
				return nil, errorAt(lex, "duplicate-name", "there is an element '"+seen+"' in this record already")
			}
		}
		lex.Next()
		if err := expectPunct(lex, "="); err != nil {
			return nil, err
		}
		x, err := p.expr(lex)
		if err != nil {
			return nil, err
		}
		r.Names, r.Elems = append(r.Names, name.Value), append(r.Elems, x)
		if acceptPunct(lex, ",") && !isPunct(lex.Peek(), ")") {
			continue
		}
		if err := expectPunct(lex, ")"); err != nil {
			return nil, err
		}
		r.Span = since(start, lex)
		return r, nil
	}
}

// beginsCast says whether a type, a closing parenthesis and the beginning of an operand come next. A
// name alone is taken for a type, as bpftrace does, unless it is a builtin's or one that the script gives to a value:
// (mytype)*$x is a cast.
func (p *parser) beginsCast(lex *lexer.PeekingLexer) bool {
	if lex.Peek().Type != tokIdent || p.values[lex.Peek().Value] {
		return false
	}
	if lex.Peek().Value == "typeof" {
		return typeofCast(lex)
	}
	ahead := *lex
	if !skipType(&ahead) || !acceptPunct(&ahead, ")") {
		return false
	}
	if name := peekAfter(lex); isPunct(&name, ")") && isPunct(ahead.Peek(), "&") && !beginsPlace(&ahead) {
		return false // (NAME) & 1; more than a name is a type
	}
	return beginsOperand(ahead.Peek())
}

// beginsPlace says whether what comes after the next token can have an address.
func beginsPlace(lex *lexer.PeekingLexer) bool {
	next := peekAfter(lex)
	return next.Type == tokVar || next.Type == tokMap || isPunct(&next, "(")
}

// beginsOperand says whether the operand of a cast can begin with a token. After a parenthesis, a plus is an
// operator and a brace is a block.
func beginsOperand(tok *lexer.Token) bool {
	if tok.Type == tokPunct {
		return strings.Contains("(-!~*&", tok.Value)
	}
	return beginsExpr(tok)
}

// typeofCast says whether `typeof(…)` and a closing parenthesis with an operand after it come next.
func typeofCast(lex *lexer.PeekingLexer) bool {
	ahead := *lex
	ahead.Next()
	depth := 0
	for {
		tok := ahead.Peek()
		switch {
		case tok.EOF():
			return false
		case isPunct(tok, "("):
			depth++
		case isPunct(tok, ")"):
			depth--
		}
		ahead.Next()
		if depth == 0 {
			return skipSuffixes(&ahead) && acceptPunct(&ahead, ")") && beginsOperand(ahead.Peek())
		}
	}
}

// cast parses the rest of (type)x.
func (p *parser) cast(lex *lexer.PeekingLexer, start source.Pos) (ast.Expr, error) {
	t, err := p.typeName(lex)
	if err != nil {
		return nil, err
	}
	if err := expectPunct(lex, ")"); err != nil {
		return nil, err
	}
	x, err := p.unary(lex)
	if err != nil {
		return nil, err
	}
	return ast.NewCast(since(start, lex), t, x), nil
}
