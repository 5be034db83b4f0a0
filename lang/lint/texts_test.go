package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

// Texts that str() cuts are told wherever the script has them, with the place of str() and what it takes.
func TestCuts(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{`begin { $s = "hello world"; print(str($s, 3)); }`, "1:35 2 of the 11"},
		{`begin { let $s: string[20] = "hello world"; print(str($s, 3)); }`, "1:51 2 of the 11"},
		{`begin { $s = "hello world"; print(str($s, 12)); print(str($s, 100)); print(str($s)); }`, ""},
		{`begin { $s = "hi"; $s = "hello"; $t = $s; print(str($t, 3)); }`, "1:49 2 of the 5"},
		{`begin { $s = comm; $s = "hello"; print(str($s, 3)); }`, "1:40 2 of the 5"},
		{`begin { $s = comm; print(str($s, 3)); print(str(comm, 2)); }`, ""},
		{`begin { @m["k"] = "hello"; } end { print(str(@m["k"], 1)); }`, "1:42 0 of the 5"},
		{`begin { @m = pid ? "hello" : "he"; } end { $n = 4; print(str(@m, $n)); }`, "1:58 3 of the 5"},
		{`begin { @m = "hello"; $n = 4; $n = 9; print(str(@m, $n)); }`, ""},
		{`begin { @m = "hello"; $n = 4; $n++; print(str(@m, $n)); }`, ""},
		{`begin { @m = "hello"; for ($n : 0..3) { print(str(@m, $n)); } }`, ""},
		{`fn f(): string[16] { return "hello"; } begin { print(str(f(), 2)); print(f()); }`, "1:54 1 of the 5"},
		{`fn f($s : string[16]): string[16] { return $s; } begin { print(str(f("hello"), 2)); print(f("a")); }`, "1:64 1 of the 5"},
		{`begin { $s = "abc"; print(str(str_concat($s, str_concat("def", $s)), 7)); }`, "1:27 6 of the 9"},
		{`begin { $s = "abcdef"; print(str(str($s, 4), 2)); }`, "1:30 1 of the 3, 1:34 3 of the 6"},
		{`begin { $t = (1, "hello"); print(str($t.1, 2)); }`, "1:34 1 of the 5"},
		{`begin { $t = (1, ("hello", 2)); $u = $t.1; print(str($u.0, 2)); }`, "1:50 1 of the 5"},
		{`begin { $r = (b=1, a="hello"); $r = (a="he", b=2); print(str($r.a, 2)); }`, "1:58 1 of the 5"},
		{`begin { $t = ("a", 1); $t = ($t.0, 1); print(str($t.0, 0)); }`, "1:46 0 of the 1"},
		{`macro m(x) { $l = x; str($l, 2) } begin { print(m("hello")); }`, "1:22 1 of the 5"},
		{`config = { max_strlen = 4 } begin { $s = "hello"; print(str($s)); }`, "1:57 3 of the 5"},
		{`begin { $s = "hello"; print(str({ $x = 1; $s }, 3)); }`, "1:29 2 of the 5"},
		{`begin { @a[1] = "x"; $s = @a[1]; @a[2] = $s; print(str(@a[2], 0)); }`, "1:52 0 of the 1"},
	} {
		src := &source.Source{Name: "test", Text: []byte(tt.script)}
		file, diags := lang.Parse(src, nil)
		if !diags.HasErrors() {
			_, diags = lang.Check(file, src, langtest.New(), &lang.Options{})
		}
		var got []string
		for _, d := range diags {
			if d.Severity == source.SevError {
				t.Errorf("%s: %v", tt.script, d.Message)
			}
			if d.Code != "string-cut" {
				continue
			}
			takes, _, _ := strings.Cut(strings.TrimPrefix(d.Message, "str() takes "), " characters")
			got = append(got, fmt.Sprintf("%d:%d %s", d.Pos.Line, d.Pos.Column, takes))
		}
		if g := strings.Join(got, ", "); g != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.script, g, tt.want)
		}
	}
}
