package format

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/syntax"
)

// class is how a piece stands to its neighbours.
type class uint8

const (
	none    class = iota
	comment       // blanks on both sides
	word          // blanks between two of them
	keyword       // a word that no parenthesis belongs to
	infix         // blanks on both sides
	sign          // + - * & ! ~ ++ -- at an operand, and the stars of types
	open          // ( [
	shut          // ) ]
	brace         // { }
	dot           // . -> ..
	comma
	quest // the ? of a choice
	colon // the : of a choice, of a loop
	typed // the : of a type
)

// keywords are words after which a parenthesis is not that of a call.
var keywords = map[string]bool{
	"if": true, "else": true, "while": true, "for": true, "unroll": true, "return": true, "comptime": true,
}

var classes = map[string]class{
	"(": open, "[": open, ")": shut, "]": shut, "{": brace, "}": brace, ".": dot, "->": dot, "..": dot, ",": comma, "?": quest,
	"=": infix, "+=": infix, "-=": infix, "*=": infix, "/=": infix, "%=": infix, "&=": infix, "|=": infix, "^=": infix, "<<=": infix, ">>=": infix,
}

// atom is what no line break comes into.
type atom struct {
	text  string
	space bool // a blank before it, if no line begins with it
	hard  bool // a line begins with it
	cost  int  // of beginning a line with it: where it is smallest, lines are broken first; 0 for never
}

// runner makes atoms of pieces.
type runner struct {
	p      *printer
	atoms  []atom
	prev   class
	last   string // the text before
	quests []int  // choices whose colon is to come, for each open bracket
	loop   bool   // the colon of a loop is to come
	line   bool   // the comment before ends its line
	lines  int    // line ends before the piece
}

// run writes the pieces up to piece stop, broken into lines where they are too long.
func (p *printer) run(stop int) {
	r := &runner{p: p, quests: []int{0}, loop: p.pos < stop && p.list[p.pos].text == "for"}
	for p.pos < stop {
		r.piece()
	}
	p.fill(r.atoms)
}

// piece makes atoms of the next piece, or of the block that it opens.
func (r *runner) piece() {
	p := r.p
	i := p.pos
	r.lines = p.list[i].lines
	if p.open[i] {
		r.add("(", open)
	}
	switch {
	case p.blocks[i] != nil && !p.inLine(i):
		r.add(p.part(func() { p.block(i) }), brace)
		i = p.pos - 1
	case p.list[i].comment():
		r.comment(&p.list[i])
	case !p.list[i].is(";"): // of an empty statement in a block
		r.add(p.list[i].text, r.class(i))
	}
	p.pos = i + 1
	if p.close[i] {
		r.add(")", shut)
	}
}

func (r *runner) comment(c *piece) {
	a := atom{text: indented(c.text, r.p.indent), space: r.prev != none && r.prev != open, hard: r.prev != none && (r.line || r.lines > 0)}
	r.atoms = append(r.atoms, a)
	r.prev, r.line = comment, c.lineComment()
}

// add makes an atom.
func (r *runner) add(text string, c class) {
	a := atom{text: text, space: r.space(text, c), cost: r.cost(c)}
	if r.prev == comment {
		a.hard = r.line || r.lines > 0
	}
	r.line = false
	r.atoms = append(r.atoms, a)
	r.nest(text, c)
	r.prev, r.last = c, text
}

// nest keeps the account of the brackets and choices.
func (r *runner) nest(text string, c class) {
	n := len(r.quests) - 1
	switch {
	case c == open || text == "{":
		r.quests = append(r.quests, 0)
	case (c == shut || text == "}") && n > 0:
		r.quests = r.quests[:n]
	case c == quest:
		r.quests[n]++
	case c == colon && r.quests[n] > 0:
		r.quests[n]--
	case c == colon:
		r.loop = false
	}
}

// class is the class of a piece.
func (r *runner) class(i int) class {
	piece := &r.p.list[i]
	switch {
	case piece.kind != syntax.TokenPunct && keywords[piece.text]:
		return keyword
	case piece.kind != syntax.TokenPunct:
		return word
	case r.p.infix[i]:
		return infix
	case piece.text == ":":
		if r.loop || r.quests[len(r.quests)-1] > 0 {
			return colon
		}
		return typed
	}
	if c, ok := classes[piece.text]; ok {
		return c
	}
	return sign
}

// space says whether there is a blank before a piece.
func (r *runner) space(text string, c class) bool {
	switch {
	case r.prev == none:
		return false
	case r.prev == comment:
		return c != shut && c != comma
	case c == comma, c == shut, c == typed, r.prev == open, c == dot, r.prev == dot:
		return false
	case c == colon:
		return r.prev != quest
	case c == brace, r.prev == brace, r.prev == comma, r.prev == colon, r.prev == typed, r.prev == quest, c == quest, c == infix, r.prev == infix:
		return true
	case r.prev == keyword:
		return text != "["
	case c == open, r.prev == shut:
		return false
	case r.prev == sign:
		return c == sign && merges(r.last, text)
	case c == sign:
		return text != "++" && text != "--" && !r.oldCall(text)
	}
	return true // two words
}

// oldCall says whether a '!' comes before the parenthesis of name!(…), the older form of a macro's call.
func (r *runner) oldCall(text string) bool {
	next := r.p.after(r.p.pos + 1)
	return text == "!" && next < len(r.p.list) && r.p.list[next].is("(")
}

// longer are the operators of several characters.
var longer = []string{"++", "--", "&&", "->"}

// merges says whether two operators would be another one without a blank between them.
func merges(x, y string) bool {
	for _, op := range longer {
		if len(op) > len(x) && strings.HasPrefix(x+y, op) || strings.HasSuffix(x, op[:1]) && strings.HasPrefix(y, op[1:]) {
			return true
		}
	}
	return false
}

// The costs of breaking a line, for each bracket that is open there and at what stands there.
const (
	costBracket  = 100
	costComma    = 1
	costChoice   = 5
	costOperator = 10 // and the operator's precedence
	costAssign   = 90
)

// cost is that of beginning a line with a piece.
func (r *runner) cost(c class) int {
	depth := (len(r.quests) - 1) * costBracket
	switch {
	case r.prev == comment: // the line end would stay there, whatever comes before it
		return 0
	case r.prev == comma:
		return depth + costComma
	case c == quest, c == colon && r.prev != quest && !r.loop:
		return depth + costChoice
	case r.prev == infix && ast.Precedence[r.last] > 0:
		return depth + costOperator + ast.Precedence[r.last]
	case r.prev == infix:
		return depth + costAssign
	}
	return 0
}
