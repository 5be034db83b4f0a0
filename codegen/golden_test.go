package codegen

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares the optimised IR and the instructions of scripts with what testdata/golden holds. A new case is a file
// with a script alone; -update adds the rest.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d golden files, error %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			script, _, _ := strings.Cut(string(want), "--- ")
			got := golden(t, script)
			if again := golden(t, script); again != got {
				t.Fatalf("compiled a second time it is\n%s", again)
			}
			if got == string(want) {
				return
			}
			if !*update {
				t.Fatalf("%s differs (-update writes it anew):\n%s", name, got)
			}
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// golden is a script with its maps, IR and instructions, all programs after each other.
func golden(t *testing.T, script string) string {
	t.Helper()
	env := langtest.New()
	src := &source.Source{Name: "golden", Text: []byte(script)}
	file, diags := lang.Parse(src, nil)
	var checked *lang.Checked
	if !diags.HasErrors() {
		checked, diags = lang.Check(file, src, env, nil)
	}
	if diags.HasErrors() {
		var b strings.Builder
		diags.Write(&b, src, false)
		t.Fatal(b.String())
	}
	var texts []string
	opts := &Options{Dump: func(stage string, text fmt.Stringer) {
		p := text.(*ir.Program)
		if err := ir.Verify(p); err != nil {
			t.Errorf("after %s: %v", stage, err)
		}
		if stage == "optimise" {
			texts = append(texts, p.String())
		}
	}}
	bp, err := Compile(checked, env, opts)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(script)
	for _, m := range bp.Maps {
		fmt.Fprintf(&b, "--- map %s: %v, key %d, value %d, %d entries\n", m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	}
	for i, p := range bp.Programs {
		fmt.Fprintf(&b, "--- ir of %s\n%s--- %d instructions of %s\n%v", p.Name, texts[i], len(p.Insns), p.Name, p.Insns)
	}
	return b.String()
}
