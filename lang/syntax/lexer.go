package syntax

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

// The kinds of token. Values are as written, except that $x and @x lose their sigil.
const (
	tokSpace       lexer.TokenType = iota + 1 // blanks and comments, skipped by the grammar
	tokCDef                                   // one preprocessor line or one C type definition
	tokAttach                                 // one attach point of a probe list
	tokFilterOpen                             // the '/' that opens a filter
	tokFilterClose                            // the '/' that closes it
	tokAngleOpen                              // the '<' that opens an action block
	tokAngleClose                             // the '>' that closes it
	tokIdent
	tokInt
	tokString
	tokVar   // $x
	tokMap   // @ and @x
	tokParam // $1 and $#
	tokPunct
)

var tokenNames = map[string]lexer.TokenType{
	"EOF": lexer.EOF, "Space": tokSpace, "CDef": tokCDef, "Attach": tokAttach,
	"FilterOpen": tokFilterOpen, "FilterClose": tokFilterClose,
	"AngleOpen": tokAngleOpen, "AngleClose": tokAngleClose,
	"Ident": tokIdent, "Int": tokInt, "String": tokString,
	"Var": tokVar, "Map": tokMap, "Param": tokParam, "Punct": tokPunct,
}

// lexerDef is participle's view of the lexer.
type lexerDef struct{}

func (lexerDef) Symbols() map[string]lexer.TokenType { return tokenNames }

func (lexerDef) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return lex(filename, string(text)), nil
}

// Limits of what the lexer takes. Far more tokens than a program of the kernel's million instructions needs cost hundreds of megabytes.
const (
	maxTokens = 600_000
	maxWord   = 1024 // bytes of a name or a number
	maxAttach = 8192 // bytes of an attach point: a path and a symbol of 4,096 each
)

// tokens is a script cut into tokens. The lexer has states (the head of the script, a probe list, a
// filter, a body), and which one it is in follows from the text alone, so all is cut before parsing starts.
type tokens struct {
	list  []lexer.Token
	next  int
	items []int              // indices of the tokens that top-level elements begin with
	diags source.Diagnostics // lexical errors
	whole bool               // the script has no more tokens than are allowed
}

// Next gives the tokens one by one, the end-of-file token last and for ever.
func (t *tokens) Next() (lexer.Token, error) {
	tok := t.list[t.next]
	if t.next < len(t.list)-1 {
		t.next++
	}
	return tok, nil
}

// lex cuts a script. When a brace is left open it cuts a second time and takes the next line
// that begins as a probe does for the end of the open block, so that one
// forgotten brace does not turn the rest of the script into nonsense.
func lex(filename, input string) *tokens {
	s := newScanner(filename, input)
	s.script()
	if s.unclosed && s.whole {
		s = newScanner(filename, input)
		s.resync = true
		s.script()
	}
	return &s.tokens
}

// scanner holds the state of the lexer.
type scanner struct {
	tokens
	file      string
	src       string
	pos       int
	line      int
	lineStart int

	brackets []bracket // open brackets of the body being cut
	resync   bool      // end an open block before a line that begins a probe
	unclosed bool      // the script ended inside a block
}

// bracket is an open bracket: one of ( [ { or, for a block in angle brackets, <.
type bracket struct {
	char byte
	pos  source.Pos
}

func newScanner(filename, input string) *scanner {
	return &scanner{
		tokens: tokens{list: make([]lexer.Token, 0, min(len(input)/2+8, maxTokens+1)), whole: true},
		file:   filename, src: input, line: 1,
	}
}

// at returns the byte n places ahead, 0 past the end.
func (s *scanner) at(n int) byte {
	if s.pos+n >= len(s.src) {
		return 0
	}
	return s.src[s.pos+n]
}

func (s *scanner) eof() bool { return s.pos >= len(s.src) }

// rest is what has not been cut yet.
func (s *scanner) rest() string { return s.src[s.pos:] }

// here is the current place.
func (s *scanner) here() source.Pos {
	return source.Pos{Filename: s.file, Offset: s.pos, Line: s.line, Column: s.pos - s.lineStart + 1}
}

// skip moves n bytes on.
func (s *scanner) skip(n int) {
	n = min(n, len(s.src)-s.pos)
	text := s.src[s.pos : s.pos+n]
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		s.line += strings.Count(text, "\n")
		s.lineStart = s.pos + i + 1
	}
	s.pos += n
}

// emit cuts a token of n bytes.
func (s *scanner) emit(typ lexer.TokenType, n int) {
	s.emitAs(typ, n, s.src[s.pos:s.pos+n])
}

// emitAs cuts a token of n bytes whose value is not its text.
func (s *scanner) emitAs(typ lexer.TokenType, n int, value string) {
	s.add(lexer.Token{Type: typ, Value: value, Pos: s.here()})
	s.skip(n)
}

// add appends a token. After the last one that is allowed the lexer is at the end of the script.
func (s *scanner) add(tok lexer.Token) {
	if len(s.list) < maxTokens || tok.EOF() {
		s.list = append(s.list, tok)
		return
	}
	if s.whole {
		s.whole = false
		s.diags = source.Diagnostics{errorOn(source.Within(tok.Pos, 0, 1), "script-too-long",
			fmt.Sprintf("the script has more than %d names, numbers, operators and blanks between them", maxTokens)).Diagnostic}
	}
	s.src = s.src[:s.pos]
}

// last is the last token that is not a blank; ok is false if there is none.
func (s *scanner) last() (tok lexer.Token, ok bool) {
	for i := len(s.list) - 1; i >= 0; i-- {
		if s.list[i].Type != tokSpace {
			return s.list[i], true
		}
	}
	return lexer.Token{}, false
}

// The codes of mistakes that other mistakes follow from.
const (
	codeOpenFilter  = "unclosed-filter"
	codeOpenString  = "unterminated-string"
	codeOpenComment = "unterminated-comment"
)

// fail records a lexical error from start to the current place.
func (s *scanner) fail(start source.Pos, code, message string) *source.Diagnostic {
	if len(s.diags) >= maxErrors || !s.whole {
		return &source.Diagnostic{}
	}
	s.diags = append(s.diags, source.Diagnostic{
		Span: source.Span{Pos: start, EndPos: s.here()}, Code: code, Message: message,
	})
	return &s.diags[len(s.diags)-1]
}

// space cuts blanks and comments, if there are any.
func (s *scanner) space() {
	start := s.here()
	for !s.eof() {
		n := literal.BlankLen(s.rest())
		if n == 0 {
			break
		}
		from := s.here()
		s.skip(n)
		if text := s.src[from.Offset:s.pos]; strings.HasPrefix(text, "/*") && (len(text) < 4 || !strings.HasSuffix(text, "*/")) {
			s.fail(from, codeOpenComment, "this comment is never closed").Hint = "end it with */"
		}
	}
	s.spaceToken(start)
}

// spaceToken makes one blank token of what was skipped since start.
func (s *scanner) spaceToken(start source.Pos) {
	if s.pos > start.Offset {
		s.add(lexer.Token{Type: tokSpace, Value: s.src[start.Offset:s.pos], Pos: start})
	}
}

// afterBlanks is the offset of the first byte from offset i on that is neither blank nor comment.
func (s *scanner) afterBlanks(i int) int {
	for i < len(s.src) {
		n := literal.BlankLen(s.src[i:])
		if n == 0 {
			break
		}
		i += n
	}
	return i
}
