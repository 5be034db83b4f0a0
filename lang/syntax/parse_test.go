package syntax

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// format parses a script and prints it back.
func format(t *testing.T, text string) (string, *ast.File) {
	t.Helper()
	src := &source.Source{Name: "test", Text: []byte(text)}
	file, diags := Parse(src, nil)
	if len(diags) > 0 {
		t.Errorf("%s\n%v", text, diags[0])
		return "", file
	}
	var out strings.Builder
	if err := ast.Format(&out, file); err != nil {
		t.Fatal(err)
	}
	checkSpans(t, file, text)
	checkRoundTrip(t, file)
	return out.String(), file
}

// stmtTests are statements with the form they are printed in, lines joined by one blank.
var stmtTests = []struct{ in, want string }{
	{"", ""},
	{";;", ""},
	{"$x = 1", "$x = 1;"},
	{"$x = 1;; $y = 2;", "$x = 1; $y = 2;"},
	{"$x", "$x;"},
	{"$x;", "$x;"},
	{"exit()", "exit();"},
	{"exit();", "exit();"},
	{"@ = count()", "@ = count();"},
	{"@x[1, 2]++", "@x[1, 2]++;"},
	{"@x[1] += 2;", "@x[1] += 2;"},
	{"$x <<= 1; $x >>= 1; $x |= 1; $x &= 1; $x ^= 1; $x %= 1; $x /= 2; $x *= 2; $x -= 2;",
		"$x <<= 1; $x >>= 1; $x |= 1; $x &= 1; $x ^= 1; $x %= 1; $x /= 2; $x *= 2; $x -= 2;"},
	{"_ = 1", "_ = 1;"},
	{"let $x", "let $x;"},
	{"let $x : uint8 = 1", "let $x : uint8 = 1;"},
	{"let $x: struct foo * = 1;", "let $x : struct foo * = 1;"},
	{"let $x: typeof(y);", "let $x : y;"},
	{"let $x: typeof($y)[3];", "let $x : typeof(($y))[3];"},
	{"let $x = { 1 };", "let $x = { 1 };"},
	{"if ($x) { 1; }", "if ($x) { 1; }"},
	{"if $x == 1 { 1; }", "if ($x == 1) { 1; }"},
	{"if ($x) == 1 { 1; }", "if ($x == 1) { 1; }"},
	{"if (1) { } else if (2) { } else { }", "if (1) { } else if (2) { } else { }"},
	{"if (1) { } $else = 1;", "if (1) { } $else = 1;"},
	{"if (1) { }; $x = 1", "if (1) { } $x = 1;"},
	{"while ($i < 5) { $i++ }", "while ($i < 5) { $i++; }"},
	{"while $i < 5 { $i++; break; continue }", "while ($i < 5) { $i++; break; continue; }"},
	{"unroll (5) { $i++; }", "unroll (5) { $i++; }"},
	{"unroll 5 { $i++; }", "unroll (5) { $i++; }"},
	{"for ($i : 0..10) { $i }", "for ($i : 0..10) { $i; }"},
	{"for $i : $a..ncpus { }", "for ($i : $a..ncpus) { }"},
	{"for ($kv : @m) { print($kv.0) }", "for ($kv : @m) { print($kv.0); }"},
	{"for $kv : @ { }", "for ($kv : @) { }"},
	{"return", "return;"},
	{"return; 1", "return; 1;"},
	{"return 1", "return 1;"},
	{"{ $x = 1 } $y = 2", "{ $x = 1; } $y = 2;"},
	{"({ 1 })", "({ 1 });"},
	{"({ 1 }) + 2;", "({ 1 }) + 2;"},
	{"$a = { if ($x) { if ($y) { 1 } else { 2 } } else { { 3 } } };",
		"$a = { $x ? { $y ? { 1 } : { 2 } } : { ({ 3 }) } };"},
	{"$a = { if ($x) { 1 } };", "$a = { if ($x) { 1 } };"},
	{"import \"stdlib/x\"; 1", "import \"stdlib/x\"; 1;"},
	{"delete(@x[1]); delete(@x, 1);", "delete(@x[1]); delete(@x, 1);"},
	{`$a == 1 ? print("x") : print("y");`, `$a == 1 ? print("x") : print("y");`},
	{"$x = 4 / 2; $y = $x / { 1 };", "$x = 4 / 2; $y = $x / ({ 1 });"},
	{"$config = config; $macro = macro_x; @if = 1", "$config = config; $macro = macro_x; @if = 1;"},
}

func TestStatements(t *testing.T) {
	for _, test := range stmtTests {
		got, _ := format(t, "BEGIN { "+test.in+" }")
		got = strings.Join(strings.Fields(got), " ")
		want := "BEGIN { " + test.want + " }"
		if test.want == "" {
			want = "BEGIN { }"
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.in, got, want)
		}
	}
}

// itemTests are scripts with the form they are printed in, lines joined by one blank.
var itemTests = []struct{ in, want string }{
	{"", ""},
	{"#!/usr/bin/env gotrace\nBEGIN{}", "BEGIN { }"},
	{"#!/usr/bin/env gotrace", ""},
	{"\n#!/usr/bin/env gotrace", ""},
	{"// only a comment", ""},
	{"/* a */ BEGIN /* b { */ { /* c } */ } // d", "BEGIN { }"},
	{"BEGIN { } END { }", "BEGIN { } END { }"},
	{"k:a,k:b { }", "k:a, k:b { }"},
	{"k:a,\n\tk:b,\n// c\nk:c\n{ }", "k:a, k:b, k:c { }"},
	{"k:a, { }", "k:a { }"},
	{"k:vfs_*,k:[ab]?x { }", "k:vfs_*, k:[ab]?x { }"},
	{"k:f / pid == 1 / { }", "k:f /pid == 1/ { }"},
	{"k:f /pid == 1/{}", "k:f /pid == 1/ { }"},
	{"k:f/pid == 1/{}", "k:f /pid == 1/ { }"},
	{"k:f /pid / 2 == 1/ { }", "k:f /pid / 2 == 1/ { }"},
	{"k:f /pid / 2/ // x\n { }", "k:f /pid / 2/ { }"},
	{"k:f / { 1 } / { }", "k:f /{ 1 }/ { }"},
	{"k:f / *(uint64*)arg0 == 1/ { }", "k:f / *(uint64 *)arg0 == 1/ { }"},
	{"k:f+0x10 { }", "k:f+0x10 { }"},
	{"u:/bin/bash:readline { }", "u:/bin/bash:readline { }"},
	{"u:/bin/bash:readline /pid/ { }", "u:/bin/bash:readline /pid/ { }"},
	{"u:/bin/bash:readline/pid/{ }", "u:/bin/bash:readline /pid/ { }"},
	{"u:/bin/bash:readline/pid == 1/{ }", "u:/bin/bash:readline /pid == 1/ { }"},
	{"u:./go:net/http.(*Server).Serve { }", "u:./go:net/http.(*Server).Serve { }"},
	{"u:./go:net/http.Get /pid/ { }", "u:./go:net/http.Get /pid/ { }"},
	{"u:./go:net/http.Get/\f{ }", "u:./go:net /http.Get/ { }"},
	{`u:./go:net/http"a // {".Get { }`, `u:./go:net/http"a // {".Get { }`},
	{`u:"/bin/a b":"f(int, char {)" { }`, `u:"/bin/a b":"f(int, char {)" { }`},
	{"u:./x:cpp:foo<int> { }", "u:./x:cpp:foo<int> { }"},
	{"name=k:f { }", "name=k:f { }"},
	{"i:s:$1 { }", "i:s:$1 { }"},
	{"BEGIN < exit() >", "BEGIN { exit(); }"},
	{"BEGIN<exit()>", "BEGIN { exit(); }"},
	{"BEGIN<@++>END<@-->", "BEGIN { @++; } END { @--; }"},
	{"k:f /pid > 1/ < $x = (1 > 2); $y = $p->a >> 1; $z = 1 >= 2; if ($x > 1) { $a = 1 > 2 } >",
		"k:f /pid > 1/ { $x = 1 > 2; $y = $p->a >> 1; $z = 1 >= 2; if ($x > 1) { $a = 1 > 2; } }"},
	{"k:f / 1 < 2 /< $x = 1 < 2 >", "k:f /1 < 2/ { $x = 1 < 2; }"},
	{"u:/bin/a:b < exit() >", "u:/bin/a:b { exit(); }"},
	{"#include <linux/x.h>\n#define A \\\n 1\nBEGIN { }", "#include <linux/x.h> #define A \\ 1 BEGIN { }"},
	{"#define A\\", "#define A\\"},
	{"struct a { int x; /* } */ } BEGIN { }", "struct a { int x; /* } */ } BEGIN { }"},
	{"enum { A = 1, B }; BEGIN { }", "enum { A = 1, B }; BEGIN { }"},
	{"struct a { int x; } __attribute__((packed)) __attribute__((aligned(1))); BEGIN { }",
		"struct a { int x; } __attribute__((packed)) __attribute__((aligned(1))); BEGIN { }"},
	{"config = { a = 1; b = yes }BEGIN{}", "config = { a = 1; b = yes; } BEGIN { }"},
	{`config={license="GPL v2"; print_maps_on_exit=false;} BEGIN{}`,
		`config = { license = "GPL v2"; print_maps_on_exit = false; } BEGIN { }`},
	{`import "a.bt"; BEGIN { }`, `import "a.bt"; BEGIN { }`},
	{"let @a = hash(100); let @b=lruhash(1e3)\nBEGIN { }", "let @a = hash(100); let @b = lruhash(1000); BEGIN { }"},
	{"macro one() { 1 } BEGIN { one() }", "macro one() { 1 } BEGIN { one(); }"},
	{"macro m { 1 } macro add($a, b, @c) { $a + b + @c }", "macro m() { 1 } macro add($a, b, @c) { $a + b + @c }"},
	{"fn f($a : int32, $b: struct x *) : void { return; } BEGIN { }",
		"fn f($a : int32, $b : struct x *) : void { return; } BEGIN { }"},
}

func TestItems(t *testing.T) {
	for _, test := range itemTests {
		got, _ := format(t, test.in)
		if got = strings.Join(strings.Fields(got), " "); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.in, got, test.want)
		}
	}
}

func TestAttachPoints(t *testing.T) {
	for _, test := range []struct {
		text, name, provider string
		parts                []string
	}{
		{"BEGIN", "", "BEGIN", nil},
		{"kprobe:vfs_read+8", "", "kprobe", []string{"vfs_read+8"}},
		{"t:syscalls:sys_enter_*", "", "t", []string{"syscalls", "sys_enter_*"}},
		{`u:"/a:b/c d":"f(int, char)"`, "", "u", []string{"/a:b/c d", "f(int, char)"}},
		{"n1=k:f", "n1", "k", []string{"f"}},
		{"interval:$1:$2", "", "interval", []string{"ms", "100"}},
		{"u:/opt/$1/x$2y:f$3", "", "u", []string{"/opt/ms/x100y", "f"}},
		{"i:s:$#", "", "i", []string{"s", "2"}},
		{"i:s:$", "", "i", []string{"s", "$"}},
	} {
		src := &source.Source{Text: []byte(test.text + " { }")}
		file, diags := Parse(src, []string{"ms", "100"})
		if len(diags) > 0 {
			t.Errorf("%s: %v", test.text, diags[0])
			continue
		}
		ap := file.Items[0].(*ast.Probe).Points[0]
		if ap.Text != test.text || ap.Name != test.name || ap.Provider != test.provider || !slices.Equal(ap.Parts, test.parts) {
			t.Errorf("%s: got %+v", test.text, ap)
		}
	}
}

// TestSeedScripts holds that whole scripts parse and can be printed.
func TestSeedScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/parse/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		format(t, string(text))
	}
}

// TestParseConcurrently holds that parses do not share state.
func TestParseConcurrently(t *testing.T) {
	done := make(chan string)
	for i := range 8 {
		param := strings.Repeat("x", i)
		go func() {
			src := &source.Source{Text: []byte("k:$1 { $x = }")}
			file, diags := Parse(src, []string{param})
			if len(diags) != 1 || file.Items[0].(*ast.Probe).Points[0].Parts[0] != param {
				done <- "wrong parse with parameter " + param
				return
			}
			done <- ""
		}()
	}
	for range 8 {
		if msg := <-done; msg != "" {
			t.Error(msg)
		}
	}
}
