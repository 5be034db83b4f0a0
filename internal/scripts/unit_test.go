package scripts

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// TestParses parses every script that is not there to show a mistake.
func TestParses(t *testing.T) {
	for _, c := range table(t) {
		if c.Exit == 1 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			src := &source.Source{Name: "stdin", Text: []byte(strings.ReplaceAll(c.Script, "%WORKLOAD%", "/bin/true"))}
			if _, ds := lang.Parse(src, &lang.Options{Params: c.Args}); ds.HasErrors() {
				var b strings.Builder
				ds.Write(&b, src, false)
				t.Errorf("%s:%d: %s", c.File, c.Line, b.String())
			}
		})
	}
}

// TestBuiltinsHaveScripts finds builtins and kinds of probes that no script of the table uses.
func TestBuiltinsHaveScripts(t *testing.T) {
	used := map[string]bool{}
	for _, c := range table(t) {
		if c.NotYet != "" {
			continue
		}
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(c.Script, -1) {
			used[word] = true
		}
	}
	for _, b := range builtin.Table {
		if b.There() && !used[strings.Replace(b.Name, "N", "0", 1)] {
			t.Errorf("no script uses %s", b.Name)
		}
	}
	for _, k := range builtin.KindsWith(builtin.Anything) {
		if !slices.ContainsFunc(append(k.Aliases, k.Name), func(n string) bool { return used[n] }) {
			t.Errorf("no script has a %s probe", k.Name)
		}
	}
}

// forms are how a script uses builtins: "pid" as a variable, "pid/0" and "pid/1" called with so many arguments, "nsecs(tai)" with a name.
func forms(t *testing.T, c *Case) map[string]bool {
	src := &source.Source{Name: "stdin", Text: []byte(strings.ReplaceAll(c.Script, "%WORKLOAD%", "/bin/true"))}
	file, ds := lang.Parse(src, &lang.Options{Params: c.Args})
	if ds.HasErrors() {
		t.Errorf("%s:%d: %v", c.File, c.Line, ds)
	}
	used := map[string]bool{}
	ast.Inspect(file, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if b := builtin.Find(builtin.Plain(n.Name)); b != nil {
				used[b.Name] = true
			}
		case *ast.Call:
			name := builtin.Plain(n.Name)
			used[fmt.Sprintf("%s/%d", name, len(n.Args))] = true
			for _, arg := range n.Args {
				if id, ok := arg.(*ast.Ident); ok {
					used[name+"("+id.Name+")"] = true
				}
			}
		}
		return true
	})
	return used
}

// TestBuiltinFormsHaveScripts finds ways to use a builtin of which no script of the table shows what it gives: as a variable, called without
// arguments, with as many as it takes, with each clock, namespace and form of a stack.
func TestBuiltinFormsHaveScripts(t *testing.T) {
	used := map[string]bool{}
	for _, c := range table(t) {
		if c.NotYet == "" && c.Exit != 1 {
			maps.Copy(used, forms(t, c))
		}
	}
	var want []string
	for _, b := range builtin.Table {
		if !b.There() || b.Keyword {
			continue
		}
		if b.Variable {
			want = append(want, b.Name)
		}
		most := b.Max
		switch {
		case !b.Function:
			continue
		case most < 0:
			most = b.Min + 2
		}
		for n := b.Min; n <= most; n++ {
			want = append(want, fmt.Sprintf("%s/%d", b.Name, n))
		}
	}
	for _, clock := range builtin.ClockNames() {
		want = append(want, "nsecs("+clock+")")
	}
	for _, name := range []string{"pid", "tid"} {
		want = append(want, name+"(curr_ns)", name+"(init)")
	}
	for _, mode := range types.StackModes {
		want = append(want, "ustack("+mode+")", "dw_ustack("+mode+")")
		if mode != "build_id" {
			want = append(want, "kstack("+mode+")")
		}
	}
	for _, form := range want {
		if !used[form] {
			t.Errorf("no script of the table shows what %s gives", form)
		}
	}
}
