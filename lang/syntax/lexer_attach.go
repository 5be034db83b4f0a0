package syntax

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/literal"
)

// attachPoint cuts an attach point.
func (s *scanner) attachPoint() {
	start := s.here()
	s.emit(tokAttach, s.attachLen())
	text := s.src[start.Offset:s.pos]
	if len(text) > maxAttach {
		s.fail(start, "too-long", fmt.Sprintf("an attach point of %d bytes: they have up to %d", len(text), maxAttach))
		return
	}
	if word := providerOf(text); itemWords[word] {
		message := "'" + word + "' begins no probe"
		if word == "import" {
			message = `import takes a path in quotes: import "FILE";`
		}
		s.fail(start, "syntax", message)
	}
	if !quotesClosed(text) {
		s.fail(start, codeOpenString, "a quote in this probe is never closed").Hint = `end it with "`
	}
}

// itemWords begin the elements of a script that are no probes.
var itemWords = map[string]bool{
	"config": true, "enum": true, "fn": true, "import": true, "let": true, "macro": true, "struct": true, "union": true,
}

// quotesClosed says whether every quoted text in an attach point ends.
func quotesClosed(text string) bool {
	for {
		i := strings.IndexByte(text, '"')
		if i < 0 {
			return true
		}
		n, closed := quotedLen(text[i:])
		if !closed {
			return false
		}
		text = text[i+n:]
	}
}

// attachLen is the length of the attach point that begins here. It ends at a blank, at a comma, at the
// opening of the block or at the slash that opens a filter. Where the provider
// takes a path, slashes and angle brackets belong to the attach point.
func (s *scanner) attachLen() int {
	text := s.rest()
	kind := builtin.FindKind(providerOf(text))
	path := kind != nil && kind.Path
	colons, named := 0, false
	for n := 0; n < len(text); n++ {
		switch c := text[n]; {
		case literal.IsBlank(c) || c == ',' || c == '{':
			return n
		case c == '"':
			quoted, _ := quotedLen(text[n:])
			n += quoted - 1
		case c == ':':
			colons++
		case c == '<' && !path:
			return max(n, 1)
		case c == '/' && (!path || colons == 0):
			return max(n, 1)
		case c == '/' && colons > 1 && !named:
			if s.filterFollows(text[n:]) {
				return n
			}
			named = true // the slash is one of the function's name, and so are the others
		}
	}
	return len(text)
}

// filterFollows says whether a slash after the path of an attach point, at the start of text, opens a filter. It is part of a
// (Go) function's name if the attach point ends, at a blank, and a block, a comma or a filter of its own comes next.
func (s *scanner) filterFollows(text string) bool {
	end := attachEnd(text)
	if end < 0 {
		return false
	}
	if end > 1 && text[end-1] == '/' {
		return true
	}
	next := s.afterBlanks(len(s.src) - len(text) + end)
	return next < len(s.src) && strings.IndexByte("{,</", s.src[next]) < 0
}

// attachEnd is where the attach point that text is in ends at the latest: before a blank, a comma or a brace; -1 for nowhere.
func attachEnd(text string) int {
	for n := 0; n < len(text); n++ {
		switch c := text[n]; {
		case literal.IsBlank(c) || c == ',' || c == '{':
			return n
		case c == '"':
			quoted, _ := quotedLen(text[n:])
			n += quoted - 1
		}
	}
	return -1
}

// quotedLen is the length of the quoted text that text begins with; a missing quote ends it at the end of the line.
func quotedLen(text string) (n int, closed bool) {
	for n := 1; n < len(text); n++ {
		switch text[n] {
		case '"':
			return n + 1, true
		case '\\':
			n++
		case '\n':
			return n, false
		}
	}
	return len(text), false
}

// providerOf is the provider of an attach point, without the `name=` that may precede it.
func providerOf(text string) string {
	n := literal.WordLen(text)
	if n < len(text) && text[n] == '=' {
		text = text[n+1:]
		n = literal.WordLen(text)
	}
	return text[:n]
}

// beginsProbe says whether a line begins here, in its first column, as a probe does.
func (s *scanner) beginsProbe() bool {
	if s.pos != s.lineStart || !literal.IsWordStart(s.at(0)) {
		return false
	}
	name := providerOf(s.rest())
	kind := builtin.FindKind(name)
	if kind == nil {
		return false
	}
	if s.at(len(name)) == ':' {
		return true
	}
	i := s.afterBlanks(s.pos + len(name))
	return kind.Once && kind.There() && i < len(s.src) && s.src[i] == '{'
}
