package lang_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	script "github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

// codeCases are a script for each code of a message, with the place, "line:column", of the first message of that code.
var codeCases = []struct{ code, script, place string }{
	{"aggregation-place", `begin { $x = count(); }`, "1:14"},
	{"argument-count", `begin { print(strftime("%Y")); }`, "1:15"},
	{"argument-type", `begin { print(strftime("%Y", true)); }`, "1:30"},
	{"bad-address", `begin { print(&5); }`, "1:16"},
	{"bad-cast", `begin { print((uint8)"abcdefghijk"); }`, "1:15"},
	{"bad-character", "begin { $x = `; }", "1:14"},
	{"bad-condition", `begin { print(comm ? 1 : 2); }`, "1:15"},
	{"bad-escape", `begin { print("a\q"); }`, "1:17"},
	{"bad-format", `begin { printf("%5%"); }`, "1:17"},
	{"bad-increment", `begin { 5++; }`, "1:9"},
	{"bad-integer", `begin { print(099); }`, "1:15"},
	{"bad-loop", `begin { for ($i : 5) { } }`, "1:19"},
	{"bad-map-size", `let @a = hash(foo); begin { }`, "1:15"},
	{"bad-operands", `begin { print(comm + 1); }`, "1:15"},
	{"bad-parameter", `begin { print($2 + 1); }`, "1:15"},
	{"bad-path", `fentry:vfs_read { skboutput("", args.file, 1, 0); }`, "1:29"},
	{"bad-pattern", `begin { print(cgroup_path(cgroup, "[a")); }`, "1:35"},
	{"bad-probe", `i:s:0 { }`, "1:1"},
	{"bad-verdict", `test:a { return "x"; }`, "1:17"},
	{"bad-setting", `config = { a = 1 + 2 } begin { }`, "1:16"},
	{"bad-target", `begin { x = 1; }`, "1:9"},
	{"bad-type", `begin { (int8[4]*[2])$x; }`, "1:18"},
	{"bad-import", `begin { import "x"; }`, "1:9"},
	{"builtin-not-here", `begin { print(arg0); }`, "1:15"},
	{"constant-filter", `t:syscalls:sys_enter_openat /pid >= 0/ { exit(); }`, "1:30"},
	{"deprecated", `begin { while (pid) { break; } }`, "1:9"},
	{"unreachable", `begin { exit(); print(1); }`, "1:17"},
	{"print-in-loop", `begin { for ($i : 0..3) { @x[$i] = 1; print(@x); } }`, "1:39"},
	{"not-run", `begin { print(sizeof({ @x = 1; 1 })); @x = 2; }`, "1:24"},
	{"unused-map", `let @x = hash(5); begin { exit(); }`, "1:1"},
	{"unused-variable", `begin { $x = 1; }`, "1:9"},
	{"c-definition", "#error no\nbegin { }", "1:2"},
	{"declared-twice", `let @x = hash(5); let @x = hash(6); begin { @x[1] = 1; }`, "1:19"},
	{"division-by-zero", `begin { print(pid / 0); }`, "1:21"},
	{"duplicate-name", `begin { $x = (a=1, a=2); }`, "1:20"},
	{"float", `begin { print(1.5); }`, "1:15"},
	{"format-arguments", `begin { printf("%d"); }`, "1:9"},
	{"format-type", `begin { printf("%d", comm); }`, "1:22"},
	{"macro-argument", `macro a($x) { $x++; } begin { a(1); }`, "1:33"},
	{"macro-map", `macro a() { @x++; } begin { a(); @x = 1; }`, "1:13"},
	{"macro-recursion", `macro a() { b() } macro b() { a() } begin { a(); }`, "1:31"},
	{"macro-return", `macro a() { return; } begin { a(); }`, "1:13"},
	{"macro-size", `macro a(x) { x + x } begin { print(` + strings.Repeat("a(", 30) + "1" + strings.Repeat(")", 30) + `); }`, "1:66"},
	{"map-key", `begin { @x[1] = 1; @x = 2; }`, "1:20"},
	{"map-without-key", `begin { @x = 1; print(len(@x)); }`, "1:27"},
	{"missing-else", `begin { $x = if (1) { 2 }; }`, "1:14"},
	{"missing-parameter", `begin { print($9); }`, "1:15"},
	{"no-address", `begin { $x = &pid; }`, "1:14"},
	{"assert-str", `begin { assert_str(5); }`, "1:20"},
	{"fail", `begin { fail("no"); }`, "1:9"},
	{"unsafe", `begin { system("true"); }`, "1:9"},
	{"buffer-cut", `begin { print(buf(curtask, 5000)); }`, "1:15"},
	{"missing-probe", `k:vfs_raed { }`, "1:1"},
	{"missing-probe", `config = { missing_probes = "warn" } begin { exit(); } k:vfs_raed { }`, "1:56"},
	{"missing-semicolon", `begin { $a = 2 $b = 3; }`, "1:16"},
	{"never-assigned", `begin { let $x; }`, "1:13"},
	{"no-command", `begin { print(cpid); }`, "1:15"},
	{"no-field", `begin { print(pid.x); }`, "1:15"},
	{"no-number", `begin { @h = hist(1); print(@h + 1); }`, "1:29"},
	{"no-probes", ` `, "1:1"},
	{"no-value", `begin { $x = printf("a"); }`, "1:14"},
	{"not-constant", `begin { print(comptime pid); }`, "1:15"},
	{"not-integer", `begin { unroll (comm) { } }`, "1:17"},
	{"not-tuple", `begin { print(pid.1); }`, "1:15"},
	{"order", "begin { }\n#include <x>", "2:1"},
	{"out-of-range", `begin { $x = (1, 2); print($x.2); }`, "1:28"},
	{"outside-block", `begin { if (1) { $x = 1; } print($x); }`, "1:34"},
	{"outside-loop", `begin { break; }`, "1:9"},
	{"pointer-printed", `t:syscalls:sys_enter_openat { printf("%s", args.filename); }`, "1:44"},
	{"probe-note", `u:/bin/x:main { }`, "1:1"},
	{"script-too-long", `begin { ` + strings.Repeat(";", 600_000) + ` }`, "1:600005"},
	{"shadowed-variable", `begin { let $x = 1; let $x = 2; }`, "1:25"},
	{"stack-mode", `k:vfs_read { @[kstack(foo)] = count(); }`, "1:23"},
	{"string-cut", `begin { print(str("hello", 2)); }`, "1:15"},
	{"string-length", `begin { print(comm == "abcdefghijklmnop"); }`, "1:15"},
	{"string-too-long", `begin { print("` + strings.Repeat("a", 1<<16) + `"); }`, "1:15"},
	{"missing-return", `fn f(): int8 { } begin { f(); }`, "1:1"},
	{"recursion", `fn f() { f(); } begin { f(); }`, "1:10"},
	{"return-type", `fn f(): int8 { return "x"; } begin { f(); }`, "1:23"},
	{"unused-function", `fn f() { } begin { }`, "1:1"},
	{"static-assert", `begin { static_assert(1 == 2, "no"); }`, "1:9"},
	{"syntax", `begin { $x = ; }`, "1:14"},
	{"too-deep", `begin { print(` + strings.Repeat("(", 300) + `1); }`, "1:263"},
	{"too-large", `struct s { char big[65537]; } begin { print(*(struct s *)1); }`, "1:45"},
	{"too-long", `begin { print(` + strings.Repeat("a", 2000) + `); }`, "1:15"},
	{"too-many-probes", `config = { max_probes = 1 } begin { } interval:s:1, interval:s:2 { }`, "1:39"},
	{"too-many-programs", `config = { max_bpf_progs = 1 } begin { } end { }`, "1:42"},
	{"type-mismatch", `begin { $x = 1; $x = "a"; }`, "1:22"},
	{"unassigned", `begin { let $x; print($x); $x = 1; }`, "1:23"},
	{"unclosed-block", `begin { `, "1:7"},
	{"unclosed-filter", `begin /1 { }`, "1:7"},
	{"undefined-map", `begin { print(@x); }`, "1:15"},
	{"undefined-map", `begin { if (@x) { exit(); } }`, "1:13"},
	{"undefined-variable", `begin { print($x); }`, "1:15"},
	{"unknown-field", `struct s { int x; } begin { print(((struct s *)1).y); }`, "1:35"},
	{"unknown-function", `begin { foo(); }`, "1:9"},
	{"unknown-map-kind", `let @x = hush(5); begin { @x[1] = 1; }`, "1:1"},
	{"unknown-name", `begin { print(foo); }`, "1:15"},
	{"unknown-probe-type", `foo:bar { }`, "1:1"},
	{"unknown-setting", `config = { foo = 1 } begin { }`, "1:12"},
	{"unknown-symbol", `begin { print(kaddr("nosuch_symbol")); }`, "1:21"},
	{"unknown-type", `begin { print(sizeof(struct nothing)); }`, "1:22"},
	{"unmatched-bracket", `begin { } }`, "1:11"},
	{"unsupported", `begin { print(jstack); }`, "1:15"},
	{"unterminated-comment", `begin { } /*`, "1:11"},
	{"unterminated-string", `begin { print("a); }`, "1:15"},
	{"pinned", `iter:task:list { exit(); }`, "1:18"},
	{"unused-value", `begin { 5; }`, "1:9"},
}

// untold are codes of messages that no script gives with the fake kernel, with the reason.
var untold = map[string]string{
	"bad-cgroup": "the fake kernel has every cgroup",
	"kernel":     "the fake kernel has the functions that are asked for",
	"unreadable": "the fake kernel has no argument that cannot be read; testdata/dwarf.txt has one",
	"unsafe":     "no function that needs --unsafe is there yet",
}

// noting is a fake kernel that has something to say of the function main.
type noting struct{ lang.Env }

func (n noting) Resolve(ap *script.AttachPoint) ([]lang.Target, error) {
	targets, err := n.Env.Resolve(ap)
	for i := range targets {
		if targets[i].Func == "main" {
			targets[i].Note = "a note"
		}
	}
	return targets, err
}

// TestCodes has a script for each code of a message.
func TestCodes(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range codeCases {
		tested[c.code] = true
		src := &source.Source{Name: "test", Text: []byte(c.script)}
		opts := &lang.Options{Params: []string{"7", "hello"}}
		file, diags := lang.Parse(src, opts)
		if !diags.HasErrors() {
			_, more := lang.Check(file, src, noting{langtest.New()}, opts)
			diags = append(diags, more...)
		}
		place := "nowhere"
		for _, d := range diags {
			if d.Code == c.code {
				place = fmt.Sprintf("%d:%d", d.Pos.Line, d.Pos.Column)
				break
			}
		}
		if place != c.place {
			t.Errorf("%s is told at %s, not at %s: %.80s", c.code, place, c.place, c.script)
		}
	}
	codes := sourceCodes(t)
	for code, where := range codes {
		if !tested[code] && untold[code] == "" {
			t.Errorf("no script is tested for the message %s (%s)", code, where)
		}
	}
	for code := range untold {
		tested[code] = true
	}
	for code := range tested {
		if codes[code] == "" {
			t.Errorf("there is no message %s", code)
		}
	}
}

// TestWarningCodes holds that each warning is in the table of warnings, and that it can be silenced, by an option and by the script.
func TestWarningCodes(t *testing.T) {
	known := map[string]bool{}
	for _, w := range source.WarningCodes {
		known[w.Code] = true
	}
	warned := map[string]bool{}
	for _, c := range codeCases {
		for _, code := range warnings(c.script) {
			warned[code] = true
			if !known[code] {
				t.Errorf("the warning %s is not in source.WarningCodes", code)
			}
			if slices.Contains(warnings(c.script, code), code) {
				t.Errorf("NoWarnings does not silence %s: %s", code, c.script)
			}
			var quiet string
			if rest, ok := strings.CutPrefix(c.script, "config = {"); ok {
				quiet = `config = { no_warnings = "` + code + `"; ` + rest
			} else {
				quiet = `config = { no_warnings = "unused-value, ` + code + `" } ` + c.script
			}
			if slices.Contains(warnings(quiet), code) {
				t.Errorf("the setting no_warnings does not silence %s: %s", code, quiet)
			}
		}
	}
	for code := range known {
		if !warned[code] {
			t.Errorf("no script gives the warning %s", code)
		}
	}
}

// warnings are the codes of the warnings about a script.
func warnings(script string, silent ...string) (codes []string) {
	src := &source.Source{Name: "test", Text: []byte(script)}
	opts := &lang.Options{Params: []string{"7", "hello"}, NoWarnings: silent}
	file, diags := lang.Parse(src, opts)
	if diags.HasErrors() {
		return nil
	}
	_, diags = lang.Check(file, src, noting{langtest.New()}, opts)
	for _, d := range diags {
		if d.Severity == source.SevWarning {
			codes = append(codes, d.Code)
		}
	}
	return codes
}

// codeMakers are the functions that make a message; all have its code for their second argument.
var codeMakers = map[string]bool{"Errorf": true, "Warningf": true, "errorAt": true, "errorOn": true, "fail": true}

// sourceCodes are the codes in the source of the packages that make messages, each with a place.
func sourceCodes(t *testing.T) map[string]string {
	codes, fset := map[string]string{}, token.NewFileSet()
	for _, dir := range []string{"syntax", "macro", "imports", "check", "lint"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if code := codeOf(n); code != "" {
					codes[code] = fset.Position(n.Pos()).String()
				}
				return true
			})
		}
	}
	return codes
}

// codeOf is the code that a piece of source gives a message, "" for none.
func codeOf(n ast.Node) string {
	var x ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		if len(n.Args) > 1 && codeMakers[calledName(n.Fun)] {
			x = n.Args[1]
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			x = n.Value
		}
	case *ast.ValueSpec: // const codeOpenString = "unterminated-string"
		if strings.HasPrefix(n.Names[0].Name, "code") && len(n.Values) == 1 {
			x = n.Values[0]
		}
	}
	if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		code, _ := strconv.Unquote(lit.Value)
		return code
	}
	return ""
}

func calledName(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
