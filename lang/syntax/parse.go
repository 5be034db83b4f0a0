package syntax

import (
	"errors"
	"maps"
	"slices"
	"sort"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// Limits that keep a tree of any script walkable by recursion.
const (
	maxDepth = 250  // nested brackets, blocks and prefix operators
	maxChain = 2000 // operators in a row, as in a + b + c
)

// maxErrors is where a parse stops collecting: it bounds the work on hopeless input.
const maxErrors = 200

// parser is the state of one parse.
type parser struct {
	grammar *grammar
	params  []string // positional parameters $1…
	tokens  *tokens
	values  map[string]bool // names that stand for values
	depth   int
	section section
	config  *ast.ConfigBlock
	diags   source.Diagnostics
}

// section is how far into a script the parser is: the sections have a fixed order.
type section uint8

const (
	sectionC section = iota
	sectionPreamble
	sectionMain
)

// Parse reads a script. It returns all mistakes it finds, in the order of the text; the tree is whole only
// if there are none, and never nil. Attach points have their positional parameters replaced from params.
func Parse(src *source.Source, params []string) (*ast.File, source.Diagnostics) {
	return ParseWithValues(src, params, nil)
}

// ParseWithValues is Parse where more is known: names that stand for values, and so for no types.
func ParseWithValues(src *source.Source, params []string, values map[string]bool) (*ast.File, source.Diagnostics) {
	g := grammars.Get().(*grammar)
	defer grammars.Put(g)
	tokens := lex(src.Name, string(src.Text))
	if !tokens.whole {
		return &ast.File{}, tokens.diags
	}
	known := valueNames(tokens.list)
	maps.Copy(known, values)
	g.parser = parser{grammar: g, params: params, tokens: tokens, values: known, diags: slices.Clone(tokens.diags)}
	defer func() { g.parser = parser{} }()
	file := g.parseFile(tokens)
	markValues(file)
	g.dropBroken(file)
	g.diags.Sort()
	return file, g.diags
}

func (p *parser) parseFile(tokens *tokens) *ast.File {
	lex, err := lexer.Upgrade(tokens, tokSpace)
	if err != nil {
		return &ast.File{}
	}
	file, err := p.grammar.file.ParseFromLexer(lex)
	if err != nil {
		p.report(p.asSyntaxError(lex, err))
	}
	file.Span = source.Span{Pos: tokens.list[0].Pos, EndPos: tokens.list[len(tokens.list)-1].Pos}
	arrange(file, p.config)
	return file
}

// arrange moves C definitions and settings, which the grammar takes as top-level elements, where they belong.
func arrange(f *ast.File, config *ast.ConfigBlock) {
	items := f.Items[:0]
	for _, item := range f.Items {
		switch item := item.(type) {
		case *ast.CDef:
			f.CDefs = append(f.CDefs, item)
		case *ast.BadItem:
			f.Bad = append(f.Bad, item)
		case *ast.ConfigBlock:
		default:
			items = append(items, item)
		}
	}
	f.Items = items
	if config != nil {
		f.Config = config.Settings
	}
}

// syntaxError is a mistake found by a custom production on its way through participle.
type syntaxError struct{ source.Diagnostic }

func (e *syntaxError) Error() string { return e.Message }

// errorAt makes a syntax error about the next token.
func errorAt(lex *lexer.PeekingLexer, code, message string) *syntaxError {
	return &syntaxError{source.Diagnostic{Span: nextSpan(lex), Code: code, Message: message}}
}

func errorOn(span source.Span, code, message string) *syntaxError {
	return &syntaxError{source.Diagnostic{Span: span, Code: code, Message: message}}
}

// withHint adds what to do about it.
func (e *syntaxError) withHint(hint string) *syntaxError {
	e.Hint = hint
	return e
}

// errorBefore makes a syntax error about what is missing before the next token. If that is on another
// line, the place is the end of the line on which something is missing.
func errorBefore(lex *lexer.PeekingLexer, message string) *syntaxError {
	e := errorAt(lex, "syntax", message)
	if end := lex.RawPeek().Pos; end.Line < e.Pos.Line || lex.Peek().EOF() {
		e.Span = source.Within(end, 0, 1)
	}
	return e
}

// nextSpan is the place of the next token.
func nextSpan(lex *lexer.PeekingLexer) source.Span {
	probe := *lex
	tok := probe.Next()
	span := source.Span{Pos: tok.Pos, EndPos: probe.RawPeek().Pos}
	if tok.EOF() {
		span.EndPos = span.Pos
	}
	return span
}

// asSyntaxError puts participle's errors into our words.
func (p *parser) asSyntaxError(lex *lexer.PeekingLexer, err error) *syntaxError {
	var own *syntaxError
	if errors.As(err, &own) {
		return own
	}
	var unexpected *participle.UnexpectedTokenError
	if errors.As(err, &unexpected) {
		return p.unexpected(lex, unexpected)
	}
	var other participle.Error
	if errors.As(err, &other) {
		// What is left is participle's limit on the length of lists.
		return errorOn(source.Span{Pos: other.Position(), EndPos: other.Position()}, "too-long", "there are too many elements here")
	}
	return errorOn(source.Span{}, "syntax", err.Error())
}

// report records a mistake unless something is known to be wrong at the same place already.
func (p *parser) report(e *syntaxError) {
	for _, d := range p.diags {
		if d.Pos.Offset == e.Pos.Offset {
			return
		}
	}
	if len(p.diags) < maxErrors {
		p.diags = append(p.diags, e.Diagnostic)
	}
}

// reportIn records a mistake in what begins at start, unless it follows from a mistake that the lexer found there.
func (p *parser) reportIn(start source.Pos, e *syntaxError) {
	if !p.hasLexicalError(start, e.EndPos) {
		p.report(e)
	}
}

// hasLexicalError says whether the lexer found a mistake in [start, end]: what
// the parser finds wrong there follows from it.
func (p *parser) hasLexicalError(start, end source.Pos) bool {
	for _, d := range p.tokens.diags {
		if d.Pos.Offset >= start.Offset && d.Pos.Offset <= end.Offset {
			return true
		}
	}
	return false
}

// parseItem is the production of a top-level element. A mistake in it is reported here, and parsing goes on with the next one.
func (p *parser) parseItem(lex *lexer.PeekingLexer) (ast.Item, error) {
	if lex.Peek().EOF() || len(p.diags) >= maxErrors {
		return nil, participle.NextMatch
	}
	start, end := lex.Peek().Pos, p.tokens.itemEnd(p.tokens.index(lex))
	item, err := p.item(lex)
	if err == nil {
		return item, nil
	}
	e := p.asSyntaxError(lex, err)
	p.dropFilterErrors(e.Pos.Offset, p.tokens.list[end].Pos.Offset)
	p.reportIn(start, e)
	for !lex.Peek().EOF() && p.tokens.index(lex) < end {
		lex.Next()
	}
	return p.badItem(source.Span{Pos: start, EndPos: lex.RawPeek().Pos}), nil
}

// dropFilterErrors forgets what the lexer said about filters after a mistake in a probe list: it
// may have taken a stray slash for one.
func (p *parser) dropFilterErrors(start, end int) {
	p.diags = slices.DeleteFunc(p.diags, func(d source.Diagnostic) bool {
		return d.Code == codeOpenFilter && d.Pos.Offset > start && d.Pos.Offset < end
	})
}

// itemEnd is the index of the token after the top-level element that token i is in.
func (t *tokens) itemEnd(i int) int {
	if next := sort.SearchInts(t.items, i+1); next < len(t.items) {
		return t.items[next]
	}
	return len(t.list) - 1
}

// itemStart is the index of the first token of the top-level element that token i is in.
func (t *tokens) itemStart(i int) int {
	if next := sort.SearchInts(t.items, i+1); next > 0 {
		return t.items[next-1]
	}
	return 0
}

// index is the index of the next token that is not a blank.
func (t *tokens) index(lex *lexer.PeekingLexer) int {
	i := int(lex.RawCursor())
	for t.list[i].Type == tokSpace {
		i++
	}
	return i
}

// item parses one top-level element.
func (p *parser) item(lex *lexer.PeekingLexer) (ast.Item, error) {
	if mainItem(lex.Peek()) {
		p.section = sectionMain
	}
	top, err := run(p.grammar.item, lex)
	if err != nil {
		return nil, err
	}
	switch form := top.Form.(type) {
	case *ast.Probe:
		for _, ap := range form.Points {
			splitPoint(ap, p.params)
		}
		return form, nil
	case *ast.Macro:
		return form, checkParams(form)
	case *mapDecl:
		return form.node()
	case *funcDecl:
		return form.node()
	case *importDecl:
		return form.node(), p.inOrder(form.Span, sectionPreamble, "imports must come before probes, macros and map declarations")
	case *ast.ConfigBlock:
		return form, p.setConfig(form)
	default:
		def := top.Form.(*ast.CDef)
		return def, p.inOrder(def.Span, sectionC, "C definitions must come at the head of the script")
	}
}

// mainItem says whether a top-level element that begins with a token belongs to the main part of a script.
func mainItem(tok *lexer.Token) bool {
	return tok.Type != tokCDef && !(tok.Type == tokIdent && (tok.Value == "import" || tok.Value == "config"))
}

// inOrder checks that an element of a section does not come after a later section.
func (p *parser) inOrder(span source.Span, s section, message string) error {
	if p.section > s {
		return errorOn(span, "order", message)
	}
	p.section = s
	return nil
}

// setConfig takes the config block, of which there is one at most.
func (p *parser) setConfig(block *ast.ConfigBlock) error {
	for _, s := range block.Settings {
		switch s.Value.(type) {
		case *ast.IntLit, *ast.StrLit, *ast.BoolLit, *ast.Ident:
		default:
			return errorOn(s.Value.Range(), "bad-setting", "a setting is an integer, a string, a boolean or a name")
		}
	}
	if p.config != nil {
		return errorOn(block.Span, "order", "there is a config block already")
	}
	p.config = block
	return p.inOrder(block.Span, sectionPreamble, "config must come before probes, macros and map declarations")
}

// checkParams checks the parameters of a macro.
func checkParams(m *ast.Macro) error {
	seen := map[string]bool{}
	for _, param := range m.Params {
		name := paramName(param)
		switch {
		case name == "":
			return errorOn(param.Range(), "bad-parameter", "a macro's parameter is a $variable, a @map or a name")
		case seen[name]:
			return errorOn(param.Range(), "bad-parameter", "the macro has a parameter "+name+" already")
		}
		seen[name] = true
	}
	return nil
}

// paramName is a macro's parameter as it is written, "" for what is none.
func paramName(param ast.Expr) string {
	switch param := param.(type) {
	case *ast.Ident:
		return param.Name
	case *ast.Var:
		return "$" + param.Name
	case *ast.MapRef:
		if !param.Indexed {
			return "@" + param.Name
		}
	}
	return ""
}
