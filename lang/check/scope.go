package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// A variable belongs to the block in which it is declared, by `let`, by a loop or by its first assignment, as in
// bpftrace since 0.21. Before, it was the whole probe's: a script that still reads one outside of the block
// gets one variable for the whole probe, and a warning.

// scope holds the variables of a block.
type scope struct {
	outer *scope
	vars  map[string]*varState
}

func newScope(outer *scope) *scope { return &scope{outer: outer, vars: map[string]*varState{}} }

// varState is a variable while its type is found out.
type varState struct {
	*Variable
	cell
	seen    bool        // assigned before, in the order of the text
	unset   *ast.Var    // its let, while nothing is assigned to it, in the order of the text
	home    source.Node // the loop body of its first mention
	placed  bool
	fixed   bool     // declared with a type
	left    bool     // a statement with a syntax error mentions it, and may have assigned anything to it
	outside *ast.Var // a mention outside of the block, which made it the whole probe's
}

// enter begins a block.
func (c *checker) enter() { c.scope = newScope(c.scope) }

// leave ends the block.
func (c *checker) leave() {
	for _, v := range c.scope.vars {
		if v.unset != nil {
			c.report(source.Warningf(v.unset, "never-assigned", "$%s is declared and nothing is ever assigned to it", writtenName(v.Name)))
		}
	}
	c.scope = c.scope.outer
}

// find is the variable that a name stands for, nil if there is none yet.
func (c *checker) find(name string) *varState {
	for s := c.scope; s != nil; s = s.outer {
		if v := s.vars[name]; v != nil {
			return v
		}
	}
	return c.p.wide[c.scoped(name)]
}

// declare makes a variable of the current block, or finds it again in a later round.
func (c *checker) declare(by source.Node, v *ast.Var) *varState {
	s := c.p.own[by]
	if s == nil {
		s = c.newVar(v)
		c.p.own[by] = s
	}
	c.scope.vars[v.Name] = s
	c.mention(s, v)
	return s
}

// assigned is the variable that an assignment changes; one that does not exist yet is of this block.
func (c *checker) assigned(v *ast.Var) *varState {
	s := c.find(v.Name)
	if c.again {
		s = c.bound(v)
	}
	if s == nil {
		if c.p.blocks[c.scoped(v.Name)] == nil {
			c.p.blocks[c.scoped(v.Name)] = v
		}
		return c.declare(v, v)
	}
	c.mention(s, v)
	return s
}

// used is the variable whose value is asked for; nil if there is none.
func (c *checker) used(v *ast.Var) *varState {
	if c.again {
		s := c.bound(v)
		if s != nil {
			c.read(&s.cell)
		}
		return s
	}
	s := c.find(v.Name)
	if s == nil || !s.seen {
		if first := c.p.blocks[c.scoped(v.Name)]; s == nil && first != nil {
			s = c.newVar(first)
			s.outside = v
			c.p.wide[c.scoped(v.Name)], c.p.widened = s, true
			return nil
		}
		c.undefined(v)
		return nil
	}
	if s.outside == v {
		c.report(warnOutside(v, s.Pos))
	}
	if s.unset != nil && c.unevaluated == 0 {
		s.unset = nil
		c.report(source.Warningf(v, "unassigned", "$%s is used before something is assigned to it: it is 0", writtenName(v.Name)))
	}
	c.mention(s, v)
	c.read(&s.cell)
	return s
}

// bound is the variable that a mention was found to stand for before, nil for none.
func (c *checker) bound(v *ast.Var) *varState {
	if b := c.p.Vars[v]; b != nil {
		return c.p.vars[b.ID]
	}
	return nil
}

// shadows reports a declaration of a variable that there is already. Then nothing else is said of either.
func (c *checker) shadows(v *ast.Var) bool {
	for s := c.scope; s != nil; s = s.outer {
		if old := s.vars[v.Name]; old != nil && !old.left {
			c.report(source.Errorf(v, "shadowed-variable", "there is a $%s already", writtenName(v.Name)).
				WithHint("it is declared at %s", old.Pos))
			old.unset = nil
			return true
		}
	}
	return false
}

func (c *checker) newVar(v *ast.Var) *varState {
	s := &varState{Variable: &Variable{Name: v.Name, Pos: v.Pos, ID: len(c.p.vars), Func: c.fn}}
	c.p.vars = append(c.p.vars, s)
	return s
}

// mention notes a use of a variable. One that is used in the bodies of different loops, or in a loop and
// outside of it, is shared between functions of the program.
func (c *checker) mention(s *varState, v *ast.Var) {
	c.p.Vars[v] = s.Variable
	if !s.placed {
		s.placed, s.home = true, c.loop
		return
	}
	if s.home != c.loop {
		s.Captured = true
	}
}

// assignType widens a variable's type for a value of type t.
func (c *checker) assignType(s *varState, e ast.Expr, t types.Type) {
	s.seen, s.unset = true, nil
	if t == nil {
		return
	}
	if types.Is(t, types.KindNone) {
		c.report(errNoValue(e))
		return
	}
	t = types.Value(t)
	old := s.Type
	if c.firmer(&s.cell) {
		s.Type = nil
	}
	switch {
	case s.fixed:
		c.checkInit(s, e, t)
		return
	case s.Type == nil:
		s.guessed = c.guesses > 0
	}
	c.widenVar(s, e, t)
	if !types.SameType(old, s.Type) {
		c.learnt(&s.cell)
	}
}

// grow widens a variable for the result of an operation on itself; nil leaves it.
func (c *checker) grow(s *varState, result types.Type) {
	if result == nil || s.fixed {
		return
	}
	if w, ok := types.Widen(s.Type, result); ok && !types.SameType(w, s.Type) {
		s.Type = w
		c.learnt(&s.cell)
	}
}

func (c *checker) widenVar(s *varState, e ast.Expr, t types.Type) {
	w, ok := c.widened(&s.cell, s.Type, e, t)
	if !ok {
		c.report(errTypeMismatch(e, "$"+s.Name, s.Type, t, s.Pos))
		return
	}
	s.Type = w
	c.checkLiteral(e, w, t)
}

// checkInit checks a value for a variable that was declared with a type.
func (c *checker) checkInit(s *varState, e ast.Expr, t types.Type) {
	it, ok := s.Type.(types.Int)
	if k, isConst := c.constInt(e); ok && isConst {
		if vt, isInt := t.(types.Int); isInt && !types.Fits(k.Int, !vt.Signed, it) {
			n := integer(k, vt)
			c.report(source.Errorf(e, "out-of-range", "%d does not fit %s", n, it).WithHint("cast it: (%s)%d", it, n))
		}
		return
	}
	if w, ok := types.Widen(s.Type, t); !ok || w.Size() > s.Type.Size() && !types.Of(w).Numeric {
		c.report(errTypeMismatch(e, "$"+s.Name, s.Type, t, s.Pos))
	}
}

// leaveOut notes which maps are mentioned in what could not be parsed: anything may be assigned to them there.
func (c *checker) leaveOut() {
	note := func(maps []string) {
		if c.left == nil {
			c.left = map[string]bool{}
		}
		for _, name := range maps {
			c.left[name] = true
		}
	}
	for _, bad := range c.file.Bad {
		note(bad.Maps)
	}
	ast.Inspect(c.file, func(n source.Node) bool {
		if bad, ok := n.(*ast.BadStmt); ok {
			note(bad.Maps)
		}
		return true
	})
}

// badStmt takes the variables that a statement with a syntax error mentions for assigned.
func (c *checker) badStmt(s *ast.BadStmt) {
	for _, v := range s.Vars {
		found := c.find(v.Name)
		if found == nil {
			found = c.declare(v, v)
		}
		found.seen, found.unset, found.left, found.broken = true, nil, true, true
	}
}
