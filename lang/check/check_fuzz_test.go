package check_test

import (
	"testing"

	"github.com/gotrace/gotrace/lang/check"
)

// FuzzCheck feeds the checker anything that parses: it must not panic, must find the same mistakes each
// time, and must give every expression of a script without mistakes a type.
func FuzzCheck(f *testing.F) {
	for _, s := range rightScripts {
		f.Add(s)
	}
	for _, w := range wrongScripts {
		f.Add(w.script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		opts := &check.Options{Params: []string{"7", "hello"}, ChildPID: 42}
		c, diags := checkText(t, script, opts)
		_, again := checkText(t, script, opts)
		if len(diags) != len(again) {
			t.Fatalf("%d messages, then %d", len(diags), len(again))
		}
		for i := range diags {
			if diags[i] != again[i] {
				t.Fatalf("%v, then %v", diags[i], again[i])
			}
		}
		if !diags.HasErrors() {
			requireTypes(t, script, c)
		}
	})
}
