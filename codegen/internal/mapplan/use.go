package mapplan

import (
	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/reentry"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// use is what the programs of a script do with a map.
type use struct {
	writers []*lang.Prog // assign, count or aggregate into it
	removes bool         // delete(), clear() or zero(): its elements can go away or be replaced
	printed bool         // print() reads it, in a probe that is not BEGIN or END
	emptied bool         // clear() or zero() does, likewise
	// iterated says that some probe runs a loop over it.
	iterated bool

	assigned int // statements that assign to it, copies of unrolled bodies counted

	mentions int  // all of them
	harmless int  // of these, those that neither read the value nor set it to anything
	up, down bool // ++ and -- whose result nobody uses, which count as harmless
	adds     bool // += and -=, likewise
}

// usesOf goes through all programs.
func usesOf(c *lang.Checked) map[string]*use {
	uses := map[string]*use{}
	for _, m := range c.Maps {
		uses[m.Name] = &use{}
	}
	for _, p := range c.Progs {
		visit := func(n source.Node) { noteUse(uses, p, n) }
		for _, part := range p.Parts() {
			effects.Walk(part, visit)
			noteAssigned(uses, p, part, 1)
		}
	}
	return uses
}

// noteAssigned counts the assignments to maps in a node of which there are several copies.
func noteAssigned(uses map[string]*use, p *lang.Prog, n source.Node, copies int) {
	ast.Inspect(n, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Assign:
			if u := useOf(uses, n.Target); u != nil {
				u.assigned += copies
			}
		case *ast.Unroll:
			times := int(min(p.Consts[n.Count].Int, effects.MaxUnrolled))
			noteAssigned(uses, p, n.Body, min(copies*times, effects.MaxUnrolled))
			return false
		}
		return true
	})
}

// noteUse records what one node does to maps.
func noteUse(uses map[string]*use, p *lang.Prog, n source.Node) {
	switch n := n.(type) {
	case *ast.MapRef:
		if u := uses[n.Name]; u != nil {
			u.mentions++
		}
	case *ast.ExprStmt:
		if u, x := countOf(uses, n); u != nil {
			u.harmless++
			u.up = u.up || x.Op == "++"
			u.down = u.down || x.Op == "--"
		}
	case *ast.ForMap:
		if u := useOf(uses, n.Map); u != nil {
			u.iterated = true
		}
	case *ast.BlockExpr:
		// The last statement is the block's value.
		if stmts := n.Body.Stmts; len(stmts) > 0 {
			if u, _ := countOf(uses, stmts[len(stmts)-1]); u != nil {
				u.harmless--
			}
		}
	case *ast.Assign:
		if u := useOf(uses, n.Target); u != nil {
			u.write(p)
			if (n.Op == "+=" || n.Op == "-=") && !effects.Changes(n.Value, n.Target.(*ast.MapRef).Name) {
				u.harmless++
				u.adds = true
			}
		}
	case *ast.IncDec:
		if u := useOf(uses, n.Target); u != nil {
			u.write(p)
		}
	case *ast.Call:
		noteCall(uses, p, n)
	}
}

// countOf finds the use of the map that a statement counts up or down, nil if it does not do that.
func countOf(uses map[string]*use, s ast.Stmt) (*use, *ast.IncDec) {
	es, ok := s.(*ast.ExprStmt)
	if !ok {
		return nil, nil
	}
	x, ok := es.X.(*ast.IncDec)
	if !ok {
		return nil, nil
	}
	return useOf(uses, x.Target), x
}

// noteCall records what the functions that take a map do to it.
func noteCall(uses map[string]*use, p *lang.Prog, c *ast.Call) {
	if len(c.Args) == 0 {
		return
	}
	u := useOf(uses, c.Args[0])
	if u == nil {
		return
	}
	switch effects.OnMap(c.Name) {
	case builtin.MapRemoves:
		u.removes = true
		u.harmless++
	case builtin.MapEmpties:
		u.removes = true
		u.harmless++
		u.emptied = u.emptied || !p.Kind.Once
	case builtin.MapLooks:
		u.harmless++
	case builtin.MapPrints:
		u.printed = u.printed || !p.Kind.Once
		if !c.Args[0].(*ast.MapRef).Indexed {
			u.harmless++
		}
	}
}

// useOf finds the use of the map that an expression is, nil if it is none.
func useOf(uses map[string]*use, e ast.Expr) *use {
	if ref, ok := e.(*ast.MapRef); ok {
		return uses[ref.Name]
	}
	return nil
}

func (u *use) write(p *lang.Prog) {
	if len(u.writers) == 0 || u.writers[len(u.writers)-1] != p {
		u.writers = append(u.writers, p)
	}
}

// onlyCounts says that programs only add to a map's integers and never look at them, so that each CPU can have
// its own, as for count(). A map without a key must also never sum up to 0, as it would look untouched then.
func (p *Plan) onlyCounts(m *lang.Map) bool {
	u := p.uses[m.Name]
	if !types.Is(m.Value, types.KindInt) || m.Kind != "" || u.mentions != u.harmless {
		return false
	}
	if m.Key == nil {
		return u.up != u.down && !u.adds
	}
	return u.up || u.down || u.adds
}

// Exclusive says that an update of a map's per-CPU value by plain loads and stores in a program of a kind is exact, because no other
// writer of it can begin on the same CPU before the update ends: all writers exclude each other, or the only one
// excludes itself.
//
// BEGIN and END do not count: they run while no other program of the script is attached. Intervals interrupt nobody: only their
// own updates must be safe from others.
func (p *Plan) Exclusive(m *lang.Map, kind *builtin.ProbeKind) bool {
	if p.Layout(m).Shared() {
		return false
	}
	writers, guarded := 0, true
	for _, w := range p.uses[m.Name].writers {
		if w.Kind.Once || w.Kind.Timed {
			continue
		}
		if reentry.Of(p.kernel, w.Kind) != reentry.Never {
			return false
		}
		writers++
		guarded = guarded && reentry.ExcludesAll(p.kernel, w.Kind)
	}
	if kind.Timed {
		return writers == 0
	}
	return guarded || writers < 2
}

// manyAssigned is how many assignments to a map are too many for a look-up each.
const manyAssigned = 1000

// KeepsElements says that an element, once there, stays where it is until the script ends, so that a store
// through its address cannot hit the element of another key. Of a map with very many assignments none is made so: a look-up is a
// branch, of which the verifier takes only so many, and for each it copies the whole program once (do_misc_fixups, kernel/bpf/verifier.c).
func (p *Plan) KeepsElements(m *lang.Map) bool {
	u := p.uses[m.Name]
	return !u.removes && u.assigned <= manyAssigned && m.Kind != "lruhash" && m.Kind != "percpulruhash"
}
