package lang

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// describe names a token in a message.
func describe(tok *lexer.Token) string {
	const most = 30
	text := tok.Value
	switch tok.Type {
	case lexer.EOF:
		return "the end of the script"
	case tokVar:
		text = "$" + text
	case tokMap:
		text = "@" + text
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return "'" + text + "'"
}

// expectations give what participle names as expected in words. The keys are the beginnings of
// participle's notation of a production.
var expectations = []struct{ notation, words string }{
	{`"{" | <angleopen>`, "'{'"},
	{`Block`, "'{'"},
	{`"}" | <angleclose>`, "'}'"},
	{`<filterclose>`, "'/'"},
	{`<ident>`, "a name"},
	{`<map>`, "a @map"},
	{`<string>`, "a path in double quotes"},
	{`Var`, "a $variable"},
	{`ForHead`, "a $variable"},
	{`ParamForm`, "a $variable"},
	{`Expr`, "an expression"},
	{`TypeForm`, "a type"},
	{`Setting`, "name = value"},
	{`AttachPoint`, "a probe"},
}

// unexpected puts participle's error about a token into our words.
func (p *parser) unexpected(err *participle.UnexpectedTokenError) *syntaxError {
	tok := err.Unexpected
	expected := expectedWords(err.Message())
	e := errorOn(p.tokens.span(tok.Pos), "syntax", "expected "+expected+" before "+describe(&tok))
	if expected == "'{'" && tok.Type == tokAttach {
		e.Hint = "probes in a list are separated by commas"
	}
	return e
}

// expectedWords finds what was expected in participle's message, and says it in words.
func expectedWords(message string) string {
	_, notation, ok := strings.Cut(message, " (expected ")
	if !ok {
		return "a probe"
	}
	notation = strings.TrimLeft(notation, "(")
	for _, e := range expectations {
		if strings.HasPrefix(notation, e.notation) {
			return e.words
		}
	}
	if strings.HasPrefix(notation, `"`) {
		literal, _, _ := strings.Cut(notation[1:], `"`)
		return "'" + literal + "'"
	}
	return "something else"
}

// span is the place of the token at pos.
func (t *tokens) span(pos Pos) Span {
	for i, tok := range t.list {
		if tok.Pos.Offset == pos.Offset && tok.Type != tokSpace && i+1 < len(t.list) {
			return Span{Pos: pos, EndPos: t.list[i+1].Pos}
		}
	}
	return Span{Pos: pos, EndPos: pos}
}
