package syntax

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/lang/source"
)

// errorTests are scripts with mistakes and all messages about them, `line:col: message` each.
var errorTests = []struct {
	in   string
	want []string
}{
	// Statements: each mistake gives its message, and the statements after it are read.
	{"BEGIN { $x = ; $y = 1; $z = * }", []string{
		"1:14: expected an expression before ';'", "1:31: expected an expression before '}'"}},
	{"BEGIN { x = 1; $a = 2 $b = 3; @c = 4\n $d = 5 }", []string{
		"1:9: 'x' cannot be assigned to", "1:23: expected ';' or an operator before '$b'", "1:37: expected ';' after this statement"}},
	{"BEGIN { if ($x { 1; } $y = ) }", []string{
		"1:16: expected ')' before '{'", "1:28: expected an expression before ')'"}},
	{"BEGIN { for ($i : 0..10 { } for ($i in @x) { } for (i : @x) { } for ($i : @x[1]) { } }", []string{
		"1:25: expected ')' before '{'", "1:37: expected ':' before 'in'", "1:53: expected a $variable before 'i'",
		"1:75: a for loop goes over a range or over a whole map"}},
	{"BEGIN { for ($i = 0; $i < 5; $i++) { $x = ; } $y = ; }", []string{
		"1:17: expected ':' before '='", "1:52: expected an expression before ';'"}},
	{"BEGIN { else { } unroll { } return 1 2; }", []string{
		"1:9: 'else' without an 'if' before it", "1:29: expected '{' before 'return'"}},
	{"struct:probe { }", []string{"1:1: 'struct' begins no probe"}},
	{"config < 2 >", []string{"1:1: 'config' begins no probe"}},
	{"BEGIN { break continue; }", []string{"1:15: expected ';' before 'continue'"}},
	{"BEGIN { $r = sizeof!(foo_t); }", []string{"1:20: expected ';' or an operator before '!'"}},
	{"BEGIN { if (1) }", []string{"1:16: expected '{' before '}'"}},
	{"BEGIN { if (1) { } else 2; }", []string{"1:25: expected '{' before '2'"}},
	{"BEGIN { let x = 5; let $x: = 5; let $y; $z = 1 }", []string{
		"1:13: expected a $variable before 'x'", "1:28: expected a type before '='"}},
	{"BEGIN { $x = { $y = ; 1 }; $z = }", []string{
		"1:21: expected an expression before ';'", "1:33: expected an expression before '}'"}},
	{"BEGIN { $x.1 = 3; 5++; &5; foo() = 1; ++pid }", []string{
		"1:9: fields and tuple elements cannot be assigned to", "1:19: '++' and '--' need a variable or a map",
		"1:25: '&' takes the address of a variable, a map, or a part of something", "1:28: only variables and maps can be assigned to",
		"1:41: '++' and '--' need a variable or a map"}},
	{"BEGIN { print($x += 1); delete @x[1]; }", []string{
		"1:18: expected ')' before '+='", "1:32: expected ';' or an operator before '@x'"}},
	{"BEGIN { printf(\"hi\" }", []string{"1:21: expected ')' before '}'"}},
	{"BEGIN { foo(1,); (1,; @x[]; @x[1; $a[1; $a->; $a.; }", []string{
		"1:15: expected an expression before ')'", "1:21: expected an expression before ';'",
		"1:23: expected a key between '[' and ']'", "1:33: expected ']' before ';'", "1:39: expected ']' before ';'",
		"1:45: expected a field's name after '->'", "1:50: expected a field's name after '.'"}},
	{"BEGIN { $x = (a=1, a=2); $y = (a=1, 2); $z = 1 ? 2; }", []string{
		"1:20: there is an element 'a' in this record already", "1:37: expected the name of a record's element before '2'",
		"1:51: expected ':' before ';'"}},
	{"BEGIN { $x = if (1) { 2 }; $y = while; }", []string{
		"1:14: an 'if' without 'else' has no value", "1:33: expected an expression before 'while'"}},
	{"BEGIN { (struct)$x; (int8[4]*[2])$x; sizeof(); offsetof(struct x, ); }", []string{
		"1:17: expected ';' or an operator before '$x'", "1:30: arrays of pointers to arrays are not supported",
		"1:45: expected an expression before ')'", "1:67: expected a field's name before ')'"}},

	// Literals.
	{`BEGIN { $x = 1x; $y = 99999999999999999999; $z = 08; $w = 1_; $v = 1e20; $u = 0x; $t = 300000d }`, []string{
		"1:14: unknown suffix 'x' of an integer literal", "1:23: integer literal is too large for 64 bits",
		"1:50: '8' is no octal digit", "1:59: malformed integer literal", "1:68: integer literal is too large for 64 bits",
		"1:79: malformed integer literal", "1:88: integer literal is too large for 64 bits"}},
	{`BEGIN { $w = "a\qb\400\xg"; $f = 1.5; $g = 'c'; $0 }`, []string{
		`1:16: unknown escape sequence '\q'`, `1:19: octal escape sequence '\400' is larger than 255`,
		`1:23: '\x' must be followed by hexadecimal digits`, "1:34: there are no floating-point numbers",
		"1:44: strings are written with double quotes", "1:49: '$0' is no positional parameter"}},
	{"BEGIN { $a = 5 `; 日本 = 1; $ = 3; $b = }", []string{
		"1:16: unexpected '`'", "1:19: unexpected '日本'", "1:31: expected a name after '$'", "1:43: expected an expression before '}'"}},

	// What is not closed.
	{"BEGIN { printf(\"hi; exit(); }\nEND { foo( }", []string{
		"1:16: this string is never closed", "2:12: expected an expression before '}'"}},
	{"kprobe:f { $x = 1\nkprobe:g { $y = }", []string{
		"1:10: this '{' is not closed before the next probe", "2:17: expected an expression before '}'"}},
	{"BEGIN { if (1) { $x = 1", []string{"1:16: this '{' is never closed"}},
	{"BEGIN < $x = 1", []string{"1:7: this '<' is never closed"}},
	{"BEGIN < $x = 1 }", []string{"1:16: a block opened with '<' is closed with '>'"}},
	{"BEGIN /* foo", []string{"1:7: this comment is never closed"}},
	{"BEGIN { /* foo", []string{"1:9: this comment is never closed"}},
	{"struct foo { int x;\nBEGIN { }", []string{"1:1: this C definition is never closed"}},
	{"k:f /pid == 1 { exit() }", []string{"1:5: this filter is never closed"}},
	{"k:f /pid == 1\nk:g { exit() }", []string{"1:5: this filter is never closed"}},
	{"k:f pid == 1/ { exit() }", []string{"1:5: expected '{' before 'pid'"}},
	{"k:f /pid ==/ { $x = }", []string{"1:12: expected an expression before '/'"}},
	{"k:f // { }", []string{"1:4: expected '{' before the end of the script"}},

	{"u:\"/bin/x:f { }", []string{"1:1: a quote in this probe is never closed"}},

	{"struct a { } __attribute__((packed\nBEGIN { }", []string{"1:35: expected '{' before 'BEGIN'"}},

	// The top level: probes after a mistake are read.
	{"k:f k:g { }\nEND { $x = }", []string{"1:5: expected '{' before 'k:g'", "2:12: expected an expression before '}'"}},
	{"k:f", []string{"1:4: expected '{' before the end of the script"}},
	{"/pid/ { }\n{ }", []string{"1:1: expected a probe before '/'", "2:1: expected a probe before '{'"}},
	{"BEGIN { } }\nEND { }", []string{"1:11: unexpected '}' between probes"}},
	{"BEGIN < @x = 1 > 2; >", []string{"1:21: expected '{' before '>'"}},
	{"let @a = hash(foo); let @b hash(1); let $c = 1;\nBEGIN { }", []string{
		"1:15: the size of a map is a positive integer", "1:28: expected '=' before 'hash'", "1:41: expected a @map before '$c'"}},
	{"import \"x\"\nBEGIN { }\nimport \"y\";", []string{
		"1:11: expected ';' before 'BEGIN'", "3:1: imports must come before probes, macros and map declarations"}},
	{"config = { a = ; b = 2 }\nBEGIN { }", []string{"1:16: expected an expression before ';'"}},
	{"config = { a = 1; b=yes c = 2 }", []string{"1:25: expected ';' before 'c'"}},
	{"config = { a = 1 } config = { } BEGIN { } config = { }", []string{
		"1:20: there is a config block already", "1:43: there is a config block already"}},
	{"config = { a = 1 + 2 }", []string{"1:16: a setting is an integer, a string, a boolean or a name"}},
	{"BEGIN { } config = { a = 1 }", []string{"1:11: config must come before probes, macros and map declarations"}},
	{"BEGIN { }\n#include <x>", []string{"2:1: C definitions must come at the head of the script"}},
	{"macro x(1) { }\nmacro { }\nfn foo { }", []string{
		"1:9: a macro's parameter is a $variable, a @map or a name", "2:7: expected a name before '{'", "3:8: expected '(' before '{'"}},
}

func TestErrors(t *testing.T) {
	for _, test := range errorTests {
		file, diags := Parse(&source.Source{Name: "test", Text: []byte(test.in)}, nil)
		checkSpans(t, file, test.in)
		var got []string
		for _, d := range diags {
			got = append(got, fmt.Sprintf("%d:%d: %s", d.Pos.Line, d.Pos.Column, d.Message))
			if d.Code == "" {
				t.Errorf("%s: no code in %v", test.in, d)
			}
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s:\ngot:\n  %s\nwant:\n  %s", test.in, strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
		}
	}
}

// TestNoJargon holds that no message shows the notation of the parser library.
func TestNoJargon(t *testing.T) {
	for _, test := range errorTests {
		_, diags := Parse(&source.Source{Text: []byte(test.in)}, nil)
		for _, d := range diags {
			for _, jargon := range []string{"unexpected token", "sub-expression", "something else", "<ident>", "Expr", "Form"} {
				if strings.Contains(d.Message, jargon) {
					t.Errorf("%s: %s", test.in, d.Message)
				}
			}
		}
	}
}

// TestLimits holds that hostile input gives an error, or a tree, in a time in proportion to its length.
func TestLimits(t *testing.T) {
	repeat := strings.Repeat
	for _, test := range []struct {
		name, in string
		ok       bool
	}{
		{"parentheses", "BEGIN { $x = " + repeat("(", 2000) + "1" + repeat(")", 2000) + " }", false},
		{"200 parentheses", "BEGIN { $x = " + repeat("(", 200) + "1" + repeat(")", 200) + " }", true},
		{"open parentheses", "BEGIN { $x = " + repeat("(", 20000), false},
		{"cast-like parentheses", "BEGIN { $x = " + repeat("(a", 20000) + " }", false},
		{"casts", "BEGIN { $x = " + repeat("(typeof(", 20000) + " }", false},
		{"indices", "BEGIN { $x = " + repeat("@a[", 20000) + " }", false},
		{"minus signs", "BEGIN { $x = " + repeat("- ", 20000) + "1 }", false},
		{"sum", "BEGIN { $x = 1" + repeat(" + 1", 20000) + " }", false},
		{"sum of 1000", "BEGIN { $x = 1" + repeat(" + 1", 1000) + " }", true},
		{"fields", "BEGIN { $x = $y" + repeat(".a", 20000) + " }", false},
		{"choices", "BEGIN { $x = 1" + repeat(" ? 1 : 1", 20000) + " }", false},
		{"blocks", "BEGIN " + repeat("{", 20000) + repeat("}", 20000), false},
		{"open blocks", "BEGIN " + repeat("{", 20000), false},
		{"else if", "BEGIN { if (1) { }" + repeat(" else if (1) { }", 20000) + " }", false},
		{"statements", "BEGIN { " + repeat("$x = $x + 1; ", 20000) + " }", true},
		{"if statements", "BEGIN { " + repeat("if ($x) { $y = 1 } ", 20000) + " }", true},
		{"broken statements", "BEGIN { " + repeat("$x = ; ", 20000) + " }", false},
		{"broken blocks", "BEGIN { " + repeat("{ $x = ; ", 20000) + " }", false},
		{"bad characters", "BEGIN { " + repeat("` ", 20000) + " }", false},
		{"probes", repeat("k:f { $x = 1 }\n", 20000), true},
		{"broken probes", repeat("k:f { $x = }\n", 20000), false},
		{"attach points", repeat("k:f,", 20000) + "k:g { }", true},
		{"slashes", "u:a:b" + repeat("/", 200000) + " { }", false},
		{"filters", repeat("k:f /1\n", 20000), false},
		{"struct words", repeat("struct ", 20000), false},
		{"keys", "BEGIN { @x[1" + repeat(", 1", 20000) + "] = 1 }", true},
	} {
		start := time.Now()
		_, diags := Parse(&source.Source{Name: "test", Text: []byte(test.in)}, nil)
		if ok := len(diags) == 0; ok != test.ok {
			t.Errorf("%s: %d errors", test.name, len(diags))
			if len(diags) > 0 {
				t.Errorf("%v", diags[0])
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", test.name, took)
		} else if testing.Verbose() {
			t.Logf("%s: %v", test.name, took)
		}
	}
}

// TestHints holds what messages advise.
func TestHints(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"BEGIN { x = 1 }", "variables are written $x, maps @x"},
		{"BEGIN { if ($x = 1) { } }", "an assignment is a statement; to compare, write =="},
		{"BEGIN { if (1) exit(); }", "the body stands in braces: { … }"},
		{"BEGIN { delete @x[1] }", "the arguments of a function stand in parentheses: delete(…)"},
		{"BEGIN { for ($i = 0; $i < 3; $i++) { } }",
			"for ($i : 0..10) { … } or for ($kv : @map) { … }; a loop with a condition is while (…) { … }"},
		{"BEGIN { for (i : 0..3) { } }", "the name of a variable begins with '$'"},
		{"BEGIN { for ($i : 3) { } }", "for ($i : 0..10) { … } or for ($kv : @map) { … }"},
		{"BEGIN < @x = 1 > 2; >", "a '>' outside of parentheses ends an action block in angle brackets"},
		{"$a = 1;", "statements stand in an action block, as in BEGIN { … }"},
		{"if ($a) { }", "statements stand in an action block, as in BEGIN { … }"},
		{"k:f k:g { }", "probes in a list are separated by commas"},
		{"k:f /pid == 1 { }", "a filter is written /condition/ before the action block"},
		{"BEGIN { $t.0 = 1 }", "make a new value and assign that"},
		{"BEGIN { $0 }", "they are written $1, $2, …; their number is $#"},
		{"BEGIN { /* }", "end it with */"},
	} {
		_, diags := Parse(&source.Source{Text: []byte(test.in)}, nil)
		if len(diags) == 0 || diags[0].Hint != test.want {
			t.Errorf("%s: got %+v", test.in, diags)
		}
	}
}

// TestParseAttachPoint holds that a pattern on the command line reads as it does in a script.
func TestParseAttachPoint(t *testing.T) {
	ap := ParseAttachPoint(`u:"/a b":$1*`, []string{"read"})
	if ap.Provider != "u" || len(ap.Parts) != 2 || ap.Parts[0] != "/a b" || ap.Parts[1] != "read*" {
		t.Errorf("got %+v", ap)
	}
}
