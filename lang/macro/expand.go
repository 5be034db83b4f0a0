// Package macro expands the macros of a script, before types are found out, on a copy of the tree: the parsed tree never changes. A
// call becomes a block with the macro's body, in which parameters stand for the arguments, and the macro's own
// variables have names that no script can write, so that they never meet those of the caller.
package macro

import (
	"fmt"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
)

// maxNodes bounds what macros that call others several times can grow to, in syntax nodes.
const maxNodes = 200_000

// expander copies the tree with macros expanded.
type expander struct {
	macros map[string][]*ast.Macro // by name, in order; several differ in their parameters
	hidden map[string]string       // functions of the script that have the name of a builtin, by that: what they are called in the copy
	frame  *frame                  // the macro whose body is copied, nil in a probe
	calls  int                     // so far, for the names of variables
	nodes  int
	at     source.Node // the call in a probe that is expanded
	effect ast.Expr    // a call that is a statement: nobody asks for its value
	diags  source.Diagnostics
	failed map[source.Pos]bool // places that have a message
	values map[ast.Expr]bool   // variables that stand where an expression was asked for: no macro can assign to them
}

// frame is one call of a macro.
type frame struct {
	outer  *frame
	macro  *ast.Macro
	call   source.Span         // of the macro
	exprs  map[string]ast.Expr // parameters that are expressions
	vars   map[string]string   // parameters that are variables: their names in the caller
	maps   map[string]string   // parameters that are maps
	suffix string
}

// Expand returns the file without macros: each call is replaced by the macro's body. Without macros it is the file itself.
func Expand(f *ast.File) (*ast.File, source.Diagnostics) {
	e := &expander{macros: map[string][]*ast.Macro{}, hidden: map[string]string{}, failed: map[source.Pos]bool{}, values: map[ast.Expr]bool{}}
	for _, item := range f.Items {
		switch item := item.(type) {
		case *ast.Macro:
			e.define(item)
		case *ast.Func:
			if builtin.Find(item.Name) != nil {
				e.hidden[item.Name] = item.Name + HiddenMark + "fn"
			}
		}
	}
	if len(e.macros) == 0 && len(e.hidden) == 0 {
		return f, nil
	}
	out := *f
	out.Items = nil
	for _, item := range f.Items {
		switch item := item.(type) {
		case *ast.Macro:
		case *ast.Probe:
			p := *item
			if p.Filter != nil {
				p.Filter = e.expr(p.Filter)
			}
			p.Body = e.block(p.Body)
			out.Items = append(out.Items, &p)
		case *ast.Func:
			fn := *item
			fn.Name, fn.Body = e.function(fn.Name), e.block(fn.Body)
			out.Items = append(out.Items, &fn)
		default:
			out.Items = append(out.Items, item)
		}
	}
	return &out, e.diags
}

func (e *expander) define(m *ast.Macro) {
	for _, old := range e.macros[m.Name] {
		if covers(old, m) {
			e.report(source.Errorf(m, "declared-twice", "the macro %s is defined twice", m.Name).
				WithHint("the other is at %s", old.Pos))
			return
		}
	}
	e.macros[m.Name] = append(e.macros[m.Name], m)
}

// covers says whether a macro has the parameters of another: of the two only one could be called.
func covers(a, b *ast.Macro) bool {
	if len(a.Params) != len(b.Params) {
		return false
	}
	for i := range a.Params {
		if fmt.Sprintf("%T", a.Params[i]) != fmt.Sprintf("%T", b.Params[i]) {
			return false
		}
	}
	return true
}

// exact is how many parameters of a macro are variables and maps, which take fewer arguments than expressions do.
func exact(m *ast.Macro) int {
	n := 0
	for _, p := range m.Params {
		if _, any := p.(*ast.Ident); !any {
			n++
		}
	}
	return n
}

// report adds a message. A place gets only its first: bodies are copied for each call.
func (e *expander) report(d source.Diagnostic) {
	if !e.failed[d.Pos] {
		e.failed[d.Pos] = true
		e.diags = append(e.diags, d)
	}
}

// grow counts a copied node. It says whether there is room for more.
func (e *expander) grow(n source.Node) bool {
	e.nodes++
	if e.nodes == maxNodes {
		if e.at != nil {
			n = e.at
		}
		e.report(source.Errorf(n, "macro-size", "macros make the script larger than %d expressions and statements", maxNodes).
			WithHint("let them call each other less"))
	}
	return e.nodes < maxNodes
}

// isArgument says whether an argument can be a parameter.
func (e *expander) isArgument(param, arg ast.Expr) bool {
	switch param.(type) {
	case *ast.Var:
		_, ok := arg.(*ast.Var)
		return ok && !e.values[arg]
	case *ast.MapRef:
		m, ok := arg.(*ast.MapRef)
		return ok && !m.Indexed
	}
	return true
}

// find is the macro that a call with these arguments means: of those that take them the one with the most variables and maps among its
// parameters, the first of several. ok is false if it means no macro at all.
func (e *expander) find(n source.Node, name string, args []ast.Expr) (m *ast.Macro, ok bool) {
	candidates := e.macros[name]
	var same []*ast.Macro
	for _, c := range candidates {
		if len(c.Params) == len(args) {
			same = append(same, c)
		}
	}
	for _, c := range same {
		bad := false
		for i := range args {
			bad = bad || !e.isArgument(c.Params[i], args[i])
		}
		if !bad && (m == nil || exact(c) > exact(m)) {
			m = c
		}
	}
	if m != nil {
		return m, true
	}
	switch {
	case len(same) > 0:
		for i, arg := range args {
			if !e.isArgument(same[0].Params[i], arg) {
				e.report(errArg(arg, same[0], i))
			}
		}
		return nil, true
	case len(candidates) == 0 || builtin.Find(name).There():
		return nil, false
	}
	e.report(errCount(n, candidates[0], len(args)))
	return nil, true
}

// call expands a call of a macro; ok is false if the name means no macro.
func (e *expander) call(n ast.Expr, name string, args []ast.Expr) (x ast.Expr, ok bool) {
	if len(e.macros[name]) == 0 {
		return nil, false
	}
	m, ok := e.find(n, name, args)
	if m == nil {
		return &ast.BlockExpr{Span: n.Range(), Body: &ast.Block{Span: n.Range()}}, ok
	}
	for f := e.frame; f != nil; f = f.outer {
		if f.macro == m {
			e.report(errRecursion(n, m, e.frame))
			return &ast.BlockExpr{Span: n.Range(), Body: &ast.Block{Span: n.Range()}}, true
		}
	}
	if e.frame == nil {
		e.at = n
	}
	e.calls++
	f := &frame{
		outer: e.frame, macro: m, call: n.Range(), suffix: fmt.Sprintf("%s%d", HiddenMark, e.calls),
		exprs: map[string]ast.Expr{}, vars: map[string]string{}, maps: map[string]string{},
	}
	for i, p := range m.Params {
		switch p := p.(type) {
		case *ast.Ident:
			f.exprs[p.Name] = asValue(args[i])
		case *ast.Var:
			f.vars[p.Name] = args[i].(*ast.Var).Name
		case *ast.MapRef:
			f.maps[p.Name] = args[i].(*ast.MapRef).Name
		}
	}
	e.frame = f
	body := e.block(m.Body)
	e.frame = f.outer
	if n == e.effect {
		return &ast.BlockExpr{Span: n.Range(), Body: body}, true
	}
	value := ast.ValueBlock(body)
	value.Span = n.Range()
	return value, true
}

// asValue is an argument for a parameter that is an expression. A map stands for its value there.
func asValue(arg ast.Expr) ast.Expr {
	if m, ok := arg.(*ast.MapRef); ok && !m.Indexed {
		return &ast.BlockExpr{Span: m.Span, Body: &ast.Block{Span: m.Span, Stmts: []ast.Stmt{&ast.ExprStmt{Span: m.Span, X: m, NoSemi: true}}}}
	}
	return arg
}

// function is the name of a function in the copy. One of the script takes the place of a builtin of its name.
func (e *expander) function(name string) string {
	if hidden, ok := e.hidden[name]; ok {
		return hidden
	}
	return name
}

// HiddenMark is in the names of macros' own variables.
const HiddenMark = "#"

// substitute is a copy of an argument, which is expanded already.
func (e *expander) substitute(arg ast.Expr) ast.Expr {
	frame, macros := e.frame, e.macros
	e.frame, e.macros = nil, nil
	defer func() { e.frame, e.macros = frame, macros }()
	return e.expr(arg)
}
