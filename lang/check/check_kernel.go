package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// pointsInto is kptr() or uptr(): the pointer, in that address space. A number stays one; it is told by its value where it points.
func pointsInto(space types.AddrSpace) func(c *checker, e *ast.Call) types.Type {
	return func(c *checker, e *ast.Call) types.Type {
		switch t := types.Value(c.value(e.Args[0])).(type) {
		case nil:
			return nil
		case types.Int:
			return t
		case types.Pointer:
			t.Space = space
			return t
		default:
			c.report(errArgType(e.Args[0], e.Name, "a pointer", t))
			return nil
		}
	}
}
