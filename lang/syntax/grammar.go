package syntax

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// The productions whose form is not that of their node in ast.go. Each has a method that gives the node.
type (
	// itemForm is any top-level element.
	itemForm interface{ source.Node }

	// topLevel is the production of one top-level element.
	topLevel struct {
		Form itemForm `parser:"@@"`
	}

	mapDecl struct {
		source.Span
		Name string   `parser:"'let' @Map '='"`
		Kind string   `parser:"@Ident"`
		Size ast.Expr `parser:"'(' @@ ')' ';'?"`
	}

	importDecl struct {
		source.Span
		Path string `parser:"'import' @String ';'"`
	}

	funcDecl struct {
		source.Span
		Name   string       `parser:"'fn' @Ident"`
		Params []*paramForm `parser:"'(' (@@ (',' @@)*)? ')'"`
		Result typeForm     `parser:"(':' @@)?"`
		Body   *ast.Block   `parser:"@@"`
	}

	paramForm struct {
		source.Span
		Var  *ast.Var `parser:"@@ ':'"`
		Type typeForm `parser:"@@"`
	}

	// stmtForm is any statement that a keyword begins.
	stmtForm interface{ source.Node }

	// statement is the production of one statement that a keyword begins.
	statement struct {
		Form stmtForm `parser:"@@"`
	}

	letStmt struct {
		source.Span
		Var   *ast.Var `parser:"'let' @@"`
		Type  typeForm `parser:"(':' @@)?"`
		Value ast.Expr `parser:"('=' @@)?"`
	}

	ifStmt struct {
		source.Span
		Cond  ast.Expr    `parser:"'if' @@"`
		Then  *ast.Block  `parser:"@@"`
		Elifs []*elifForm `parser:"@@*"`
		Else  *ast.Block  `parser:"('else':Ident @@)?"`
	}

	elifForm struct {
		source.Span
		Cond ast.Expr   `parser:"(?= 'else':Ident 'if') 'else' 'if' @@"`
		Then *ast.Block `parser:"@@"`
	}

	// forStmt is a loop over a range or over a map; End tells which.
	forStmt struct {
		source.Span
		Head *forHead   `parser:"'for' ( '(' @@ ')' | @@ )"`
		Body *ast.Block `parser:"@@"`
	}

	forHead struct {
		source.Span
		Var   *ast.Var `parser:"@@ ':'"`
		First ast.Expr `parser:"@@"`
		End   ast.Expr `parser:"('..' @@)?"`
	}

	// typeForm is a type name; parser.typeName reads it.
	typeForm interface{ source.Node }

	// productions makes all productions known to participle. It is never parsed itself.
	productions struct {
		File *ast.File  `parser:"  @@"`
		Item *topLevel  `parser:"| @@"`
		Stmt *statement `parser:"| @@"`
	}
)

// grammar holds participle's parsers with the state of the parse that uses them. The custom
// productions (statements, expressions, types) are methods of a parser and reach the state that way.
type grammar struct {
	parser
	file  *participle.Parser[ast.File]
	item  *participle.Parser[topLevel]
	stmt  *participle.Parser[statement]
	block *participle.Parser[ast.Block]
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
		participle.ParseTypeWith[ast.Item](g.parseItem),
		participle.ParseTypeWith[ast.Stmt](g.parseStmt),
		participle.ParseTypeWith[ast.Expr](g.parseExpr),
		participle.ParseTypeWith[typeForm](g.parseType),
		participle.Union[itemForm](&ast.Probe{}, &mapDecl{}, &importDecl{}, &ast.Macro{}, &funcDecl{}, &ast.ConfigBlock{}, &ast.CDef{}),
		participle.Union[stmtForm](&letStmt{}, &ifStmt{}, &forStmt{}, &ast.While{}, &ast.Unroll{}, &ast.Branch{}, &ast.Return{}, &importDecl{}),
	)
	g.file = production[ast.File](all)
	g.item = production[topLevel](all)
	g.stmt = production[statement](all)
	g.block = production[ast.Block](all)
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
