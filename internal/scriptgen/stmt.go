package scriptgen

import "fmt"

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
		g.assignNew, g.assignNew, g.assignVar, g.assignVar, g.assignMap, g.assignMap, g.assignMap, g.compoundAssign, g.incDec,
		g.printf, g.printf, g.print, g.mapCall, g.timeCall, g.bare,
	}
	if g.more {
		simple = append(simple, g.message)
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
	switch g.r.IntN(7) {
	case 0, 1:
		g.ifElse(depth)
	case 2:
		g.unroll(depth)
	case 3:
		g.while(depth)
	case 4:
		g.forRange(depth)
	case 5:
		g.forMap(depth)
	default:
		g.line("{")
		g.block(depth)
		g.line("}")
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

func (g *gen) unroll(depth int) {
	g.line("unroll (%d) {", 1+g.r.IntN(3))
	g.loops++
	g.block(max(depth, maxDepth-1))
	g.loops--
	g.line("}")
}

// while counts, or has any condition: no script is run.
func (g *gen) while(depth int) {
	vars := len(g.vars)
	cond := g.cond(2)
	first := ""
	if g.chance(60) {
		v := g.fresh()
		g.line("%s = (int64)0;", v)
		g.vars = append(g.vars, variable{name: v, shape: anInt, typ: "int64", loop: true})
		vars++ // it is of the block around the loop
		cond = fmt.Sprintf("%s < %d", v, 1+g.r.IntN(2000))
		first = v + "++;"
	}
	g.line("while (%s) {", cond)
	g.loops++
	if first != "" { // before a continue can skip it
		g.indent++
		g.line("%s", first)
		g.indent--
	}
	g.block(depth)
	g.loops--
	g.line("}")
	g.close(vars)
}

func (g *gen) forRange(depth int) {
	from, to := fmt.Sprint(g.r.IntN(4)), fmt.Sprint(g.r.IntN(30))
	if g.chance(30) {
		to = pick(g.r, []string{"ncpus", "nsecs", "(int8)pid"})
	} else if g.chance(30) {
		from, to = g.wrapped(1), g.wrapped(1)
	}
	vars := len(g.vars)
	v := g.fresh()
	g.line("for (%s : %s..%s) {", v, from, to)
	g.vars = append(g.vars, variable{name: v, shape: anInt, loop: true})
	g.loops++
	g.block(depth)
	g.loops--
	g.line("}")
	g.close(vars)
}

// forMap goes through a map; the loop's variable is a tuple of key and value.
func (g *gen) forMap(depth int) {
	m, ok := g.mapWhere(func(m mapVar) bool { return len(m.keys) > 0 && readable(m) })
	if !ok {
		g.ifElse(depth)
		return
	}
	key := m.keys[0]
	if len(m.keys) > 1 {
		key = shape{kind: tupleKind, elems: m.keys}
	}
	vars := len(g.vars)
	v := g.fresh()
	g.line("for (%s : %s) {", v, m.name)
	g.vars = append(g.vars, variable{name: v, shape: shape{kind: tupleKind, elems: []shape{key, m.val}}, loop: true})
	g.loops++
	g.block(depth)
	g.loops--
	g.line("}")
	g.close(vars)
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
	if g.chance(10) {
		g.line("%s;", pick(g.r, []string{"return", "return 1", "exit()"}))
		return
	}
	g.line("if (%s) {", g.cond(1))
	g.indent++
	g.line("%s;", pick(g.r, []string{"return", "exit()", "exit(1)", "exit(" + g.int(1) + ")"}))
	g.indent--
	g.line("}")
}
