// Package bigscript makes scripts of any number of statements of one kind: the benchmark measures how compile time and
// memory grow with them, and tests load them.
package bigscript

import (
	"fmt"
	"strings"
)

// Kind is a way to make a script long.
type Kind struct {
	Name string
	// statement is the i-th of the n statements of a BEGIN probe.
	statement func(i int) string
	// script, if set, makes the whole script in the place of statement.
	script func(n int) string
}

// Kinds are the kinds of long scripts, the eight that the benchmark shows first.
var Kinds = []Kind{
	{Name: "map assignment", statement: func(i int) string { return fmt.Sprintf("@a = %d;", i) }},
	{Name: "keyed assignment", statement: func(i int) string { return fmt.Sprintf("@h[%d] = pid;", i) }},
	{Name: "printf", statement: func(i int) string { return fmt.Sprintf(`printf("%d %%d %%s\n", pid, comm);`, i) }},
	{Name: "if", statement: func(i int) string { return fmt.Sprintf("if (pid == %d) { @a = %d; } else { @b = %d; }", i, i, i) }},
	{Name: "string comparison", statement: func(i int) string { return fmt.Sprintf(`if (comm == "c%d") { @c = count(); }`, i) }},
	{Name: "hist", statement: func(i int) string { return fmt.Sprintf("@h[%d] = hist(pid);", i) }},
	{Name: "let", statement: func(i int) string { return fmt.Sprintf("let $v%d = %d; @l = $v%d + pid;", i, i, i) }},
	{Name: "probe", script: func(n int) string { return repeat(n, func(i int) string { return fmt.Sprintf("END { @p = %d; }", i) }) }},
	// From here on no rows of the benchmark. A probe has no room for as many loops and variables alive at a time.
	{Name: "for", statement: func(i int) string { return fmt.Sprintf("for ($i : 0..3) { @s[%d] = $i; }", i) }},
	{Name: "variable", statement: func(i int) string { return fmt.Sprintf("$v%d = pid + %d; @v = $v%d;", i, i, i/2) }},
	{Name: "printf without arguments", statement: func(i int) string { return fmt.Sprintf(`printf("%d\n");`, i) }},
	{Name: "if on a variable", script: func(n int) string {
		return probe("$x = pid;" + repeat(n, func(i int) string { return fmt.Sprintf("if ($x > %d) { $x = $x + %d; }", i, i) }) + "@x = $x;")
	}},
	{Name: "else if", script: func(n int) string {
		return probe("$x = pid;" + repeat(n, func(i int) string { return fmt.Sprintf("if ($x == %d) { @a = %d; } else ", i, i) }) + "{ @a = 0; }")
	}},
	{Name: "&&", script: func(n int) string {
		return probe("$x = pid; if (" + repeat(n, func(i int) string { return fmt.Sprintf("$x != %d && ", i) }) + "1) { @a = 1; }")
	}},
	{Name: "count", statement: func(i int) string { return fmt.Sprintf("@c%d = count();", i%10) }},
	{Name: "keyed count", statement: func(i int) string { return fmt.Sprintf("@n[%d, comm] = count();", i) }},
	{Name: "for over a map", script: func(n int) string {
		return probe("@m[1] = 1;" + repeat(n, func(i int) string { return fmt.Sprintf("for ($kv : @m) { @s[%d] = $kv.0; }", i) }))
	}},
	{Name: "while", script: func(n int) string {
		return probe("$i = 0;" + repeat(n, func(i int) string { return fmt.Sprintf("while ($i < %d) { $i++; }", i) }))
	}},
	{Name: "unroll", statement: func(i int) string { return fmt.Sprintf("unroll(2) { @u = %d; }", i) }},
	{Name: "string variable", statement: func(i int) string { return fmt.Sprintf(`$s%d = comm;`, i%4) }},
	{Name: "map", statement: func(i int) string { return fmt.Sprintf("@m%d = %d;", i, i) }},
	{Name: "tuple", statement: func(i int) string { return fmt.Sprintf("@t = (%d, pid, tid);", i) }},
	{Name: "tuple key", statement: func(i int) string { return fmt.Sprintf("@t[(pid, %d)] = 1;", i) }},
	{Name: "sum", script: func(n int) string {
		return probe("@a = pid" + repeat(n, func(i int) string { return fmt.Sprintf(" + %d", i) }) + ";")
	}},
	{Name: "sum of ones", script: func(n int) string { return probe("@a = 1" + repeat(n, func(int) string { return " + 1" }) + ";") }},
	{Name: "sum of reads", script: func(n int) string {
		return probe("@a = 1" + repeat(n, func(i int) string { return fmt.Sprintf(" + @m[%d]", i) }) + "; @m[1] = 1;")
	}},
	{Name: "ternary", statement: func(i int) string { return fmt.Sprintf("@a = pid == %d ? tid : cpu;", i) }},
	{Name: "delete", script: func(n int) string {
		return probe("@m[1] = 1;" + repeat(n, func(i int) string { return fmt.Sprintf("delete(@m, %d);", i) }))
	}},
	{Name: "print", statement: func(i int) string { return fmt.Sprintf("print((%d, pid));", i) }},
	{Name: "macro", script: func(n int) string {
		return "macro m($x, @a) { @a = $x + 1; }\n" + probe("$y = pid;"+repeat(n, func(int) string { return "m($y, @a);" }))
	}},
	{Name: "increment", statement: func(i int) string { return fmt.Sprintf("@i[%d]++;", i) }},
	{Name: "field", statement: func(i int) string {
		return fmt.Sprintf("@f = ((struct task_struct *)curtask)->real_parent->real_parent->pid + %d;", i)
	}},
	{Name: "block", statement: func(i int) string { return fmt.Sprintf("{ $b = %d; @b = $b; }", i) }},
	{Name: "filter", script: func(n int) string {
		return repeat(n, func(i int) string { return fmt.Sprintf("END /pid == %d/ { @p = count(); }", i) })
	}},
	{Name: "attach point", script: func(n int) string {
		return repeat(n-1, func(int) string { return "END, " }) + "END { @p = count(); }"
	}},
}

// Script is a script of n statements of the kind.
func (k *Kind) Script(n int) string {
	if k.script != nil {
		return k.script(n)
	}
	return probe(repeat(n, k.statement))
}

func probe(body string) string { return "BEGIN {\n" + body + "}\n" }

// repeat writes n pieces of text, one a line.
func repeat(n int, piece func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(piece(i))
		b.WriteByte('\n')
	}
	return b.String()
}
