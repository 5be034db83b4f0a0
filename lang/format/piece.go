package format

import (
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
)

// piece is a token or a comment, with the blanks before it counted.
type piece struct {
	kind   syntax.TokenKind // TokenSpace for a comment
	text   string
	offset int
	lines  int // line ends between the piece before and this one
}

func (p *piece) comment() bool { return p.kind == syntax.TokenSpace }

// lineComment says whether a piece ends its line: a comment // … or the line #! at the head of a script.
func (p *piece) lineComment() bool { return p.comment() && !strings.HasPrefix(p.text, "/*") }

func (p *piece) is(text string) bool { return p.kind == syntax.TokenPunct && p.text == text }

// opens says whether a piece is a bracket that another one closes.
func (p *piece) opens() bool {
	return p.kind == syntax.TokenAngleOpen || p.kind == syntax.TokenPunct && strings.Contains("([{", p.text)
}

func (p *piece) closes() bool {
	return p.kind == syntax.TokenAngleClose || p.kind == syntax.TokenPunct && strings.Contains(")]}", p.text)
}

// cut cuts a script into pieces. Empty statements, semicolons that follow a semicolon or a bracket, are left out.
func cut(src *source.Source) []piece {
	var out []piece
	lines := 0
	for _, tok := range syntax.Tokens(src) {
		if tok.Kind != syntax.TokenSpace {
			out = append(out, piece{kind: tok.Kind, text: tok.Text, offset: tok.Pos.Offset, lines: lines})
			lines = 0
			continue
		}
		for rest := tok.Text; rest != ""; {
			n := blankLen(rest)
			if text := rest[:n]; literal.IsBlank(text[0]) {
				lines += strings.Count(text, "\n")
			} else if text != byteOrderMark {
				at := tok.Pos.Offset + len(tok.Text) - len(rest)
				out = append(out, piece{kind: syntax.TokenSpace, text: trimLines(text), offset: at, lines: lines})
				lines = 0
			}
			rest = rest[n:]
		}
	}
	return out
}

const byteOrderMark = "\ufeff"

// blankLen is the length of what a token of blanks and comments begins with.
func blankLen(text string) int {
	switch {
	case strings.HasPrefix(text, byteOrderMark):
		return len(byteOrderMark)
	case strings.HasPrefix(text, "#!"):
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			return i
		}
		return len(text)
	}
	return literal.BlankLen(text)
}

// trimLines cuts the blanks off the ends of the lines of a comment.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r\v\f")
	}
	return strings.Join(lines, "\n")
}

// match finds for each bracket the index of the one that closes it, for others -1.
func match(list []piece) []int {
	out := make([]int, len(list))
	var open []int
	for i := range list {
		out[i] = -1
		switch {
		case list[i].opens():
			open = append(open, i)
		case list[i].closes() && len(open) > 0:
			out[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
	return out
}
