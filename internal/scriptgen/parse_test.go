package scriptgen

import (
	"os"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
)

// TestParses checks that every script is within the grammar.
func TestParses(t *testing.T) {
	for seed := range uint64(2000) {
		src := &source.Source{Name: "stdin", Text: []byte(Script(seed, Options{Kprobes: true, Uprobe: "/bin/sh:main", More: seed%2 == 1}))}
		if _, ds := lang.Parse(src, &lang.Options{}); ds.HasErrors() {
			t.Errorf("seed %d:\n%s", seed, src.Text)
			ds.Write(os.Stderr, src, false)
			return
		}
	}
}
