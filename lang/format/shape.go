package format

import (
	"slices"
	"sort"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
)

// shape is what the syntax tree says of the pieces of a script, by their index.
type shape struct {
	list   []piece
	match  []int               // of a bracket, the one that closes it
	infix  map[int]bool        // binary operators
	blocks map[int]*ast.Block  // by their opening bracket
	inline map[*ast.Block]bool // whether a block stands in a line, as far as this is known
	items  map[int]ast.Item    // what is no C definition and no config block, by its first piece
	starts []int               // where top-level elements begin
	open   map[int]bool        // pieces that an opening parenthesis is missing before
	close  map[int]bool        // pieces that a closing one is missing after
}

func newShape(src *source.Source, file *ast.File) *shape {
	s := &shape{
		list: cut(src), infix: map[int]bool{}, blocks: map[int]*ast.Block{}, inline: map[*ast.Block]bool{},
		items: map[int]ast.Item{}, open: map[int]bool{}, close: map[int]bool{},
	}
	s.match = match(s.list)
	for _, def := range file.CDefs {
		s.starts = append(s.starts, s.at(def.Pos))
	}
	if i := s.config(); i >= 0 {
		s.starts = append(s.starts, i)
	}
	for _, item := range file.Items {
		i := s.at(item.Range().Pos)
		s.items[i] = item
		s.starts = append(s.starts, i)
	}
	slices.Sort(s.starts)
	ast.Inspect(file, func(n source.Node) bool {
		s.note(n)
		return true
	})
	return s
}

// config is the index of the config block's first piece, -1 if there is none. No bracket comes before it.
func (s *shape) config() int {
	for i := range s.list {
		if s.list[i].kind == syntax.TokenWord && s.list[i].text == "config" {
			return i
		}
		if s.list[i].opens() {
			break
		}
	}
	return -1
}

// note takes down what a node says of its pieces.
func (s *shape) note(n source.Node) {
	switch n := n.(type) {
	case *ast.Binary:
		s.infix[s.at(n.OpPos)] = true
	case *ast.Block:
		s.blocks[s.at(n.Pos)] = n
	case *ast.If:
		s.head(n, n.Then)
	case *ast.While:
		s.head(n, n.Body)
	case *ast.Unroll:
		s.head(n, n.Body)
	case *ast.ForRange:
		s.head(n, n.Body)
	case *ast.ForMap:
		s.head(n, n.Body)
	case *ast.Ternary:
		then, ok := n.X.(*ast.BlockExpr)
		if text := s.list[s.at(n.Pos)].text; ok && (text == "if" || text == "else") {
			s.head(n, then.Body)
		}
	}
}

// head notes where parentheses are missing around what stands between the keyword that a node begins with and its block.
func (s *shape) head(n source.Node, body *ast.Block) {
	keyword := s.at(n.Range().Pos)
	if s.list[keyword].text == "else" {
		keyword = s.after(keyword + 1)
	}
	first, last := s.after(keyword+1), s.before(s.at(body.Pos))
	if first <= last && !(s.list[first].is("(") && s.match[first] == last) {
		s.open[first], s.close[last] = true, true
	}
}

// at is the index of the first piece that begins at a place or after it and is no comment.
func (s *shape) at(pos source.Pos) int {
	return s.after(sort.Search(len(s.list), func(i int) bool { return s.list[i].offset >= pos.Offset }))
}

// after is the index of the first piece from i on that is no comment.
func (s *shape) after(i int) int {
	for i < len(s.list) && s.list[i].comment() {
		i++
	}
	return i
}

// before is the index of the last piece before i that is no comment.
func (s *shape) before(i int) int {
	for i--; i > 0 && s.list[i].comment(); {
		i--
	}
	return i
}

// next is the index of the first of the top-level elements that begins after piece i.
func (s *shape) next(i int) int {
	if k := sort.SearchInts(s.starts, i+1); k < len(s.starts) {
		return s.starts[k]
	}
	return len(s.list)
}

// end is where a statement that begins at piece i ends: its semicolon, or stop.
func (s *shape) end(i, stop int) int {
	for ; i < stop; i++ {
		if s.match[i] > 0 {
			i = s.match[i]
		} else if s.list[i].is(";") {
			break
		}
	}
	return min(i, stop)
}

// inLine says whether a block stands in a line: an expression alone, or nothing, and no comment.
func (s *shape) inLine(open int) bool {
	b := s.blocks[open]
	known, done := s.inline[b]
	if done {
		return known
	}
	s.inline[b] = s.fits(b, open)
	return s.inline[b]
}

func (s *shape) fits(b *ast.Block, open int) bool {
	if len(b.Stmts) > 1 {
		return false
	}
	if len(b.Stmts) == 1 {
		if x, ok := b.Stmts[0].(*ast.ExprStmt); !ok || !x.NoSemi {
			return false
		}
	}
	for i := open + 1; i < s.match[open]; i++ {
		if s.list[i].comment() || s.blocks[i] != nil && !s.inLine(i) {
			return false
		}
	}
	return true
}
