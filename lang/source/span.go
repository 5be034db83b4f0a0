package source

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Within is the span of the bytes [start, end) of a token at pos that lies on one line.
func Within(pos Pos, start, end int) Span {
	from, to := pos, pos
	from.Offset += start
	from.Column += start
	to.Offset += end
	to.Column += end
	return Span{Pos: from, EndPos: to}
}

// Pos is a place in a script: file name, byte offset, line and column (both from 1; the column counts bytes).
type Pos = lexer.Position

// Span is the source range [Start, End) that a node covers. Every node embeds it.
type Span struct {
	Pos    Pos
	EndPos Pos
}

// Range returns the span itself; it is how every node says where it stands.
func (s Span) Range() Span { return s }

// Node is any element of the syntax tree.
type Node interface{ Range() Span }

// Advance is the position after a text that begins at a position.
func Advance(p Pos, text string) Pos {
	p.Offset += len(text)
	if n := strings.Count(text, "\n"); n > 0 {
		p.Line += n
		p.Column = 1
		text = text[strings.LastIndexByte(text, '\n')+1:]
	}
	p.Column += len(text)
	return p
}
