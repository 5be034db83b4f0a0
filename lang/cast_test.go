package lang

import (
	"strings"
	"testing"
)

// TestParenthesesNoCast has every builtin variable in parentheses before what could begin an operand: none is a type.
func TestParenthesesNoCast(t *testing.T) {
	names := []string{"arg0", "arg12", "sarg0", "ppid", "true", "false"}
	for _, b := range Builtins {
		if b.Variable {
			names = append(names, strings.Replace(b.Name, "N", "0", 1))
		}
	}
	for _, n := range names {
		for _, op := range []string{"-", "*", "&"} {
			src := &Source{Name: "test", Text: []byte("begin { print((" + n + ") " + op + " 1); }")}
			file, diags := parseText(src, nil)
			if diags.HasErrors() {
				t.Errorf("(%s) %s 1: %v", n, op, diags)
				continue
			}
			arg := file.Items[0].(*Probe).Body.Stmts[0].(*ExprStmt).X.(*Call).Args[0]
			if b, ok := arg.(*Binary); !ok || b.Op != op {
				t.Errorf("(%s) %s 1 is a %T", n, op, arg)
			}
		}
	}
}
