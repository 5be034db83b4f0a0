package syntax

import (
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/source"
)

// TokenKind is the kind of a Token.
type TokenKind uint8

// The kinds of token that a formatter tells apart.
const (
	TokenWord        TokenKind = iota // a name, a number, a string, a variable, a map or a parameter
	TokenPunct                        // an operator, a separator or a bracket
	TokenSpace                        // blanks and comments
	TokenC                            // one preprocessor line or one C type definition
	TokenAttach                       // one attach point
	TokenFilterOpen                   // the '/' that opens a filter
	TokenFilterClose                  // the '/' that closes it
	TokenAngleOpen                    // the '<' that opens an action block
	TokenAngleClose                   // the '>' that closes it
)

// Token is a piece of a script as it is written. All tokens of a script together are its text.
type Token struct {
	Kind TokenKind
	Text string
	Pos  source.Pos
}

var tokenKinds = map[lexer.TokenType]TokenKind{
	tokSpace: TokenSpace, tokCDef: TokenC, tokAttach: TokenAttach, tokPunct: TokenPunct,
	tokFilterOpen: TokenFilterOpen, tokFilterClose: TokenFilterClose,
	tokAngleOpen: TokenAngleOpen, tokAngleClose: TokenAngleClose,
}

// Tokens cuts a script into its tokens. It is for scripts that Parse takes without errors.
func Tokens(src *source.Source) []Token {
	text := string(src.Text)
	list := lex(src.Name, text).list
	out := make([]Token, 0, len(list))
	for i, tok := range list[:len(list)-1] {
		out = append(out, Token{Kind: tokenKinds[tok.Type], Text: text[tok.Pos.Offset:list[i+1].Pos.Offset], Pos: tok.Pos})
	}
	return out
}
