package scriptgen

import (
	"fmt"
	"strings"
)

// expr writes an expression of a shape.
func (g *gen) expr(s shape, depth int) string {
	if depth > 0 && g.chance(8) {
		return g.choice(s, depth)
	}
	if text, ok := g.pointedTo(s); ok && g.chance(3) {
		return text
	}
	if depth > 0 && g.funcs && g.chance(8) && len(functions[s.kind]) > 0 {
		arg := g.expr(s, depth-1)
		if s.kind == intKind {
			arg = "(int64)" + bracket(arg)
		}
		name := functions[s.kind][0]
		if g.more {
			name = pick(g.r, functions[s.kind])
		}
		return fmt.Sprintf("%s(%s != 0, %s)", name, bracket(g.cond(depth-1)), arg)
	}
	if list := g.atHand(s); len(list) > 0 && g.chance(25) {
		return pick(g.r, list)
	}
	if depth > 0 && g.chance(10) {
		if m, ok := g.mapOf(s); ok {
			return g.element(m, depth-1)
		}
	}
	switch s.kind {
	case intKind:
		return g.int(depth)
	case boolKind:
		return g.truth(depth)
	case strKind:
		return g.str(depth)
	case tupleKind:
		elems := make([]string, len(s.elems))
		for i, e := range s.elems {
			elems[i] = g.expr(e, depth-1)
		}
		return g.tupleText(s, elems)
	}
	return g.rare(s, depth)
}

// pointedTo is a variable of a shape, read through its address.
func (g *gen) pointedTo(s shape) (string, bool) {
	for _, v := range g.vars {
		if v.shape.equal(s) {
			return "(*&" + v.name + ")", true
		}
	}
	return "", false
}

// rare writes a pointer or an object.
func (g *gen) rare(s shape, depth int) string {
	var text string
	switch {
	case s.equal(aRec):
		text = pick(g.r, recordPointers)
	case s.equal(anOut):
		text = "*" + pick(g.r, recordPointers)
	default:
		text = pick(g.r, sources[s.name])
	}
	if strings.Contains(text, "INT") {
		text = strings.ReplaceAll(text, "INT", g.wrapped(depth-1))
	}
	return "(" + text + ")"
}

// choice writes one of the expressions that hold others of the same shape.
func (g *gen) choice(s shape, depth int) string {
	switch g.r.IntN(6) {
	case 0:
		v := g.fresh()
		return fmt.Sprintf("({ let %s = %s; %s })", v, g.expr(s, depth-1), v)
	case 1:
		return fmt.Sprintf("(if (%s) { %s } else { %s })", g.cond(depth-1), g.expr(s, depth-1), g.expr(s, depth-1))
	case 2:
		if g.macros {
			return fmt.Sprintf("gen_pick(%s, %s, %s)", g.cond(depth-1), g.expr(s, depth-1), g.expr(s, depth-1))
		}
	case 3:
		if s.kind == intKind {
			return fmt.Sprintf("(%s ?: %s)", g.int(depth-1), g.int(depth-1))
		}
	}
	return fmt.Sprintf("(%s ? %s : %s)", g.cond(depth-1), g.expr(s, depth-1), g.expr(s, depth-1))
}

// str writes a string expression.
func (g *gen) str(depth int) string {
	switch g.r.IntN(8) {
	case 0, 1:
		return pick(g.r, strLiterals)
	case 2, 3:
		if len(g.probe.strs) > 0 {
			return pick(g.r, g.probe.strs)
		}
	case 4:
		if depth > 0 {
			return fmt.Sprintf("str((uint64)%s, %s)", g.wrapped(depth-1), g.length(depth))
		}
	case 5:
		if g.more && depth > 0 {
			return g.madeText(depth)
		}
	}
	return pick(g.r, strBuiltins)
}

// length is one for str(); a constant one is not negative.
func (g *gen) length(depth int) string {
	if g.chance(40) {
		return fmt.Sprintf("(%s + %s)", pick(g.r, []string{"pid", "(int8)rand"}), g.int(depth-1))
	}
	return pick(g.r, []string{"0", "1", "7", "8", "64", "65", "100", "1_000_000"})
}

// cond writes a condition.
func (g *gen) cond(depth int) string {
	if depth > 0 && g.chance(30) {
		return fmt.Sprintf("(%s %s %s)", g.cond(depth-1), pick(g.r, []string{"&&", "||"}), g.cond(depth-1))
	}
	switch g.choose(12, 14) {
	case 0, 1:
		return fmt.Sprintf("(%s %s %s)", g.str(depth-1), pick(g.r, []string{"==", "!="}), g.str(depth-1))
	case 2:
		return "!" + g.wrapped(depth-1)
	case 3:
		if m, ok := g.keyedMap(); ok {
			return fmt.Sprintf("has_key(%s, %s)", m.name, g.key(m, depth-1))
		}
	case 4:
		return g.comparison(depth)
	case 5:
		return g.int(depth)
	case 6:
		return fmt.Sprintf("(%s)", pick(g.r, []string{"curtask", "curtask.mm", "((struct gen_outer *)nsecs).next"}))
	case 7:
		if g.more {
			return g.contains(depth)
		}
	case 8:
		if g.more {
			if text, ok := g.found(depth); ok {
				return text
			}
		}
	}
	return fmt.Sprintf("(%s %s %s)", g.int(depth-1), pick(g.r, []string{"<", "<=", ">", ">=", "==", "!="}), g.int(depth-1))
}

// comparison compares two values that are no integers.
func (g *gen) comparison(depth int) string {
	s := g.shape(1)
	if s.equal(aTime) {
		s = aTask
	}
	return fmt.Sprintf("(%s %s %s)", g.expr(s, depth-1), pick(g.r, []string{"==", "!="}), g.expr(s, depth-1))
}

// truth writes an expression whose type is bool.
func (g *gen) truth(depth int) string {
	switch g.choose(6, 10) {
	case 0:
		return pick(g.r, []string{"true", "false"})
	case 1:
		return "(bool)" + g.wrapped(depth-1)
	case 2:
		if m, ok := g.keyedMap(); ok {
			return fmt.Sprintf("delete(%s, %s)", m.name, g.key(m, depth-1))
		}
	case 3:
		if g.more {
			return fmt.Sprintf("is_err(%s)", g.expr(aTask, depth-1))
		}
	case 6:
		return "(bool)" + bracket(g.str(depth-1))
	case 7:
		if m, ok := g.mapWhere(func(mapVar) bool { return true }); ok {
			return fmt.Sprintf("is_scalar(%s)", m.name)
		}
	case 8:
		return fmt.Sprintf("(%s %s %s)", pick(g.r, strLiterals), pick(g.r, []string{"<", "<=", ">", ">=", "&&", "||"}), pick(g.r, strLiterals))
	}
	return "!!" + g.cond(depth-1)
}

// mapWhere returns a map that fits.
func (g *gen) mapWhere(fits func(mapVar) bool) (mapVar, bool) {
	var list []mapVar
	for _, m := range g.maps {
		if fits(m) {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return mapVar{}, false
	}
	return pick(g.r, list), true
}

// mapOf returns a map whose elements have a shape when they are read.
func (g *gen) mapOf(s shape) (mapVar, bool) {
	return g.mapWhere(func(m mapVar) bool { return readable(m) && m.val.equal(s) })
}

// plainMap returns a map of integers that are no aggregations.
func (g *gen) plainMap() (mapVar, bool) {
	return g.mapWhere(func(m mapVar) bool { return m.agg == "" && m.val.equal(anInt) })
}

func (g *gen) keyedMap() (mapVar, bool) {
	return g.mapWhere(func(m mapVar) bool { return len(m.keys) > 0 })
}

// readable says whether elements of a map have a value: histograms and stats have none.
func readable(m mapVar) bool {
	switch m.agg {
	case "hist", "lhist", "stats", "quantiles", "tseries":
		return false
	}
	return true
}

// key writes the key of a map as one expression.
func (g *gen) key(m mapVar, depth int) string {
	if len(m.keys) == 1 {
		return g.expr(m.keys[0], depth)
	}
	return "(" + g.keyList(m, depth) + ")"
}

func (g *gen) keyList(m mapVar, depth int) string {
	parts := make([]string, len(m.keys))
	for i, k := range m.keys {
		parts[i] = g.expr(k, depth)
	}
	return strings.Join(parts, ", ")
}

// element writes a map or an element of it.
func (g *gen) element(m mapVar, depth int) string {
	if len(m.keys) == 0 {
		return m.name
	}
	if g.chance(20) {
		return fmt.Sprintf("%s[%s]", m.name, g.key(m, depth))
	}
	return fmt.Sprintf("%s[%s]", m.name, g.keyList(m, depth))
}
