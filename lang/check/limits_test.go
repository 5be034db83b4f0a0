package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
	"github.com/gotrace/gotrace/lang/types"
)

// asked is a fake kernel that counts the questions which cost a search through all of a real one's names.
type asked struct {
	check.Env
	resolved, near, consts int
}

func (a *asked) Resolve(ap *ast.AttachPoint) ([]check.Target, error) {
	a.resolved++
	return a.Env.Resolve(ap)
}

func (a *asked) Near(kind, name string) []string {
	a.near++
	return a.Env.Near(kind, name)
}

func (a *asked) EnumConst(name string) (types.Int, int64, bool) {
	a.consts++
	return a.Env.EnumConst(name)
}

// TestManyMistakes holds that the number of searches does not grow with the number of mistakes.
func TestManyMistakes(t *testing.T) {
	const n = 2000
	for _, test := range []struct {
		statement, probe string
		hints            int // among the messages
	}{
		{statement: "print(pif%d);"},
		{statement: "print($count%d);", hints: 10},
		{statement: "@total%d = 1; print(@total%dx);", hints: 10},
		{statement: "prinf%d();"},
		{statement: "print(sizeof(struct task_struc%d));", hints: 10},
		{statement: "print(((struct task_struct *)1)->pid%d);", hints: 10},
		{probe: "kprobe:vfs_rea%d { }\n", hints: 10},
		{probe: "tracepoint:syscalls:sys_enter_opena%d { }\n"},
	} {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(test.probe, "%d", fmt.Sprint(i)))
		}
		b.WriteString("BEGIN { $count = 1; print($count);\n")
		for i := range n {
			b.WriteString(strings.ReplaceAll(test.statement, "%d", fmt.Sprint(i)) + "\n")
		}
		b.WriteString("}\n")
		src := &source.Source{Name: "test", Text: []byte(b.String())}
		file, diags := syntax.Parse(src, nil)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		env := &asked{Env: langtest.New()}
		_, diags = check.Check(file, src, env, nil)
		what := test.statement + test.probe
		if want := n; test.probe == "" && len(diags) != want {
			t.Errorf("%s: %d messages, want %d", what, len(diags), want)
		}
		hints := 0
		for _, d := range diags {
			if strings.HasPrefix(d.Hint, "did you mean") {
				hints++
			}
		}
		if hints > 10 || hints < test.hints {
			t.Errorf("%s: %d hints, want %d", what, hints, test.hints)
		}
		if env.near > 10 || env.consts > 500 || env.resolved > 20 {
			t.Errorf("%s: %d searches for near names, %d for constants, %d for probes", what, env.near, env.consts, env.resolved)
		}
	}
}
