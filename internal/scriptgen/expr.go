package scriptgen

import (
	"fmt"
	"strings"
)

// expr writes an expression of a kind.
func (g *gen) expr(k kind, depth int) string {
	switch k {
	case strKind:
		return g.str(depth)
	case tupleKind:
		return g.tuple(depth)
	default:
		return g.int(depth)
	}
}

// int writes an integer expression.
func (g *gen) int(depth int) string {
	if depth <= 0 {
		return g.intLeaf()
	}
	switch g.r.IntN(12) {
	case 0, 1, 2:
		return g.intLeaf()
	case 3, 4, 5:
		return fmt.Sprintf("(%s %s %s)", g.int(depth-1), pick(g.r, []string{"+", "-", "*", "&", "|", "^"}), g.int(depth-1))
	case 6:
		return g.division(depth)
	case 7:
		return fmt.Sprintf("(%s %s %d)", g.int(depth-1), pick(g.r, []string{"<<", ">>"}), g.r.IntN(40))
	case 8:
		return fmt.Sprintf("(%s)%s", pick(g.r, intTypes), g.wrapped(depth-1))
	case 9:
		return pick(g.r, []string{"-", "~"}) + g.wrapped(depth-1)
	case 10:
		return fmt.Sprintf("(%s ? %s : %s)", g.cond(depth-1), g.int64(depth-1), g.int64(depth-1))
	default:
		return g.intFromData(depth)
	}
}

// int64 is an integer expression of the widest signed type, for places where two must agree.
func (g *gen) int64(depth int) string { return "(int64)" + g.wrapped(depth) }

// wrapped is an integer expression in parentheses, so that a prefix binds to all of it.
func (g *gen) wrapped(depth int) string { return "(" + g.int(depth) + ")" }

// division has a divisor that is not a constant zero, which is an error.
func (g *gen) division(depth int) string {
	op := pick(g.r, []string{"/", "%"})
	if g.chance(50) {
		return fmt.Sprintf("(%s %s %d)", g.int(depth-1), op, 1+g.r.IntN(1000))
	}
	return fmt.Sprintf("(%s %s %s)", g.int(depth-1), op, pick(g.r, []string{"pid", "(tid + 1)", "(int8)cpu", "(rand & 0xff)", "((int64)nsecs)"}))
}

func (g *gen) intLeaf() string {
	switch g.r.IntN(4) {
	case 0:
		return pick(g.r, intLiterals)
	case 1:
		if len(g.probe.ints) > 0 {
			return pick(g.r, g.probe.ints)
		}
	case 2:
		if v, ok := g.variable(intKind, false); ok {
			return v.name
		}
	}
	return pick(g.r, intBuiltins)
}

// intFromData reads an integer out of something larger.
func (g *gen) intFromData(depth int) string {
	switch g.r.IntN(4) {
	case 0:
		if v, ok := g.variable(tupleKind, false); ok {
			return pick(g.r, []string{v.name + ".0", v.name + ".2"})
		}
	case 1:
		if m, ok := g.plainMap(intKind); ok {
			return g.element(m, depth-1)
		}
	case 2:
		if m, ok := g.plainMap(tupleKind); ok {
			return g.element(m, depth-1) + ".0"
		}
	case 3:
		if m, ok := g.keyedMap(); ok {
			return "len(" + m.name + ")"
		}
	}
	return g.intLeaf()
}

// cond writes a condition.
func (g *gen) cond(depth int) string {
	if depth > 0 && g.chance(30) {
		return fmt.Sprintf("(%s %s %s)", g.cond(depth-1), pick(g.r, []string{"&&", "||"}), g.cond(depth-1))
	}
	switch g.r.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s %s %s)", g.str(depth-1), pick(g.r, []string{"==", "!="}), pick(g.r, append(strLiterals[1:3:3], "comm")))
	case 1:
		return "!" + g.wrapped(depth-1)
	case 2:
		if m, ok := g.keyedMap(); ok {
			return fmt.Sprintf("has_key(%s, %s)", m.name, g.key(m, depth-1))
		}
	}
	return fmt.Sprintf("(%s %s %s)", g.int(depth-1), pick(g.r, []string{"<", "<=", ">", ">=", "==", "!="}), g.int(depth-1))
}

// str writes a string expression.
func (g *gen) str(depth int) string {
	switch g.r.IntN(7) {
	case 0:
		return pick(g.r, strLiterals)
	case 1:
		if len(g.probe.strs) > 0 {
			return pick(g.r, g.probe.strs)
		}
	case 2:
		if v, ok := g.variable(strKind, false); ok {
			return v.name
		}
	case 3:
		if m, ok := g.plainMap(strKind); ok && depth > 0 {
			return g.element(m, depth-1)
		}
	case 4:
		if v, ok := g.variable(tupleKind, false); ok {
			return v.name + ".1"
		}
	case 5:
		if depth > 0 {
			return fmt.Sprintf("(%s ? %s : %s)", g.cond(depth-1), pick(g.r, strLiterals), pick(g.r, strLiterals))
		}
	}
	return pick(g.r, strBuiltins)
}

// tuple writes an (int, string, int).
func (g *gen) tuple(depth int) string {
	if v, ok := g.variable(tupleKind, false); ok && g.chance(30) {
		return v.name
	}
	return fmt.Sprintf("(%s, %s, %s)", g.int64(depth-1), pick(g.r, strLiterals), g.int64(depth-1))
}

// variable returns a variable in scope; assigned ones must not be a loop's own.
func (g *gen) variable(k kind, assigned bool) (variable, bool) {
	var fit []variable
	for _, v := range g.vars {
		if v.kind == k && !(assigned && v.loop) {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 {
		return variable{}, false
	}
	return pick(g.r, fit), true
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

func (g *gen) plainMap(k kind) (mapVar, bool) {
	return g.mapWhere(func(m mapVar) bool { return m.agg == "" && m.val == k })
}

func (g *gen) keyedMap() (mapVar, bool) {
	return g.mapWhere(func(m mapVar) bool { return len(m.keys) > 0 })
}

// key writes the key of a map as one expression.
func (g *gen) key(m mapVar, depth int) string {
	if len(m.keys) == 1 {
		return g.keyPart(m.keys[0], depth)
	}
	return "(" + g.keyList(m, depth) + ")"
}

func (g *gen) keyList(m mapVar, depth int) string {
	parts := make([]string, len(m.keys))
	for i, k := range m.keys {
		parts[i] = g.keyPart(k, depth)
	}
	return strings.Join(parts, ", ")
}

// keyPart keeps the type of a key the same at every use.
func (g *gen) keyPart(k kind, depth int) string {
	if k == strKind {
		return g.str(depth)
	}
	return g.int64(depth)
}

// element writes a map or an element of it.
func (g *gen) element(m mapVar, depth int) string {
	if len(m.keys) == 0 {
		return m.name
	}
	return fmt.Sprintf("%s[%s]", m.name, g.keyList(m, depth))
}
