package scripts

import (
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/examples"
)

func TestParse(t *testing.T) {
	text := `introduction: not a setting
=== first
args: 42 "two words" x
run: lseek 9 1 2
needs: kprobe 6.2
exit: 3

--- script
BEGIN { exit(3); }
--- output
a

b
=== second
oracle-skip: no such function
--- script
BEGIN
{ }
--- match
[0-9]+
--- stderr
WARNING
`
	got, err := Parse("t.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d cases, want 2", len(got))
	}
	a, b := got[0], got[1]
	if a.Name != "first" || a.Line != 2 || a.Script != "BEGIN { exit(3); }" || a.Output != "a\nb\n" || a.Exit != 3 || a.Run != "lseek 9 1 2" {
		t.Errorf("first case is %+v", a)
	}
	if want := []string{"42", "two words", "x"}; !reflect.DeepEqual(a.Args, want) {
		t.Errorf("args %q, want %q", a.Args, want)
	}
	if want := []string{"kprobe", "6.2"}; !reflect.DeepEqual(a.Needs, want) {
		t.Errorf("needs %q, want %q", a.Needs, want)
	}
	if b.Script != "BEGIN\n{ }" || !b.Match.MatchString("17\n") || b.Match.MatchString("17x\n") || !b.Stderr.MatchString("a WARNING b") {
		t.Errorf("second case is %+v", b)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"=== a\n--- output\nx", "no script"},
		{"=== a\n--- script\nx", "expects nothing"},
		{"=== a\ncolour: red\n", "unknown setting"},
		{"=== a\nexit: many\n", "invalid syntax"},
		{"=== a\nwhat\n", "not a setting"},
		{"=== a\nexit:\n", "no value"},
		{"=== a\n--- script\nx\n--- script\ny\n", "second section"},
		{"=== a\n--- script\nx\n--- result\ny\n", "unknown section"},
		{"=== a\n--- script\nx\n--- match\n(\n", "missing closing"},
		{"=== a\n--- script\nx\n--- match\ny\n--- output\nz\n", "both output and match"},
		{"=== a\nargs: \"x\n", "no closing quote"},
		{"=== a\nexample: missing.gt\n", "does not exist"},
		{"=== a\nexample: opensnoop.gt\n--- script\nx\n--- output\ny\n", "both an example and a script"},
	}
	for _, tt := range tests {
		if _, err := Parse("t.txt", tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestNormalize(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"\n\n", ""},
		{"Attaching 1 probe...\nx\n\n\n\n@a: 1\n\n", "x\n@a: 1\n"},
		{"Attached 2 probes\nx", "x\n"},
		{"@h: \n[1]  |@  |\n", "@h:\n[1]  |@  |\n"},
	}
	for _, tt := range tests {
		if got := Normalize(tt.in); got != tt.want {
			t.Errorf("Normalize(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSortTies(t *testing.T) {
	in := "text\n@m[2]: 1\n@m[1]: 1\n@m[0]: 2\n@n[9]: 2\n@n[8]: 2\n@x: 1\n"
	want := "text\n@m[1]: 1\n@m[2]: 1\n@m[0]: 2\n@n[8]: 2\n@n[9]: 2\n@x: 1\n"
	if got := SortTies(in); got != want {
		t.Errorf("SortTies gives\n%s\nwant\n%s", got, want)
	}
}

// Every example is run by a case of the table, so that none can be shown that does not work.
func TestExamplesAreTested(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, c := range all {
		tested[c.Example] = true
	}
	files, err := fs.Glob(examples.Scripts, "*.gt")
	if err != nil || len(files) == 0 {
		t.Fatalf("examples %v, %v", files, err)
	}
	for _, name := range files {
		if !tested[name] {
			t.Errorf("examples/%s is in no case of the table", name)
		}
	}
}

// TestTable checks the table itself: it loads, and it is as large as it should be.
func TestTable(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 150 {
		t.Errorf("%d cases, want at least 150", len(all))
	}
}
