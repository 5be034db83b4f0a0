package syntax

import (
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
)

// byteOrderMark is what some editors begin a text with.
const byteOrderMark = "\ufeff"

// script cuts the whole script: a "#!" line, then top-level elements.
func (s *scanner) script() {
	if strings.HasPrefix(s.src, byteOrderMark) {
		start := s.here()
		s.skip(len(byteOrderMark))
		s.spaceToken(start)
	}
	s.space()
	if strings.HasPrefix(s.rest(), "#!") {
		start := s.here()
		n := strings.IndexByte(s.rest(), '\n')
		if n < 0 {
			n = len(s.rest())
		}
		s.skip(n)
		s.spaceToken(start)
	}
	for {
		s.space()
		if s.eof() {
			break
		}
		s.items = append(s.items, len(s.list))
		s.item()
	}
	s.emitAs(-1, 0, "")
}

// item cuts one top-level element.
func (s *scanner) item() {
	word := s.src[s.pos : s.pos+literal.WordLen(s.rest())]
	next := byte(0)
	if i := s.afterBlanks(s.pos + len(word)); i < len(s.src) {
		next = s.src[i]
	}
	switch {
	case s.at(0) == '#' && s.at(1) != '!':
		s.emit(tokCDef, leftOutLen(s.rest(), directiveLen(s.rest())))
	case (word == "struct" || word == "union" || word == "enum") && s.cdef():
	case word == "typedef" && literal.IsWordStart(next):
		s.typedef()
	case word == "config" && (next == '=' || next == '{'):
		s.upToBlock()
	case (word == "macro" || word == "fn") && (literal.IsWordStart(next) || next == '(' || next == '{'):
		s.upToBlock()
	case word == "import" && next == '"', word == "let" && (next == '@' || next == '$'):
		s.declaration()
	default:
		s.probe()
	}
}

// directiveLen is the length of a preprocessor line with its continuation lines, blanks at the end left out.
func directiveLen(text string) int {
	for n := 0; ; n++ {
		i := strings.IndexByte(text[n:], '\n')
		if i < 0 {
			return len(strings.TrimRight(text, " \t\r\v\f\n"))
		}
		n += i
		line := strings.TrimRight(text[:n], " \t\r\v\f")
		if !strings.HasSuffix(line, "\\") {
			return len(line)
		}
	}
}

// leftOutLen is the length of a preprocessor line of n bytes with what it leaves out for certain, which need not be C: `#if 0` and what follows
// up to its #else, #elif or #endif. Of other conditions the definitions have to be known.
func leftOutLen(text string, n int) int {
	if name, what := directiveName(text[:n]); name != "if" || what != "0" {
		return n
	}
	depth := 0
	for i := n; i < len(text); {
		line := text[i : i+lineLen(text[i:])]
		switch name, _ := directiveName(strings.TrimSpace(line)); name {
		case "if", "ifdef", "ifndef":
			depth++
		case "endif", "else", "elif", "elifdef", "elifndef":
			if depth == 0 {
				return len(strings.TrimRight(text[:i], " \t\r\v\f\n"))
			}
			if name == "endif" {
				depth--
			}
		}
		i += len(line)
	}
	return len(strings.TrimRight(text, " \t\r\v\f\n"))
}

// lineLen is the length of the line that a text begins with, its end included.
func lineLen(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// directiveName is the name of a preprocessor line and what follows it, "" for other lines.
func directiveName(line string) (name, rest string) {
	line, ok := strings.CutPrefix(line, "#")
	if !ok {
		return "", ""
	}
	line = strings.TrimLeft(line, " \t")
	n := literal.WordLen(line)
	rest, _, _ = strings.Cut(line[n:], "//")
	return line[:n], strings.TrimSpace(rest)
}

// cdef cuts the C type definition or declaration that begins here, its semicolon included. It returns false if this is
// something else that begins with the word struct, union or enum.
func (s *scanner) cdef() bool {
	if n := s.declarationLen(); n > 0 {
		s.emit(tokCDef, n)
		return true
	}
	i := s.pos
	for i < len(s.src) && s.src[i] != '{' {
		c := s.src[i]
		if !literal.IsWord(c) && !literal.IsBlank(c) && strings.IndexByte("()[],\"/*", c) < 0 {
			return false
		}
		i++
	}
	if i == len(s.src) {
		return false
	}
	start := s.here()
	if end := s.closing(i, '{', '}'); end > 0 {
		s.emit(tokCDef, s.cdefEnd(end)-s.pos)
		return true
	}
	s.emit(tokCDef, len(s.src)-s.pos)
	s.fail(start, "unclosed-block", "this C definition is never closed").EndPos = start
	return true
}

// declarationLen is the length of a declaration without a definition that begins here, as `struct x;`, 0 if there is none.
func (s *scanner) declarationLen() int {
	i := s.pos
	for range 2 { // the keyword and the name
		word := literal.WordLen(s.src[i:])
		if word == 0 {
			return 0
		}
		i = s.afterBlanks(i + word)
	}
	if i == len(s.src) || s.src[i] != ';' {
		return 0
	}
	return i + 1 - s.pos
}

// typedef cuts a typedef, its semicolon included.
func (s *scanner) typedef() {
	depth := 0
	for i := s.pos; i < len(s.src); {
		if strings.HasPrefix(s.src[i:], "//") || strings.HasPrefix(s.src[i:], "/*") {
			i += literal.BlankLen(s.src[i:])
			continue
		}
		switch s.src[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ';':
			if depth <= 0 {
				s.emit(tokCDef, i+1-s.pos)
				return
			}
		}
		i++
	}
	start := s.here()
	s.emit(tokCDef, len(s.src)-s.pos)
	s.fail(start, "unclosed-block", "this typedef has no ';' at its end").EndPos = start
}

// closing is the offset after the bracket that closes the one at offset i, 0 if there is none.
func (s *scanner) closing(i int, open, close byte) int {
	depth := 0
	for i < len(s.src) {
		if strings.HasPrefix(s.src[i:], "//") || strings.HasPrefix(s.src[i:], "/*") {
			i += literal.BlankLen(s.src[i:])
			continue
		}
		switch s.src[i] {
		case open:
			depth++
		case close:
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
	return 0
}

// cdefEnd is the offset after the attributes and the semicolon that may follow the '}' before offset i.
func (s *scanner) cdefEnd(i int) int {
	for {
		j := s.afterBlanks(i)
		switch {
		case strings.HasPrefix(s.src[j:], "__attribute__"):
			open := s.afterBlanks(j + len("__attribute__"))
			if open >= len(s.src) || s.src[open] != '(' {
				return i
			}
			end := s.closing(open, '(', ')')
			if end == 0 {
				return i
			}
			i = end
		case strings.HasPrefix(s.src[j:], ";"):
			return j + 1
		default:
			return i
		}
	}
}

// upToBlock cuts what ends with a block in braces: the config block or a macro.
func (s *scanner) upToBlock() {
	s.brackets = s.brackets[:0]
	for {
		s.space()
		if s.eof() || s.at(0) == '}' {
			return
		}
		opened := s.at(0) == '{'
		s.token()
		if opened {
			s.body()
			return
		}
	}
}

// declaration cuts `import "path";` or `let @x = kind(size);`. A missing semicolon ends it at the end of its line.
func (s *scanner) declaration() {
	s.brackets = s.brackets[:0]
	for {
		line := s.line
		s.space()
		if s.eof() || s.at(0) == '{' || s.at(0) == '}' {
			return
		}
		if s.line > line && strings.IndexByte("=(;@)\"", s.at(0)) < 0 && !s.afterEquals() {
			return
		}
		semicolon := s.at(0) == ';'
		s.token()
		if semicolon {
			return
		}
	}
}

func (s *scanner) afterEquals() bool {
	tok, _ := s.last()
	return tok.Value == "="
}

// probe cuts a probe list with its filter and its block.
func (s *scanner) probe() {
	for {
		s.space()
		switch c := s.at(0); {
		case s.eof():
			return
		case c == ',':
			s.emit(tokPunct, 1)
		case c == '{':
			s.brackets = s.brackets[:0]
			s.punct()
			s.body()
			return
		case c == '<':
			s.brackets = append(s.brackets[:0], bracket{'<', s.here()})
			s.emit(tokAngleOpen, 1)
			s.body()
			return
		case c == '/':
			s.filter()
		case c == '}' || c == ';':
			start := s.here()
			s.skip(1)
			s.spaceToken(start)
			s.fail(start, "unmatched-bracket", "unexpected '"+string(c)+"' between probes")
			return
		default:
			s.attachPoint()
		}
	}
}
