package codegen

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// TestBuiltins finds builtins that are not lowered, and entries of the tables of lowering that are no builtins.
func TestBuiltins(t *testing.T) {
	variables, calls := map[string]bool{"argN": true, "sargN": true}, map[string]bool{}
	for _, group := range variableGroups {
		for name := range group {
			variables[name] = true
		}
	}
	for _, group := range callGroups {
		for name := range group {
			calls[name] = true
		}
	}
	for _, b := range builtin.Table {
		constant := b.Stable == builtin.Constant
		if b.There() && b.Variable && !variables[b.Name] && !constant {
			t.Errorf("nothing lowers %s", b.Name)
		}
		if b.There() && b.Function && !b.Keyword && !b.Aggregate && !calls[b.Name] && !constant {
			t.Errorf("nothing lowers %s()", b.Name)
		}
		if (!b.There() || !b.Variable) && variables[b.Name] || (!b.There() || !b.Function) && calls[b.Name] {
			t.Errorf("%s is lowered, but is no such builtin", b.Name)
		}
		delete(variables, b.Name)
		delete(calls, b.Name)
	}
	for name := range variables {
		t.Errorf("%s is lowered, but is no builtin", name)
	}
	for name := range calls {
		t.Errorf("%s() is lowered, but is no builtin", name)
	}
	for _, c := range builtin.Clocks {
		if clocks[c.Name] == nil {
			t.Errorf("nothing lowers nsecs(%s)", c.Name)
		}
	}
	if len(clocks) != len(builtin.Clocks) {
		t.Errorf("%d clocks are lowered, of %d", len(clocks), len(builtin.Clocks))
	}
}

// TestExamples compiles the examples of both tables. The type of a builtin must be the one that its row tells.
func TestExamples(t *testing.T) {
	for _, b := range builtin.Table {
		if !b.There() {
			continue
		}
		t.Run(b.Name, func(t *testing.T) { exampleTypes(t, compileExample(t, b.Example), b) })
	}
	for _, k := range builtin.ProbeKinds {
		if !k.There() {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			c := compileExample(t, k.Example)
			if got := c.Progs[0].Kind; got != k {
				t.Errorf("the example is of a %s", got.Name)
			}
		})
	}
}

// exampleTypes compares the type of a builtin in its example with its row.
func exampleTypes(t *testing.T, c *lang.Checked, b *builtin.Builtin) {
	t.Helper()
	for _, p := range c.Progs {
		for e, got := range p.Types {
			name := ""
			switch e := e.(type) {
			case *ast.Ident:
				name = e.Name
			case *ast.Call:
				name = e.Name
			}
			if b.Type != nil && builtin.Find(name) == b && !types.SameType(got, b.Type) {
				t.Errorf("%s is a %s, its row says %s", name, got, b.Type)
			}
		}
	}
}

// compileExample compiles a script without warnings.
func compileExample(t *testing.T, script string) *lang.Checked {
	t.Helper()
	env := langtest.New()
	src := &source.Source{Name: "example", Text: []byte(script)}
	opts := &lang.Options{ChildPID: 4242, Unsafe: true}
	file, diags := lang.Parse(src, opts)
	var c *lang.Checked
	if !diags.HasErrors() {
		c, diags = lang.Check(file, src, env, opts)
	}
	if diags.HasErrors() {
		var b strings.Builder
		diags.Write(&b, src, false)
		t.Fatal(b.String())
	}
	if _, err := Compile(c, env, nil); err != nil {
		t.Fatal(err)
	}
	return c
}
