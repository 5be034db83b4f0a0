package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// addSeeds adds the scripts of testdata/parse and of the tests' tables to a fuzz corpus.
func addSeeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/parse/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seed scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, test := range exprTests {
		f.Add("BEGIN { $r = " + test.in + "; }")
	}
	for _, test := range stmtTests {
		f.Add("BEGIN { " + test.in + " }")
	}
	for _, test := range itemTests {
		f.Add(test.in)
	}
	for _, test := range errorTests {
		f.Add(test.in)
	}
}

// FuzzParse checks that no script makes the parser or the printers panic, that what is wrong is said within the
// script, and that a script printed from its tree gives the same tree.
func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		src := &source.Source{Name: "fuzz", Text: []byte(text)}
		file, diags := Parse(src, []string{"1", "two"})
		var out strings.Builder
		diags.Write(&out, src, false)
		checkSpans(t, file, text)
		if diags.HasErrors() {
			return
		}
		checkRoundTrip(t, file)
	})
}

// checkSpans checks that every node's place lies within the script and within its parent's.
func checkSpans(t *testing.T, file *ast.File, text string) {
	t.Helper()
	var spans []source.Span
	ast.Walk(file, func(n source.Node) bool {
		span := n.Range()
		if span.Pos.Offset > span.EndPos.Offset || span.EndPos.Offset > len(text) {
			t.Fatalf("%s covers [%d, %d) of %d bytes", ast.Label(n), span.Pos.Offset, span.EndPos.Offset, len(text))
		}
		if len(spans) > 1 {
			outer := spans[len(spans)-1]
			if span.Pos.Offset < outer.Pos.Offset || span.EndPos.Offset > outer.EndPos.Offset {
				t.Fatalf("%s at %s sticks out of its parent", ast.Label(n), span.Pos)
			}
		}
		spans = append(spans, span)
		return true
	}, func(source.Node) { spans = spans[:len(spans)-1] })
}

// checkRoundTrip checks that a script printed from its tree gives the same tree.
func checkRoundTrip(t *testing.T, file *ast.File) {
	t.Helper()
	var text, before, after strings.Builder
	if err := ast.Format(&text, file); err != nil {
		t.Fatal(err)
	}
	src := &source.Source{Name: "printed", Text: []byte(text.String())}
	again, diags := Parse(src, []string{"1", "two"})
	if len(diags) > 0 {
		var out strings.Builder
		diags.Write(&out, src, false)
		t.Fatalf("the printed script does not parse:\n%s\n%s", out.String(), text.String())
	}
	ast.Dump(&before, file)
	ast.Dump(&after, again)
	if before.String() != after.String() {
		t.Fatalf("printed:\n%s\nbefore:\n%s\nafter:\n%s", text.String(), before.String(), after.String())
	}
}
