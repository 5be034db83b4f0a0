package syntax

import (
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

const walkScript = `kprobe:f /@a[1] == $x/ {
	let $y : uint8 = sizeof(int8);
	if ($y ?: 2) { print("s", (3, 4)) } else { return { 5 }; }
}`

func TestInspectOrder(t *testing.T) {
	file, diags := Parse(&source.Source{Text: []byte(walkScript)}, nil)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []string
	ast.Inspect(file, func(n source.Node) bool {
		got = append(got, ast.Label(n))
		return true
	})
	want := []string{
		"script", "probe", "attach point kprobe:f", "binary ==", "element of map @a", "int 1", "variable $x",
		"block", "let", "variable $y", "type uint8", "sizeof", "type int8",
		"if", "choice ?:", "variable $y", "int 2",
		"block", "expression", "call print", `string "s"`, "tuple", "int 3", "int 4",
		"block", "return", "block expression", "block", "expression, last", "int 5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// TestWalkPairs holds that leave follows enter, and that a node whose enter returns false is not gone into.
func TestWalkPairs(t *testing.T) {
	file, _ := Parse(&source.Source{Text: []byte(walkScript)}, nil)
	var open []source.Node
	ast.Walk(file, func(n source.Node) bool {
		if _, ok := n.(*ast.If); ok {
			return false
		}
		if _, ok := n.(*ast.StrLit); ok {
			t.Error("a node below a refused one was visited")
		}
		open = append(open, n)
		return true
	}, func(n source.Node) {
		if open[len(open)-1] != n {
			t.Errorf("left %s, which is not the innermost node", ast.Label(n))
		}
		open = open[:len(open)-1]
	})
	if len(open) != 0 {
		t.Errorf("%d nodes were not left", len(open))
	}
}
