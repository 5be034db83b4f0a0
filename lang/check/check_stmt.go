package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// block checks the statements of a block in a scope of its own.
func (c *checker) block(b *ast.Block) {
	c.enter()
	for _, s := range b.Stmts {
		c.stmt(s)
	}
	c.leave()
}

func (c *checker) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		c.part(func() { c.exprStmt(s) })
	case *ast.Assign:
		c.part(func() { c.assign(s) })
	case *ast.Let:
		c.part(func() { c.let(s) })
	case *ast.If:
		c.part(func() { c.condition(s.Cond) })
		then, otherwise := c.chosen(s.Cond)
		k, known := c.constInt(s.Cond)
		if then {
			c.reachedIf(!known || k.Int != 0, func() { c.block(s.Then) })
		}
		if s.Else != nil && otherwise {
			c.reachedIf(!known || k.Int == 0, func() { c.stmt(s.Else) })
		}
	case *ast.Block:
		c.block(s)
	case *ast.BadStmt:
		c.badStmt(s)
	case *ast.While:
		c.inLoop(s, func() {
			c.part(func() { c.condition(s.Cond) })
			c.block(s.Body)
		})
	case *ast.ForRange:
		c.forRange(s)
	case *ast.ForMap:
		c.forMap(s)
	case *ast.Unroll:
		c.unroll(s)
	case *ast.Branch:
		if c.loops == 0 {
			c.report(source.Errorf(s, "outside-loop", "%s outside of a loop", s.Keyword))
		}
	case *ast.Return:
		c.returnStmt(s)
	case *ast.Import:
		c.report(source.Errorf(s, "bad-import", "an import stands at the head of a script, before its probes"))
	}
}

// returned checks what a probe returns: a number. In tests and benchmarks it says how they went, elsewhere nobody looks at it.
func (c *checker) returned(e ast.Expr) {
	t := c.value(e)
	if t == nil || types.Is(types.Value(t), types.KindInt) || types.Is(t, types.KindBool) {
		return
	}
	what := "a number"
	if c.p.Kind.Verdict {
		what = "a number, 0 if all is well"
	}
	c.report(source.Errorf(e, "bad-verdict", "a %s probe returns %s, and this is a %v", c.p.Kind.Name, what, t))
}

// reachedIf checks statements of which it may be known that they are never reached.
func (c *checker) reachedIf(reached bool, check func()) {
	if !reached {
		c.unreached++
		defer func() { c.unreached-- }()
	}
	check()
}

// exprStmt checks an expression that stands for itself. One without effect is probably a mistake.
func (c *checker) exprStmt(s *ast.ExprStmt) {
	t := c.expr(s.X)
	if t == nil || types.Is(t, types.KindNone) {
		return
	}
	if !hasEffect(s.X) {
		c.report(source.Warningf(s, "unused-value", "the value of this expression is not used"))
	}
}

// hasEffect says whether an expression changes or prints something.
func hasEffect(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.IncDec, *ast.Assign, *ast.Let:
			found = true
		case *ast.Call:
			if b := builtin.Find(n.Name); b == nil || b.HasEffect() { // a function of the script may do anything
				found = true
			}
		}
		return !found
	})
	return found
}

// inLoop checks a loop whose body becomes a function of its own.
func (c *checker) inLoop(loop source.Node, f func()) {
	outer := c.loop
	c.loop = loop
	c.loops++
	c.enter()
	f()
	c.leave()
	c.loops--
	c.loop = outer
}

func (c *checker) forRange(s *ast.ForRange) {
	var v *varState // of the body
	var t types.Type
	set := func() {
		if v != nil && !types.SameType(v.Type, t) {
			v.Type = t
			c.learnt(&v.cell)
		}
	}
	c.part(func() {
		t = types.RangeType(c.integer(s.Start), c.integer(s.End))
		set()
	})
	c.shadows(s.Var)
	c.inLoop(s, func() {
		v = c.declare(s, s.Var)
		v.seen = true
		set()
		c.block(s.Body)
	})
}

func (c *checker) forMap(s *ast.ForMap) {
	c.shadows(s.Var)
	m := c.mapUse(s.Map)
	if m.keyless && c.final {
		c.report(source.Errorf(s.Map, "map-without-key", "@%s has no keys to go through", m.Name))
	}
	c.checkDefined(s.Map, m)
	if a, ok := m.Value.(types.Agg); ok && !a.OneNumber() {
		c.report(errNoNumber(s.Map, a))
	}
	c.inLoop(s, func() {
		v := c.declare(s, s.Var)
		v.seen, v.broken = true, true // unless the map's types are known
		c.part(func() { c.loopVar(v, m) })
		c.block(s.Body)
	})
}

// loopVar gives the variable of a loop over a map the type of the map's elements.
func (c *checker) loopVar(v *varState, m *mapState) {
	c.read(&m.cell)
	if m.Key == nil || m.Value == nil {
		return
	}
	if t := (types.Tuple{Elems: []types.Type{m.Key, types.Value(m.Value)}}); !types.SameType(v.Type, t) {
		v.Type = t
		c.learnt(&v.cell)
	}
}

// maxUnroll is the largest count of unroll, as in bpftrace.
const maxUnroll = 100

func (c *checker) unroll(s *ast.Unroll) {
	c.part(func() { c.unrollCount(s) })
	c.loops++
	c.block(s.Body)
	c.loops--
}

func (c *checker) unrollCount(s *ast.Unroll) {
	t := c.integer(s.Count)
	k, ok := c.constInt(s.Count)
	switch {
	case t == nil:
	case !ok:
		c.report(source.Errorf(s.Count, "not-constant", "the count of unroll must be a constant"))
	case int64(k.Int) < 1 || int64(k.Int) > maxUnroll:
		c.report(source.Errorf(s.Count, "out-of-range", "unroll takes a count from 1 to %d, not %d", maxUnroll, int64(k.Int)))
	}
}

func (c *checker) let(s *ast.Let) {
	var t types.Type
	before := c.mistakes
	if s.Value != nil {
		t = c.value(s.Value)
	}
	twice := c.shadows(s.Var)
	v := c.declare(s, s.Var)
	v.seen = true
	if s.Type != nil && !c.declaredType(v, s.Type) {
		return
	}
	if s.Value != nil {
		v.broken = v.broken || c.mistakes > before
		c.assignType(v, s.Value, t)
		return
	}
	if !twice {
		v.unset = s.Var
	}
}

// declaredType gives a variable the type that its let has. A string without a length is as long as what is assigned
// to it needs.
func (c *checker) declaredType(v *varState, n *ast.TypeName) bool {
	if v.fixed && c.final {
		c.typeName(n) // for its mistakes
	}
	switch {
	case v.fixed, n.IsString() && v.Type != nil:
		return true
	case n.IsString():
		v.Type = types.String{Len: 1}
		c.learnt(&v.cell)
		return true
	}
	t := c.typeName(n)
	if t == nil {
		return false
	}
	v.Type, v.fixed = t, true
	c.learnt(&v.cell)
	return true
}

func (c *checker) assign(s *ast.Assign) {
	switch t := s.Target.(type) {
	case nil:
		c.expr(s.Value)
	case *ast.MapRef:
		c.assignMap(s, t)
	case *ast.Var:
		if s.Op == "=" {
			before := c.mistakes
			vt := c.value(s.Value)
			v := c.assigned(t)
			v.broken = v.broken || c.mistakes > before
			c.assignType(v, s.Value, vt)
			return
		}
		vt := c.value(s.Value)
		v := c.used(t)
		if v == nil {
			return
		}
		c.grow(v, c.compound(s, v.Type, vt))
	}
}

// compound checks `target op= value`, and gives the type of the result as `target op value` has it; nil
// where the target keeps its type, or there is a mistake.
func (c *checker) compound(s *ast.Assign, t, v types.Type) types.Type {
	if t == nil || v == nil {
		return nil
	}
	ptr := types.Is(t, types.KindPointer)
	op := s.Op[:len(s.Op)-1]
	switch {
	case !types.Of(v).Integer || !types.Of(t).Integer && !(ptr && (op == "+" || op == "-")):
		c.report(source.Errorf(s, "bad-operands", "%s cannot be applied to %s and %s", s.Op, t, v))
		return nil
	case (op == "/" || op == "%") && c.isZero(s.Value):
		c.report(errDivisionByZero(s.Value))
		return nil
	case ptr:
		return nil
	}
	return arithResult(op, types.AsInt(t), types.AsInt(v))
}

// counted is the type of a variable or a map after ++ and --, nil if it keeps its own: a number counts in 64 bits,
// signed if it can become negative.
func counted(e *ast.IncDec, t types.Type) types.Type {
	i, ok := t.(types.Int)
	switch {
	case !ok:
		return nil
	case e.Op == "++" && i.Flexible():
		return types.TypeCounted
	}
	return types.Int{Bits: 64, Signed: i.Signed || e.Op == "--"}
}

func (c *checker) undefined(v *ast.Var) {
	c.report(errUndefinedVar(v, c.nearest(v.Name, func() (names []string) {
		for n := range c.p.wide {
			if !strings.Contains(n, " ") { // a function's
				names = append(names, n)
			}
		}
		for s := c.scope; s != nil; s = s.outer {
			for n := range s.vars {
				names = append(names, n)
			}
		}
		return sorted(names)
	})))
}

// condition checks an expression that is asked for its truth.
func (c *checker) condition(e ast.Expr) { c.conditionOf(e, c.value(e)) }

// conditionOf does that for an expression of type t.
func (c *checker) conditionOf(e ast.Expr, t types.Type) {
	if t = c.truthOf(e, t); t == nil {
		return
	}
	if !types.Of(t).Numeric {
		hint := "compare it with something"
		if _, ok := e.(*ast.RecordExpr); ok {
			hint = "to compare, write =="
		}
		c.reportNumber(source.Errorf(e, "bad-condition", "a %s is neither true nor false", t).WithHint("%s", hint), e)
	}
}

// integer checks an expression that must be an integer.
func (c *checker) integer(e ast.Expr) types.Type {
	t := c.value(e)
	if t == nil {
		return nil
	}
	if !types.Of(t).Integer {
		c.reportNumber(source.Errorf(e, "not-integer", "this is a %s, not an integer", t), e)
		return nil
	}
	return t
}

// value checks an expression that must have a value.
func (c *checker) value(e ast.Expr) types.Type {
	t := c.expr(e)
	if types.Is(t, types.KindNone) {
		c.report(errNoValue(e))
		return nil
	}
	return t
}
