package syntax

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// stmtKeywords begin a statement that grammar.go has a production for.
var stmtKeywords = map[string]bool{
	"let": true, "if": true, "for": true, "while": true, "unroll": true,
	"break": true, "continue": true, "return": true, "import": true,
}

// assignOps are the operators of assignments.
var assignOps = map[string]bool{
	"=": true, "+=": true, "-=": true, "*=": true, "/=": true, "%=": true,
	"&=": true, "|=": true, "^=": true, "<<=": true, ">>=": true,
}

// parseStmt is the production of a statement with the semicolon that ends it. A mistake in it is
// reported here, and parsing goes on with the next statement.
func (p *parser) parseStmt(lex *lexer.PeekingLexer) (ast.Stmt, error) {
	for acceptPunct(lex, ";") {
	}
	if endsBlock(lex.Peek()) || len(p.diags) >= maxErrors {
		return nil, participle.NextMatch
	}
	start, begin := lex.RawPeek().Pos, lex.RawCursor()
	stmt, err := p.nested(lex, p.statement)
	if err == nil {
		err = p.endOfStmt(lex, stmt)
	}
	if err == nil {
		return stmt, nil
	}
	e := p.asSyntaxError(lex, err)
	p.reportIn(start, e)
	if e.Code == codeMissingSemicolon {
		return stmt, nil
	}
	skipStmt(lex, begin)
	bad := &ast.BadStmt{Span: source.Span{Pos: start, EndPos: lex.RawPeek().Pos}}
	bad.Vars, bad.Maps = mentioned(p.tokens.list[begin:lex.RawCursor()])
	return bad, nil
}

// nested runs a production one level down, within the limit.
func (p *parser) nested(lex *lexer.PeekingLexer, parse func(*lexer.PeekingLexer) (ast.Stmt, error)) (ast.Stmt, error) {
	if err := p.enter(lex); err != nil {
		return nil, err
	}
	defer p.leave()
	return parse(lex)
}

// enter counts a level of nesting; leave must follow unless it fails.
func (p *parser) enter(lex *lexer.PeekingLexer) error {
	if p.depth >= maxDepth {
		return errorAt(lex, "too-deep", "the script is nested too deeply here")
	}
	p.depth++
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) statement(lex *lexer.PeekingLexer) (ast.Stmt, error) {
	tok := lex.Peek()
	switch {
	case tok.Type == tokIdent && stmtKeywords[tok.Value]:
		return p.keywordStmt(lex)
	case isPunct(tok, "{"):
		return run(p.grammar.block, lex)
	case tok.Type == tokIdent && tok.Value == "else":
		return nil, errorAt(lex, "syntax", "'else' without an 'if' before it")
	}
	return p.simpleStmt(lex)
}

// keywordStmt parses a statement that a keyword begins.
func (p *parser) keywordStmt(lex *lexer.PeekingLexer) (ast.Stmt, error) {
	s, err := run(p.grammar.stmt, lex)
	if err != nil {
		return nil, err
	}
	switch form := s.Form.(type) {
	case *letStmt:
		return form.node(), nil
	case *ifStmt:
		return form.node()
	case *forStmt:
		return form.node()
	case *importDecl:
		return form.node(), nil
	default:
		return form.(ast.Stmt), nil
	}
}

// simpleStmt parses an assignment or an expression.
func (p *parser) simpleStmt(lex *lexer.PeekingLexer) (ast.Stmt, error) {
	start := lex.Peek().Pos
	x, err := p.expr(lex)
	if err != nil {
		return nil, err
	}
	op := *lex.Peek()
	if op.Type != tokPunct || !assignOps[op.Value] {
		return &ast.ExprStmt{Span: since(start, lex), X: x}, nil
	}
	target, bad := assignTarget(x, op.Value)
	if bad != nil {
		return nil, bad
	}
	lex.Next()
	value, err := p.expr(lex)
	if err != nil {
		return nil, err
	}
	return &ast.Assign{Span: since(start, lex), Target: target, Op: op.Value, Value: value}, nil
}

// assignTarget checks what stands left of an assignment. The target of `_ = x` is nil.
func assignTarget(x ast.Expr, op string) (ast.Expr, *syntaxError) {
	switch t := x.(type) {
	case *ast.Var, *ast.MapRef:
		return x, nil
	case *ast.Ident:
		if t.Name == "_" && op == "=" {
			return nil, nil
		}
		return nil, errorOn(x.Range(), "bad-target", "'"+t.Name+"' cannot be assigned to").
			withHint("variables are written $" + t.Name + ", maps @" + t.Name)
	case *ast.FieldExpr, *ast.TupleIndex:
		return nil, errorOn(x.Range(), "bad-target", "fields and tuple elements cannot be assigned to").
			withHint("make a new value and assign that")
	}
	return nil, errorOn(x.Range(), "bad-target", "only variables and maps can be assigned to")
}

// codeMissingSemicolon is the code of a mistake after which the next token begins a statement.
const codeMissingSemicolon = "missing-semicolon"

// endOfStmt takes the semicolons after a statement. None is needed at the end of a block and after a statement that ends with one.
func (p *parser) endOfStmt(lex *lexer.PeekingLexer, stmt ast.Stmt) error {
	if acceptPunct(lex, ";") {
		return nil
	}
	x, isExpr := stmt.(*ast.ExprStmt)
	if endsBlock(lex.Peek()) {
		if isExpr {
			x.NoSemi = true
		}
		return nil
	}
	switch stmt.(type) {
	case *ast.If, *ast.While, *ast.ForRange, *ast.ForMap, *ast.Unroll, *ast.Block, *ast.Import:
		return nil
	}
	if isExpr {
		if _, ok := x.X.(*ast.BlockExpr); ok {
			return nil
		}
	}
	return p.missingSemicolon(lex, stmt)
}

// missingSemicolon is the error for what stands after a complete statement.
func (p *parser) missingSemicolon(lex *lexer.PeekingLexer, stmt ast.Stmt) error {
	tok := lex.Peek()
	missing := "';' or an operator"
	switch stmt.(type) {
	case *ast.Branch, *ast.Import:
		missing = "';'"
	}
	e := errorBefore(lex, "expected "+missing+" before "+describe(tok))
	if e.Pos != tok.Pos {
		e.Message = "expected ';' after this statement"
	}
	if x, ok := stmt.(*ast.ExprStmt); ok {
		if name, ok := x.X.(*ast.Ident); ok && beginsOperand(tok) && e.Pos == tok.Pos {
			return e.withHint("the arguments of a function stand in parentheses: " + name.Name + "(…)")
		}
	}
	if tok.Type == tokVar || tok.Type == tokMap || tok.Type == tokIdent {
		e.Code = codeMissingSemicolon
	}
	return e
}

// skipStmt moves on from a mistake to the end of the statement that began at begin: after a semicolon or a closed block, or before
// the end of the block around it.
func skipStmt(lex *lexer.PeekingLexer, begin lexer.RawCursor) {
	depth := 0
	head := false // in the head of a for: that of C has semicolons, which do not end the statement
	for _, tok := range lex.Range(begin, lex.RawCursor()) {
		switch {
		case tok.Value == "for" && depth == 0:
			head = true
		case isPunct(&tok, "{"):
			depth++
		case isPunct(&tok, "}") && depth > 0:
			depth--
		}
	}
	for {
		tok := lex.Peek()
		switch {
		case tok.EOF() || depth == 0 && endsBlock(tok):
			return
		case isPunct(tok, "{"):
			depth++
			head = false
		case isPunct(tok, "}"):
			depth--
			if depth == 0 {
				lex.Next()
				return
			}
		case isPunct(tok, ";") && depth == 0 && !head:
			lex.Next()
			return
		}
		lex.Next()
	}
}

// endsBlock says whether a token is the end of a block, or of the script.
func endsBlock(tok *lexer.Token) bool {
	return tok.EOF() || tok.Type == tokAngleClose || isPunct(tok, "}")
}

func isPunct(tok *lexer.Token, value string) bool {
	return tok.Type == tokPunct && tok.Value == value
}

// acceptPunct takes the next token if it is the punctuation given.
func acceptPunct(lex *lexer.PeekingLexer, value string) bool {
	if !isPunct(lex.Peek(), value) {
		return false
	}
	lex.Next()
	return true
}

// since is the span from start to the end of the last token taken.
func since(start source.Pos, lex *lexer.PeekingLexer) source.Span {
	return source.Span{Pos: start, EndPos: lex.RawPeek().Pos}
}
