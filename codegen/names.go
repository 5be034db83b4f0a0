package codegen

import (
	"cmp"
	"strconv"

	"github.com/gotrace/gotrace/lang/ast"
)

// fieldNames are the names by which Go programs know the arguments of an event: what an argument is made of, or else its place.
func fieldNames(args []ast.Expr) []string {
	out, used := make([]string, len(args)), map[string]bool{}
	for i, e := range args {
		name := nameOf(e)
		if name == "" || used[name] {
			name = "arg" + strconv.Itoa(i)
		}
		used[name] = true
		out[i] = name
	}
	return out
}

// nameOf is the name of the builtin, the variable, the map or the member that an expression reads, or of the function that it calls; ""
// if it is made of several.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.Var:
		return e.Name
	case *ast.MapRef:
		return e.Name
	case *ast.FieldExpr:
		return e.Name
	case *ast.Cast:
		return nameOf(e.X)
	case *ast.Unary:
		return nameOf(e.X)
	case *ast.Call:
		if len(e.Args) > 0 {
			return cmp.Or(nameOf(e.Args[0]), e.Name)
		}
		return e.Name
	}
	return ""
}
