package scriptgen

import "fmt"

// ofText writes an integer that a function of the language makes of strings, or of other values.
func (g *gen) ofText(depth int) string {
	switch g.r.IntN(9) {
	case 0, 1:
		return fmt.Sprintf("strlen(%s)", g.str(depth-1))
	case 2, 3:
		return fmt.Sprintf("strstr(%s, %s)", g.str(depth-1), g.str(depth-1))
	case 4:
		return fmt.Sprintf("strncmp(%s, %s, %s)", g.str(depth-1), g.str(depth-1), g.few(depth))
	case 5:
		return fmt.Sprintf("strcap(%s)", g.str(depth-1))
	case 6:
		s := pick(g.r, []shape{nums, eight, anIn, aLoad, anUID})
		return fmt.Sprintf("memcmp(%s, %s, %d)", g.expr(s, depth-1), g.expr(s, depth-1), g.r.IntN(5)) // the smallest has four bytes
	case 7:
		return fmt.Sprintf("clamp((int64)%s, %d, (int32)%s)", g.wrapped(depth-1), g.r.IntN(100)-50, g.wrapped(depth-1))
	}
	return fmt.Sprintf("bswap((%s)%s)", pick(g.r, intTypes), g.wrapped(depth-1))
}

// few is a number of characters: constant ones are not negative.
func (g *gen) few(depth int) string {
	if g.chance(20) {
		return "(uint8)" + g.wrapped(depth-1)
	}
	return pick(g.r, []string{"0", "1", "3", "7", "8", "9", "16", "63", "64", "200"})
}

// madeText writes a string that a function of the language makes.
func (g *gen) madeText(depth int) string {
	switch g.r.IntN(6) {
	case 0:
		return fmt.Sprintf("strerror((int32)%s)", g.wrapped(depth-1))
	case 1:
		return fmt.Sprintf("signal_name(%s)", g.int(depth-1))
	case 2:
		return fmt.Sprintf("syscall_name(%s)", g.int(depth-1))
	}
	return fmt.Sprintf("str_concat(%s, %s)", g.str(depth-1), g.str(depth-1))
}

// contains asks whether a string is in another.
func (g *gen) contains(depth int) string {
	return fmt.Sprintf("strcontains(%s, %s)", g.str(depth-1), g.str(depth-1))
}

// found looks an element up, whose value a variable gets. It is false if no variable fits a map.
func (g *gen) found(depth int) (string, bool) {
	m, ok := g.mapWhere(func(m mapVar) bool { return len(m.keys) > 0 && m.agg == "" })
	if !ok {
		return "", false
	}
	v, ok := g.variable(m.val)
	if !ok || v.typ != "" {
		return "", false
	}
	return fmt.Sprintf("find(%s, %s, %s)", m.name, g.key(m, depth-1), v.name), true
}

// message writes a statement that tells user space something.
func (g *gen) message() {
	switch g.r.IntN(7) {
	case 0:
		g.line("assert(%s, %s);", g.cond(2), pick(g.r, strLiterals[1:4]))
	case 1:
		g.line(`%s("%%d %%s", %s, %s);`, pick(g.r, []string{"warnf", "errorf"}), g.int(2), g.expr(g.shape(1), 1))
	case 2:
		g.line("join((uint64)%s%s);", g.wrapped(2), pick(g.r, []string{"", `, ","`}))
	case 3:
		g.line(`cat("/proc/%%d/stat", %s);`, g.int(1))
	case 4:
		g.line(`debugf("%%d %%s", %s, %s);`, g.int(2), g.str(1))
	case 5:
		g.line(`printf("%%s %%rx %%s\n", %s, %s, %s);`, g.expr(aStack, 1), g.expr(aBuffer, 2), g.expr(anInet, 2))
	default:
		g.line(`if comptime (%s(%s)) { %s(%s); } else { printf("none\n"); }`, pick(g.r, []string{"is_str", "is_integer", "is_ptr", "is_array"}),
			g.expr(g.shape(1), 1), "print", g.expr(g.shape(1), 1))
	}
}
