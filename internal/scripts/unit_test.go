package scripts

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
)

// TestParses parses every script that is not there to show a mistake.
func TestParses(t *testing.T) {
	for _, c := range table(t) {
		if c.Exit == 1 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			src := &source.Source{Name: "stdin", Text: []byte(strings.ReplaceAll(c.Script, "%WORKLOAD%", "/bin/true"))}
			if _, ds := lang.Parse(src, &lang.Options{Params: c.Args}); ds.HasErrors() {
				var b strings.Builder
				ds.Write(&b, src, false)
				t.Errorf("%s:%d: %s", c.File, c.Line, b.String())
			}
		})
	}
}
