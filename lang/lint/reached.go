package lint

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
)

// reached warns of the first statement of a block that comes after one behind which nothing runs.
func (l *linter) reached(item ast.Item) {
	ast.Inspect(item, func(n source.Node) bool {
		b, ok := n.(*ast.Block)
		if !ok {
			return true
		}
		for i, s := range b.Stmts[:max(len(b.Stmts)-1, 0)] {
			if by := leaves(s); by != "" {
				l.warn(source.Warningf(b.Stmts[i+1], "unreachable", "this is never reached: %s comes before it", by))
				break
			}
		}
		return true
	})
}

// leaves says what it is in a statement behind which nothing runs, "" if something does.
func leaves(s ast.Stmt) string {
	switch s := s.(type) {
	case *ast.Branch:
		return s.Keyword
	case *ast.Return:
		return "return"
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.Call); ok {
			if b := builtin.Find(call.Name); b != nil && b.Leaves() {
				return call.Name + "()"
			}
		}
	case *ast.Block:
		for _, inner := range s.Stmts {
			if by := leaves(inner); by != "" {
				return by
			}
		}
	case *ast.If:
		if s.Else != nil {
			if by := leaves(s.Then); by != "" && leaves(s.Else) != "" {
				return by
			}
		}
	}
	return ""
}
