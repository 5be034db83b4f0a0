package scriptgen

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Options say what scripts may use.
type Options struct {
	Kprobes bool   // kprobes: not every kernel has them
	Uprobe  string // PATH:FUNCTION to probe, "" for none
	More    bool   // also text functions, series, quantiles, stacks, addresses, messages and functions that call others
}

// variable is a scratch variable in scope.
type variable struct {
	name  string
	shape shape
	typ   string // that every assigned value is cast to; "" to let the variable grow
	loop  bool   // a loop's own variable, which the body does not assign
}

// mapVar is a map; what it is made for never changes.
type mapVar struct {
	name string
	keys []shape // none for a scalar map
	agg  string  // "" for plain values, else the aggregation
	val  shape   // as it is read
	bits int     // of hist, and what else an aggregation has that never changes
}

// gen is the state of one script.
type gen struct {
	r      *rand.Rand
	b      strings.Builder
	indent int
	maps   []mapVar
	vars   []variable
	next   int      // number of the next variable
	free   []string // names of blocks that have ended
	macros bool
	more   bool // as Options.More
	funcs  bool
	probe  *probeSpec
	loops  int // depth of loops around the statement
	budget int // statements that may still be made: bounds the script's size
}

// Script makes the script of a seed.
func Script(seed uint64, o Options) string {
	g := &gen{r: rand.New(rand.NewPCG(seed, 0x676f7472616365)), more: o.More}
	g.head()
	g.makeMaps()
	g.assignMaps()
	n := 1 + g.r.IntN(3)
	for range n {
		p := g.pickProbe(o)
		g.probeBlock(p)
	}
	return g.b.String()
}

// pickProbe picks among the probes that there are.
func (g *gen) pickProbe(o Options) probeSpec {
	for {
		p := pick(g.r, probeSpecs)
		switch {
		case p.kprobe && !o.Kprobes, p.uprobe && o.Uprobe == "":
			continue
		case p.uprobe:
			p.attach = strings.ReplaceAll(p.attach, "TARGET", o.Uprobe)
		}
		return p
	}
}

// pick returns a random element.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// either is the longer list if scripts may use more.
func (g *gen) either(more, less []string) []string {
	if g.more {
		return more
	}
	return less
}

// choose is a number below n, or below more if scripts may use more.
func (g *gen) choose(n, more int) int {
	if g.more {
		return g.r.IntN(more)
	}
	return g.r.IntN(n)
}

// chance is true p times in 100.
func (g *gen) chance(p int) bool { return g.r.IntN(100) < p }

// line writes a line at the current depth.
func (g *gen) line(format string, args ...any) {
	fmt.Fprintf(&g.b, "%s%s\n", strings.Repeat("\t", g.indent), fmt.Sprintf(format, args...))
}

// head writes what stands before the probes.
func (g *gen) head() {
	g.b.WriteString(definitions)
	if g.chance(20) {
		g.line("config = { %s }", pick(g.r, []string{
			"max_strlen = 64", "max_strlen = 9; max_map_keys = 10", "max_strlen = 5000", `str_trunc_trailer = ""; max_strlen = 200`,
		}))
	}
	if g.funcs = g.chance(25); g.funcs {
		g.b.WriteString(functionDefs)
		if g.more {
			g.b.WriteString(moreFunctionDefs)
		}
	}
	if g.macros = g.chance(25); g.macros {
		g.b.WriteString(macros)
	}
}

// aggregations are the map functions, with their arguments' form.
var (
	aggregations     = []string{"count", "sum", "avg", "min", "max", "stats", "hist", "lhist"}
	moreAggregations = append(slices.Clone(aggregations), "quantiles", "tseries")
)

// makeMaps decides which maps the script has, and declares some of them.
func (g *gen) makeMaps() {
	for i := range 2 + g.r.IntN(5) {
		m := mapVar{name: fmt.Sprintf("@m%d", i)}
		for range g.r.IntN(4) {
			m.keys = append(m.keys, g.shape(1))
		}
		switch n := g.r.IntN(10); {
		case n < 4:
			m.agg, m.val, m.bits = pick(g.r, g.either(moreAggregations, aggregations)), anInt, g.r.IntN(6)
		case n < 6:
			m.val = anInt
		default:
			m.val = g.shape(2)
		}
		g.maps = append(g.maps, m)
		if len(m.keys) > 0 && g.chance(20) {
			g.line("let %s = %s(%d);", m.name, g.mapKind(m), 1+g.r.IntN(2000))
		}
	}
}

// mapKind picks a kind that the map's values allow.
func (g *gen) mapKind(m mapVar) string {
	if m.agg != "" {
		return pick(g.r, []string{"percpuhash", "percpulruhash"})
	}
	return pick(g.r, []string{"hash", "lruhash"})
}

// assignMaps gives every map its first value: nothing can be read of a map before it is known what it holds. No other
// map is used for that.
func (g *gen) assignMaps() {
	g.probe = &probeSpec{}
	maps := g.maps
	g.maps = nil
	g.line("BEGIN")
	g.line("{")
	g.indent++
	for _, m := range maps {
		g.assign(m, 0)
	}
	g.indent--
	g.line("}")
	g.maps = maps
}

// probeBlock writes a probe: attach point, filter and body.
func (g *gen) probeBlock(p probeSpec) {
	g.probe = &p
	g.vars, g.free = nil, nil
	g.budget = 4 + g.r.IntN(14)
	g.line("%s", p.attach)
	if g.chance(40) {
		g.line("/ %s /", g.cond(2)) // blanks: a star after the slash would begin a comment
	}
	g.line("{")
	g.indent++
	if g.chance(6) {
		for range g.r.IntN(60) { // many that live to the end
			g.assignNew()
		}
	}
	g.assignNew()
	for g.budget > 0 {
		g.stmt(0)
	}
	g.useAll()
	g.indent--
	g.line("}")
}

// useAll reads the variables of the probe's outermost block, so that all of them live to the end.
func (g *gen) useAll() {
	if g.chance(50) {
		return
	}
	for _, v := range g.vars {
		g.line("print(%s);", v.name)
	}
}

// block writes a nested block; what it declares ends with it.
func (g *gen) block(depth int) {
	vars := len(g.vars)
	g.indent++
	for range 1 + g.r.IntN(3) {
		g.stmt(depth + 1)
	}
	g.indent--
	g.close(vars)
}

// close ends the life of variables; their names may come again.
func (g *gen) close(vars int) {
	for _, v := range g.vars[vars:] {
		g.free = append(g.free, v.name)
	}
	g.vars = g.vars[:vars]
}

// fresh returns a name that no variable in scope has.
func (g *gen) fresh() string {
	if n := len(g.free); n > 0 && g.chance(30) {
		i := g.r.IntN(n)
		name := g.free[i]
		g.free = append(g.free[:i], g.free[i+1:]...)
		return name
	}
	g.next++
	return fmt.Sprintf("$v%d", g.next)
}
