package lint

import (
	"slices"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// value is an expression in one of the programs of a script.
type value struct {
	p *check.Prog
	e ast.Expr
}

// flows says where the values of variables, maps and functions come from, without regard to the order in which a script runs.
type flows struct {
	vars  map[*check.Variable][]value
	maps  map[string][]value
	funcs map[*ast.Func][]value
	// changed are those that something else sets than what is in the lists: an operator, a loop.
	changedVars map[*check.Variable]bool
	changedMaps map[string]bool
	steps       int // how many values were looked at
}

// flowSteps is how many values are looked at in a script: longer ones are told less.
const flowSteps = 100_000

// cuts warns of calls of str() that cut a text which the script has written elsewhere: in what it assigns to a variable or a map, or
// what a function returns. (The checker tells what is written in the call itself.)
func (l *linter) cuts(checked *check.Checked, file string) {
	var calls []value
	for _, p := range checked.Progs {
		for _, part := range p.Parts() {
			ast.Inspect(part, func(n source.Node) bool {
				if c, ok := n.(*ast.Call); ok && c.Name == "str" && len(c.Args) > 0 && c.Pos.Filename == file &&
					types.Is(p.Types[c.Args[0]], types.KindString) && p.Consts[c.Args[0]].Str == nil {
					calls = append(calls, value{p, c})
				}
				return true
			})
		}
	}
	if len(calls) == 0 {
		return
	}
	f := flowsOf(checked)
	for _, v := range calls {
		c := v.e.(*ast.Call)
		most, limited := f.taken(v.p, c, checked.Config.MaxStrlen-1)
		if text, ok := f.longest(value{v.p, c.Args[0]}, checked.Config.MaxStrlen-1, 0); ok && len(text) > most {
			l.warn(check.WarnCutText(c, text, most, limited))
		}
	}
}

// taken is how many characters a call of str() takes at most of a text that it reads; limited says that it is limit. Its second argument counts the NUL.
func (f *flows) taken(p *check.Prog, c *ast.Call, limit int) (most int, limited bool) {
	if len(c.Args) < 2 {
		return limit, true
	}
	most, known := 0, true
	for _, v := range f.sources(value{p, c.Args[1]}, &known, map[any]bool{}) {
		k, ok := v.p.Consts[v.e]
		known = known && ok && k.Str == nil
		most = max(most, int(min(k.Int, uint64(limit+1)))-1)
	}
	if !known {
		return limit, true
	}
	return most, most == limit
}

func flowsOf(checked *check.Checked) *flows {
	f := &flows{
		vars: map[*check.Variable][]value{}, maps: map[string][]value{}, funcs: map[*ast.Func][]value{},
		changedVars: map[*check.Variable]bool{}, changedMaps: map[string]bool{},
	}
	for _, p := range checked.Progs {
		for _, part := range p.Parts() {
			ast.Inspect(part, func(n source.Node) bool {
				f.note(p, n)
				return true
			})
		}
		for _, fn := range p.Funcs {
			ast.Inspect(fn.Body, func(n source.Node) bool {
				if r, ok := n.(*ast.Return); ok && r.Value != nil {
					f.funcs[fn] = append(f.funcs[fn], value{p, r.Value})
				}
				return true
			})
		}
	}
	return f
}

// note notes what a node sets.
func (f *flows) note(p *check.Prog, n source.Node) {
	switch n := n.(type) {
	case *ast.Assign:
		f.set(p, n.Target, n.Value, n.Op == "=")
	case *ast.Let:
		if n.Value != nil {
			f.set(p, n.Var, n.Value, true)
		}
	case *ast.IncDec:
		f.set(p, n.Target, nil, false)
	case *ast.ForRange:
		f.set(p, n.Var, nil, false)
	case *ast.ForMap:
		f.set(p, n.Var, nil, false)
	case *ast.Call:
		if fn := p.Callee(n); fn != nil {
			for i, a := range n.Args[:min(len(n.Args), len(fn.Params))] {
				f.set(p, fn.Params[i].Var, a, true)
			}
		}
	}
}

func (f *flows) set(p *check.Prog, target, to ast.Expr, whole bool) {
	switch t := target.(type) {
	case *ast.Var:
		if v := p.Vars[t]; whole {
			f.vars[v] = append(f.vars[v], value{p, to})
		} else {
			f.changedVars[v] = true
		}
	case *ast.MapRef:
		if whole {
			f.maps[t.Name] = append(f.maps[t.Name], value{p, to})
		} else {
			f.changedMaps[t.Name] = true
		}
	}
}

// longest is the longest text that is known of those that a value can be.
func (f *flows) longest(v value, limit, depth int) (text string, ok bool) {
	all := true
	for _, from := range f.sources(v, &all, map[any]bool{}) {
		if s, known := f.text(from, limit, depth); known && (!ok || len(s) > len(text)) {
			text, ok = s, true
		}
	}
	return text, ok
}

// text is the text of a value that is no variable, map or function of the script.
func (f *flows) text(v value, limit, depth int) (string, bool) {
	if k := v.p.Consts[v.e]; k.Str != nil {
		return *k.Str, true
	}
	c, ok := v.e.(*ast.Call)
	if !ok || depth > maxFlowDepth {
		return "", false
	}
	switch {
	case c.Name == "str_concat" && len(c.Args) == 2:
		x, okX := f.longest(value{v.p, c.Args[0]}, limit, depth+1)
		y, okY := f.longest(value{v.p, c.Args[1]}, limit, depth+1)
		s := x + y
		return s[:min(len(s), limit)], okX && okY
	case c.Name == "str" && types.Is(v.p.Types[c.Args[0]], types.KindString):
		s, ok := f.longest(value{v.p, c.Args[0]}, limit, depth+1)
		most, _ := f.taken(v.p, c, limit)
		return s[:min(len(s), most)], ok
	}
	return "", false
}

// maxFlowDepth is how many calls inside each other are looked at.
const maxFlowDepth = 20

// sources are the expressions that a value comes from, through variables, maps, functions of the script and elements of tuples. all becomes
// false if there are others.
func (f *flows) sources(v value, all *bool, seen map[any]bool) (list []value) {
	if f.steps++; f.steps > flowSteps {
		*all = false
		return nil
	}
	if _, ok := v.p.Consts[v.e]; ok {
		return []value{v}
	}
	// through follows a list, once.
	through := func(key any, from []value, changed bool) (list []value) {
		*all = *all && !changed
		if seen[key] {
			return nil
		}
		seen[key] = true
		for _, x := range from {
			list = append(list, f.sources(x, all, seen)...)
		}
		return list
	}
	switch e := v.e.(type) {
	case *ast.Var:
		to := v.p.Vars[e]
		return through(to, f.vars[to], f.changedVars[to])
	case *ast.MapRef:
		return through(e.Name, f.maps[e.Name], f.changedMaps[e.Name])
	case *ast.Ternary:
		return append(f.sources(value{v.p, e.X}, all, seen), f.sources(value{v.p, e.Y}, all, seen)...)
	case *ast.BlockExpr:
		if r := ast.Result(e); r != e {
			return f.sources(value{v.p, r}, all, seen)
		}
	case *ast.Comptime:
		return f.sources(value{v.p, e.X}, all, seen)
	case *ast.Cast:
		if types.Is(v.p.Types[e], types.KindString) {
			return f.sources(value{v.p, e.X}, all, seen)
		}
	case *ast.Call:
		if fn := v.p.Callee(e); fn != nil {
			return through(fn, f.funcs[fn], false)
		}
	case *ast.TupleIndex, *ast.FieldExpr:
		if !seen[e] {
			seen[e] = true
			return f.elements(v, all, seen)
		}
		return nil
	}
	return []value{v}
}

// elements are the sources of an element that is taken of a tuple or a record.
func (f *flows) elements(v value, all *bool, seen map[any]bool) (list []value) {
	var from ast.Expr
	var which func(names []string) int
	switch e := v.e.(type) {
	case *ast.TupleIndex:
		from, which = e.X, func([]string) int { return e.N }
	case *ast.FieldExpr:
		from, which = e.X, func(names []string) int { return slices.Index(names, e.Name) }
	}
	for _, tuple := range f.sources(value{v.p, from}, all, map[any]bool{}) {
		var elems []ast.Expr
		var names []string
		switch e := tuple.e.(type) {
		case *ast.TupleExpr:
			elems = e.Elems
		case *ast.RecordExpr:
			elems, names = e.Elems, e.Names
		}
		i := which(names)
		if i < 0 || i >= len(elems) {
			*all = false
			continue
		}
		list = append(list, f.sources(value{tuple.p, elems[i]}, all, seen)...)
	}
	return list
}
