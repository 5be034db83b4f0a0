package lint

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/source"
)

// linter collects the warnings about a script.
type linter struct {
	out  source.Diagnostics
	told map[source.Pos]bool // places that have a warning: the programs of a probe give the same ones
}

// Script finds what is to be said of a script that has no mistakes. file is the script as it was written, before macros were
// expanded. What it imports is left alone: it is another script's.
func Script(file *ast.File, checked *check.Checked) source.Diagnostics {
	l := &linter{told: map[source.Pos]bool{}}
	name := checked.Source.NameOf()
	l.maps(file, name)
	l.settings(file)
	for _, item := range file.Items {
		if item.Range().Pos.Filename != name {
			continue
		}
		l.variables(item)
		l.reached(item)
		l.loops(item)
		l.spellings(item)
	}
	for _, p := range checked.Progs {
		if f := p.Probe.Filter; f != nil && f.Range().Pos.Filename == name {
			l.filter(p, f)
		}
	}
	l.cuts(checked, name)
	l.out.Sort()
	return l.out
}

// loops warns of maps that are printed in a loop: all that is printed there is what the map holds when user space comes to it, which is later.
func (l *linter) loops(item ast.Item) {
	ast.Inspect(item, func(n source.Node) bool {
		switch n.(type) {
		case *ast.While, *ast.ForRange, *ast.ForMap, *ast.Unroll:
			ast.Inspect(n, func(n source.Node) bool {
				if m := printedMap(n); m != nil {
					l.warn(source.Warningf(n, "print-in-loop", "@%s is printed in a loop: what is shown is what it holds when the messages are read, which may be after the loop", m.Name).
						WithHint("printf() shows a value as it is at that moment: printf(\"%%d\", @%s[…])", m.Name))
				}
				return true
			})
			return false
		}
		return true
	})
}

// printedMap is the map that a call prints as a whole, nil if it is none such.
func printedMap(n source.Node) *ast.MapRef {
	call, ok := n.(*ast.Call)
	if !ok || call.Name != "print" || len(call.Args) == 0 {
		return nil
	}
	if m, ok := call.Args[0].(*ast.MapRef); ok && !m.Indexed {
		return m
	}
	return nil
}

func (l *linter) warn(d source.Diagnostic) {
	if !l.told[d.Pos] {
		l.told[d.Pos] = true
		l.out = append(l.out, d)
	}
}

// dropped says whether a variable's name says that its value is not wanted.
func dropped(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasPrefix(name, "ignore") || strings.HasPrefix(name, "unused")
}

// maps warns of maps that are declared and not used.
func (l *linter) maps(file *ast.File, name string) {
	used := map[string]bool{}
	ast.Inspect(file, func(n source.Node) bool {
		if m, ok := n.(*ast.MapRef); ok {
			used[m.Name] = true
		}
		return true
	})
	for _, item := range file.Items {
		if m, ok := item.(*ast.MapDecl); ok && !used[m.Name] && m.Pos.Filename == name {
			l.warn(source.Warningf(m, "unused-map", "@%s is declared and never used", m.Name))
		}
	}
}

// variables warns of variables of a probe or a function whose values nothing asks for. Names are looked at, not scopes: one that is used
// anywhere in the probe is used. Macros are left out, because their variables can be the caller's.
func (l *linter) variables(item ast.Item) {
	switch item.(type) {
	case *ast.Probe, *ast.Func:
	default:
		return
	}
	set := map[*ast.Var]bool{} // mentions that only set the variable
	var first []*ast.Var
	used := map[string]bool{}
	ast.Inspect(item, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Assign:
			if v, ok := n.Target.(*ast.Var); ok && n.Op == "=" {
				set[v] = true
				first = append(first, v)
			}
		case *ast.Let:
			set[n.Var] = true
			if n.Value != nil {
				first = append(first, n.Var)
			}
		case *ast.ForRange:
			used[n.Var.Name] = true
		case *ast.ForMap:
			used[n.Var.Name] = true
		case *ast.Var:
			used[n.Name] = used[n.Name] || !set[n]
		}
		return true
	})
	for _, v := range first {
		if !used[v.Name] && !dropped(v.Name) {
			used[v.Name] = true
			l.warn(source.Warningf(v, "unused-variable", "$%s is assigned and never used", v.Name).
				WithHint("to compute something for its effect alone, write _ = …, or name it $_%s", v.Name))
		}
	}
}
