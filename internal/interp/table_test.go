package interp_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/interp"
	"github.com/gotrace/gotrace/internal/scripts"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

// leastKnown is how many scripts of the table the interpreter must know.
const leastKnown = 240

// TestTable runs the scripts of the table that the interpreter knows: they must print what the table says.
func TestTable(t *testing.T) {
	all, err := scripts.All()
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, c := range all {
		if c.Output == "" || c.JSON != "" || len(c.Flags) > 0 || c.NotYet != "" || slices.Contains(c.Args, "--help") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			src := &source.Source{Name: "stdin", Text: []byte(c.Script)}
			opts := &lang.Options{Params: c.Args}
			file, diags := lang.Parse(src, opts)
			if diags.HasErrors() {
				t.Skip(diags[0].Message)
			}
			checked, diags := lang.Check(file, src, langtest.New(), opts)
			if diags.HasErrors() {
				t.Skip(diags[0].Message)
			}
			got, err := interp.Run(checked)
			if errors.Is(err, interp.ErrUnknown) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			known++
			if lines(got) != lines(c.Output) {
				t.Errorf("%s:%d prints\n%s\nwant\n%s", c.File, c.Line, lines(got), lines(c.Output))
			}
		})
	}
	t.Logf("%d of %d scripts are known", known, len(all))
	if known < leastKnown {
		t.Errorf("only %d scripts are known", known)
	}
}

// lines drops blank lines, as the table has none.
func lines(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
