package check

import (
	"testing"

	"github.com/gotrace/gotrace/lang/builtin"
)

// TestBuiltins finds builtins that the checker does not know, and entries of its tables that are no builtins.
func TestBuiltins(t *testing.T) {
	for _, b := range builtin.Table {
		if !b.There() {
			continue
		}
		if b.Variable && b.Type == nil && resultTypes[b.Name] == nil {
			t.Errorf("nothing gives the type of %s", b.Name)
		}
		if b.Variable && (b.Stable == builtin.Constant) != (constants[b.Name] != nil) {
			t.Errorf("%s has a value at compile time, or has it not?", b.Name)
		}
		if b.Function && !b.Keyword && results[b.Name] == nil {
			t.Errorf("nothing checks %s()", b.Name)
		}
	}
	for name := range resultTypes {
		if b := builtin.Find(name); !b.There() || !b.Variable {
			t.Errorf("%s is no builtin variable", name)
		}
	}
	for name := range results {
		if b := builtin.Find(name); !b.There() || !b.Function {
			t.Errorf("%s is no builtin function", name)
		}
	}
}
