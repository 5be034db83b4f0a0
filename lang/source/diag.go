package source

import (
	"fmt"
	"regexp"
	"sort"
)

// Severity of a diagnostic.
type Severity uint8

// The severities.
const (
	SevError Severity = iota
	SevWarning
)

// Diagnostic is one message about a place in a script.
type Diagnostic struct {
	Span
	Severity Severity
	Code     string // stable name of the kind of mistake: "undefined-variable"
	Message  string
	Hint     string  // what to do, "" if nothing is known
	In       *Source // the text the place is in; nil: the script
}

// Errorf makes an error about a node. Types among the arguments are named as plainNames has it.
func Errorf(n Node, code, format string, args ...any) Diagnostic {
	return Diagnostic{Span: n.Range(), Code: code, Message: fmt.Sprintf(format, plainNames(args)...)}
}

// maxText is the longest text that a message takes whole; of a longer one CutText shows the beginning.
const maxText = 400

var stringLength = regexp.MustCompile(`string\[\d+\]`)

// typeName is what only types of the language have among the arguments of a message.
type typeName interface {
	fmt.Stringer
	Size() int
	Align() int
}

// plainNames puts names for the types among the arguments of a message. The lengths of strings, which the compiler finds,
// are not shown, unless types differ in nothing else. Texts that are too long for a message are cut.
func plainNames(args []any) []any {
	named, exact := append([]any(nil), args...), false
	full := map[string]string{} // by the name without lengths
	for i, a := range args {
		switch a := a.(type) {
		case typeName:
			name := stringLength.ReplaceAllString(a.String(), "string")
			if old, seen := full[name]; seen && old != a.String() {
				exact = true
			}
			full[name], named[i] = a.String(), name
		case error:
			named[i] = a.Error()
		}
	}
	for i, a := range named {
		if t, ok := args[i].(typeName); ok && exact {
			a = t.String()
		}
		if text, ok := a.(string); ok && len(text) > maxText {
			a = CutText(text)
		}
		named[i] = a
	}
	return named
}

// Warningf makes a warning about a node.
func Warningf(n Node, code, format string, args ...any) Diagnostic {
	d := Errorf(n, code, format, args...)
	d.Severity = SevWarning
	return d
}

// WithHint returns the diagnostic with what to do about it.
func (d Diagnostic) WithHint(format string, args ...any) Diagnostic {
	d.Hint = fmt.Sprintf(format, plainNames(args)...)
	return d
}

// Error is the message with its place: "file:line:col: ERROR: message".
func (d Diagnostic) Error() string {
	return fmt.Sprintf("%s: %s: %s", d.Pos, d.Severity, d.Message)
}

// String is the word that messages begin with.
func (s Severity) String() string {
	if s == SevWarning {
		return "WARNING"
	}
	return "ERROR"
}

// Diagnostics are the messages of one compilation.
type Diagnostics []Diagnostic

// HasErrors says whether any message is an error.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == SevError {
			return true
		}
	}
	return false
}

// Sort puts the messages in the order of their places: those of a file together, in the order of the files' first messages.
func (ds Diagnostics) Sort() {
	files := map[string]int{}
	for _, d := range ds {
		if _, seen := files[d.Pos.Filename]; !seen {
			files[d.Pos.Filename] = len(files)
		}
	}
	sort.SliceStable(ds, func(i, j int) bool {
		a, b := ds[i].Pos, ds[j].Pos
		if a.Filename != b.Filename {
			return files[a.Filename] < files[b.Filename]
		}
		return a.Offset < b.Offset
	})
}

// Errors returns the errors among the diagnostics, without the warnings.
func (ds Diagnostics) Errors() Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == SevError {
			out = append(out, d)
		}
	}
	return out
}
