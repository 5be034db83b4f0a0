package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// sexpr writes an expression with all its parentheses.
func sexpr(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.IntLit:
		return strconv.FormatUint(x.Value, 10)
	case *ast.Unary:
		return "(" + x.Op + " " + sexpr(x.X) + ")"
	case *ast.IncDec:
		if x.Prefix {
			return "(" + x.Op + " " + sexpr(x.Target) + ")"
		}
		return "(" + sexpr(x.Target) + " " + x.Op + ")"
	case *ast.Binary:
		return "(" + sexpr(x.X) + " " + x.Op + " " + sexpr(x.Y) + ")"
	case *ast.Ternary:
		if x.X == x.Cond {
			return "(" + sexpr(x.Cond) + " ?: " + sexpr(x.Y) + ")"
		}
		return "(" + sexpr(x.Cond) + " ? " + sexpr(x.X) + " : " + sexpr(x.Y) + ")"
	case *ast.Cast:
		return "((" + x.Type.String() + ") " + sexpr(x.X) + ")"
	case *ast.FieldExpr:
		return sexpr(x.X) + map[bool]string{false: ".", true: "->"}[x.Arrow] + x.Name
	case *ast.TupleIndex:
		return sexpr(x.X) + "." + strconv.Itoa(x.N)
	case *ast.Index:
		return sexpr(x.X) + "[" + sexpr(x.I) + "]"
	case *ast.Call:
		return x.Name + "(" + sexprs(x.Args) + ")"
	case *ast.MapRef:
		if x.Indexed {
			return "@" + x.Name + "[" + sexprs(x.Keys) + "]"
		}
	case *ast.TupleExpr:
		return "<" + sexprs(x.Elems) + ">"
	case *ast.RecordExpr:
		var parts []string
		for i, name := range x.Names {
			parts = append(parts, name+"="+sexpr(x.Elems[i]))
		}
		return "<" + strings.Join(parts, ", ") + ">"
	case *ast.Sizeof:
		return "sizeof(" + sexprType(x.Type, x.X) + ")"
	case *ast.Typeinfo:
		return "typeinfo(" + sexprType(x.Type, x.X) + ")"
	case *ast.Offsetof:
		return "offsetof(" + sexprType(x.Type, x.X) + ", " + strings.Join(x.Fields, ".") + ")"
	case *ast.TypeExpr:
		return "typeof " + x.Type.String()
	case *ast.Comptime:
		return "(comptime " + sexpr(x.X) + ")"
	case *ast.BlockExpr:
		return fmt.Sprintf("{%d}", len(x.Body.Stmts))
	}
	p := &ast.Printer{}
	p.Expr(x, 0)
	return p.Out.String()
}

func sexprs(list []ast.Expr) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = sexpr(x)
	}
	return strings.Join(parts, ", ")
}

func sexprType(t *ast.TypeName, x ast.Expr) string {
	if t != nil {
		return "type " + t.String()
	}
	return sexpr(x)
}

// exprTests are expressions with the form that sexpr gives them.
var exprTests = []struct{ in, want string }{
	// Associativity and precedence, as in C.
	{"8-4-2", "((8 - 4) - 2)"},
	{"8/4*2%3", "(((8 / 4) * 2) % 3)"},
	{"1 + 2 * 3", "(1 + (2 * 3))"},
	{"1 << 2 + 3", "(1 << (2 + 3))"},
	{"1 < 2 << 3", "(1 < (2 << 3))"},
	{"1 == 2 < 3", "(1 == (2 < 3))"},
	{"1 & 2 == 3", "(1 & (2 == 3))"},
	{"1 ^ 2 & 3", "(1 ^ (2 & 3))"},
	{"1 | 2 ^ 3", "(1 | (2 ^ 3))"},
	{"1 && 2 | 3", "(1 && (2 | 3))"},
	{"1 || 2 && 3", "(1 || (2 && 3))"},
	{"1 || 2 ? 3 : 4", "((1 || 2) ? 3 : 4)"},
	{"1 ? 2 : 3 ? 4 : 5", "(1 ? 2 : (3 ? 4 : 5))"},
	{"1 ? 2 ? 3 : 4 : 5", "(1 ? (2 ? 3 : 4) : 5)"},
	{"$x ?: 10", "($x ?: 10)"},
	{"(8-4)-2", "((8 - 4) - 2)"},
	{"8-(4-2)", "(8 - (4 - 2))"},
	{"$a >= 1 != $b <= 2", "(($a >= 1) != ($b <= 2))"},

	// Prefix and postfix operators.
	{"-1", "(- 1)"},
	{"- -1", "(- (- 1))"},
	{"-$x.y", "(- $x.y)"},
	{"!$x == 1", "((! $x) == 1)"},
	{"~1 & 2", "((~ 1) & 2)"},
	{"*$p + 1", "((* $p) + 1)"},
	{"$a * *$p", "($a * (* $p))"},
	{"&$x", "(& $x)"},
	{"&@x[1]", "(& @x[1])"},
	{"++$x + $y++", "((++ $x) + ($y ++))"},
	{"$x++ + ++$y", "(($x ++) + (++ $y))"},
	{"--@[1]", "(-- @[1])"},
	{"@x--", "(@x --)"},
	{"$x - -1", "($x - (- 1))"},
	{"$x -1", "($x - 1)"},
	{"args->x.y->z", "args->x.y->z"},
	{"args.if.let", "args.if.let"},
	{"$t.0.1", "$t.0.1"},
	{"$a[1][2].b", "$a[1][2].b"},
	{"@x[1][2]", "@x[1][2]"},
	{"@x[1].0", "@x[1].0"},

	// Maps, variables, parameters, calls.
	{"@", "@"},
	{"@[tid, comm]", "@[tid, comm]"},
	{"@x[(1, 2)]", "@x[<1, 2>]"},
	{"$1 + $12 + $#", "(($1 + $12) + $#)"},
	{"foo()", "foo()"},
	{"foo(1, bar(2))", "foo(1, bar(2))"},
	{"greet!(1)", "greet(1)"},
	{"1 != (2)", "(1 != 2)"},
	{"stack(perf, 3)", "stack(perf, 3)"},

	// Parentheses: casts, tuples, records, grouping.
	{"(uint64)1 + 2", "(((uint64) 1) + 2)"},
	{"(uint8)-1", "((uint8) (- 1))"},
	{"(int8[4])$x", "((int8[4]) $x)"},
	{"(int8[])$x", "((int8[]) $x)"},
	{"(struct task_struct *)curtask", "((struct task_struct *) curtask)"},
	{"((struct a*)$x)->b", "((struct a *) $x)->b"},
	{"(struct a*)$x->b", "((struct a *) $x->b)"},
	{"(enum foo)1", "((enum foo) 1)"},
	{"(union u **)1", "((union u **) 1)"},
	{"*(uint64*)$p", "(* ((uint64 *) $p))"},
	{"(unsigned long)1", "((unsigned long) 1)"},
	{"(unsigned long long *)$p", "((unsigned long long *) $p)"},
	{"(int32*[4])$p", "((int32 *[4]) $p)"},
	{"(int32[4]*)$p", "((int32[4]*) $p)"},
	{"(mytype)$x", "((mytype) $x)"},
	{"(mytype)*$x", "((mytype) (* $x))"},
	{"(mytype)(1)", "((mytype) 1)"},
	{"(typeof($x))1", "((typeof(($x))) 1)"},
	{"(pid)*tid", "(pid * tid)"},
	{"(arg0)*2", "(arg0 * 2)"},
	{"(myname)", "myname"},
	{"(myname)+1", "(myname + 1)"},
	{"($x)-1", "($x - 1)"},
	{"(a[0])", "a[0]"},
	{"(a[pid])", "a[pid]"},
	{"()", "<>"},
	{"(1,)", "<1>"},
	{"(1, 2)", "<1, 2>"},
	{"(1, (2, 3),)", "<1, <2, 3>>"},
	{"(1, 2).0", "<1, 2>.0"},
	{"(a=1, b=(c=2))", "<a=1, b=<c=2>>"},
	{"(a==1, 2)", "<(a == 1), 2>"},

	// Types and expressions in sizeof and the like.
	{"sizeof(uint64)", "sizeof(type uint64)"},
	{"sizeof(struct foo *)", "sizeof(type struct foo *)"},
	{"sizeof(foo_t)", "sizeof(type foo_t)"},
	{"sizeof(foo_t[3])", "sizeof(type foo_t[3])"},
	{"sizeof((foo)[1])", "sizeof(foo[1])"},
	{"sizeof($x)", "sizeof($x)"},
	{"sizeof(pid)", "sizeof(pid)"},
	{"sizeof(1 + 2)", "sizeof((1 + 2))"},
	{"offsetof(struct foo, a.b)", "offsetof(type struct foo, a.b)"},
	{"offsetof($x, a)", "offsetof($x, a)"},
	{"typeinfo(uint8)", "typeinfo(type uint8)"},
	{"m(typeof(uint64*), typeof($x))", "m(typeof uint64 *, typeof typeof(($x)))"},
	{"comptime 1 + 2", "((comptime 1) + 2)"},

	// Blocks and conditions in the place of expressions.
	{"{ $a = 1; $a }", "{2}"},
	{"if ($x) { 1 } else { 2 }", "($x ? {1} : {1})"},
	{"if $x { 1 } else if $y { 2 } else { 3 }", "($x ? {1} : ($y ? {1} : {1}))"},

	{"{ 1; if ($x) { 2 } else { 3 } }", "{2}"},

	// Literals.
	{"true == false", "(true == false)"},
	{`"a\n\t\r\\\"\0\101\x41b"`, `"a\n\t\r\\\"\x00AAb"`},
	{`"日本 // /* {"`, `"日本 // /* {"`},
	{"0x10 + 0XfF", "(16 + 255)"},
	{"0755", "493"},
	{"1e6", "1000000"},
	{"2E3", "2000"},
	{"1_000_000", "1000000"},
	{"0xff_ff", "65535"},
	{"1u + 1L + 1ul + 1ULL + 0x10UL", "((((1 + 1) + 1) + 1) + 16)"},
	{"18446744073709551615", "18446744073709551615"},
	{"1ns + 1us + 1ms", "((1 + 1000) + 1000000)"},
	{"1s", "1000000000"},
	{"2m", "120000000000"},
	{"1h", "3600000000000"},
	{"1d", "86400000000000"},
	{"1e3ms", "1000000000"},
	{"1 /* one */ + // two\n 2", "(1 + 2)"},
}

func TestExpressions(t *testing.T) {
	for _, test := range exprTests {
		src := &source.Source{Name: "test", Text: []byte("BEGIN { $r = " + test.in + "; }")}
		file, diags := Parse(src, nil)
		if len(diags) > 0 {
			t.Errorf("%s: %v", test.in, diags[0])
			continue
		}
		body := file.Items[0].(*ast.Probe).Body.Stmts
		if len(body) != 1 {
			t.Errorf("%s: %d statements", test.in, len(body))
			continue
		}
		if got := sexpr(body[0].(*ast.Assign).Value); got != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
		checkSpans(t, file, string(src.Text))
		checkRoundTrip(t, file)
	}
}

// TestMinusIsUnary holds that -1 is a Unary of 1, so that the smallest integer can be written.
func TestMinusIsUnary(t *testing.T) {
	file, _ := Parse(&source.Source{Text: []byte("BEGIN { $x = -1 }")}, nil)
	value := file.Items[0].(*ast.Probe).Body.Stmts[0].(*ast.Assign).Value
	if u, ok := value.(*ast.Unary); !ok || u.Op != "-" {
		t.Errorf("got %T", value)
	}
}

func TestExpressionSpans(t *testing.T) {
	const text = "BEGIN { $x = (uint8) $y [ 1 ] + foo ( 2 ) ; }"
	file, diags := Parse(&source.Source{Text: []byte(text)}, nil)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	want := map[string]bool{
		"(uint8) $y [ 1 ] + foo ( 2 )": true, "(uint8) $y [ 1 ]": true, "uint8": true,
		"$y [ 1 ]": true, "foo ( 2 )": true, "$x = (uint8) $y [ 1 ] + foo ( 2 )": true,
	}
	ast.Inspect(file, func(n source.Node) bool {
		span := n.Range()
		delete(want, text[span.Pos.Offset:span.EndPos.Offset])
		return true
	})
	for missing := range want {
		t.Errorf("no node covers %q", missing)
	}
}
