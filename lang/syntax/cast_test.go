package syntax

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
)

// TestParenthesesNoCast has every builtin variable in parentheses before what could begin an operand: none is a type.
func TestParenthesesNoCast(t *testing.T) {
	names := []string{"arg0", "arg12", "sarg0", "ppid", "true", "false"}
	for _, b := range builtin.Table {
		if b.Variable {
			names = append(names, strings.Replace(b.Name, "N", "0", 1))
		}
	}
	for _, n := range names {
		for _, op := range []string{"-", "*", "&"} {
			src := &source.Source{Name: "test", Text: []byte("begin { print((" + n + ") " + op + " 1); }")}
			file, diags := Parse(src, nil)
			if diags.HasErrors() {
				t.Errorf("(%s) %s 1: %v", n, op, diags)
				continue
			}
			arg := file.Items[0].(*ast.Probe).Body.Stmts[0].(*ast.ExprStmt).X.(*ast.Call).Args[0]
			if b, ok := arg.(*ast.Binary); !ok || b.Op != op {
				t.Errorf("(%s) %s 1 is a %T", n, op, arg)
			}
		}
	}
}
