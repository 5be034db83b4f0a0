package format

import (
	"errors"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/syntax"
)

// errChanged is a mistake of this package: nothing is written that means something else.
var errChanged = errors.New("the formatted script would not mean the same, so it is left as it is: this is a bug of the formatter")

// Source formats a script. The diagnostics are its syntax errors, with which there is no text.
func Source(src *source.Source) (string, source.Diagnostics, error) {
	file, diags := syntax.Parse(src, nil)
	if diags.HasErrors() {
		return "", diags, nil
	}
	p := newPrinter(src, file)
	p.file()
	text := p.text()
	if !same(src, file, text) {
		return "", nil, errChanged
	}
	return text, nil, nil
}

// same says whether a text has the syntax tree and the comments of a script.
func same(src *source.Source, file *ast.File, text string) bool {
	formatted := &source.Source{Name: src.Name, Text: []byte(text)}
	again, diags := syntax.Parse(formatted, nil)
	return !diags.HasErrors() && dump(file) == dump(again) && slices.Equal(comments(src), comments(formatted))
}

func dump(f *ast.File) string {
	var b strings.Builder
	ast.Dump(&b, f)
	return b.String()
}

// comments are the comments of a script without their blanks, sorted: some change places with a bracket or a comma.
func comments(src *source.Source) []string {
	var out []string
	for _, p := range cut(src) {
		if p.comment() {
			out = append(out, strings.Join(strings.Fields(p.text), " "))
		}
	}
	slices.Sort(out)
	return out
}
