package lang

import (
	"strconv"

	"github.com/alecthomas/participle/v2/lexer"
)

// reserved words cannot be names of builtins, functions or constants.
var reserved = map[string]bool{
	"break": true, "continue": true, "else": true, "for": true, "import": true, "let": true,
	"macro": true, "return": true, "unroll": true, "while": true,
}

// primary parses an operand.
func (p *parser) primary(lex *lexer.PeekingLexer) (Expr, error) {
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
		value, err := parseInt(tok.Value)
		if err != nil {
			p.report(errorOn(place, "bad-integer", err.Error()))
		}
		return &IntLit{Span: place, Text: tok.Value, Value: value}, nil
	case tokString:
		return p.str(tok, place), nil
	case tokParam:
		return p.param(tok, place), nil
	}
	return &Var{Span: place, Name: tok.Value}, nil
}

// str makes a string literal.
func (p *parser) str(tok lexer.Token, place Span) *StrLit {
	value, bad := unquote(tok.Value)
	for _, b := range bad {
		p.report(errorOn(within(tok.Pos, b.start, b.end), "bad-escape", b.message))
	}
	return &StrLit{Span: place, Value: value}
}

// within is the span of the bytes [start, end) of a token at pos that lies on one line.
func within(pos Pos, start, end int) Span {
	from, to := pos, pos
	from.Offset += start
	from.Column += start
	to.Offset += end
	to.Column += end
	return Span{Pos: from, EndPos: to}
}

// param makes $1 or $#.
func (p *parser) param(tok lexer.Token, place Span) *Param {
	if tok.Value == "$#" {
		return &Param{Span: place}
	}
	n, err := strconv.Atoi(tok.Value[1:])
	if err != nil || n < 1 {
		p.report(errorOn(place, "bad-parameter", "'"+tok.Value+"' is no positional parameter").
			withHint("they are written $1, $2, …; their number is $#"))
	}
	return &Param{Span: place, N: n}
}

// mapRef parses @name or @name[keys].
func (p *parser) mapRef(lex *lexer.PeekingLexer) (Expr, error) {
	tok := *lex.Next()
	m := &MapRef{Name: tok.Value}
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
func (p *parser) exprList(lex *lexer.PeekingLexer, closing string) ([]Expr, error) {
	var list []Expr
	if acceptPunct(lex, closing) {
		return nil, nil
	}
	for {
		x, err := p.expr(lex)
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

// blockExpr parses { …; value }.
func (p *parser) blockExpr(lex *lexer.PeekingLexer) (Expr, error) {
	body, err := run(p.grammar.block, lex)
	if err != nil {
		return nil, err
	}
	return valueBlock(body), nil
}

// valueBlock makes a block an expression. A block or a complete if at its end gives the value, as an
// expression there does.
func valueBlock(b *Block) *BlockExpr {
	if n := len(b.Stmts); n > 0 {
		if x := stmtValue(b.Stmts[n-1]); x != nil {
			b.Stmts[n-1] = &ExprStmt{Span: x.Range(), X: x, NoSemi: true}
		}
	}
	return &BlockExpr{Span: b.Span, Body: b}
}

// stmtValue is the value of a block or an if as an expression, nil if it has none.
func stmtValue(s Stmt) Expr {
	switch s := s.(type) {
	case *Block:
		if hasValue(s) {
			return valueBlock(s)
		}
	case *If:
		if hasValue(s) {
			return choice(s)
		}
	}
	return nil
}

// hasValue says whether a statement at the end of a block gives the block's value.
func hasValue(s Stmt) bool {
	switch s := s.(type) {
	case *ExprStmt:
		return s.NoSemi
	case *Block:
		return len(s.Stmts) > 0 && hasValue(s.Stmts[len(s.Stmts)-1])
	case *If:
		return hasValue(s.Then) && s.Else != nil && hasValue(s.Else)
	}
	return false
}

// takesType are the keywords that take a type or an expression in parentheses.
var takesType = map[string]bool{"sizeof": true, "offsetof": true, "typeinfo": true, "typeof": true}

// word parses what a name begins: a keyword's operand, a call, a constant or the name itself.
func (p *parser) word(lex *lexer.PeekingLexer) (Expr, error) {
	tok := *lex.Peek()
	switch {
	case tok.Value == "true" || tok.Value == "false":
		place := nextSpan(lex)
		lex.Next()
		return &BoolLit{Span: place, Value: tok.Value == "true"}, nil
	case tok.Value == "if":
		return p.ifExpr(lex)
	case takesType[tok.Value]:
		if next := peekAfter(lex); isPunct(&next, "(") {
			return p.typeWord(lex)
		}
	case tok.Value == "comptime":
		lex.Next()
		x, err := p.unary(lex)
		return &Comptime{Span: since(tok.Pos, lex), X: x}, err
	}
	if reserved[tok.Value] {
		return nil, errorAt(lex, "syntax", "expected an expression before '"+tok.Value+"'")
	}
	place := nextSpan(lex)
	lex.Next()
	if next := peekAfter(lex); isPunct(lex.Peek(), "!") && isPunct(&next, "(") && !takesType[tok.Value] {
		lex.Next() // name!(…) is an older way to call a macro
	}
	if !acceptPunct(lex, "(") {
		return &Ident{Span: place, Name: tok.Value}, nil
	}
	args, err := p.exprList(lex, ")")
	if err != nil {
		return nil, err
	}
	return &Call{Span: since(tok.Pos, lex), Name: tok.Value, Args: args}, nil
}

// peekAfter is the token after the next one.
func peekAfter(lex *lexer.PeekingLexer) lexer.Token {
	ahead := *lex
	ahead.Next()
	return *ahead.Peek()
}

// ifExpr parses an if in the place of an expression: a choice between two block expressions.
func (p *parser) ifExpr(lex *lexer.PeekingLexer) (Expr, error) {
	s, err := p.keywordStmt(lex)
	if err != nil {
		return nil, err
	}
	last := s.(*If)
	for last.Else != nil {
		next, ok := last.Else.(*If)
		if !ok {
			return choice(s.(*If)), nil
		}
		last = next
	}
	return nil, errorOn(s.Range(), "missing-else", "an 'if' without 'else' has no value")
}

// choice makes an if with an else an expression.
func choice(s *If) Expr {
	t := &Ternary{Span: s.Span, Cond: s.Cond, X: valueBlock(s.Then)}
	if tail, ok := s.Else.(*If); ok {
		t.Y = choice(tail)
	} else {
		t.Y = valueBlock(s.Else.(*Block))
	}
	return t
}
