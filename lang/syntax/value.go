package syntax

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// markValues leaves NoSemi at those statements that are the value of a block. At the end of any other block a
// semicolon more or less means nothing.
func markValues(f *ast.File) {
	ast.Inspect(f, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Probe:
			markBlock(n.Body, false)
		case *ast.Macro:
			markBlock(n.Body, true)
		case *ast.Func:
			markBlock(n.Body, true)
		case *ast.BlockExpr:
			markBlock(n.Body, true)
		}
		return true
	})
}

// markBlock goes through the statements of a block; valued says whether the last one is the block's value.
func markBlock(b *ast.Block, valued bool) {
	if b == nil {
		return
	}
	for i, s := range b.Stmts {
		markStmt(s, valued && i == len(b.Stmts)-1)
	}
}

func markStmt(s ast.Stmt, valued bool) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		s.NoSemi = s.NoSemi && valued
	case *ast.Block:
		markBlock(s, valued)
	case *ast.If:
		markBlock(s.Then, valued)
		if s.Else != nil {
			markStmt(s.Else, valued)
		}
	case *ast.While:
		markBlock(s.Body, false)
	case *ast.ForRange:
		markBlock(s.Body, false)
	case *ast.ForMap:
		markBlock(s.Body, false)
	case *ast.Unroll:
		markBlock(s.Body, false)
	}
}
