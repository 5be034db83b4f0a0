package scriptgen

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is what the generator needs to know of an expression's type.
type kind int

const (
	intKind kind = iota
	strKind
	tupleKind // (int, string, int)
)

// variable is a scratch variable in scope. Its declared type keeps every assignment valid.
type variable struct {
	name string
	kind kind
	cast string // of integers: the type that every assigned value is cast to
	loop bool   // a loop's own variable, which the body does not assign
}

// mapVar is a map; what it is made for never changes.
type mapVar struct {
	name string
	keys []kind // none for a scalar map
	agg  string // "" for plain values, else the aggregation
	val  kind
}

// gen is the state of one script.
type gen struct {
	r      *rand.Rand
	b      strings.Builder
	indent int
	maps   []mapVar
	vars   []variable
	next   int // number of the next variable
	probe  *probeSpec
	loops  int // depth of loops around the statement
	budget int // statements that may still be made: bounds the script's size
}

// Script makes the script of a seed. Without kprobes it has none: not every kernel has them.
func Script(seed uint64, kprobes bool) string {
	g := &gen{r: rand.New(rand.NewPCG(seed, 0x676f7472616365))}
	g.makeMaps()
	g.assignMaps()
	n := 1 + g.r.IntN(3)
	for range n {
		p := pick(g.r, probeSpecs)
		for p.kprobe && !kprobes {
			p = pick(g.r, probeSpecs)
		}
		g.probeBlock(p)
	}
	return g.b.String()
}

// pick returns a random element.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true p times in 100.
func (g *gen) chance(p int) bool { return g.r.IntN(100) < p }

// line writes a line at the current depth.
func (g *gen) line(format string, args ...any) {
	fmt.Fprintf(&g.b, "%s%s\n", strings.Repeat("\t", g.indent), fmt.Sprintf(format, args...))
}

// aggregations are the map functions, with their arguments' form.
var aggregations = []string{"count", "sum", "avg", "min", "max", "stats", "hist", "lhist"}

// makeMaps decides which maps the script has.
func (g *gen) makeMaps() {
	for i := range 2 + g.r.IntN(5) {
		m := mapVar{name: fmt.Sprintf("@m%d", i)}
		for range g.r.IntN(4) {
			m.keys = append(m.keys, kind(g.r.IntN(2)))
		}
		switch g.r.IntN(5) {
		case 0, 1:
			m.agg = pick(g.r, aggregations)
		case 2:
			m.val = strKind
		case 3:
			m.val = tupleKind
		}
		g.maps = append(g.maps, m)
	}
}

// assignMaps gives every map its first value, which decides its types.
func (g *gen) assignMaps() {
	g.probe = &probeSpec{}
	g.line("BEGIN")
	g.line("{")
	g.indent++
	for _, m := range g.maps {
		g.line("%s = %s;", firstElement(m), firstValue(m))
	}
	g.indent--
	g.line("}")
}

// firstElement and firstValue use no other map, whose type may not be known yet.
func firstElement(m mapVar) string {
	if len(m.keys) == 0 {
		return m.name
	}
	keys := make([]string, len(m.keys))
	for i, k := range m.keys {
		keys[i] = firstOf[k]
	}
	return fmt.Sprintf("%s[%s]", m.name, strings.Join(keys, ", "))
}

func firstValue(m mapVar) string {
	switch m.agg {
	case "":
		return firstOf[m.val]
	case "count":
		return "count()"
	case "lhist":
		return "lhist((int64)5, 0, 1000, 100)"
	default:
		return m.agg + "((int64)5)"
	}
}

var firstOf = map[kind]string{intKind: "(int64)1", strKind: `"first"`, tupleKind: `((int64)1, "first", (int64)2)`}

// probeBlock writes a probe: attach point, filter and body.
func (g *gen) probeBlock(p probeSpec) {
	g.probe = &p
	g.vars = nil
	g.budget = 4 + g.r.IntN(14)
	g.line("%s", p.attach)
	if g.chance(40) {
		g.line("/%s/", g.cond(2))
	}
	g.line("{")
	g.indent++
	g.assignNew()
	for g.budget > 0 {
		g.stmt(0)
	}
	g.indent--
	g.line("}")
}

// block writes a nested block; what it declares ends with it.
func (g *gen) block(depth int) {
	vars := len(g.vars)
	g.indent++
	for range 1 + g.r.IntN(3) {
		g.stmt(depth + 1)
	}
	g.indent--
	g.vars = g.vars[:vars]
}
