package syntax

import (
	"slices"
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
func (p *parser) unexpected(lex *lexer.PeekingLexer, err *participle.UnexpectedTokenError) *syntaxError {
	tok := err.Unexpected
	expected := expectedWords(err.Message())
	at := *lex
	for at.Peek().Pos.Offset < tok.Pos.Offset && !at.Peek().EOF() {
		at.Next()
	}
	if _, first := slices.BinarySearch(p.tokens.items, p.tokens.index(&at)); first && expected == "" {
		return errorAt(&at, "syntax", "expected a probe before "+describe(&tok))
	} else if expected == "" {
		expected = "';'" // the grammar looks ahead for a semicolon only
	}
	e := errorBefore(&at, "expected "+expected+" before "+describe(&tok))
	switch {
	case tok.Type == tokAttach && expected == "'{'":
		e.Hint = p.attachHint(&at)
	case expected == "'{'" && p.section == sectionMain:
		e.Hint = "the body stands in braces: { … }"
	case expected == "':'":
		e.Hint = "for ($i : 0..10) { … } or for ($kv : @map) { … }; a loop with a condition is while (…) { … }"
	case expected == "a $variable":
		e.Hint = "the name of a variable begins with '$'"
	}
	return e
}

// attachHint says what may be wrong where a block was expected and something that looks like another attach point stands.
func (p *parser) attachHint(lex *lexer.PeekingLexer) string {
	first := p.tokens.list[p.tokens.itemStart(p.tokens.index(lex))]
	if strings.HasPrefix(first.Value, "$") || strings.HasPrefix(first.Value, "@") || stmtKeywords[first.Value] {
		return "statements stand in an action block, as in BEGIN { … }"
	}
	line := lex.Peek().Pos.Line
	for i := int(lex.RawCursor()) - 1; i >= 0 && p.tokens.list[i].Pos.Line == line; i-- {
		if p.tokens.list[i].Type == tokAngleClose {
			return "a '>' outside of parentheses ends an action block in angle brackets"
		}
	}
	return "probes in a list are separated by commas"
}

// expectedWords finds what was expected in participle's message, and says it in words. It returns "" if the message does not say.
func expectedWords(message string) string {
	_, notation, ok := strings.Cut(message, " (expected ")
	if !ok {
		return ""
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
