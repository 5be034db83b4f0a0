package scripts

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
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

// TestBuiltinsHaveScripts finds builtins and kinds of probes that no script of the table uses.
func TestBuiltinsHaveScripts(t *testing.T) {
	used := map[string]bool{}
	for _, c := range table(t) {
		if c.NotYet != "" {
			continue
		}
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(c.Script, -1) {
			used[word] = true
		}
	}
	for _, b := range builtin.Table {
		if b.There() && !used[strings.Replace(b.Name, "N", "0", 1)] {
			t.Errorf("no script uses %s", b.Name)
		}
	}
	for _, k := range builtin.KindsWith(builtin.Anything) {
		if !slices.ContainsFunc(append(k.Aliases, k.Name), func(n string) bool { return used[n] }) {
			t.Errorf("no script has a %s probe", k.Name)
		}
	}
}
