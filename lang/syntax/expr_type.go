package syntax

import (
	"regexp"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/types"
)

// cWords are the words that C's integer types are made of; several may follow each other.
var cWords = map[string]bool{
	"unsigned": true, "signed": true, "char": true, "short": true, "int": true, "long": true,
}

// keywords stand where a type's name could, too.
var keywords = map[string]bool{"true": true, "false": true, "if": true, "comptime": true}

// notType says whether a name is a builtin's or a keyword, and so cannot be a type's: (pid)*2 is a product.
func notType(name string) bool {
	if b := builtin.Find(name); b != nil && (b.Variable || b.Keyword) {
		return true
	}
	return keywords[name] || reserved[name] || strings.HasPrefix(name, "__builtin_")
}

// A #define of a number, and the enumeration constants in a definition.
var (
	definedNumber = regexp.MustCompile(`^\s*#\s*define\s+(\w+)\s+[-(~+]*[0-9]`)
	enumBody      = regexp.MustCompile(`\benum\b[^{;]*\{([^}]*)\}`)
	enumName      = regexp.MustCompile(`(?:^|,)\s*(\w+)`)
)

// valueNames are the names that the script gives to values: its macros, and the constants of its C definitions. A name that is also
// a builtin type's is none.
func valueNames(list []lexer.Token) map[string]bool {
	names := map[string]bool{}
	macro := false
	for _, tok := range list {
		switch {
		case tok.Type == tokIdent && macro:
			names[tok.Value] = types.BaseTypes[tok.Value] == nil
		case tok.Type == tokCDef:
			if m := definedNumber.FindStringSubmatch(tok.Value); m != nil {
				names[m[1]] = true
			}
			for _, body := range enumBody.FindAllStringSubmatch(tok.Value, -1) {
				for _, m := range enumName.FindAllStringSubmatch(body[1], -1) {
					names[m[1]] = true
				}
			}
		}
		if tok.Type != tokSpace {
			macro = tok.Type == tokIdent && tok.Value == "macro"
		}
	}
	return names
}

func isTypeKeyword(tok *lexer.Token) bool {
	return tok.Type == tokIdent && (tok.Value == "struct" || tok.Value == "union" || tok.Value == "enum")
}

// skipType moves over a type's name with its suffixes; it returns false if none comes next.
func skipType(lex *lexer.PeekingLexer) bool {
	if isTypeKeyword(lex.Peek()) {
		lex.Next()
		if lex.Peek().Type != tokIdent {
			return false
		}
		lex.Next()
		return skipSuffixes(lex)
	}
	if lex.Peek().Type != tokIdent || notType(lex.Peek().Value) {
		return false
	}
	for words := cWords[lex.Next().Value]; words && lex.Peek().Type == tokIdent && cWords[lex.Peek().Value]; {
		lex.Next()
	}
	return skipSuffixes(lex)
}

// skipSuffixes moves over stars and array sizes; it returns false if an index is no array size.
func skipSuffixes(lex *lexer.PeekingLexer) bool {
	for {
		switch {
		case acceptPunct(lex, "*"):
		case acceptPunct(lex, "["):
			if lex.Peek().Type == tokInt {
				lex.Next()
			}
			if !acceptPunct(lex, "]") {
				return false
			}
		default:
			return true
		}
	}
}

// parseType is the production of a type.
func (p *parser) parseType(lex *lexer.PeekingLexer) (typeForm, error) {
	if lex.Peek().Type != tokIdent {
		return nil, participle.NextMatch
	}
	t, err := p.typeName(lex)
	return t, err
}

// typeName parses a type's name with its suffixes, or typeof(…).
func (p *parser) typeName(lex *lexer.PeekingLexer) (*ast.TypeName, error) {
	start := lex.Peek().Pos
	t := &ast.TypeName{}
	switch next := peekAfter(lex); {
	case lex.Peek().Type != tokIdent:
		return nil, errorBefore(lex, "expected a type before "+describe(lex.Peek()))
	case lex.Peek().Value == "typeof" && isPunct(&next, "("):
		if err := p.typeOf(lex, t); err != nil {
			return nil, err
		}
	case isTypeKeyword(lex.Peek()):
		t.Keyword = lex.Next().Value
		if lex.Peek().Type != tokIdent {
			return nil, errorBefore(lex, "expected the name of the "+t.Keyword+" before "+describe(lex.Peek()))
		}
		t.Name = lex.Next().Value
	default:
		t.Name = lex.Next().Value
		for cWords[t.Name[strings.LastIndexByte(t.Name, ' ')+1:]] && lex.Peek().Type == tokIdent && cWords[lex.Peek().Value] {
			t.Name += " " + lex.Next().Value
		}
	}
	if err := p.suffixes(lex, t); err != nil {
		return nil, err
	}
	t.Span = since(start, lex)
	return t, nil
}

// typeOf parses typeof(…): the type named, or that of an expression.
func (p *parser) typeOf(lex *lexer.PeekingLexer, t *ast.TypeName) error {
	lex.Next()
	lex.Next()
	if err := p.enter(lex); err != nil {
		return err
	}
	defer p.leave()
	named, x, err := p.typeOrExpr(lex, ")")
	if err != nil {
		return err
	}
	if named != nil {
		*t = *named
	} else {
		t.Of = x
	}
	return expectPunct(lex, ")")
}

// suffixes parses stars and array sizes: pointers, an array of what precedes, pointers to the array.
func (p *parser) suffixes(lex *lexer.PeekingLexer, t *ast.TypeName) error {
	for {
		tok := *lex.Peek()
		switch {
		case isPunct(&tok, "*") && len(t.Dims) == 0:
			t.Stars++
		case isPunct(&tok, "*"):
			t.Outer++
		case isPunct(&tok, "[") && t.Outer > 0:
			return errorAt(lex, "bad-type", "arrays of pointers to arrays are not supported")
		case isPunct(&tok, "["):
			if err := p.dimension(lex, t); err != nil {
				return err
			}
			continue
		default:
			return nil
		}
		lex.Next()
	}
}

// dimension parses [n] or [].
func (p *parser) dimension(lex *lexer.PeekingLexer, t *ast.TypeName) error {
	lex.Next()
	n := -1
	if tok := lex.Peek(); tok.Type == tokInt {
		v, err := literal.ParseInt(tok.Value)
		if err != nil || v > 1<<24 {
			return errorAt(lex, "bad-type", "'"+tok.Value+"' is no size of an array")
		}
		n = int(v)
		lex.Next()
	}
	t.Dims = append([]int{n}, t.Dims...)
	return expectPunct(lex, "]")
}

// typeOrExpr parses a type or an expression that ends before one of the punctuation given. A name alone is a type.
func (p *parser) typeOrExpr(lex *lexer.PeekingLexer, end string) (*ast.TypeName, ast.Expr, error) {
	ahead := *lex
	next := peekAfter(lex)
	if lex.Peek().Value == "typeof" && isPunct(&next, "(") || skipType(&ahead) && isPunct(ahead.Peek(), end) {
		t, err := p.typeName(lex)
		return t, nil, err
	}
	x, err := p.expr(lex)
	return nil, x, err
}

// typeWord parses sizeof(…), offsetof(…), typeinfo(…) or, as an argument of a macro, typeof(…).
func (p *parser) typeWord(lex *lexer.PeekingLexer) (ast.Expr, error) {
	tok := *lex.Peek()
	if tok.Value == "typeof" {
		t, err := p.typeName(lex)
		return &ast.TypeExpr{Span: since(tok.Pos, lex), Type: t}, err
	}
	lex.Next()
	lex.Next()
	end := ")"
	if tok.Value == "offsetof" {
		end = ","
	}
	t, x, err := p.typeOrExpr(lex, end)
	if err != nil {
		return nil, err
	}
	var fields []string
	if tok.Value == "offsetof" {
		if fields, err = p.fieldPath(lex); err != nil {
			return nil, err
		}
	}
	if err := expectPunct(lex, ")"); err != nil {
		return nil, err
	}
	span := since(tok.Pos, lex)
	switch tok.Value {
	case "sizeof":
		return &ast.Sizeof{Span: span, Type: t, X: x}, nil
	case "offsetof":
		return &ast.Offsetof{Span: span, Type: t, X: x, Fields: fields}, nil
	}
	return &ast.Typeinfo{Span: span, Type: t, X: x}, nil
}

// fieldPath parses `, a.b.c`.
func (p *parser) fieldPath(lex *lexer.PeekingLexer) ([]string, error) {
	if err := expectPunct(lex, ","); err != nil {
		return nil, err
	}
	var path []string
	for {
		tok := lex.Peek()
		if tok.Type != tokIdent {
			return nil, errorBefore(lex, "expected a field's name before "+describe(tok))
		}
		path = append(path, lex.Next().Value)
		if !acceptPunct(lex, ".") {
			return path, nil
		}
	}
}
