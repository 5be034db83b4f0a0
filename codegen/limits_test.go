package codegen

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/langtest"
)

// compileError is what Compile says of a script that the checker accepts.
func compileError(t *testing.T, script string) error {
	t.Helper()
	env := langtest.New()
	env.KernelInfo.Version = 6<<16 | 1<<8 // from 6.6 on long jumps have instructions of their own
	_, err := Compile(checkedFor(t, script, env), env, nil)
	return err
}

// alive are statements that keep n variables at a time.
func alive(name string, n int) string {
	var set, use strings.Builder
	for i := range n {
		fmt.Fprintf(&set, "$%s%d = nsecs; ", name, i)
		fmt.Fprintf(&use, "@%s%d = $%s%d; ", name, i, name, i)
	}
	return set.String() + use.String()
}

// TestLimits has scripts that need more than the kernel gives: each must be refused at its probe, not by the verifier.
func TestLimits(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"frame", "BEGIN { " + alive("v", 80) + "@x = " + nested("v", 80) + "; }", "bytes of stack, the kernel gives 512"},
		{"loops", "BEGIN { " + strings.Repeat("for ($i : 0..3) { @x += $i; } ", 256) + "}", "this is one loop too many: a probe has up to 255"},
		{"maps", "BEGIN { " + many(65, func(i int) string { return fmt.Sprintf("@m%d[pid] = 1; @n%d = 1;", i, i) }) + "}", "@m61 is one map too many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := compileError(t, tt.script)
			var limit *Error
			if !errors.As(err, &limit) || !strings.Contains(limit.Message, tt.want) || limit.Span.Pos.Line == 0 {
				t.Errorf("error %v, want an *Error with %q", err, tt.want)
			} else {
				t.Log(err)
			}
		})
	}
}

// nested is an expression of which all n variables must be known before the first operation can be done.
func nested(name string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "$%s%d * (", name, i)
	}
	return b.String() + "1" + strings.Repeat(" + 1)", n)
}

// TestThrift has scripts that need more stack than the kernel gives as long as it is used for speed, and are made more sparingly then.
func TestThrift(t *testing.T) {
	for _, script := range []string{
		"BEGIN { " + alive("v", 80) + "}",
		"BEGIN { " + alive("v", 3000) + "}",
		"BEGIN { for ($i : 0..pid) { " + alive("v", 45) + " for ($j : 0..pid) { " + alive("w", 45) + "} } }",
	} {
		if err := compileError(t, script); err != nil {
			t.Errorf("%.60s…: %v", script, err)
		}
	}
}

// TestFar has memory that lies further from its base than an instruction's 16 bits say.
func TestFar(t *testing.T) {
	for _, script := range []string{
		`BEGIN { $x = "` + strings.Repeat("a", 60000) + `"; printf("%s", $x); }`,
		`BEGIN { printf("%s %s %d", "` + strings.Repeat("a", 40000) + `", "b", pid); }`,
	} {
		if err := compileError(t, script); err != nil {
			t.Error(err)
		}
	}
}

// TestManyCPUs compiles scripts for a machine with 256 CPUs: memory for each of them is within what the kernel gives, or the script is
// refused at its probe.
func TestManyCPUs(t *testing.T) {
	small := "uprobe:/bin/bash:readline { @[str(arg0), comm] = count(); @h[pid] = hist(arg0); $a = str(arg0); printf(\"%s\", $a); }"
	large := "config = { max_strlen = 16384 } " + strings.ReplaceAll(small, "printf", "$b = str(arg1); $c = str(arg2); printf")
	for _, tt := range []struct {
		name, script string
		version      uint32
		want         string
	}{
		{"small", small, 6<<16 | 12<<8, ""},
		{"large", large, 6<<16 | 12<<8, ""},
		{"small on 5.15", small, 5<<16 | 15<<8, ""},
		{"large on 5.15", large, 5<<16 | 15<<8, "bytes of memory for all of the 256 possible CPUs, the kernel gives 4194304"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := langtest.New()
			env.KernelInfo.Version, env.KernelInfo.PossibleCPUs = tt.version, 256
			bp, err := Compile(checkedFor(t, tt.script, env), env, nil)
			var limit *Error
			switch {
			case tt.want != "":
				if !errors.As(err, &limit) || !strings.Contains(limit.Message, tt.want) || limit.Span.Pos.Line == 0 {
					t.Errorf("error %v, want an *Error with %q", err, tt.want)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			for _, m := range bp.Maps {
				if strings.HasPrefix(m.Name, layout.MapScratch) && m.ValueSize > scratchEnough {
					t.Errorf("%s has %d bytes", m.Name, m.ValueSize)
				}
			}
		})
	}
}
