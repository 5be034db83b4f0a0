// Package imports reads a script with the scripts, headers and folders that it imports: what they define becomes part of its tree, in
// the place of the import, so that what is imported comes before who imports it.
package imports

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
)

// Limits of imports.
const (
	maxFiles = 1000
	maxBytes = 64 << 20
)

// Options are what reading depends on beside the script.
type Options struct {
	Params []string        // positional parameters
	Values map[string]bool // names that stand for values, and so for no types: see syntax.ParseWithValues
	Files  *Files          // nil: nothing can be imported
}

// reading is the state of reading one script.
type reading struct {
	opts  *Options
	main  *source.Source
	file  *ast.File
	diags source.Diagnostics
	seen  map[string]bool // files by their real path
	bytes int
}

// Parse reads a script and what it imports. The sources of imported scripts are added to src. As of syntax.Parse, the tree
// is whole only if there are no mistakes.
func Parse(src *source.Source, opts *Options) (*ast.File, source.Diagnostics) {
	file, diags := syntax.ParseWithValues(src, opts.Params, opts.Values)
	if !slices.ContainsFunc(file.Items, isImport) {
		return file, diags
	}
	r := &reading{opts: opts, main: src, diags: diags, seen: map[string]bool{}, file: &ast.File{Span: file.Span, Config: file.Config}}
	src.Imports = nil
	if opts.Files != nil {
		r.seen[opts.Files.Real(src.Name)] = true
	}
	r.add(src, file)
	r.diags.Sort()
	return r.file, r.diags
}

func isImport(item ast.Item) bool { _, ok := item.(*ast.Import); return ok }

// add adds what a script defines, what it imports first. C definitions come before imports in the text.
func (r *reading) add(src *source.Source, file *ast.File) {
	r.file.CDefs = append(r.file.CDefs, file.CDefs...)
	r.file.Bad, r.file.Broken = append(r.file.Bad, file.Bad...), r.file.Broken || file.Broken
	for _, item := range file.Items {
		if imp, ok := item.(*ast.Import); ok {
			r.path(src, imp)
		} else {
			r.file.Items = append(r.file.Items, item)
		}
	}
}

// fail reports what is wrong with an import.
func (r *reading) fail(d source.Diagnostic) { r.diags = append(r.diags, d) }

// mistake is what is wrong with an import.
func mistake(imp *ast.Import, format string, args ...any) source.Diagnostic {
	return source.Errorf(imp, "bad-import", format, args...)
}

// path imports what a path names: a file, or all files of a folder that can be imported.
func (r *reading) path(by *source.Source, imp *ast.Import) {
	path := imp.Path
	switch {
	case r.opts.Files == nil:
		r.fail(mistake(imp, "nothing can be imported here"))
		return
	case path == "":
		r.fail(mistake(imp, "an import names a file or a folder").WithHint(`import "helpers.bt";`))
		return
	case !filepath.IsAbs(path):
		path = filepath.Join(filepath.Dir(by.Name), path)
	}
	names, err := r.opts.Files.List(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.one(path, imp) // no folder: a file, or nothing
	case err != nil:
		r.fail(mistake(imp, "%v", err))
	default:
		r.folder(path, names, imp)
	}
}

// folder imports all files of a folder that can be imported, in the order of their names.
func (r *reading) folder(path string, names []string, imp *ast.Import) {
	found := false
	for _, name := range names {
		if kindOf(name) == other {
			continue
		}
		found = true
		r.one(filepath.Join(path, name), imp)
	}
	if !found {
		r.fail(mistake(imp, "the folder %s has no script (.bt, .gt) and no header (.h)", path))
	}
}

// kind is what a file is by its name.
type kind uint8

const (
	other kind = iota
	script
	header
	program // C that would have to be compiled
)

var kinds = map[string]kind{".bt": script, ".gt": script, ".h": header, ".c": program}

func kindOf(name string) kind { return kinds[filepath.Ext(name)] }

// one imports a file, once.
func (r *reading) one(path string, imp *ast.Import) {
	real := r.opts.Files.Real(path)
	if r.seen[real] {
		return
	}
	r.seen[real] = true
	if len(r.seen) > maxFiles {
		r.fail(mistake(imp, "more than %d files are imported", maxFiles))
		return
	}
	switch kindOf(path) {
	case script:
		r.script(path, imp)
	case header:
		r.header(path, imp)
	case program:
		r.fail(mistake(imp, "%s is a program in C, and no compiler is here", path).
			WithHint("a function of the script's own can stand for it: fn add($a: int64, $b: int64): int64 { return $a + $b; }"))
	default:
		r.fail(mistake(imp, "%s cannot be imported: scripts (.bt, .gt), headers (.h) and folders of them can", path))
	}
}

// header imports a header as #include does.
func (r *reading) header(path string, imp *ast.Import) {
	if _, ok := r.read(path, imp); !ok {
		return
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs // whoever imports it
	}
	r.file.CDefs = append(r.file.CDefs, &ast.CDef{Span: imp.Span, Text: `#include "` + path + `"`})
}

// script imports a script.
func (r *reading) script(path string, imp *ast.Import) {
	text, ok := r.read(path, imp)
	if !ok {
		return
	}
	if r.bytes += len(text); r.bytes > maxBytes {
		r.fail(mistake(imp, "the imported scripts have more than %d MB", maxBytes>>20))
		return
	}
	src := &source.Source{Name: path, Text: text}
	r.main.Imports = append(r.main.Imports, src)
	file, diags := syntax.ParseWithValues(src, r.opts.Params, r.opts.Values)
	r.diags = append(r.diags, diags...)
	if len(file.Config) > 0 {
		r.fail(source.Errorf(file.Config[0], "bad-import", "an imported script has no config block: the script that runs has it"))
	}
	r.add(src, file)
}

// read gives the text of a file that is imported.
func (r *reading) read(path string, imp *ast.Import) (text []byte, ok bool) {
	text, err := r.opts.Files.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fail(mistake(imp, "there is no %s to import", path))
		return nil, false
	case err != nil:
		r.fail(mistake(imp, "%s", strings.TrimPrefix(err.Error(), "open ")))
		return nil, false
	}
	return text, true
}
