package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/imports"
	"github.com/gotrace/gotrace/lang/source"
)

// Without its types, (name) - 1 is a cast of -1 as well as a difference. The parser takes it for a cast unless the script itself says that the
// name is a value's. Where it turns out that a constant of the kernel or of a header has the name, the script is parsed again.

// reparse parses the script again if names of constants were taken for types.
func (c *checker) reparse() {
	if c.out.Source == nil {
		return
	}
	values := map[string]bool{}
	ast.Inspect(c.file, func(n source.Node) bool {
		if cast, ok := n.(*ast.Cast); ok && couldBeOperand(cast.X) && !values[cast.Type.Name] && c.isConstName(cast.Type) && !c.isTypeName(cast.Type.Name) {
			values[cast.Type.Name] = true
		}
		return true
	})
	if len(values) == 0 {
		return
	}
	if file, diags := imports.Parse(c.out.Source, &imports.Options{Params: c.opts.Params, Values: values, Files: c.opts.Imports}); len(diags) == 0 {
		c.file, c.out.File = file, file
	}
}

// couldBeOperand says whether what a cast applies to begins with an operator that is also one of two operands.
func couldBeOperand(x ast.Expr) bool {
	u, ok := x.(*ast.Unary)
	return ok && (u.Op == "-" || u.Op == "*" || u.Op == "&")
}

// isTypeName says whether there is a type that the script can write without a keyword.
func (c *checker) isTypeName(name string) bool {
	for _, keyword := range []string{"", "struct", "union", "enum"} {
		if _, ok := c.typeOf(keyword, name); ok {
			return true
		}
	}
	return false
}
