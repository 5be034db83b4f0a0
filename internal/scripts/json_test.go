package scripts

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// outputSchema says what a line of -f json is. The test machines have it at the same place.
const outputSchema = "../../docs/output.schema.json"

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(outputSchema)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validLine checks a line of -f json: it is one object as the schema has it, and names no member twice.
func validLine(schema *jsonschema.Schema, line string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return errors.New("not what the schema allows") // the reasons, one for each type, are pages long
	}
	return nil
}

// The schema refuses what is no line of gotrace: without that, no test below could fail.
func TestSchema(t *testing.T) {
	schema := compileSchema(t)
	for line, want := range map[string]bool{
		`{"type": "printf", "data": "x"}`:                                      true,
		`{"type": "printf", "data": 1}`:                                        false,
		`{"type": "printf"}`:                                                   false,
		`{"type": "printf", "data": "x", "more": 1}`:                           false,
		`{"type": "nothing", "data": "x"}`:                                     false,
		`{"type": "map", "data": {"@x": {"1": [1, "a", {"b": null}]}}}`:        true,
		`{"type": "map", "data": {"x": 1}}`:                                    false,
		`{"type": "map", "data": {"@x": 1, "@y": 2}}`:                          false,
		`{"type": "stats", "data": {"@x": ["a"]}}`:                             false,
		`{"type": "hist", "data": {"@x": [{"min": 1, "max": 2, "count": 3}]}}`: true,
		`{"type": "hist", "data": {"@x": [{"min": 1, "max": 2}]}}`:             false,
		`{"type": "attached_probes", "count": 1, "data": {"probes": 1}}`:       true,
		`{"type": "attached_probes", "count": 1}`:                              false,
		`{"type": "value", "data": "18446744073709551615"}`:                    true,
		`"text"`:           false,
		`Attached 1 probe`: false,
		``:                 false,
	} {
		if err := validLine(schema, line); (err == nil) != want {
			t.Errorf("%s: valid %v, want %v: %v", line, err == nil, want, err)
		}
	}
}

// jsonCases are the cases whose JSON is looked at here: in the test machines those that this machine may not be able to run, and
// those that say what it is.
func jsonCases(t *testing.T) []*Case {
	var cases []*Case
	for _, c := range table(t) {
		own := slices.ContainsFunc(c.Flags, func(f string) bool { return f == "-f" || f == "-o" || strings.HasPrefix(f, "-d") })
		own = own || slices.Contains(c.Args, "--help") // which runs nothing
		elsewhere := os.Getenv("GOTRACE_VM") != "" && c.JSON == "" && len(c.Needs) == 0
		if c.NotYet == "" && !own && !elsewhere {
			cases = append(cases, c)
		}
	}
	return cases
}

// TestKernelJSON runs every script with -f json.
func TestKernelJSON(t *testing.T) {
	needRoot(t)
	schema := compileSchema(t)
	tool := newTool(t)
	for _, c := range jsonCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			skipMissing(t, c)
			theirs := *c
			theirs.Flags = append(slices.Clone(c.Flags), "-f", "json")
			if c.JSON != "" {
				theirs.Flags = append(theirs.Flags, "-q")
			}
			res, err := tool.Run(t.Context(), &theirs)
			if err != nil {
				t.Fatalf("%s:%d: %v\n%s\nmessages:\n%s", c.File, c.Line, err, res.Stdout, res.Stderr)
			}
			if res.Exit != c.Exit {
				t.Errorf("%s:%d: exit code %d, want %d\n%s", c.File, c.Line, res.Exit, c.Exit, res.Stderr)
			}
			for line := range strings.Lines(res.Stdout) {
				if err := validLine(schema, line); err != nil {
					t.Errorf("%s:%d: %s: %v\nscript:\n%s", c.File, c.Line, line, err, c.Script)
				}
				if names := sameNames(line); names != nil {
					t.Errorf("%s:%d: %s: members with the same names: %q", c.File, c.Line, line, names)
				}
			}
			if want := tool.subst(c.JSON); c.JSON != "" && res.Stdout != want {
				t.Errorf("%s:%d:\n%s\nwant:\n%s\nmessages:\n%s", c.File, c.Line, res.Stdout, want, res.Stderr)
			}
		})
	}
}

// sameNames are the names that an object of a line has twice: most readers of JSON would lose one of the two.
func sameNames(line string) (twice []string) {
	dec := json.NewDecoder(bytes.NewReader([]byte(line)))
	type level struct {
		seen   map[string]bool // nil in an array
		isName bool
	}
	var open []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return twice
		}
		top := len(open) - 1
		if name, ok := tok.(string); ok && top >= 0 && open[top].isName {
			if open[top].seen[name] {
				twice = append(twice, name)
			}
			open[top].seen[name], open[top].isName = true, false
			continue
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, level{map[string]bool{}, true})
			continue
		case json.Delim('['):
			open = append(open, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
			top--
		}
		if top >= 0 && open[top].seen != nil {
			open[top].isName = true
		}
	}
}

func TestSameNames(t *testing.T) {
	for line, want := range map[string]int{
		`{"a": 1, "b": "a", "c": {"a": [1, {"a": 2}], "b": 3}}`: 0,
		`{"a": 1, "a": 2}`:                  1,
		`[{"a": 1}, {"a": 1}]`:              0,
		`{"a": {"b": 1, "c": "b", "b": 2}}`: 1,
	} {
		if got := sameNames(line); len(got) != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}
