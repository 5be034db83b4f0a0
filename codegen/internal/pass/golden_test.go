package pass

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

var update = flag.Bool("update", false, "write the golden files anew")

// separator stands between what a pass is given and what it leaves.
const separator = "\n=>\n"

// TestGoldenPasses runs passes on the programs of testdata/*.txt. A file is named after its pass (what follows a '-' is free) and holds
// cases: a comment that says what is to happen, the program before, and the program after, which -update writes. "allocate" shows
// where values lie.
func TestGoldenPasses(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files, error %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), "-")
		var out []string
		for _, c := range strings.Split(strings.TrimPrefix(string(text), "# "), "\n# ") {
			title, program, _ := strings.Cut(c, "\n")
			before, want, _ := strings.Cut(program, separator)
			t.Run(name+"/"+title, func(t *testing.T) {
				got := strings.TrimSpace(runPass(t, name, before))
				out = append(out, "# "+title+"\n"+strings.TrimSpace(before)+separator+got+"\n")
				if !*update && got != strings.TrimSpace(want) {
					t.Errorf("%s (-update writes it anew): %s\n%s\nbecomes\n%s", file, title, before, got)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(out, "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// runPass is a program after a pass, as text. Programs without a head are the body of a function.
func runPass(t *testing.T, name, text string) string {
	t.Helper()
	if !strings.HasPrefix(strings.TrimSpace(text), "func") {
		text = "func f\nb0.entry():\n" + text
	}
	p, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("before: %v", err)
	}
	o := &Options{KernelVersion: 6<<16 | 1<<8}
	if name == "allocate" {
		return allocated(t, p.Funcs[0])
	}
	if name == "callbacks" {
		callbacks(p)
	} else {
		for _, f := range p.Funcs {
			byName(t, name)(f, o)
		}
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("after: %v\n%s", err, p)
	}
	return p.String()
}

func byName(t *testing.T, name string) func(*ir.Func, *Options) {
	t.Helper()
	if name == "straight" {
		return func(f *ir.Func, _ *Options) { straightFrom(f, 0) } // however few branches there are
	}
	for _, p := range passes {
		if p.name == name {
			return p.run
		}
	}
	t.Fatalf("there is no pass %s", name)
	return nil
}

// Every pass has cases.
func TestPassesHaveCases(t *testing.T) {
	for _, p := range passes {
		if files, _ := filepath.Glob("testdata/" + p.name + "*.txt"); len(files) == 0 {
			t.Errorf("the pass %s has no cases in testdata", p.name)
		}
	}
}
