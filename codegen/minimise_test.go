package codegen

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// attempt is a testing.TB that notes a failure rather than failing the test.
type attempt struct {
	testing.TB
	text    string
	cleanup []func()
}

// try runs f and returns the message of its failure, "" if there is none.
func try(t testing.TB, f func(testing.TB)) string {
	a := &attempt{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, f := range slices.Backward(a.cleanup) {
				f()
			}
		}()
		defer func() {
			if p := recover(); p != nil && p != any(a) {
				a.text = fmt.Sprint(p)
			}
		}()
		f(a)
	}()
	<-done
	return a.text
}

func (a *attempt) Helper()                      {}
func (a *attempt) Cleanup(f func())             { a.cleanup = append(a.cleanup, f) }
func (a *attempt) Error(args ...any)            { a.text = fmt.Sprint(args...) }
func (a *attempt) Errorf(f string, args ...any) { a.text = fmt.Sprintf(f, args...) }
func (a *attempt) Fatal(args ...any)            { a.Error(args...); panic(a) }
func (a *attempt) Fatalf(f string, args ...any) { a.Errorf(f, args...); panic(a) }

// minimise removes lines of a script as long as bad stays true.
func minimise(script string, bad func(string) bool) string {
	lines := strings.SplitAfter(strings.TrimSuffix(script, "\n"), "\n")
	for changed := true; changed; {
		changed = false
		for n := min(16, len(lines)); n > 0; n-- {
			for i := 0; i+n <= len(lines); i++ {
				shorter := slices.Concat(lines[:i], lines[i+n:])
				if bad(strings.Join(shorter, "")) {
					lines, changed = shorter, true
					i--
				}
			}
		}
	}
	return strings.Join(lines, "")
}
