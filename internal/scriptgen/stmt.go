package scriptgen

import (
	"fmt"
	"strings"
)

// maxDepth is how deep blocks nest.
const maxDepth = 3

// stmt writes a statement.
func (g *gen) stmt(depth int) {
	g.budget--
	if depth < maxDepth && g.chance(25) {
		g.compound(depth)
		return
	}
	simple := []func(){
		g.assignNew, g.assignNew, g.assignVar, g.assignMap, g.assignMap, g.assignMap, g.compoundAssign, g.incDec,
		g.printf, g.printf, g.print, g.mapCall, g.timeCall,
	}
	if g.loops > 0 {
		simple = append(simple, g.branch)
	}
	if depth > 0 {
		simple = append(simple, g.leave)
	}
	pick(g.r, simple)()
}

// compound writes a statement with blocks.
func (g *gen) compound(depth int) {
	switch g.r.IntN(6) {
	case 0, 1:
		g.ifElse(depth)
	case 2:
		g.unroll(depth)
	case 3:
		g.while(depth)
	case 4:
		g.forRange(depth)
	default:
		g.forMap(depth)
	}
}

func (g *gen) ifElse(depth int) {
	g.line("if (%s) {", g.cond(2))
	g.block(depth)
	if g.chance(30) {
		g.line("} else if (%s) {", g.cond(1))
		g.block(depth)
	}
	if g.chance(50) {
		g.line("} else {")
		g.block(depth)
	}
	g.line("}")
}

// unroll copies its body, so break and continue of a loop around it may not be in it.
func (g *gen) unroll(depth int) {
	loops := g.loops
	g.loops = 0
	g.line("unroll (%d) {", 1+g.r.IntN(3))
	g.block(max(depth, maxDepth-1))
	g.line("}")
	g.loops = loops
}

// while counts, so that it ends.
func (g *gen) while(depth int) {
	v := g.declare(intKind, "int64")
	v.loop = true
	g.vars[len(g.vars)-1] = v
	g.line("%s = (int64)0;", v.name)
	g.line("while (%s < %d) {", v.name, 1+g.r.IntN(20))
	g.loops++
	// First, so that a continue does not skip it.
	g.indent++
	g.line("%s++;", v.name)
	g.indent--
	g.block(depth)
	g.loops--
	g.line("}")
}

func (g *gen) forRange(depth int) {
	end := fmt.Sprint(g.r.IntN(30))
	if g.chance(30) {
		end = "ncpus"
	}
	vars := len(g.vars)
	v := g.fresh()
	g.line("for (%s : %d..%s) {", v, g.r.IntN(4), end)
	g.vars = append(g.vars, variable{name: v, kind: intKind, loop: true})
	g.loops++
	g.block(depth)
	g.loops--
	g.line("}")
	g.vars = g.vars[:vars]
}

func (g *gen) forMap(depth int) {
	m, ok := g.mapWhere(func(m mapVar) bool { return len(m.keys) == 1 && m.agg == "" && m.val == intKind })
	if !ok {
		g.ifElse(depth)
		return
	}
	v := g.fresh()
	g.line("for (%s : %s) {", v, m.name)
	g.loops++
	vars := len(g.vars)
	g.vars = append(g.vars, variable{name: v + ".1", kind: intKind, loop: true}, variable{name: v + ".0", kind: m.keys[0], loop: true})
	g.block(depth)
	g.vars = g.vars[:vars]
	g.loops--
	g.line("}")
}

// fresh returns an unused variable name.
func (g *gen) fresh() string {
	g.next++
	return fmt.Sprintf("$v%d", g.next)
}

// declare brings a variable into scope.
func (g *gen) declare(k kind, cast string) variable {
	v := variable{name: g.fresh(), kind: k, cast: cast}
	g.vars = append(g.vars, v)
	return v
}

// value is an expression that may be assigned to a variable.
func (g *gen) value(v variable, depth int) string {
	if v.kind == intKind {
		return fmt.Sprintf("(%s)%s", v.cast, g.wrapped(depth))
	}
	return g.expr(v.kind, depth)
}

func (g *gen) assignNew() {
	v := variable{kind: pick(g.r, []kind{intKind, intKind, intKind, strKind, tupleKind})}
	if v.kind == intKind {
		v.cast = pick(g.r, intTypes)
	}
	value := g.value(v, 3) // before the variable is in scope
	v.name = g.fresh()
	g.vars = append(g.vars, v)
	let := ""
	if g.chance(20) {
		let = "let "
	}
	g.line("%s%s = %s;", let, v.name, value)
}

func (g *gen) assignVar() {
	k := pick(g.r, []kind{intKind, intKind, strKind, tupleKind})
	if v, ok := g.variable(k, true); ok {
		g.line("%s = %s;", v.name, g.value(v, 3))
		return
	}
	g.assignNew()
}

func (g *gen) assignMap() { g.assign(pick(g.r, g.maps)) }

// assign writes an assignment to a map or an element of it.
func (g *gen) assign(m mapVar) {
	target := g.element(m, 1)
	switch {
	case m.agg != "":
		g.line("%s = %s;", target, g.aggregation(m.agg))
	case m.val == intKind:
		g.line("%s = %s;", target, g.int64(3))
	default:
		g.line("%s = %s;", target, g.expr(m.val, 2))
	}
}

func (g *gen) aggregation(name string) string {
	switch name {
	case "count":
		return "count()"
	case "hist":
		return fmt.Sprintf("hist(%s)", g.int64(2))
	case "lhist":
		return fmt.Sprintf("lhist(%s, 0, 1000, 100)", g.int64(2)) // one map, one set of bounds
	default:
		return fmt.Sprintf("%s(%s)", name, g.int64(2))
	}
}

func (g *gen) compoundAssign() {
	op := pick(g.r, []string{"+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>=", "/=", "%="})
	value := g.int64(2)
	switch op {
	case "<<=", ">>=":
		value = fmt.Sprint(g.r.IntN(32))
	case "/=", "%=":
		value = fmt.Sprint(1 + g.r.IntN(99))
	}
	if m, ok := g.plainMap(intKind); ok && g.chance(50) {
		g.line("%s %s %s;", g.element(m, 1), op, value)
		return
	}
	if v, ok := g.variable(intKind, true); ok && v.cast == "int64" {
		g.line("%s %s %s;", v.name, op, value)
		return
	}
	g.assignNew()
}

func (g *gen) incDec() {
	op := pick(g.r, []string{"++", "--"})
	target := ""
	if m, ok := g.plainMap(intKind); ok && g.chance(60) {
		target = g.element(m, 1)
	} else if v, ok := g.variable(intKind, true); ok {
		target = v.name
	} else {
		g.assignNew()
		return
	}
	if g.chance(50) {
		g.line("%s%s;", op, target)
	} else {
		g.line("%s%s;", target, op)
	}
}

// printf has up to five arguments of fitting kinds.
func (g *gen) printf() {
	format, args := "", ""
	for range g.r.IntN(6) {
		if len(g.probe.syms) > 0 && g.chance(20) {
			format += "%s "
			args += ", " + pick(g.r, g.probe.syms)
		} else if g.chance(60) {
			format += pick(g.r, []string{"%d ", "%ld ", "%llu ", "%x ", "%5d ", "%-8lx ", "%u "})
			args += ", " + g.int(2)
		} else {
			format += pick(g.r, []string{"%s ", "%-16s ", "[%s] "})
			args += ", " + g.str(1)
		}
	}
	g.line(`printf("%s\n"%s);`, strings.TrimSpace(format), args)
}

func (g *gen) print() {
	switch g.r.IntN(4) {
	case 0:
		g.line("print(%s);", g.int64(2))
	case 1:
		g.line("print(%s);", g.str(1))
	case 2:
		g.line("print(%s);", g.tuple(2))
	default:
		m := pick(g.r, g.maps)
		if m.agg == "" && m.val == intKind && len(m.keys) > 0 && g.chance(40) {
			g.line("print(%s, %d, %d);", m.name, 1+g.r.IntN(9), 1+g.r.IntN(9))
			return
		}
		g.line("print(%s);", m.name)
	}
}

func (g *gen) mapCall() {
	m := pick(g.r, g.maps)
	if len(m.keys) > 0 && g.chance(60) {
		if g.chance(50) {
			g.line("delete(%s, %s);", m.name, g.key(m, 1))
		} else {
			g.line("delete(%s);", g.element(m, 1))
		}
		return
	}
	g.line("%s(%s);", pick(g.r, []string{"clear", "zero"}), m.name)
}

func (g *gen) timeCall() {
	if g.chance(50) {
		g.line(`time("%%H:%%M:%%S\n");`)
		return
	}
	g.line(`printf("%%s\n", strftime("%%H:%%M:%%S", nsecs));`)
}

// branch is in a condition: what follows a bare one would be unreachable.
func (g *gen) branch() {
	g.line("if (%s) {", g.cond(1))
	g.indent++
	g.line("%s;", pick(g.r, []string{"break", "continue"}))
	g.indent--
	g.line("}")
}

func (g *gen) leave() {
	g.line("if (%s) {", g.cond(1))
	g.indent++
	g.line("%s;", pick(g.r, []string{"return", "exit()", "exit(1)"}))
	g.indent--
	g.line("}")
}
