package format_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/gotrace/gotrace/examples"
	"github.com/gotrace/gotrace/internal/scriptgen"
	"github.com/gotrace/gotrace/internal/scripts"
	"github.com/gotrace/gotrace/lang/format"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
)

// formatted formats a script twice: the second time nothing changes. It returns "" for what is no script. That the syntax tree and
// the comments stay the same is what format.Source itself looks at.
func formatted(t *testing.T, text string) string {
	t.Helper()
	once, diags, err := format.Source(&source.Source{Name: "test", Text: []byte(text)})
	if err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
	if err != nil || diags.HasErrors() {
		return ""
	}
	twice, diags, err := format.Source(&source.Source{Name: "test", Text: []byte(once)})
	switch {
	case err != nil || diags.HasErrors():
		t.Errorf("formatted, it cannot be formatted again: %v %v\nscript:\n%s\nformatted:\n%s", diags, err, text, once)
	case once != twice:
		t.Errorf("formatting twice changes it\nscript:\n%s\n%s", text, diff.Diff("once", []byte(once), "twice", []byte(twice)))
	}
	return once
}

// TestTable formats all scripts of the table.
func TestTable(t *testing.T) {
	cases, err := scripts.All()
	if err != nil || len(cases) < 500 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		formatted(t, c.Script)
	}
}

// TestExamples holds that the examples are formatted.
func TestExamples(t *testing.T) {
	files, err := examples.Scripts.ReadDir(".")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		text, err := examples.Scripts.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got := formatted(t, string(text)); got != string(text) {
			t.Errorf("examples/%s is not formatted: run gotrace fmt -w examples\n%s", f.Name(), got)
		}
	}
}

// TestRandom formats random scripts with comments in random places.
func TestRandom(t *testing.T) {
	for seed := range uint64(120) {
		text := scriptgen.Script(seed, scriptgen.Options{Kprobes: true, Uprobe: "/bin/sh:main"})
		formatted(t, text)
		formatted(t, commented(text, seed))
		if t.Failed() {
			return
		}
	}
}

// commented puts comments and line ends between the tokens of a script.
func commented(text string, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	between := []func(n string) string{
		func(n string) string { return "/* " + n + " */" },
		func(n string) string { return " // " + n + "\n" },
		func(n string) string { return "\n\n// " + n + "\n\n" },
		func(n string) string { return "\n /* " + n + "\n  * x\n*/\n" },
		func(string) string { return "\n" },
		func(string) string { return "\n\n\n" },
	}
	var b strings.Builder
	for i, tok := range syntax.Tokens(&source.Source{Text: []byte(text)}) {
		b.WriteString(tok.Text)
		if tok.Kind == syntax.TokenSpace && r.IntN(8) == 0 {
			b.WriteString(between[r.IntN(len(between))]("c" + strconv.Itoa(i)))
		}
	}
	return b.String()
}

// FuzzFormat holds that any script that parses is formatted, with the same meaning, and that doing it twice changes nothing.
func FuzzFormat(f *testing.F) {
	files, err := filepath.Glob("../syntax/testdata/parse/*")
	if err != nil || len(files) == 0 {
		f.Fatal(len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, c := range styleCases(f) {
		f.Add(c.in)
	}
	for seed := range uint64(20) {
		f.Add(commented(scriptgen.Script(seed, scriptgen.Options{}), seed))
	}
	f.Fuzz(func(t *testing.T, text string) { formatted(t, text) })
}
