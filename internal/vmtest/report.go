package vmtest

import (
	"regexp"
	"strings"
)

// TestResult is one line of a test binary's -test.v output: a test or subtest that ended.
type TestResult struct {
	Name    string
	Outcome string // PASS, FAIL or SKIP
	Output  string // what belongs to it, for failures and skips
}

var resultLine = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+) \([0-9.]+s\)$`)

// ParseResults reads the output of a test binary run with -test.v. The messages of a test are the lines
// between its `=== RUN` or `=== NAME` line and the next such line, or those indented below its result.
func ParseResults(out string) []TestResult {
	var results []TestResult
	logs := map[string]*strings.Builder{}
	current := ""
	for _, line := range strings.Split(out, "\n") {
		if name, ok := markedTest(line); ok {
			current = name
			continue
		}
		if m := resultLine.FindStringSubmatch(line); m != nil {
			results = append(results, TestResult{Name: m[2], Outcome: m[1]})
			current = m[2]
			continue
		}
		if logs[current] == nil {
			logs[current] = &strings.Builder{}
		}
		logs[current].WriteString(line + "\n")
	}
	for i := range results {
		if b := logs[results[i].Name]; b != nil && results[i].Outcome != "PASS" {
			results[i].Output = b.String()
		}
	}
	return results
}

// markedTest returns the test that a `===` line says the following lines are of.
func markedTest(line string) (string, bool) {
	for _, mark := range []string{"=== RUN ", "=== NAME ", "=== CONT ", "=== PAUSE "} {
		if name, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(name), true
		}
	}
	return "", false
}
