package syntax

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

// prefixOps are the prefix operators, which bind tighter than all binary ones.
var prefixOps = map[string]bool{
	"-": true, "+": true, "!": true, "~": true, "*": true, "&": true, "++": true, "--": true,
}

// parseExpr is the production of an expression. It does not match where no expression can begin, so that the
// grammar's own alternatives are tried.
func (p *parser) parseExpr(lex *lexer.PeekingLexer) (ast.Expr, error) {
	if !beginsExpr(lex.Peek()) {
		return nil, participle.NextMatch
	}
	return p.expr(lex)
}

// beginsExpr says whether an expression can begin with a token.
func beginsExpr(tok *lexer.Token) bool {
	switch tok.Type {
	case tokIdent, tokInt, tokString, tokVar, tokMap, tokParam:
		return true
	case tokPunct:
		return tok.Value == "(" || tok.Value == "{" || prefixOps[tok.Value]
	}
	return false
}

// expr parses `a ? b : c`, which is right-associative, or anything that binds tighter.
func (p *parser) expr(lex *lexer.PeekingLexer) (ast.Expr, error) {
	start := lex.Peek().Pos
	cond, err := p.binary(lex, 1)
	if err != nil || !acceptPunct(lex, "?") {
		return cond, err
	}
	if err := p.enter(lex); err != nil {
		return nil, err
	}
	defer p.leave()
	x := cond
	if !isPunct(lex.Peek(), ":") {
		if x, err = p.expr(lex); err != nil {
			return nil, err
		}
	}
	if err := expectPunct(lex, ":"); err != nil {
		return nil, err
	}
	y, err := p.expr(lex)
	if err != nil {
		return nil, err
	}
	return &ast.Ternary{Span: since(start, lex), Cond: cond, X: x, Y: y}, nil
}

// binary parses operators of at least the precedence given, by precedence climbing.
func (p *parser) binary(lex *lexer.PeekingLexer, least int) (ast.Expr, error) {
	start := lex.Peek().Pos
	x, err := p.unary(lex)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		op := *lex.Peek()
		prec := ast.Precedence[op.Value]
		if op.Type != tokPunct || prec == 0 || prec < least {
			return x, nil
		}
		if n == maxChain {
			return nil, errorAt(lex, "too-deep", "this expression is too long")
		}
		lex.Next()
		y, err := p.binary(lex, prec+1)
		if err != nil {
			return nil, err
		}
		x = &ast.Binary{Span: since(start, lex), Op: op.Value, OpPos: op.Pos, X: x, Y: y}
	}
}

// unary parses prefix operators.
func (p *parser) unary(lex *lexer.PeekingLexer) (ast.Expr, error) {
	if err := p.enter(lex); err != nil {
		return nil, err
	}
	defer p.leave()
	op := *lex.Peek()
	if op.Type != tokPunct || !prefixOps[op.Value] {
		return p.postfix(lex)
	}
	lex.Next()
	x, err := p.unary(lex)
	if err != nil {
		return nil, err
	}
	span := since(op.Pos, lex)
	switch op.Value {
	case "++", "--":
		if err := checkIncDec(x); err != nil {
			return nil, err
		}
		return &ast.IncDec{Span: span, Op: op.Value, Prefix: true, Target: x}, nil
	case "&":
		if !hasAddress(x) {
			return nil, errorOn(x.Range(), "bad-address", "'&' takes the address of a variable, a map, or a part of something")
		}
	}
	return &ast.Unary{Span: span, Op: op.Value, X: x}, nil
}

// isPlace says whether an expression is a variable or a map.
func isPlace(x ast.Expr) bool {
	switch x.(type) {
	case *ast.Var, *ast.MapRef:
		return true
	}
	return false
}

// hasAddress says whether an expression names something that can lie in memory.
func hasAddress(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.FieldExpr, *ast.Index, *ast.TupleIndex, *ast.Ident: // a macro's parameter, or a macro
		return true
	case *ast.Unary:
		return x.Op == "*"
	}
	return isPlace(x)
}

func checkIncDec(x ast.Expr) error {
	if isPlace(x) {
		return nil
	}
	return errorOn(x.Range(), "bad-increment", "'++' and '--' need a variable or a map")
}

// postfix parses an operand with what may follow it: .name ->name .0 [i] ++ --
func (p *parser) postfix(lex *lexer.PeekingLexer) (ast.Expr, error) {
	start := lex.Peek().Pos
	x, err := p.primary(lex)
	for n := 0; err == nil; n++ {
		tok := lex.Peek()
		if tok.Type != tokPunct {
			return x, nil
		}
		if n == maxChain {
			return nil, errorAt(lex, "too-deep", "this expression is too long")
		}
		switch tok.Value {
		case ".", "->":
			x, err = p.field(lex, start, x)
		case "[":
			x, err = p.index(lex, start, x)
		case "++", "--":
			if err = checkIncDec(x); err == nil {
				op := lex.Next().Value
				x = &ast.IncDec{Span: since(start, lex), Op: op, Target: x}
			}
		default:
			return x, nil
		}
	}
	return nil, err
}

// field parses what follows a '.' or '->'.
func (p *parser) field(lex *lexer.PeekingLexer, start source.Pos, x ast.Expr) (ast.Expr, error) {
	arrow := lex.Next().Value == "->"
	tok := lex.Peek()
	switch {
	case tok.Type == tokIdent:
		lex.Next()
		return &ast.FieldExpr{Span: since(start, lex), X: x, Name: tok.Value, Arrow: arrow}, nil
	case tok.Type == tokInt && !arrow:
		if _, ok := x.(*ast.IntLit); ok {
			return nil, errorOn(since(start, lex), "float", "there are no floating-point numbers")
		}
		n, err := literal.ParseInt(tok.Value)
		if err != nil || n > 1<<16 {
			return nil, errorAt(lex, "bad-integer", "expected the number of a tuple's element after '.'")
		}
		lex.Next()
		return &ast.TupleIndex{Span: since(start, lex), X: x, N: int(n)}, nil
	case arrow:
		return nil, errorAt(lex, "syntax", "expected a field's name after '->'")
	}
	return nil, errorAt(lex, "syntax", "expected a field's name after '.'")
}

// index parses [i].
func (p *parser) index(lex *lexer.PeekingLexer, start source.Pos, x ast.Expr) (ast.Expr, error) {
	lex.Next()
	i, err := p.expr(lex)
	if err != nil {
		return nil, err
	}
	if err := expectPunct(lex, "]"); err != nil {
		return nil, err
	}
	return &ast.Index{Span: since(start, lex), X: x, I: i}, nil
}

// expectPunct takes the punctuation given, which must come next.
func expectPunct(lex *lexer.PeekingLexer, value string) error {
	if acceptPunct(lex, value) {
		return nil
	}
	tok := lex.Peek()
	if tok.Type == tokPunct && assignOps[tok.Value] {
		return errorAt(lex, "syntax", "expected '"+value+"' before '"+tok.Value+"'").
			withHint("an assignment is a statement; to compare, write ==")
	}
	return errorBefore(lex, "expected '"+value+"' before "+describe(tok))
}
