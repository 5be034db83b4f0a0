package codegen

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/pass"
	"github.com/gotrace/gotrace/internal/scripts"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

// TestTable compiles every script of the table for an old and a new kernel, with the IR verified after lowering and after each pass.
func TestTable(t *testing.T) {
	cases, err := scripts.All()
	if err != nil {
		t.Fatal(err)
	}
	compiled := 0
	for _, c := range cases {
		if c.Exit == 1 || c.UnitSkip != "" || c.NotYet != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			for _, version := range []uint32{5<<16 | 17<<8, 6<<16 | 1<<8, 6<<16 | 12<<8} {
				env := langtest.New()
				env.KernelInfo.Version = version
				compileCase(t, c, env)
			}
			compiled++
		})
	}
	if compiled < 300 {
		t.Errorf("%d scripts were compiled", compiled)
	}
}

// unknown finds messages that say that the made-up machine has less than a real one.
var unknown = regexp.MustCompile(`ERROR: .*(does not exist|has no field|are not known here)`)

func compileCase(t *testing.T, c *scripts.Case, env lang.Env) {
	t.Helper()
	src := &source.Source{Name: c.File, Text: []byte(strings.ReplaceAll(c.Script, "%WORKLOAD%", "/bin/true"))}
	params := c.Args
	if len(params) > 0 && params[0] == "--" {
		params = params[1:] // the command's own
	}
	opts := &lang.Options{Params: params, ChildPID: 4242, Unsafe: true}
	file, diags := lang.Parse(src, opts)
	var checked *lang.Checked
	if !diags.HasErrors() {
		checked, diags = lang.Check(file, src, env, opts)
	}
	if diags.HasErrors() {
		var b strings.Builder
		diags.Write(&b, src, false)
		if m := unknown.FindString(b.String()); m != "" {
			t.Skipf("SKIPPED: the made-up machine cannot compile this: %s", m)
		}
		t.Fatalf("%s:%d: %s", c.File, c.Line, b.String())
	}
	_, err := Compile(checked, env, &Options{
		Dump: func(stage string, text fmt.Stringer) {
			p := text.(*ir.Program)
			if err := ir.Verify(p); err != nil {
				t.Errorf("%s:%d: after %s: %v\n%s", c.File, c.Line, stage, err, p)
			}
			if stage == "optimise" {
				checkAllocations(t, c, p)
			}
		},
		Check: func(pass string, f *ir.Func) error {
			if err := ir.VerifyFunc(f); err != nil {
				return fmt.Errorf("%w in\n%s", err, f)
			}
			return nil
		},
	})
	if err != nil {
		t.Errorf("%s:%d: %v", c.File, c.Line, err)
	}
}

// checkAllocations gives places to the values of a program and follows them.
func checkAllocations(t *testing.T, c *scripts.Case, p *ir.Program) {
	t.Helper()
	for _, f := range p.Funcs {
		a, err := pass.Allocate(f)
		if err == nil {
			err = a.Check()
		}
		if err != nil {
			t.Errorf("%s:%d: %s: %v\n%s", c.File, c.Line, f.Name, err, f)
		}
	}
}
