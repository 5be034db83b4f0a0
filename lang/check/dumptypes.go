package check

import (
	"fmt"
	"io"
	"sort"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// DumpTypes prints what the checker found out: the maps, and for each program its targets, variables, and the type and value of
// every expression. It is what -d types shows.
func DumpTypes(w io.Writer, c *Checked) {
	for _, m := range c.Maps {
		key := ""
		if m.Key != nil {
			key = "[" + m.Key.String() + "]"
		}
		fmt.Fprintf(w, "map @%s%s: %s, %d entries\n", m.Name, key, m.Value, m.MaxEntries)
	}
	for i, p := range c.Progs {
		fmt.Fprintf(w, "program %d: %s", i, p.Targets[0].Name)
		if n := len(p.Targets); n > 1 {
			fmt.Fprintf(w, " and %d more", n-1)
		}
		fmt.Fprintln(w)
		dumpVars(w, p)
		dumpExprs(w, p)
	}
}

func dumpVars(w io.Writer, p *Prog) {
	seen := map[*Variable]bool{}
	var vars []*Variable
	for _, v := range p.Vars {
		if !seen[v] {
			seen[v] = true
			vars = append(vars, v)
		}
	}
	sort.Slice(vars, func(i, j int) bool { return vars[i].ID < vars[j].ID })
	for _, v := range vars {
		shared := ""
		if v.Captured {
			shared = " (shared with a loop)"
		}
		fmt.Fprintf(w, "  var $%s: %v%s\n", v.Name, v.Type, shared)
	}
}

func dumpExprs(w io.Writer, p *Prog) {
	show := func(n source.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		t := p.Types[e]
		if t == nil {
			return true
		}
		value := ""
		if k, ok := p.Consts[e]; ok {
			if k.Str != nil {
				value = fmt.Sprintf(" = %q", *k.Str)
			} else {
				value = fmt.Sprintf(" = %d", int64(k.Int))
			}
		}
		fmt.Fprintf(w, "  %d:%d %s: %s%s\n", e.Range().Pos.Line, e.Range().Pos.Column, kindOf(e), t, value)
		return true
	}
	if p.Probe.Filter != nil {
		ast.Inspect(p.Probe.Filter, show)
	}
	ast.Inspect(p.Probe.Body, show)
}

// kindOf names the kind of an expression.
func kindOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Var:
		return "$" + e.Name
	case *ast.MapRef:
		return "@" + e.Name
	case *ast.Ident:
		return e.Name
	case *ast.Call:
		return e.Name + "()"
	case *ast.Binary:
		return "binary " + e.Op
	case *ast.Unary:
		return "unary " + e.Op
	case *ast.FieldExpr:
		return "." + e.Name
	}
	return fmt.Sprintf("%T", e)[len("*lang."):]
}
