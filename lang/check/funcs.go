package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// A function of the script is checked once in each program that calls it: its parameters and its result have their types from its
// head, and everything else from the program, whose arguments and builtins it can use. Its variables are its own.

// declareFuncs finds the functions of a script.
func (c *checker) declareFuncs() {
	for _, item := range c.file.Items {
		f, ok := item.(*ast.Func)
		if !ok {
			continue
		}
		switch old := c.funcs[f.Name]; {
		case old != nil:
			c.diags = append(c.diags, source.Errorf(f, "declared-twice", "the function %s is defined twice", writtenName(f.Name)).
				WithHint("the other is at line %d, column %d", old.Pos.Line, old.Pos.Column))
		default:
			c.funcs[f.Name] = f
			c.paramNames(f)
			if !isVoid(f.Result) && !returns(f.Body) {
				c.diags = append(c.diags, source.Errorf(f, "missing-return", "%s() can end without returning a value", writtenName(f.Name)).
					WithHint("end it with return"))
			}
		}
	}
	for _, item := range c.file.Items {
		if f, ok := item.(*ast.Func); ok && c.funcs[f.Name] == f {
			c.checkRecursion(f, []string{f.Name}, map[string]bool{})
		}
	}
}

func (c *checker) paramNames(f *ast.Func) {
	seen := map[string]bool{}
	for _, p := range f.Params {
		if seen[p.Var.Name] {
			c.diags = append(c.diags, source.Errorf(p, "bad-parameter", "%s() has a parameter $%s already", writtenName(f.Name), p.Var.Name))
		}
		seen[p.Var.Name] = true
	}
}

// checkRecursion refuses a function that calls itself, directly or through others: programs in the kernel must be known to end.
func (c *checker) checkRecursion(root *ast.Func, way []string, done map[string]bool) {
	f := c.funcs[way[len(way)-1]]
	if done[f.Name] {
		return
	}
	done[f.Name] = true
	ast.Inspect(f.Body, func(n source.Node) bool {
		call, ok := n.(*ast.Call)
		if !ok || c.funcs[call.Name] == nil {
			return true
		}
		if call.Name == root.Name {
			d := source.Errorf(call, "recursion", "the function %s calls itself: %s", writtenName(root.Name), writtenName(strings.Join(append(way, root.Name), " → ")))
			c.diags = append(c.diags, d.WithHint("a loop does what recursion would: while (…) { … }"))
			return true
		}
		c.checkRecursion(root, append(way[:len(way):len(way)], call.Name), done)
		return true
	})
}

func isVoid(n *ast.TypeName) bool {
	return n.Keyword == "" && n.Name == "void" && n.Of == nil && n.Stars == 0 && len(n.Dims) == 0
}

// returns says whether a statement always returns from its function.
func returns(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.Return:
		return true
	case *ast.Block:
		return len(s.Stmts) > 0 && returns(s.Stmts[len(s.Stmts)-1])
	case *ast.If:
		return returns(s.Then) && s.Else != nil && returns(s.Else)
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.Call)
		return ok && builtin.Find(call.Name) != nil && builtin.Find(call.Name).Leaves()
	}
	return false
}

// callFunc checks the call of a function of the script.
func (c *checker) callFunc(e *ast.Call, f *ast.Func) types.Type {
	c.useFunc(f)
	if n := len(f.Params); len(e.Args) != n {
		c.report(errArgCount(e, n, n))
		return nil
	}
	for i, arg := range e.Args {
		t := c.value(arg)
		want := c.typeName(f.Params[i].Type)
		if t == nil || want == nil {
			continue
		}
		c.fits(arg, want, types.Value(t), func() source.Diagnostic {
			return source.Errorf(arg, "argument-type", "%s() takes a %s for $%s, not a %s", writtenName(f.Name), want, f.Params[i].Var.Name, types.Value(t))
		})
	}
	return c.resultType(f)
}

// fits checks a value for a place of a certain type.
func (c *checker) fits(e ast.Expr, want, t types.Type, mistake func() source.Diagnostic) {
	if it, ok := want.(types.Int); ok {
		if k, isConst := c.constInt(e); isConst {
			if vt, isInt := t.(types.Int); isInt && !types.Fits(k.Int, !vt.Signed, it) {
				c.report(source.Errorf(e, "out-of-range", "%d does not fit %s", integer(k, vt), it).WithHint("cast it: (%s)%d", it, integer(k, vt)))
			}
		}
	}
	w, ok := types.Widen(want, t)
	if !ok || types.Is(want, types.KindPointer) != types.Is(w, types.KindPointer) ||
		w.Size() > want.Size() && !types.Of(w).Numeric && !types.Is(want, types.KindString) {
		c.report(mistake())
	}
}

// resultType is the type of a call of a function.
func (c *checker) resultType(f *ast.Func) types.Type {
	if isVoid(f.Result) {
		return types.None{}
	}
	return c.typeName(f.Result)
}

// useFunc has the body of a function checked in the current program.
func (c *checker) useFunc(f *ast.Func) {
	for _, seen := range c.p.Funcs {
		if seen == f {
			return
		}
	}
	c.p.Funcs = append(c.p.Funcs, f)
}

// functions checks the bodies of the functions that the current program calls, which may call more.
func (c *checker) functions() {
	for i := 0; i < len(c.p.Funcs); i++ {
		c.funcBody(c.p.Funcs[i])
	}
	c.fn = nil
}

func (c *checker) funcBody(f *ast.Func) {
	c.fn, c.scope, c.loop, c.loops = f, newScope(nil), nil, 0
	for _, p := range f.Params {
		v := c.declare(p, p.Var)
		v.seen = true
		if t := c.typeName(p.Type); t != nil {
			if types.Is(t, types.KindVoid) || !types.Of(t).Stored {
				c.report(source.Errorf(p, "bad-parameter", "a parameter cannot be a %s", t))
				continue
			}
			v.Type, v.fixed = t, true
		}
	}
	c.p.Results[f] = c.resultType(f)
	c.block(f.Body)
}

// returnStmt checks a return: from a function, or from the probe.
func (c *checker) returnStmt(s *ast.Return) {
	if c.fn == nil {
		if s.Value != nil {
			c.part(func() { c.returned(s.Value) })
		}
		return
	}
	f := c.fn
	want := !isVoid(f.Result)
	switch {
	case want && s.Value == nil:
		c.report(source.Errorf(s, "return-type", "%s() returns a value", writtenName(f.Name)))
	case !want && s.Value != nil:
		c.report(source.Errorf(s, "return-type", "%s() returns no value", writtenName(f.Name)))
	case want:
		c.part(func() {
			t := types.Value(c.value(s.Value))
			result := c.typeName(f.Result)
			if t == nil || result == nil {
				return
			}
			c.fits(s.Value, result, t, func() source.Diagnostic {
				return source.Errorf(s.Value, "return-type", "%s() returns a %s, not a %s", writtenName(f.Name), result, t)
			})
		})
	}
}

// scoped is the name of a variable among those of the whole program: functions have their own.
func (c *checker) scoped(name string) string {
	if c.fn != nil {
		return c.fn.Name + " " + name
	}
	return name
}

// uncalled warns of functions that no program calls.
func (c *checker) uncalled() {
	called := map[*ast.Func]bool{}
	for _, p := range c.progs {
		for _, f := range p.Funcs {
			called[f] = true
		}
	}
	for _, item := range c.file.Items {
		if f, ok := item.(*ast.Func); ok && c.funcs[f.Name] == f && !called[f] && !c.lacking {
			c.diags = append(c.diags, source.Warningf(f, "unused-function", "%s() is never called, and so not checked", writtenName(f.Name)))
		}
	}
}

// callable are the names of what the script can call with arguments.
func (c *checker) callable() []string {
	names := builtin.Functions()
	for name := range c.funcs {
		names = append(names, writtenName(name))
	}
	return sorted(names)
}
