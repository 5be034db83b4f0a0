package source

import (
	"fmt"
	"slices"
	"strings"
)

// WarningCodes are the codes of all warnings about scripts, with what each is about.
var WarningCodes = []struct{ Code, About string }{
	{"buffer-cut", "buf() takes less than it is asked for"},
	{"constant-filter", "a filter that is always true or always false"},
	{"deprecated", "a spelling that newer versions of bpftrace may not have"},
	{"missing-parameter", "a positional parameter that is not given, in a script that does not look at `$#`"},
	{"missing-probe", "a probe that does not exist, with missing_probes = warn"},
	{"never-assigned", "a variable that is declared, and nothing is assigned to it"},
	{"no-command", "cpid without a command"},
	{"outside-block", "a variable that is used outside of the block that assigns it"},
	{"pointer-printed", "%s for a pointer to a string"},
	{"print-in-loop", "a map that is printed in a loop"},
	{"probe-note", "what is to be known of a probe"},
	{"string-cut", "str() takes less than the text it is given"},
	{"string-length", "a comparison with a string that is never that long"},
	{"unassigned", "a variable that is used before something is assigned to it"},
	{"undefined-map", "a map that is read and never assigned"},
	{"unreachable", "a statement that nothing reaches"},
	{"unused-function", "a function that nothing calls"},
	{"unused-map", "a map that is declared and never used"},
	{"unused-value", "an expression without effect as a statement"},
	{"unused-variable", "a variable that is assigned and never used"},
}

// ParseWarningCodes reads the codes of warnings, with commas between them.
func ParseWarningCodes(list string) ([]string, error) {
	var known, codes []string
	for _, w := range WarningCodes {
		known = append(known, w.Code)
	}
	for _, code := range strings.Split(list, ",") {
		code = strings.TrimSpace(code)
		if !slices.Contains(known, code) {
			err := fmt.Errorf("there is no warning %q", CutText(code))
			if near := Nearest(code, known); len(near) > 0 {
				err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, ", "))
			}
			return nil, err
		}
		codes = append(codes, code)
	}
	return codes, nil
}

// Without leaves out the warnings with some codes.
func (ds Diagnostics) Without(codes []string) Diagnostics {
	return slices.DeleteFunc(ds, func(d Diagnostic) bool { return d.Severity == SevWarning && slices.Contains(codes, d.Code) })
}
