package scriptgen

import (
	"fmt"
	"strings"
)

// variable returns a variable in scope that may be assigned to.
func (g *gen) variable(s shape) (variable, bool) {
	var fit []variable
	for _, v := range g.vars {
		if v.shape.equal(s) && !v.loop {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 {
		return variable{}, false
	}
	return pick(g.r, fit), true
}

// value is an expression that may be assigned to a variable.
func (g *gen) value(v variable, depth int) string {
	if v.typ == "" {
		return g.expr(v.shape, depth)
	}
	return fmt.Sprintf("(%s)%s", v.typ, bracket(g.expr(v.shape, depth)))
}

// assignNew declares a variable in one of the ways that there are.
func (g *gen) assignNew() {
	v := variable{shape: g.shape(2)}
	if v.shape.kind == intKind && g.chance(60) {
		v.typ = pick(g.r, intTypes)
	}
	value := g.value(v, 3) // before the variable is in scope
	v.name = g.fresh()
	typ := v.typ
	if typ == "" && v.shape.kind == strKind {
		typ = "string"
	}
	switch n := g.r.IntN(10); {
	case n == 0 && typ != "":
		g.line("let %s: %s = %s;", v.name, typ, value)
	case n == 1 && typ != "":
		g.line("let %s: %s;", v.name, typ)
		g.line("%s = %s;", v.name, value)
	case n == 2:
		g.line("let %s;", v.name)
		g.line("%s = %s;", v.name, value)
	case n < 5:
		g.line("let %s = %s;", v.name, value)
	default:
		g.line("%s = %s;", v.name, value)
	}
	g.vars = append(g.vars, v)
}

func (g *gen) assignVar() {
	var fit []variable
	for _, v := range g.vars {
		if !v.loop {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 {
		g.assignNew()
		return
	}
	v := pick(g.r, fit)
	g.line("%s = %s;", v.name, g.value(v, 3))
}

func (g *gen) assignMap() { g.assign(pick(g.r, g.maps), 2) }

// assign writes an assignment to a map or an element of it.
func (g *gen) assign(m mapVar, depth int) {
	target := g.element(m, min(depth, 1))
	switch {
	case m.agg != "":
		g.line("%s = %s;", target, g.aggregation(m, depth))
	case depth == 0 && m.val.equal(anInt):
		g.line("%s = (%s)%s;", target, pick(g.r, intTypes), g.wrapped(0)) // not a truth value
	default:
		g.line("%s = %s;", target, g.expr(m.val, depth))
	}
}

func (g *gen) aggregation(m mapVar, depth int) string {
	switch m.agg {
	case "count":
		return "count()"
	case "hist":
		return fmt.Sprintf("hist(%s, %d)", g.int(depth), m.bits) // one map, one number of bits
	case "lhist":
		return fmt.Sprintf("lhist(%s, 0, 1000, %d)", g.int(depth), 1+m.bits*30)
	case "tseries":
		of := []string{"", `, "avg"`, `, "max"`, `, "min"`, `, "sum"`, ""}[m.bits]
		return fmt.Sprintf("tseries(%s, %s, %d%s)", g.int(depth), []string{"1ns", "7us", "10ms", "1s", "60s", "1h"}[m.bits], 1+m.bits*3, of)
	default:
		return fmt.Sprintf("%s(%s)", m.agg, g.int(depth))
	}
}

func (g *gen) compoundAssign() {
	target, ok := g.countable(1)
	if !ok {
		g.assignNew()
		return
	}
	op := pick(g.r, []string{"+", "-", "*", "&", "|", "^", "<<", ">>", "/", "%"})
	value := g.int(2)
	switch op {
	case "<<", ">>":
		value = g.shift(1)
	case "/", "%":
		value = pick(g.r, []string{"3", "-1", "100", "pid", "(int16)rand"})
	}
	g.line("%s %s= %s;", target, op, value)
}

func (g *gen) incDec() {
	target, ok := g.countable(2)
	if v, found := g.variable(aWord); found && g.chance(30) {
		target, ok = v.name, true
	}
	if !ok {
		g.assignNew()
		return
	}
	op := pick(g.r, []string{"++", "--"})
	if g.chance(50) {
		g.line("%s%s;", op, target)
	} else {
		g.line("%s%s;", target, op)
	}
}

// bare writes a statement for the effect of an expression.
func (g *gen) bare() {
	switch g.choose(5, 6) {
	case 5:
		if g.funcs {
			g.line(pick(g.r, []string{"gen_note(%[2]s, %[1]s);", "print(gen_pair(%[1]s, %[2]s));", "print(gen_pair(%[1]s, %[2]s).0);"}), "(int64)"+g.wrapped(1), g.str(1))
			return
		}
		fallthrough
	case 0:
		g.line("_ = %s;", g.expr(g.shape(1), 2))
	case 1:
		g.line("%s ? printf(\"yes\\n\") : print(%s);", g.cond(1), g.int(1))
	case 2:
		if m, ok := g.plainMap(); ok && g.macros && len(m.keys) > 0 {
			g.line("gen_tally(%s, %s);", m.name, g.key(m, 1))
			return
		}
		fallthrough
	case 3:
		if v, ok := g.variable(anInt); ok && g.macros {
			g.line("gen_bump(%s, %s);", v.name, g.int(1))
			return
		}
		fallthrough
	default:
		g.line("%s;", g.int(2))
	}
}

// mapCall empties a map or deletes an element of it.
func (g *gen) mapCall() {
	m := pick(g.r, g.maps)
	switch {
	case len(m.keys) == 0 && g.chance(30):
		g.line("delete(%s);", m.name)
	case len(m.keys) == 0 || g.chance(40):
		g.line("%s(%s);", pick(g.r, []string{"clear", "zero"}), m.name)
	case g.chance(50):
		g.line("delete(%s, %s);", m.name, g.key(m, 1))
	default:
		g.line("delete(%s);", g.element(m, 1))
	}
}

// printf has up to seven arguments of fitting kinds.
func (g *gen) printf() {
	var format, args strings.Builder
	for range g.r.IntN(8) {
		verb, arg := g.conversion()
		fmt.Fprintf(&format, "%s ", verb)
		fmt.Fprintf(&args, ", %s", arg)
	}
	g.line(`printf("%s\n"%s);`, strings.TrimSpace(format.String()), args.String())
}

// conversion is a conversion of printf with a value for it.
func (g *gen) conversion() (verb, arg string) {
	switch n := g.r.IntN(10); {
	case n < 4:
		return pick(g.r, intVerbs), g.int(2)
	case n < 7:
		return pick(g.r, strVerbs), g.str(1)
	case n < 8 && len(g.probe.syms) > 0:
		return "%s", pick(g.r, g.probe.syms)
	}
	return "%s", g.expr(g.shape(2), 2)
}

func (g *gen) print() {
	m := pick(g.r, g.maps)
	switch g.r.IntN(5) {
	case 0, 1:
		g.line("print(%s);", g.expr(g.shape(2), 2))
	case 2:
		g.line("print(%s);", g.element(m, 1))
	case 3:
		g.line("print(%s, %d, %d);", m.name, 1+g.r.IntN(9), g.r.IntN(9))
	default:
		g.line("print(%s);", m.name)
	}
}

func (g *gen) timeCall() {
	if g.chance(50) {
		g.line("%s;", pick(g.r, []string{`time("%H:%M:%S\n")`, "time()"}))
		return
	}
	g.line(`printf("%%s\n", strftime("%%H:%%M:%%S", %s));`, pick(g.r, []string{"nsecs", "nsecs(tai)", "nsecs(monotonic)", "(uint64)(" + g.int(1) + ")"}))
}
