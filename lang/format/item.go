package format

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/syntax"
)

// never is for places where there are no empty lines.
func never() bool { return false }

// file writes the whole script. Elements with blocks have empty lines around them; between others an empty line stays.
func (p *printer) file() {
	after := false // an element with a block
	blank := func() bool {
		b := p.gap() || after
		after = false
		return b
	}
	for _, start := range p.starts {
		own := p.comments(start, blank)
		tall := p.hasBlock(start)
		b := blank()
		p.newline(b || tall && !own)
		p.element(start)
		after = tall
	}
	p.comments(len(p.list), blank)
}

// hasBlock says whether the top-level element that begins at a piece has a block.
func (p *printer) hasBlock(start int) bool {
	switch p.items[start].(type) {
	case *ast.Probe, *ast.Macro, *ast.Func:
		return true
	}
	return p.list[start].kind != syntax.TokenC && p.items[start] == nil // the config block
}

// element writes the top-level element that begins at a piece.
func (p *printer) element(start int) {
	switch item := p.items[start].(type) {
	case *ast.Probe:
		p.probe(item)
	case *ast.Macro:
		p.headed(p.at(item.Body.Pos))
	case *ast.Func:
		p.headed(p.at(item.Body.Pos))
	case nil:
		if p.list[start].kind == syntax.TokenC {
			p.put(p.list[start].text)
			p.pos++
			return
		}
		p.config(start)
	default:
		p.simple(p.next(start), true)
	}
}

// headed writes a head and, on a line of its own, the block that opens at a piece.
func (p *printer) headed(open int) {
	p.run(p.before(open) + 1)
	p.comments(open, never)
	p.newline(false)
	p.block(open)
}

// probe writes a probe: its attach points, its filter and its block, each on a line of its own.
func (p *printer) probe(probe *ast.Probe) {
	for p.list[p.pos].kind == syntax.TokenAttach {
		p.put(p.list[p.pos].text)
		p.pos++
		next := p.pos
		for p.list[next].comment() || p.list[next].is(",") {
			next++
		}
		if p.list[next].kind == syntax.TokenAttach {
			p.put(",")
		}
		p.comments(next, never)
		p.newline(false)
	}
	open := p.at(probe.Body.Pos)
	if probe.Filter != nil {
		p.filter()
		p.comments(open, never)
		p.newline(false)
	}
	p.block(open)
}

// filter writes /condition/.
func (p *printer) filter() {
	end := p.pos
	for p.list[end].kind != syntax.TokenFilterClose {
		end++
	}
	p.put("/")
	p.pos++
	if first := p.list[p.pos]; first.comment() || first.is("*") {
		p.put(" ") // these would make a comment of the slash
	}
	p.run(p.before(end) + 1)
	p.put("/")
}

// config writes the config block.
func (p *printer) config(start int) {
	open := start
	for !p.list[open].is("{") {
		open++
	}
	var starts []int
	for i := p.after(open + 1); i < p.match[open]; i = p.after(p.end(i, p.match[open]) + 1) {
		if !p.list[i].is(";") {
			starts = append(starts, i)
		}
	}
	p.put("config = ")
	for p.pos < open && !p.list[p.pos].comment() {
		p.pos++
	}
	p.body(open, starts, func(_, stop int) { p.simple(stop, true) })
}
