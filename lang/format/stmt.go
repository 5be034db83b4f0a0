package format

import "github.com/gotrace/gotrace/lang/ast"

// block writes the block that opens at a piece, over several lines.
func (p *printer) block(open int) {
	stmts := p.blocks[open].Stmts
	starts := make([]int, len(stmts))
	for i, s := range stmts {
		starts[i] = p.at(s.Range().Pos)
	}
	p.body(open, starts, func(i, stop int) { p.stmt(stmts[i], stop) })
}

// body writes what stands in braces: statements that begin at the pieces given, each of which write writes up to a piece. Comments that
// come before the opening brace are written after it.
func (p *printer) body(open int, starts []int, write func(i, stop int)) {
	end := p.match[open]
	p.put("{")
	p.indent++
	first := true
	blank := func() bool {
		b := p.gap() && !first
		first = false
		return b
	}
	p.comments(open, never)
	p.pos, p.lines = open+1, 0
	for i, start := range starts {
		p.comments(start, blank)
		p.newline(blank())
		stop := end
		if i+1 < len(starts) {
			stop = starts[i+1]
		}
		write(i, stop)
	}
	p.comments(end, blank)
	p.indent--
	p.newline(false)
	p.put("}")
	p.pos, p.lines = end+1, 0
}

// stmt writes a statement that ends before piece stop.
func (p *printer) stmt(s ast.Stmt, stop int) {
	switch s := s.(type) {
	case *ast.Block:
		p.block(p.pos)
	case *ast.If:
		p.ifStmt(s)
	case *ast.While:
		p.blockAfter(s.Body)
	case *ast.Unroll:
		p.blockAfter(s.Body)
	case *ast.ForRange:
		p.blockAfter(s.Body)
	case *ast.ForMap:
		p.blockAfter(s.Body)
	case *ast.ExprStmt:
		p.simple(stop, !s.NoSemi)
	default:
		p.simple(stop, true)
	}
}

// simple writes a statement without a block of its own. Comments before its semicolon are left for after it.
func (p *printer) simple(stop int, semicolon bool) {
	p.run(p.before(p.end(p.pos, stop)) + 1)
	if semicolon {
		p.put(";")
	}
}

// blockAfter writes the head of a statement and, on the same line, its block.
func (p *printer) blockAfter(b *ast.Block) {
	open := p.at(b.Pos)
	p.run(p.before(open) + 1)
	p.put(" ")
	p.block(open)
}

func (p *printer) ifStmt(s *ast.If) {
	p.blockAfter(s.Then)
	if s.Else == nil {
		return
	}
	if word := p.after(p.pos); word > p.pos {
		p.comments(word, never)
		p.newline(false)
	} else {
		p.put(" ")
	}
	if tail, ok := s.Else.(*ast.If); ok {
		p.ifStmt(tail)
		return
	}
	p.blockAfter(s.Else.(*ast.Block))
}
