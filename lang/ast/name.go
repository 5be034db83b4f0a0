package ast

import "cmp"

// NameOf is the name of the builtin, the variable, the map or the member that an expression reads, or of the function that it calls; ""
// if it is made of several.
func NameOf(e Expr) string {
	switch e := e.(type) {
	case *Ident:
		return e.Name
	case *Var:
		return e.Name
	case *MapRef:
		return e.Name
	case *FieldExpr:
		return e.Name
	case *Cast:
		return NameOf(e.X)
	case *Unary:
		return NameOf(e.X)
	case *Call:
		if len(e.Args) > 0 {
			return cmp.Or(NameOf(e.Args[0]), e.Name)
		}
		return e.Name
	}
	return ""
}
