package interp_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// shape is the type of a value that random scripts make: an integer type, "string", or a tuple.
type shape struct {
	name  string
	elems []shape
}

var intNames = []string{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}

var str = shape{name: "string"}

func (s shape) equal(o shape) bool {
	if s.name != o.name || len(s.elems) != len(o.elems) {
		return false
	}
	for i := range s.elems {
		if !s.elems[i].equal(o.elems[i]) {
			return false
		}
	}
	return true
}

// named is a variable or a map with what it holds.
type named struct {
	name string
	key  []shape // of maps: none for one without a key
	val  shape
	agg  string
}

// values makes a random script, in which no map is printed or cleared: that is done when the program has gone on.
// Every line that it prints is determined: numbers of all types, strings, tuples, maps of them.
// $z is 0 and $one is 1, and only the kernel knows.
type values struct {
	r     *rand.Rand
	b     strings.Builder
	vars  []named
	maps  []named
	next  int
	left  int // statements that may still be made
	loops int
}

// valueScript is the script of a seed.
func valueScript(seed uint64) string {
	g := &values{r: rand.New(rand.NewPCG(seed, 17)), left: 25}
	g.line("BEGIN {")
	g.line("$one = (int64)(nsecs > 0); $z = $one - 1;")
	for i := range 2 + g.r.IntN(4) {
		m := named{name: fmt.Sprintf("@m%d", i), val: g.shape(1)}
		for range g.r.IntN(3) {
			m.key = append(m.key, g.shape(0))
		}
		if g.r.IntN(3) == 0 {
			m.agg, m.val = pick(g.r, "count", "sum", "min", "max", "avg"), shape{name: pick(g.r, "int64", "uint64", "int32", "uint8")}
		}
		g.assignMap(m)
		g.maps = append(g.maps, m)
	}
	for g.left > 0 {
		g.stmt(0)
	}
	for _, v := range g.vars {
		g.line("print(%s);", v.name)
	}
	g.line("exit();\n}")
	return g.b.String()
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func (g *values) line(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }

func (g *values) shape(depth int) shape {
	switch n := g.r.IntN(10); {
	case n < 3:
		return str
	case n < 5 && depth > 0:
		s := shape{name: "tuple"}
		for range 2 + g.r.IntN(2) {
			s.elems = append(s.elems, g.shape(depth-1))
		}
		return s
	}
	return shape{name: pick(g.r, intNames...)}
}

func (g *values) stmt(depth int) {
	g.left--
	switch n := g.r.IntN(16); {
	case n < 3:
		g.assignVar(depth)
	case n < 7:
		g.assignMap(pick(g.r, g.maps...))
	case n < 9:
		g.line("print((%d, %s));", g.next, g.expr(g.shape(2), 2)) // of a map alone it would print what that holds later
	case n == 9:
		g.printf()
	case n == 10:
		g.change()
	case n == 11:
		g.mapCall()
	case depth > 2:
		g.line("print(%s);", g.cond(2))
	default:
		g.compound(depth)
	}
}

// compound writes a statement with a block; variables that it declares end with it.
func (g *values) compound(depth int) {
	vars := len(g.vars)
	switch g.r.IntN(4) {
	case 0, 1:
		g.line("if (%s) {", g.cond(2))
		g.body(depth)
		g.vars = g.vars[:vars]
		if g.r.IntN(2) == 0 {
			g.line("} else {")
			g.body(depth)
		}
	case 2:
		g.next++
		g.line("for ($i%d : 0..%d) {", g.next, g.r.IntN(4))
		g.loops++
		g.body(depth)
		g.loops--
	default:
		g.next++
		g.line("$w%d = $z; while ($w%d < %d) { $w%d++;", g.next, g.next, g.r.IntN(5), g.next)
		g.loops++
		g.body(depth)
		g.loops--
	}
	g.line("}")
	g.vars = g.vars[:vars]
}

func (g *values) body(depth int) {
	for range 1 + g.r.IntN(3) {
		g.stmt(depth + 1)
	}
	if g.loops > 0 && g.r.IntN(4) == 0 {
		g.line("if (%s) { %s; }", g.cond(1), pick(g.r, "break", "continue"))
	}
}

func (g *values) assignVar(depth int) {
	if len(g.vars) > 0 && g.r.IntN(2) == 0 {
		v := pick(g.r, g.vars...)
		g.line("%s = %s;", v.name, g.expr(v.val, 3))
		return
	}
	v := named{val: g.shape(2)}
	text := g.expr(v.val, 3)
	g.next++
	v.name = fmt.Sprintf("$v%d", g.next)
	g.line("%s%s = %s;", pick(g.r, "", "let "), v.name, text)
	g.vars = append(g.vars, v)
}

func (g *values) element(m named) string {
	if len(m.key) == 0 {
		return m.name
	}
	return m.name + "[" + g.keys(m) + "]"
}

func (g *values) keys(m named) string {
	var keys []string
	for _, k := range m.key {
		keys = append(keys, g.expr(k, 1))
	}
	return strings.Join(keys, ", ")
}

func (g *values) assignMap(m named) {
	target := g.element(m)
	switch m.agg {
	case "":
		g.line("%s = %s;", target, g.expr(m.val, 2))
	case "count":
		g.line("%s = count();", target)
	default:
		g.line("%s = %s(%s);", target, m.agg, g.expr(m.val, 2))
	}
}

// change counts a number up, or computes with it in place.
func (g *values) change() {
	var fit []string
	for _, v := range append(g.vars[:len(g.vars):len(g.vars)], g.maps...) {
		if isInt(v.val) && v.agg == "" {
			fit = append(fit, g.element(v))
		}
	}
	switch target := ""; {
	case len(fit) == 0:
		g.line("print(%s);", g.int("int32", 2))
	case g.r.IntN(2) == 0:
		target = pick(g.r, fit...)
		g.line("%s%s;", target, pick(g.r, "++", "--"))
	default:
		target = pick(g.r, fit...)
		g.line("%s %s= (%s)(%s);", target, pick(g.r, "+", "-", "*", "&", "|", "^"), "int8", g.int("int8", 2))
	}
}

func (g *values) mapCall() {
	m := pick(g.r, g.maps...)
	if len(m.key) == 0 {
		g.assignMap(m)
		return
	}
	key := g.keys(m)
	if len(m.key) > 1 {
		key = "(" + key + ")"
	}
	g.line(pick(g.r, "delete(%[1]s, %[2]s);", "print(has_key(%[1]s, %[2]s));", "print(len(%[1]s));"), m.name, key)
}

func (g *values) printf() {
	if g.r.IntN(4) == 0 {
		g.line(`printf("%%rx|%%-12r|%%rh\n", buf(%s, $z + %d), buf("bytes\x01", %d), buf(%s, 0));`, g.expr(str, 1), g.r.IntN(2), 1+g.r.IntN(6), g.text())
		return
	}
	g.line(`printf("[%%s] %%5d|%%-20s|%%x %%%%\n", %s, %s, %s, (uint32)%s);`, g.expr(str, 1), g.int("int32", 2), g.expr(str, 2), g.int("uint32", 2))
}

func isInt(s shape) bool { return s.name != "string" && s.name != "tuple" }

func (g *values) expr(s shape, depth int) string {
	if list := g.available(s); len(list) > 0 && g.r.IntN(3) == 0 {
		return pick(g.r, list...)
	}
	if depth > 0 && g.r.IntN(8) == 0 {
		return fmt.Sprintf("(%s ? %s : %s)", g.cond(depth-1), g.expr(s, depth-1), g.expr(s, depth-1))
	}
	switch {
	case s.name == "string":
		return g.text()
	case s.name == "tuple":
		var elems []string
		for _, e := range s.elems {
			elems = append(elems, g.expr(e, depth-1))
		}
		return "(" + strings.Join(elems, ", ") + ")"
	}
	return fmt.Sprintf("(%s)(%s)", s.name, g.int(s.name, depth))
}

// available are variables, their elements and elements of maps of a shape.
func (g *values) available(s shape) []string {
	var out []string
	var add func(text string, is shape)
	add = func(text string, is shape) {
		if is.equal(s) {
			out = append(out, text)
		}
		for i, e := range is.elems {
			add(fmt.Sprintf("%s.%d", text, i), e)
		}
	}
	for _, v := range g.vars {
		add(v.name, v.val)
	}
	for _, m := range g.maps {
		if m.agg == "" && len(m.key) == 0 {
			add(m.name, m.val)
		}
	}
	return out
}

func (g *values) text() string {
	list := []string{`""`, `"a"`, `"b"`, `"seven.."`, `"a text of thirty-one bytes, yes"`, `"a text that is longer than the others are, by some"`}
	switch g.r.IntN(8) {
	case 0, 1, 2, 3:
		return pick(g.r, list...)
	case 4:
		return fmt.Sprintf("str_concat(%s, ($z == 0 ? %s : %s))", pick(g.r, list...), pick(g.r, list...), pick(g.r, list...))
	}
	return fmt.Sprintf("($z == %d ? %s : %s)", g.r.IntN(2), pick(g.r, list...), pick(g.r, list...))
}

func (g *values) literal() string {
	return pick(g.r, "0", "1", "2", "7", "100", "127", "128", "255", "256", "32767", "65535", "2147483647", "4294967295", "9223372036854775807", "(-1)", "(-128)")
}

// int is an integer expression, not always of the type that is named.
func (g *values) int(name string, depth int) string {
	if depth <= 0 {
		if list := g.available(shape{name: name}); len(list) > 0 && g.r.IntN(2) == 0 {
			return pick(g.r, list...)
		}
		return fmt.Sprintf(pick(g.r, "%s", "(%s + $z)", "(%s * $one)"), g.literal())
	}
	x, y := g.int(name, depth-1), g.int(pick(g.r, intNames...), depth-1)
	switch g.r.IntN(10) {
	case 8:
		return g.ofText()
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", x, pick(g.r, "+", "-", "*", "&", "|", "^"), y)
	case 3:
		return fmt.Sprintf("(%s %s (%d + $z))", x, pick(g.r, "/", "%"), 1+g.r.IntN(300))
	case 4:
		return fmt.Sprintf("(%s %s ((uint8)%d + $z))", x, pick(g.r, "<<", ">>"), g.r.IntN(64))
	case 5:
		return fmt.Sprintf("((%s)%s)", pick(g.r, intNames...), x)
	case 6:
		return fmt.Sprintf("(%s(%s))", pick(g.r, "-", "~", "!"), x)
	}
	return fmt.Sprintf("(%s ? (int64)%s : (int64)%s)", g.cond(depth-1), x, y)
}

// ofText is a number that is made of text, or of another one in a way of its own.
func (g *values) ofText() string {
	switch g.r.IntN(5) {
	case 0:
		return fmt.Sprintf("(int64)strlen(%s)", g.expr(str, 1))
	case 1, 2:
		return fmt.Sprintf("strstr(%s, %s)", g.expr(str, 1), g.expr(str, 1))
	case 3:
		return fmt.Sprintf("(int64)strncmp(%s, %s, %d)", g.expr(str, 1), g.expr(str, 1), g.r.IntN(40))
	}
	return fmt.Sprintf("(int64)(bswap((uint32)%s) + clamp((int64)%s, %d, %d))", g.int("uint32", 0), g.int("int64", 0), g.r.IntN(100)-50, 50+g.r.IntN(1000))
}

func (g *values) cond(depth int) string {
	switch n := g.r.IntN(8); {
	case n == 0 && depth > 0:
		return fmt.Sprintf("(%s %s %s)", g.cond(depth-1), pick(g.r, "&&", "||"), g.cond(depth-1))
	case n < 3:
		return fmt.Sprintf(pick(g.r, "(%s == %s)", "(%s != %s)", "strcontains(%s, %s)"), g.expr(str, 1), g.expr(str, 1))
	case n < 5:
		s := g.shape(1)
		return fmt.Sprintf("(%s %s %s)", g.expr(s, 1), pick(g.r, "==", "!="), g.expr(s, 1))
	}
	return fmt.Sprintf("(%s %s %s)", g.int("int64", depth), pick(g.r, "<", "<=", ">", ">=", "==", "!="), g.int("int64", depth))
}
