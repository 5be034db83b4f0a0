package scriptgen

import "fmt"

// int writes an integer expression.
func (g *gen) int(depth int) string {
	if depth <= 0 {
		return g.intLeaf()
	}
	switch n := g.choose(15, 17); n {
	case 0, 1, 2:
		return g.intLeaf()
	case 3, 4, 5:
		return fmt.Sprintf("(%s %s %s)", g.int(depth-1), pick(g.r, []string{"+", "-", "*", "&", "|", "^"}), g.int(depth-1))
	case 6:
		return g.division(depth)
	case 7:
		return fmt.Sprintf("(%s %s %s)", g.int(depth-1), pick(g.r, []string{"<<", ">>"}), g.shift(depth))
	case 8:
		return fmt.Sprintf("(%s)%s", pick(g.r, intTypes), g.wrapped(depth-1))
	case 9:
		op := pick(g.r, []string{"-", "~", "+"})
		if op == "-" { // of a literal that is too large for its opposite it is an error
			op += "(" + pick(g.r, intTypes) + ")"
		}
		return op + g.wrapped(depth-1)
	case 10:
		return fmt.Sprintf("(%s)%s", pick(g.r, castTypes), g.wrapped(depth-1))
	case 11:
		return g.truth(depth)
	case 12:
		return g.pointerNumber(depth)
	case 13:
		return g.counter(depth)
	default:
		if g.more && n == 14 {
			return g.ofText(depth)
		}
		if m, ok := g.plainMap(); ok && g.more && n == 15 {
			return fmt.Sprintf("(typeof(%s))%s", g.element(m, 0), g.wrapped(depth-1))
		}
		return g.intFromMap(depth)
	}
}

// wrapped is an integer expression that a prefix binds to as a whole.
func (g *gen) wrapped(depth int) string { return bracket(g.int(depth)) }

// bracket puts an expression in parentheses. The name of a constant gets none: `(NAME) & x` is a cast.
func bracket(text string) string {
	if text[0] >= 'A' && text[0] <= 'Z' {
		return text
	}
	return "(" + text + ")"
}

// division has a divisor that is not a constant zero, which is an error.
func (g *gen) division(depth int) string {
	op := pick(g.r, []string{"/", "%"})
	if g.chance(50) {
		return fmt.Sprintf("(%s %s %d)", g.int(depth-1), op, 1+g.r.IntN(1000))
	}
	divisors := []string{"pid", "(tid + 1)", "(int8)cpu", "(rand & 0xff)", "((int64)nsecs)", "-1", "-7", "0x8000000000000000"}
	return fmt.Sprintf("(%s %s %s)", g.int(depth-1), op, pick(g.r, divisors))
}

// shift is what to shift by; too much is a mistake only of constants.
func (g *gen) shift(depth int) string {
	if g.chance(30) {
		return "(" + pick(g.r, []string{"pid", "rand", "cpu"}) + " & 63)"
	}
	return fmt.Sprint(g.r.IntN(64))
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
		if list := g.atHand(anInt); len(list) > 0 {
			return pick(g.r, list)
		}
	}
	return pick(g.r, g.either(moreBuiltins, intBuiltins))
}

// intFromMap reads an integer out of a map, or asks one for its size.
func (g *gen) intFromMap(depth int) string {
	if m, ok := g.keyedMap(); ok && g.chance(30) {
		return "len(" + m.name + ")"
	}
	m, ok := g.mapWhere(readable)
	if !ok {
		return g.intLeaf()
	}
	text := g.element(m, depth-1)
	if len(m.keys) == 0 {
		text = "(" + text + ")" // @m[0] would be an element
	}
	for _, p := range parts(value{text, m.val}, 2) {
		if p.shape.equal(anInt) {
			return p.text
		}
	}
	return g.intLeaf()
}

// pointerNumber makes an integer of pointers.
func (g *gen) pointerNumber(depth int) string {
	switch g.r.IntN(4) {
	case 0:
		return fmt.Sprintf("(%s - %s)", g.expr(aWord, depth-1), g.expr(aWord, depth-1))
	case 1:
		return "*" + g.expr(aWord, depth-1)
	case 2:
		return fmt.Sprintf("(uint64)(%s + %s)", g.expr(aTask, depth-1), g.int(depth-1))
	}
	return fmt.Sprintf("(%s)[%s]", g.expr(aWord, depth-1), g.int(depth-1)) // @m[0] would be an element
}

// counter changes a variable or a map in the middle of an expression.
func (g *gen) counter(depth int) string {
	target, ok := g.countable(depth)
	if !ok {
		return g.intLeaf()
	}
	if g.macros && g.chance(20) {
		return fmt.Sprintf("gen_twice(%s)", g.int(depth-1))
	}
	op := pick(g.r, []string{"++", "--"})
	if g.chance(50) {
		return "(" + op + target + ")"
	}
	return "(" + target + op + ")"
}

// countable is a variable or an element of a map that ++ can be applied to.
func (g *gen) countable(depth int) (string, bool) {
	if m, ok := g.plainMap(); ok && g.chance(50) {
		return g.element(m, depth-1), true
	}
	if v, ok := g.variable(anInt); ok && v.typ != "" { // of the others some are truth values
		return v.name, true
	}
	return "", false
}
