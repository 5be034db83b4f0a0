package format

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// printer writes the pieces one after the other.
type printer struct {
	*shape
	pos    int // the next piece
	out    *strings.Builder
	indent int
	lines  int  // line ends before pieces that were left out
	ended  bool // the line ends with a comment that takes whatever follows
}

func newPrinter(src *source.Source, file *ast.File) *printer {
	return &printer{shape: newShape(src, file), out: &strings.Builder{}}
}

// text is what was written, with the end of its last line.
func (p *printer) text() string {
	if p.out.Len() == 0 {
		return ""
	}
	return p.out.String() + "\n"
}

// put goes on with the line.
func (p *printer) put(text string) { p.out.WriteString(text) }

// newline begins a line, after an empty one if blank says so.
func (p *printer) newline(blank bool) {
	if p.out.Len() > 0 {
		p.put("\n")
		if blank {
			p.put("\n")
		}
	}
	p.put(strings.Repeat("\t", p.indent))
	p.ended = false
}

// part is what f writes.
func (p *printer) part(f func()) string {
	whole := p.out
	p.out = &strings.Builder{}
	f()
	text := p.out.String()
	p.out = whole
	return text
}

// gap says whether there is an empty line before the next piece, and forgets what was left out.
func (p *printer) gap() bool {
	n := p.lines
	if p.pos < len(p.list) {
		n += p.list[p.pos].lines
	}
	p.lines = 0
	return n > 1
}

// trailing says whether the next piece is a comment on what was written before it: it stands on the same line, and what follows it
// does not.
func (p *printer) trailing() bool {
	if p.out.Len() == 0 || p.ended || p.lines > 0 || p.list[p.pos].lines > 0 {
		return false
	}
	for i := p.pos; p.list[i].comment() || p.list[i].is(";") || p.list[i].is(","); i++ {
		if p.list[i].lineComment() || i+1 == len(p.list) || p.list[i+1].lines > 0 || p.list[i+1].closes() {
			return true
		}
	}
	return false
}

// comments writes the comments up to piece stop: those on the line before at its end, the others on lines of their own. What else is
// there, commas and semicolons, is left out. blank says whether an empty line comes before the first of them, nil that those of
// the script stay. It returns whether the last one has its own line.
func (p *printer) comments(stop int, blank func() bool) (own bool) {
	for p.pos < stop {
		if !p.list[p.pos].comment() {
			p.lines += p.list[p.pos].lines
			p.pos++
			continue
		}
		if p.trailing() {
			p.put(" ")
		} else {
			p.newline(blank())
			own = true
		}
		p.put(indented(p.list[p.pos].text, p.indent))
		p.lines, p.ended = 0, p.list[p.pos].lineComment()
		p.pos++
	}
	return own
}

// indented is a comment on a line of some indentation. Where all its lines begin with a star, they stand below each other; other
// comments of several lines are left as they are.
func indented(text string, indent int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines[1:] {
		line = strings.TrimLeft(line, " \t")
		if !strings.HasPrefix(line, "*") {
			return text
		}
		lines[i+1] = strings.Repeat("\t", indent) + " " + line
	}
	return strings.Join(lines, "\n")
}
