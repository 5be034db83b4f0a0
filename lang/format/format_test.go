package format_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/gotrace/gotrace/lang/format"
	"github.com/gotrace/gotrace/lang/source"
)

// styleCase is a script with its canonical form.
type styleCase struct{ name, in, want string }

// styleCases are those of testdata/style.txtar: files NAME and NAME.formatted; a script without the second one is formatted already.
func styleCases(t testing.TB) []styleCase {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/style.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var cases []styleCase
	for _, f := range archive.Files {
		name, isWant := strings.CutSuffix(f.Name, ".formatted")
		if n := len(cases) - 1; isWant && n >= 0 && cases[n].name == name {
			cases[n].want = string(f.Data)
			continue
		}
		cases = append(cases, styleCase{name, string(f.Data), string(f.Data)})
	}
	return cases
}

func TestStyle(t *testing.T) {
	for _, c := range styleCases(t) {
		if got := formatted(t, c.in); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestMistakes holds that a script with a syntax error gives the error and no text.
func TestMistakes(t *testing.T) {
	text, diags, err := format.Source(&source.Source{Name: "test", Text: []byte("BEGIN { $x = ; }")})
	if text != "" || len(diags) != 1 || err != nil {
		t.Errorf("%q %v %v", text, diags, err)
	}
}

// TestEmpty holds that what has no text stays without text.
func TestEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", " \t\n\n", "\ufeff"} {
		if got := formatted(t, text); got != "" {
			t.Errorf("%q gives %q", text, got)
		}
	}
}
