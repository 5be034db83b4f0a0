package syntax

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

func TestWriteDiagnostics(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"a range", "BEGIN { foo = 1 }", `
test:1:9: ERROR: 'foo' cannot be assigned to
BEGIN { foo = 1 }
        ^~~
HINT: variables are written $foo, maps @foo
`},
		{"tabs and wide runes", "BEGIN {\n\t$a = \"日本\tx\"; $b = ; }", `
test:2:24: ERROR: expected an expression before ';'
        $a = "日本      x"; $b = ; }
                                 ^
`},
		{"the end of a line", "BEGIN {\r\n  $a = 1\r\n  $b = 2 }", `
test:2:9: ERROR: expected ';' after this statement
  $a = 1
        ^
`},
		{"control characters", "BEGIN { \x1b[31m }", "\ntest:1:9: ERROR: unexpected byte \"\\x1b\"\nBEGIN { \ufffd[31m }\n        ^\n"},
		{"two lines", "k:f\nk:g { }\nlet @x", `
test:1:4: ERROR: expected '{' before 'k:g'
k:f
   ^
HINT: probes in a list are separated by commas
test:3:7: ERROR: expected '=' before the end of the script
let @x
      ^
`},
	} {
		src := &source.Source{Name: "test", Text: []byte(test.in)}
		_, diags := Parse(src, nil)
		var out strings.Builder
		diags.Write(&out, src, false)
		if got := "\n" + out.String(); got != test.want {
			t.Errorf("%s: got\n%s", test.name, got)
		}
	}
}

func TestTypesInMessages(t *testing.T) {
	for _, test := range []struct {
		a, b types.Type
		want string
	}{
		{types.TypeInt64, types.String{Len: 17}, "int64, string"},
		{types.String{Len: 4}, types.String{Len: 4}, "string, string"},
		{types.String{Len: 4}, types.String{Len: 17}, "string[4], string[17]"},
		{types.Tuple{Elems: []types.Type{types.TypeInt64, types.String{Len: 4}}}, types.String{Len: 17}, "(int64,string), string"},
		{nil, types.Array{Elem: types.TypeUint8, Len: 4}, "<nil>, uint8[4]"},
	} {
		if d := source.Errorf(source.Span{}, "test", "%v, %v", test.a, test.b); d.Message != test.want {
			t.Errorf("got %q, want %q", d.Message, test.want)
		}
	}
}

func TestWriteCutsLongLines(t *testing.T) {
	filler := strings.Repeat("@日 = 1; ", 1<<17)
	for _, test := range []struct{ name, in, mistake string }{
		{"in the middle", filler + "$y = $zz; " + filler, "$zz"},
		{"at the start", "$zz; " + filler, "$zz"},
		{"at the end", filler + "$zz", "$zz"},
		{"long", filler + "$zz" + filler, "$zz" + filler},
	} {
		at := strings.Index(test.in, test.mistake)
		place := source.Span{Pos: source.Pos{Line: 1, Column: at + 1}, EndPos: source.Pos{Line: 1, Column: at + len(test.mistake) + 1}}
		var out strings.Builder
		source.Diagnostics{source.Errorf(place, "c", "bad")}.Write(&out, &source.Source{Name: "t", Text: []byte(test.in)}, false)
		lines := strings.Split(out.String(), "\n")
		column := strings.Index(lines[2], "^")
		if !utf8.ValidString(lines[1]) || len(lines[1]) > 170 || len(lines[2]) > 170 {
			t.Errorf("%s: got\n%s", test.name, out.String())
		}
		// One wide rune takes two columns and three bytes.
		before, _, found := strings.Cut(lines[1], "$zz")
		if width := utf8.RuneCountInString(before) + strings.Count(before, "日"); !found || width != column {
			t.Errorf("%s: the mark is in column %d, not %d:\n%s", test.name, column, width, out.String())
		}
	}
}

func TestWriteSortsAndCaps(t *testing.T) {
	src := &source.Source{Name: "s", Text: []byte(strings.Repeat("line\n", 20))}
	var diags source.Diagnostics
	for i := 14; i > 0; i-- {
		place := source.Span{Pos: source.Pos{Filename: "s", Offset: 5 * i, Line: i + 1, Column: 1}, EndPos: source.Pos{Line: i + 1, Column: 5}}
		diags = append(diags, source.Warningf(place, "test", "number %d", i))
	}
	var out strings.Builder
	diags.Write(&out, src, false)
	if text := out.String(); !strings.HasPrefix(text, "s:2:1: WARNING: number 1 [test]\nline\n^~~~\n") ||
		!strings.HasSuffix(text, "… and 4 more\n") || strings.Contains(text, "number 11") {
		t.Errorf("got\n%s", text)
	}
	if diags.HasErrors() {
		t.Error("warnings count as errors")
	}
	if diags[0].Message != "number 14" {
		t.Error("Write changed the order of what it was given")
	}
}

func TestWriteColor(t *testing.T) {
	src := &source.Source{Name: "s", Text: []byte("x")}
	place := source.Span{Pos: source.Pos{Filename: "s", Line: 1, Column: 1}, EndPos: source.Pos{Line: 1, Column: 2}}
	var out strings.Builder
	source.Diagnostics{source.Errorf(place, "c", "bad").WithHint("try %s", "y")}.Write(&out, src, true)
	if want := "\x1b[31ms:1:1: ERROR: bad\x1b[0m\nx\n^\nHINT: try y\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestWriteWithoutPlace(t *testing.T) {
	var out strings.Builder
	source.Diagnostics{{Message: "nothing to trace"}}.Write(&out, &source.Source{}, false)
	if out.String() != "ERROR: nothing to trace\n" {
		t.Errorf("got %q", out.String())
	}
}
