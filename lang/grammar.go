package lang

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The productions whose form is not that of their node in ast.go. Each has a method that gives the node.
type (
	// itemForm is any top-level element.
	itemForm interface{ Node }

	// topLevel is the production of one top-level element.
	topLevel struct {
		Form itemForm `parser:"@@"`
	}

	mapDecl struct {
		Span
		Name string `parser:"'let' @Map '='"`
		Kind string `parser:"@Ident"`
		Size Expr   `parser:"'(' @@ ')' ';'?"`
	}

	importDecl struct {
		Span
		Path string `parser:"'import' @String ';'"`
	}

	funcDecl struct {
		Span
		Name   string       `parser:"'fn' @Ident"`
		Params []*paramForm `parser:"'(' (@@ (',' @@)*)? ')'"`
		Result typeForm     `parser:"':' @@"`
		Body   *Block       `parser:"@@"`
	}

	paramForm struct {
		Span
		Var  *Var     `parser:"@@ ':'"`
		Type typeForm `parser:"@@"`
	}

	// stmtForm is any statement that a keyword begins.
	stmtForm interface{ Node }

	// statement is the production of one statement that a keyword begins.
	statement struct {
		Form stmtForm `parser:"@@"`
	}

	letStmt struct {
		Span
		Var   *Var     `parser:"'let' @@"`
		Type  typeForm `parser:"(':' @@)?"`
		Value Expr     `parser:"('=' @@)?"`
	}

	ifStmt struct {
		Span
		Cond  Expr        `parser:"'if' @@"`
		Then  *Block      `parser:"@@"`
		Elifs []*elifForm `parser:"@@*"`
		Else  *Block      `parser:"('else':Ident @@)?"`
	}

	elifForm struct {
		Span
		Cond Expr   `parser:"(?= 'else':Ident 'if') 'else' 'if' @@"`
		Then *Block `parser:"@@"`
	}

	// forStmt is a loop over a range or over a map; End tells which.
	forStmt struct {
		Span
		Head *forHead `parser:"'for' ( '(' @@ ')' | @@ )"`
		Body *Block   `parser:"@@"`
	}

	forHead struct {
		Span
		Var   *Var `parser:"@@ ':'"`
		First Expr `parser:"@@"`
		End   Expr `parser:"('..' @@)?"`
	}

	// typeForm is a type name; parser.typeName reads it.
	typeForm interface{ Node }

	// productions makes all productions known to participle. It is never parsed itself.
	productions struct {
		File *File      `parser:"  @@"`
		Item *topLevel  `parser:"| @@"`
		Stmt *statement `parser:"| @@"`
	}
)

// grammar holds participle's parsers with the state of the parse that uses them. The custom
// productions (statements, expressions, types) are methods of a parser and reach the state that way.
type grammar struct {
	parser
	file  *participle.Parser[File]
	item  *participle.Parser[topLevel]
	stmt  *participle.Parser[statement]
	block *participle.Parser[Block]
}

// grammars keeps built grammars: building one costs more than parsing a script. Each is used by one parse at a time.
var grammars = sync.Pool{New: func() any { return newGrammar() }}

// newGrammar builds the grammar. One token decides between alternatives everywhere (lookahead 0: once an
// alternative has taken a token its errors are final), so parsing never backtracks.
func newGrammar() *grammar {
	g := &grammar{}
	g.grammar = g
	all := participle.MustBuild[productions](
		participle.Lexer(lexerDef{}),
		participle.Elide("Space"),
		participle.UseLookahead(0),
		participle.ParseTypeWith[Item](g.parseItem),
		participle.ParseTypeWith[Stmt](g.parseStmt),
		participle.ParseTypeWith[Expr](g.parseExpr),
		participle.ParseTypeWith[typeForm](g.parseType),
		participle.Union[itemForm](&Probe{}, &mapDecl{}, &importDecl{}, &Macro{}, &funcDecl{}, &ConfigBlock{}, &CDef{}),
		participle.Union[stmtForm](&letStmt{}, &ifStmt{}, &forStmt{}, &While{}, &Unroll{}, &Branch{}, &Return{}, &importDecl{}),
	)
	g.file = production[File](all)
	g.item = production[topLevel](all)
	g.stmt = production[statement](all)
	g.block = production[Block](all)
	return g
}

// production is the parser of one production of the grammar.
func production[P any](all *participle.Parser[productions]) *participle.Parser[P] {
	p, err := participle.ParserForProduction[P](all)
	if err != nil {
		panic(err) // the grammar does not hold together: a mistake in this file
	}
	return p
}

// run parses one production from the current token on and leaves the rest.
func run[P any](p *participle.Parser[P], lex *lexer.PeekingLexer) (*P, error) {
	return p.ParseFromLexer(lex, participle.AllowTrailing(true))
}
