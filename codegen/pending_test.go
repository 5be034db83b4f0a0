package codegen

import (
	"fmt"
	"testing"

	"github.com/gotrace/gotrace/lang/langtest"
)

// TestTooManyBranches has scripts on both sides of what the verifier follows. The place is that of the first statement beyond.
func TestTooManyBranches(t *testing.T) {
	tests := []struct {
		name string
		n    int
		stmt func(i int) string
		line int // 0: it can be loaded
	}{
		{"assignments", 10_000, func(i int) string { return fmt.Sprintf("@a[%d] = 1;", i) }, 0},
		{"unrolled", 1, func(int) string { return "unroll(90) { unroll(100) { @a[$i++] = 1; } }" }, 0},
		{"counts", 10_000, func(i int) string { return fmt.Sprintf("@a[%d]++;", i) }, 0},
		{"conditions", 9_000, func(i int) string { return fmt.Sprintf("if (pid == %d) { @a = 1; }", i) }, 8194},
		{"each leaves", 9_000, func(i int) string { return fmt.Sprintf("if (pid == %d) { return; } @a++;", i) }, 8194},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := langtest.New()
			bp, err := Compile(checkedFor(t, "BEGIN { $i = 0;\n"+many(tt.n, tt.stmt)+"}", env), env, nil) // no check of the IR: it takes minutes
			if err != nil {
				t.Fatal(err)
			}
			pos, ok := bp.Programs[0].TooManyBranches()
			if ok != (tt.line > 0) || ok && pos.Line != tt.line {
				t.Errorf("too many: %v, at line %d; want line %d", ok, pos.Line, tt.line)
			}
		})
	}
}
