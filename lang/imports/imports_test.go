package imports

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// fake are files by their paths.
func fake(files map[string]string) *Files {
	return &Files{
		Read: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
		List: func(path string) ([]string, error) {
			var names []string
			for name := range files {
				if filepath.Dir(name) == path {
					names = append(names, filepath.Base(name))
				}
			}
			if len(names) == 0 || path == "." {
				return nil, fs.ErrNotExist
			}
			slices.Sort(names)
			return names, nil
		},
		Real: func(path string) string { return path },
	}
}

// outline names what a file has, in order.
func outline(f *ast.File) string {
	var out []string
	for _, d := range f.CDefs {
		out = append(out, d.Text)
	}
	for _, item := range f.Items {
		switch item := item.(type) {
		case *ast.Probe:
			out = append(out, item.Points[0].Text)
		case *ast.Macro:
			out = append(out, item.Name)
		case *ast.MapDecl:
			out = append(out, "@"+item.Name)
		}
	}
	return strings.Join(out, " ")
}

func TestOrder(t *testing.T) {
	files := map[string]string{
		"dir/a.bt": `struct a { int x; } import "sub/b.bt"; import "sub"; kprobe:a { }`, "dir/sub/b.bt": `import "../a.bt"; kprobe:b { } macro m() { 1 }`,
		"dir/sub/c.gt": `let @c = hash(1); kprobe:c { }`, "dir/sub/d.txt": "not a script",
	}
	src := &source.Source{Name: "dir/main.bt", Text: []byte(`config = { max_strlen = 9 } import "a.bt"; import "./a.bt"; kprobe:main { }`)}
	file, diags := Parse(src, &Options{Files: fake(files)})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if got, want := outline(file), "struct a { int x; } kprobe:b m @c kprobe:c kprobe:a kprobe:main"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(file.Config) != 1 || len(src.Imports) != 3 {
		t.Errorf("%d settings, %d imported scripts", len(file.Config), len(src.Imports))
	}
	for _, item := range file.Items {
		if p, ok := item.(*ast.Probe); ok && !strings.Contains(string(src.At(p.Pos).Text), p.Points[0].Text+" {") {
			t.Errorf("%s is not in %s", p.Points[0].Text, src.At(p.Pos).Name)
		}
	}
}

func TestWrong(t *testing.T) {
	files := map[string]string{
		"c.c": "int x;", "x.py": "", "config.bt": "config = { max_strlen = 9 }", "bad.bt": "\nBEGIN { ) }", "empty/readme": "", "with/a.bt": "", "with/b.bpf.c": "",
	}
	for _, c := range []struct{ script, want string }{
		{`import "none.bt"; BEGIN { }`, "main:1:1: ERROR: there is no none.bt to import"},
		{`import ""; BEGIN { }`, "main:1:1: ERROR: an import names a file or a folder"},
		{`import "c.c"; BEGIN { }`, "main:1:1: ERROR: c.c is a program in C, and no compiler is here"},
		{`import "x.py"; BEGIN { }`, "main:1:1: ERROR: x.py cannot be imported: scripts (.bt, .gt), headers (.h) and folders of them can"},
		{`import "config.bt"; BEGIN { }`, "config.bt:1:12: ERROR: an imported script has no config block: the script that runs has it"},
		{`import "bad.bt"; BEGIN { }`, "bad.bt:2:9: ERROR: expected an expression before ')'"},
		{`import "empty"; BEGIN { }`, "main:1:1: ERROR: the folder empty has no script (.bt, .gt) and no header (.h)"},
		{`import "with"; BEGIN { }`, "main:1:1: ERROR: with/b.bpf.c is a program in C, and no compiler is here"},
	} {
		_, diags := Parse(&source.Source{Name: "main", Text: []byte(c.script)}, &Options{Files: fake(files)})
		if len(diags) == 0 || diags[0].Error() != c.want {
			t.Errorf("%s:\ngot  %v\nwant %s", c.script, diags, c.want)
		}
	}
	_, diags := Parse(&source.Source{Name: "main", Text: []byte(`import "a.bt"; BEGIN { }`)}, &Options{})
	if len(diags) != 1 || !strings.Contains(diags[0].Message, "nothing can be imported here") {
		t.Errorf("without files: %v", diags)
	}
}

// TestSystem reads files of the machine: links, a header, and folders that everybody can write to.
func TestSystem(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("lib/a.bt", "kprobe:a { }")
	write("lib/h.h", "#define H 1\n")
	write("open/b.bt", "kprobe:b { }")
	if err := os.Symlink("a.bt", filepath.Join(dir, "lib/same.bt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "open"), 0o777); err != nil {
		t.Fatal(err)
	}
	src := &source.Source{Name: filepath.Join(dir, "main.bt"), Text: []byte(`import "lib"; import "lib/same.bt"; kprobe:main { }`)}
	file, diags := Parse(src, &Options{Files: System()})
	if want := `#include "` + dir + `/lib/h.h" kprobe:a kprobe:main`; len(diags) > 0 || outline(file) != want {
		t.Errorf("got  %s %v\nwant %s", outline(file), diags, want)
	}
	src.Text = []byte(`import "open/b.bt"; import "open"; kprobe:main { }`)
	_, diags = Parse(src, &Options{Files: System()})
	if len(diags) != 2 || !strings.Contains(diags[0].Message, "everybody can write to") {
		t.Errorf("a folder that everybody can write to: %v", diags)
	}
}
