package lang_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

// restCases are scripts with syntax errors, and all that is told of them: neither do these hide what else is wrong, nor does anything
// follow from them.
var restCases = []struct{ script, want string }{
	// What is wrong elsewhere: in the same block, in another probe, before and behind.
	{`begin { $x = ; print($y); }`, "1:14 syntax, 1:22 undefined-variable"},
	{`begin { print(nope()); } end { $x = 1 +; print("a" - 1); }`, "1:15 unknown-function, 1:40 syntax, 1:48 bad-operands"},
	{`begin { if (1) { $x = ; print($y); } print($z); }`, "1:23 syntax, 1:31 undefined-variable, 1:44 undefined-variable"},
	{`begin { $a = 2 $b = "x"; print($a + $b); }`, "1:16 missing-semicolon, 1:32 bad-operands"},
	{`begin { } k:vfs_raed { exit() exit() }`, "1:11 missing-probe, 1:31 missing-semicolon"},
	{`t:syscalls:sys_enter_openat /pid = 1/ { @x = 1; } end { print(comm + 1); }`, "1:34 syntax, 1:63 bad-operands"},
	{`begin { @x = 1; $x = ; @x = "a"; }`, "1:22 syntax, 1:29 type-mismatch"},
	{`begin { print("a\q"); print($y); }`, "1:17 bad-escape, 1:29 undefined-variable"},
	{"begin { print(1);\nend { exit(); }\ninterval:s:1 { print($y); }", "1:7 unclosed-block, 3:22 undefined-variable"},
	// Nothing follows from what is left out.
	{`begin { $x = ; print($x); printf("%s", $x); let $y = $x; print($y.foo); }`, "1:14 syntax"},
	{`begin { @x[1] = ; print(@x[1]); printf("%s", @x[2]); @x["a"] = 1; }`, "1:17 syntax, 1:54 map-key"},
	{`begin { @x = ; } end { print(@x); printf("%s", @x); clear(@x); }`, "1:14 syntax"},
	{`let @x = hash(5); begin { @x[1] = ; } end { print(@x[1]); for ($kv : @x) { print($kv.0); } }`, "1:35 syntax"},
	{`begin { let $x = ; $x = 5; print($x); }`, "1:18 syntax"},
	{`begin { let $x = ; let $x = 5; print($x); }`, "1:18 syntax"},
	{`begin { for ($i ; 5) { $y = 1; } print($i + $y); }`, "1:17 syntax"},
	{`begin / { @x = "a"; } end { print(@x); printf("%s", @x); }`, "1:7 unclosed-filter"},
	{`begin { @x = "a; } end { print(@x); }`, "1:14 unterminated-string"},
	{`begin { $x = ; }`, "1:14 syntax"},
	{`foo bar { @x = 1; } begin { print(@x); }`, "1:5 syntax"},
	// The rest of the script may mean nothing.
	{`macro m(x) { x + } begin { print(m(1)); print($y); }`, "1:18 syntax"},
	{`config = { a } begin { print($y); }`, "1:14 syntax"},
	{`let @x = hash(; begin { @x = 1; print($y); }`, "1:15 syntax"},
}

func TestCheckRest(t *testing.T) {
	for _, c := range restCases {
		src := &source.Source{Name: "test", Text: []byte(c.script)}
		file, diags := lang.Parse(src, nil)
		diags = lang.CheckRest(file, src, diags, func() lang.Env { return langtest.New() }, &lang.Options{})
		var got []string
		for _, d := range diags {
			got = append(got, fmt.Sprintf("%d:%d %s", d.Pos.Line, d.Pos.Column, d.Code))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.script, text, c.want)
		}
	}
}

// TestSince holds that a conflict of types names both types, and the place of the other one.
func TestSince(t *testing.T) {
	for _, c := range []struct{ script, message, hint string }{
		{"begin { @x = \"a\"; }\nend { @x = 5; }", "@x is a string and cannot hold an int64", "@x has held a string since test:1:14"},
		{"begin { $x = 5; $x = \"a\"; print($x); }", "$x is an int64 and cannot hold a string", "$x has held an int64 since test:1:9"},
		{"begin { @x[1] = 1; @x[\"a\"] = 1; }", "@x has an int64 as key, not a string", "@x has had an int64 as key since test:1:9"},
		{"begin { @x = count(); @x = 5; }", "@x is a count_t and cannot hold an int64", "@x has held a count_t since test:1:14"},
		{"begin { @x = lhist(1, 0, 10, 1); @x = lhist(1, 0, 20, 1); }", "@x holds lhist() with other arguments", "@x has held lhist() since test:1:14"},
		{"begin { @x = 5; @x[1] = 5; }", "@x has no key, but is used with one here", "it is first used at test:1:9"},
		{"begin { let $x = 1; let $x = 2; print($x); }", "there is a $x already", "it is declared at test:1:13"},
	} {
		src := &source.Source{Name: "test", Text: []byte(c.script)}
		file, _ := lang.Parse(src, nil)
		_, diags := lang.Check(file, src, langtest.New(), nil)
		if !slices.ContainsFunc(diags, func(d source.Diagnostic) bool { return d.Message == c.message && d.Hint == c.hint }) {
			t.Errorf("%s\ngot %v\nhint %q", c.script, diags, diags[min(0, len(diags)-1)].Hint)
		}
	}
}
