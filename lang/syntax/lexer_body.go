package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
)

// punctuation holds the operators and separators of bodies, longest first.
var punctuation = []string{
	"<<=", ">>=",
	"++", "--", "->", "..", "&&", "||", "==", "!=", "<=", ">=", "<<", ">>",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
}

const singlePunctuation = "+-*/%&|^~!<>=?:;,.()[]{}"

// body cuts an action block up to its closing bracket. The opening one has been cut.
func (s *scanner) body() {
	for len(s.brackets) > 0 {
		s.space()
		switch {
		case s.eof():
			s.unclosed = true
			s.closeAll("this '{' is never closed")
		case s.resync && s.beginsProbe():
			s.closeAll("this '{' is not closed before the next probe")
		default:
			s.token()
		}
	}
}

// closeAll reports the innermost open brace and closes all brackets with tokens of no width.
func (s *scanner) closeAll(message string) {
	reported := false
	for i := len(s.brackets) - 1; i >= 0; i-- {
		b := s.brackets[i]
		switch {
		case b.char == '<':
			s.emitAs(tokAngleClose, 0, ">")
			message = strings.Replace(message, "{", "<", 1)
		case b.char == '{':
			s.emitAs(tokPunct, 0, "}")
		default:
			continue
		}
		if !reported {
			reported = true
			if s.openEnded(b.pos) {
				continue
			}
			d := s.fail(b.pos, "unclosed-block", message)
			d.EndPos = b.pos
			d.EndPos.Offset++
			d.EndPos.Column++
		}
	}
	s.brackets = s.brackets[:0]
}

// openEnded says whether a string or comment after pos is not closed, and so may have swallowed a brace.
func (s *scanner) openEnded(pos source.Pos) bool {
	for _, d := range s.diags {
		if d.Pos.Offset >= pos.Offset && (d.Code == codeOpenString || d.Code == codeOpenComment) {
			return true
		}
	}
	return false
}

// token cuts the next token of a body. The caller has cut the blanks.
func (s *scanner) token() {
	c := s.at(0)
	switch {
	case literal.IsWordStart(c):
		s.word(tokIdent, "name", 0, literal.WordLen(s.rest()))
	case literal.IsDigit(c):
		s.word(tokInt, "number", 0, literal.WordLen(s.rest()))
	case c == '"':
		s.stringToken()
	case c == '$':
		s.dollar()
	case c == '@':
		n := 1
		if literal.IsWordStart(s.at(1)) {
			n += literal.WordLen(s.src[s.pos+1:])
		}
		s.word(tokMap, "name", 1, n)
	default:
		s.punct()
	}
}

// word cuts a token of n bytes whose first bytes, the sigil, are not part of its value, within the limit of its length.
func (s *scanner) word(typ lexer.TokenType, what string, sigil, n int) {
	start := s.here()
	value := s.src[s.pos+sigil : s.pos+n]
	if n <= maxWord {
		s.emitAs(typ, n, value)
		return
	}
	s.emitAs(typ, n, value[:min(1, len(value))])
	s.fail(start, "too-long", fmt.Sprintf("a %s of %d bytes: they have up to %d", what, n, maxWord))
}

// dollar cuts $x, $1 or $#.
func (s *scanner) dollar() {
	n := literal.WordLen(s.src[s.pos+1:])
	switch {
	case s.at(1) == '#':
		s.emit(tokParam, 2)
	case literal.IsDigit(s.at(1)):
		s.emit(tokParam, n+1)
	case n > 0:
		s.word(tokVar, "name", 1, n+1)
	default:
		start := s.here()
		s.skip(1)
		s.fail(start, "bad-character", "expected a name after '$'")
		s.spaceToken(start)
	}
}

// stringToken cuts a string literal, quotes included; it must end on its line.
func (s *scanner) stringToken() {
	start, text := s.here(), s.rest()
	for n := 1; ; n++ {
		if n >= len(text) || text[n] == '\n' {
			n = min(n, len(text))
			s.emit(tokString, n)
			s.fail(start, codeOpenString, "this string is never closed").Hint = `end it with "`
			return
		}
		if text[n] == '"' {
			s.emit(tokString, n+1)
			return
		}
		if text[n] == '\\' && n+1 < len(text) && text[n+1] != '\n' {
			n++
		}
	}
}

// punct cuts an operator or separator and keeps the account of the brackets.
func (s *scanner) punct() {
	for _, p := range punctuation {
		if strings.HasPrefix(s.rest(), p) {
			s.emit(tokPunct, len(p))
			return
		}
	}
	c := s.at(0)
	if strings.IndexByte(singlePunctuation, c) < 0 {
		s.badCharacter()
		return
	}
	switch c {
	case '(', '[', '{':
		s.brackets = append(s.brackets, bracket{c, s.here()})
	case ')', ']':
		if n := len(s.brackets); n > 0 && s.brackets[n-1].char == opening[c] {
			s.brackets = s.brackets[:n-1]
		}
	case '}':
		s.closeBrace()
		return
	case '>':
		if len(s.brackets) == 1 && s.brackets[0].char == '<' {
			s.brackets = s.brackets[:0]
			s.emit(tokAngleClose, 1)
			return
		}
	}
	s.emit(tokPunct, 1)
}

var opening = map[byte]byte{')': '(', ']': '[', '}': '{'}

// closeBrace cuts a '}'. It also ends the parentheses left open since its '{', which the parser reports.
func (s *scanner) closeBrace() {
	for i := len(s.brackets) - 1; i >= 0; i-- {
		switch s.brackets[i].char {
		case '{':
			s.brackets = s.brackets[:i]
			s.emit(tokPunct, 1)
			return
		case '<':
			start := s.here()
			s.brackets = s.brackets[:i]
			s.emit(tokAngleClose, 1)
			s.fail(start, "unmatched-bracket", "a block opened with '<' is closed with '>'")
			return
		}
	}
	s.brackets = s.brackets[:0]
	s.emit(tokPunct, 1)
}

// badCharacter reports the next character and skips it.
func (s *scanner) badCharacter() {
	if s.at(0) == '\'' {
		if n := strings.IndexAny(s.src[s.pos+1:], "'\n"); n >= 0 && s.at(n+1) == '\'' {
			s.singleQuotes(n + 2)
			return
		}
	}
	start := s.here()
	r, n := utf8.DecodeRuneInString(s.rest())
	for r >= utf8.RuneSelf && n < len(s.rest()) && s.at(n) >= utf8.RuneSelf {
		_, more := utf8.DecodeRuneInString(s.src[s.pos+n:])
		n += more
	}
	s.skip(n)
	text := s.src[start.Offset:s.pos]
	what := "'" + text + "'"
	if !utf8.ValidString(text) || !strconv.IsPrint(r) {
		what = "byte " + strconv.Quote(text[:1])
	}
	s.fail(start, "bad-character", "unexpected "+what)
	s.spaceToken(start)
}

// singleQuotes cuts a string in single quotes, which other languages have, of n bytes.
func (s *scanner) singleQuotes(n int) {
	start := s.here()
	s.emitAs(tokString, n, `""`)
	s.fail(start, "bad-character", "strings are written with double quotes")
}

// filter cuts /expression/. The closing slash is the one that the action block follows.
func (s *scanner) filter() {
	s.brackets = s.brackets[:0]
	open := s.here()
	s.emit(tokFilterOpen, 1)
	for {
		s.space()
		switch {
		case s.eof() || s.resync && s.beginsProbe():
			s.missingSlash(open)
			return
		case s.at(0) == '/' && s.opensBlock(s.afterBlanks(s.pos+1)):
			s.emit(tokFilterClose, 1)
			return
		case s.at(0) == '{' && len(s.brackets) == 0 && s.afterOperand():
			s.missingSlash(open)
			return
		case s.at(0) == '}' && len(s.brackets) == 0:
			s.missingSlash(open)
			return
		}
		s.token()
	}
}

// missingSlash closes a filter that has no closing slash.
func (s *scanner) missingSlash(open source.Pos) {
	s.emitAs(tokFilterClose, 0, "/")
	d := s.fail(open, codeOpenFilter, "this filter is never closed")
	d.Hint = "a filter is written /condition/ before the action block"
	d.EndPos = open
	d.EndPos.Offset++
	d.EndPos.Column++
}

// opensBlock says whether the byte at offset i opens an action block. It is asked where no operator can stand.
func (s *scanner) opensBlock(i int) bool {
	if i >= len(s.src) {
		return true
	}
	return s.src[i] == '{' || s.src[i] == '<'
}

// afterOperand says whether the last token ends an operand, so that a brace cannot begin a block expression.
func (s *scanner) afterOperand() bool {
	tok, _ := s.last()
	return tok.Type != tokPunct && tok.Type != tokFilterOpen || tok.Value == ")" || tok.Value == "]"
}

var _ lexer.Lexer = (*tokens)(nil)
