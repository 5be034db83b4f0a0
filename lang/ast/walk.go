package ast

import (
	"github.com/gotrace/gotrace/lang/source"
)

// Inspect calls f for n and for every node below it, a node before its children, in the order of the text. It does not go below a
// node for which f returns false.
func Inspect(n source.Node, f func(source.Node) bool) {
	Walk(n, f, nil)
}

// Walk calls enter for n and every node below it, and leave (which may be nil) after a node's children. If enter
// returns false, the children are left out and leave is not called. The Then value
// of `a ?: b`, which is the same node as its condition, is visited once.
func Walk(n source.Node, enter func(source.Node) bool, leave func(source.Node)) {
	if !enter(n) {
		return
	}
	children(n, func(child source.Node) { Walk(child, enter, leave) })
	if leave != nil {
		leave(n)
	}
}

// Result is the expression that gives an expression its value: the last one of a block, in as many blocks as there are.
func Result(e Expr) Expr {
	for {
		b, ok := e.(*BlockExpr)
		if !ok || len(b.Body.Stmts) == 0 {
			return e
		}
		last, ok := b.Body.Stmts[len(b.Body.Stmts)-1].(*ExprStmt)
		if !ok || !last.NoSemi {
			return e
		}
		e = last.X
	}
}

// children calls f for the nodes right below n.
func children(n source.Node, f func(source.Node)) {
	switch n := n.(type) {
	case Item:
		itemChildren(n, f)
	case Expr:
		exprChildren(n, f)
	case Stmt:
		stmtChildren(n, f)
	case *File:
		each(n.CDefs, f)
		each(n.Config, f)
		each(n.Items, f)
	case *Setting:
		f(n.Value)
	case *TypeName:
		one(n.Of, f)
	case *FuncParam:
		f(n.Var)
		f(n.Type)
	}
}

// each calls f for the nodes of a list.
func each[N source.Node](list []N, f func(source.Node)) {
	for _, n := range list {
		f(n)
	}
}

// one calls f for an expression that may be missing.
func one(x Expr, f func(source.Node)) {
	if x != nil {
		f(x)
	}
}

// typeAnd calls f for a type and an expression, either of which may be missing.
func typeAnd(t *TypeName, x Expr, f func(source.Node)) {
	if t != nil {
		f(t)
	}
	one(x, f)
}

func itemChildren(n Item, f func(source.Node)) {
	switch n := n.(type) {
	case *Probe:
		each(n.Points, f)
		one(n.Filter, f)
		f(n.Body)
	case *Macro:
		each(n.Params, f)
		f(n.Body)
	case *Func:
		each(n.Params, f)
		f(n.Result)
		f(n.Body)
	}
}

func stmtChildren(n Stmt, f func(source.Node)) {
	switch n := n.(type) {
	case *ExprStmt:
		f(n.X)
	case *Assign:
		one(n.Target, f)
		f(n.Value)
	case *Let:
		f(n.Var)
		typeAnd(n.Type, n.Value, f)
	case *If:
		f(n.Cond)
		f(n.Then)
		if n.Else != nil {
			f(n.Else)
		}
	case *While:
		f(n.Cond)
		f(n.Body)
	case *ForRange:
		f(n.Var)
		f(n.Start)
		f(n.End)
		f(n.Body)
	case *ForMap:
		f(n.Var)
		f(n.Map)
		f(n.Body)
	case *Unroll:
		f(n.Count)
		f(n.Body)
	case *Return:
		one(n.Value, f)
	case *Block:
		each(n.Stmts, f)
	}
}

func exprChildren(n Expr, f func(source.Node)) {
	switch n := n.(type) {
	case *MapRef:
		each(n.Keys, f)
	case *Unary:
		f(n.X)
	case *IncDec:
		f(n.Target)
	case *Binary:
		f(n.X)
		f(n.Y)
	case *Ternary:
		f(n.Cond)
		if n.X != n.Cond {
			f(n.X)
		}
		f(n.Y)
	case *Cast:
		f(n.Type)
		f(n.X)
	case *FieldExpr:
		f(n.X)
	case *TupleIndex:
		f(n.X)
	case *Index:
		f(n.X)
		f(n.I)
	case *Call:
		each(n.Args, f)
	case *TupleExpr:
		each(n.Elems, f)
	case *RecordExpr:
		each(n.Elems, f)
	case *Sizeof:
		typeAnd(n.Type, n.X, f)
	case *Offsetof:
		typeAnd(n.Type, n.X, f)
	case *Typeinfo:
		typeAnd(n.Type, n.X, f)
	case *TypeExpr:
		f(n.Type)
	case *Comptime:
		f(n.X)
	case *BlockExpr:
		f(n.Body)
	}
}
