package syntax

import (
	"strconv"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

// reserved words cannot be names of builtins, functions or constants.
var reserved = map[string]bool{
	"break": true, "continue": true, "else": true, "for": true, "import": true, "let": true,
	"macro": true, "return": true, "unroll": true, "while": true,
}

// primary parses an operand.
func (p *parser) primary(lex *lexer.PeekingLexer) (ast.Expr, error) {
	tok := *lex.Peek()
	switch {
	case tok.Type == tokIdent:
		return p.word(lex)
	case isPunct(&tok, "("):
		return p.paren(lex)
	case isPunct(&tok, "{"):
		return p.blockExpr(lex)
	case tok.Type == tokMap:
		return p.mapRef(lex)
	case !beginsExpr(&tok):
		return nil, errorBefore(lex, "expected an expression before "+describe(&tok))
	}
	place := nextSpan(lex)
	lex.Next()
	switch tok.Type {
	case tokInt:
		value, err := literal.ParseInt(tok.Value)
		if err != nil {
			p.report(errorOn(place, "bad-integer", err.Error()))
		}
		return &ast.IntLit{Span: place, Text: tok.Value, Value: value}, nil
	case tokString:
		return p.str(tok, place), nil
	case tokParam:
		return p.param(tok, place), nil
	}
	return &ast.Var{Span: place, Name: tok.Value}, nil
}

// str makes a string literal.
func (p *parser) str(tok lexer.Token, place source.Span) *ast.StrLit {
	value, bad := literal.Unquote(tok.Value)
	for _, b := range bad {
		p.report(errorOn(source.Within(tok.Pos, b.Start, b.End), "bad-escape", b.Message))
	}
	return &ast.StrLit{Span: place, Value: value}
}

// param makes $1 or $#.
func (p *parser) param(tok lexer.Token, place source.Span) *ast.Param {
	if tok.Value == "$#" {
		return &ast.Param{Span: place}
	}
	n, err := strconv.Atoi(tok.Value[1:])
	if err != nil || n < 1 {
		p.report(errorOn(place, "bad-parameter", "'"+tok.Value+"' is no positional parameter").
			withHint("they are written $1, $2, …; their number is $#"))
	}
	return &ast.Param{Span: place, N: n}
}

// mapRef parses @name or @name[keys].
func (p *parser) mapRef(lex *lexer.PeekingLexer) (ast.Expr, error) {
	tok := *lex.Next()
	m := &ast.MapRef{Name: tok.Value}
	if acceptPunct(lex, "[") {
		m.Indexed = true
		keys, err := p.exprList(lex, "]")
		if err != nil {
			return nil, err
		}
		if len(keys) == 0 {
			return nil, errorOn(since(tok.Pos, lex), "syntax", "expected a key between '[' and ']'")
		}
		m.Keys = keys
	}
	m.Span = since(tok.Pos, lex)
	return m, nil
}

// exprList parses expressions with commas between them and the bracket that closes the list.
func (p *parser) exprList(lex *lexer.PeekingLexer, closing string) ([]ast.Expr, error) {
	var list []ast.Expr
	if acceptPunct(lex, closing) {
		return nil, nil
	}
	for {
		x, err := p.argument(lex)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
		if acceptPunct(lex, ",") {
			continue
		}
		return list, expectPunct(lex, closing)
	}
}

// argument parses an expression, or the name of a struct, union or enum, which means what it means in typeof(…).
func (p *parser) argument(lex *lexer.PeekingLexer) (ast.Expr, error) {
	if !isTypeKeyword(lex.Peek()) {
		return p.expr(lex)
	}
	start := lex.Peek().Pos
	t, err := p.typeName(lex)
	if err != nil {
		return nil, err
	}
	return &ast.TypeExpr{Span: since(start, lex), Type: t}, nil
}

// blockExpr parses { …; value }.
func (p *parser) blockExpr(lex *lexer.PeekingLexer) (ast.Expr, error) {
	body, err := run(p.grammar.block, lex)
	if err != nil {
		return nil, err
	}
	return ast.ValueBlock(body), nil
}

// takesType says whether a word is a keyword that takes a type or an expression in parentheses.
func takesType(word string) bool {
	b := builtin.Find(word)
	return b != nil && b.Keyword
}

// word parses what a name begins: a keyword's operand, a call, a constant or the name itself.
func (p *parser) word(lex *lexer.PeekingLexer) (ast.Expr, error) {
	tok := *lex.Peek()
	switch {
	case tok.Value == "true" || tok.Value == "false":
		place := nextSpan(lex)
		lex.Next()
		return &ast.BoolLit{Span: place, Value: tok.Value == "true"}, nil
	case tok.Value == "if":
		return p.ifExpr(lex)
	case takesType(tok.Value):
		if next := peekAfter(lex); isPunct(&next, "(") {
			return p.typeWord(lex)
		}
	case tok.Value == "comptime":
		lex.Next()
		x, err := p.unary(lex)
		return &ast.Comptime{Span: since(tok.Pos, lex), X: x}, err
	}
	if reserved[tok.Value] {
		return nil, errorAt(lex, "syntax", "expected an expression before '"+tok.Value+"'")
	}
	place := nextSpan(lex)
	lex.Next()
	name := builtin.Plain(tok.Value)
	if next := peekAfter(lex); isPunct(lex.Peek(), "!") && isPunct(&next, "(") && !takesType(tok.Value) {
		lex.Next() // name!(…) is an older way to call a macro
	}
	if !acceptPunct(lex, "(") {
		return &ast.Ident{Span: place, Name: name}, nil
	}
	args, err := p.exprList(lex, ")")
	if err != nil {
		return nil, err
	}
	return &ast.Call{Span: since(tok.Pos, lex), Name: name, Args: args}, nil
}

// peekAfter is the token after the next one.
func peekAfter(lex *lexer.PeekingLexer) lexer.Token {
	ahead := *lex
	ahead.Next()
	return *ahead.Peek()
}

// ifExpr parses an if in the place of an expression: a choice between two block expressions.
func (p *parser) ifExpr(lex *lexer.PeekingLexer) (ast.Expr, error) {
	s, err := p.keywordStmt(lex)
	if err != nil {
		return nil, err
	}
	last := s.(*ast.If)
	for last.Else != nil {
		next, ok := last.Else.(*ast.If)
		if !ok {
			return ast.Choice(s.(*ast.If)), nil
		}
		last = next
	}
	return nil, errorOn(s.Range(), "missing-else", "an 'if' without 'else' has no value")
}
