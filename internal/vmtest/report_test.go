package vmtest

import (
	"reflect"
	"testing"
)

func TestParseResults(t *testing.T) {
	out := `=== RUN   TestA
=== RUN   TestA/one
=== RUN   TestA/two
    x_test.go:9: bad thing
        more of it
--- FAIL: TestA (0.10s)
    --- PASS: TestA/one (0.00s)
    --- FAIL: TestA/two (0.00s)
=== RUN   TestB
    x_test.go:5: SKIPPED: not here
--- SKIP: TestB (0.00s)
FAIL
`
	want := []TestResult{
		{Name: "TestA", Outcome: "FAIL"},
		{Name: "TestA/one", Outcome: "PASS"},
		{Name: "TestA/two", Outcome: "FAIL", Output: "    x_test.go:9: bad thing\n        more of it\n"},
		{Name: "TestB", Outcome: "SKIP", Output: "    x_test.go:5: SKIPPED: not here\nFAIL\n\n"},
	}
	if got := ParseResults(out); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
