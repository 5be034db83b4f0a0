package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Types of variables and maps can depend on what comes later in the script: a map may be read in the first probe and
// written in the last. So all programs are gone through once, and after that only what read something of which
// more has become known since. Types only widen on the way, so that each statement is checked a few times, however long
// the script is.
//
// What is still unknown then depends on itself, as in @x = @x + 1. There the rest of the expression says what it is: an operand
// of unknown type is taken for one of the other operand's kind. What is unknown in a tuple then, as in @t = (pid, @t.0), is
// taken for a number. Where nothing says it at all, it is a number.

// unit is a statement, or the head of one that holds others, with where it stands: what is checked again as a whole.
type unit struct {
	check  func()
	p      *progState
	walk   int // of the program, in which it was made
	scope  *scope
	fn     *ast.Func
	loop   source.Node
	loops  int
	queued bool
}

// cell is what a variable and a map have in common while their types are found out.
type cell struct {
	readers []*unit // whose types depend on it
	changes int
	guessed bool // the type is a guess so far
	broken  bool // there is a mistake in what is assigned to it
	// pointers are the types of the pointers that are assigned to it: &$x changes with what is learnt of $x.
	pointers map[ast.Expr]types.Type
}

// widened is the type of a cell that had one and is assigned a value of type t.
func (c *checker) widened(s *cell, have types.Type, e ast.Expr, t types.Type) (types.Type, bool) {
	if !c.final && types.Is(t, types.KindPointer) {
		if s.pointers == nil {
			s.pointers = map[ast.Expr]types.Type{}
		}
		s.pointers[e] = t
	}
	w, ok := types.Widen(have, t)
	if ok || s.pointers == nil || c.final {
		return w, ok
	}
	w, ok = t, true
	for _, p := range s.pointers {
		if w, ok = types.Widen(w, p); !ok {
			break
		}
	}
	return w, ok
}

// checkLiteral reports a number that is written in the script and that what it is assigned to, of type want, holds no more: one above
// all signed ones.
func (c *checker) checkLiteral(e ast.Expr, want, t types.Type) {
	k, ok := c.constInt(e)
	i, isInt := want.(types.Int)
	if ok && isInt && i.Signed && types.IsLiteral(t) && !types.AsInt(t).Signed && k.Int > types.MaxInt64 {
		c.report(source.Errorf(e, "out-of-range", "%d does not fit %s", k.Int, types.Plain(i)).WithHint("cast it: (%s)%d", types.Plain(i), k.Int))
	}
}

// maxChanges is far more than widening can take.
const maxChanges = 64

// learn finds out the types of all variables and maps.
func (c *checker) learn() {
	for _, p := range c.progs {
		c.walk(p)
	}
	c.decide()
	c.guessing = true
	for _, c.guessingParts = range []bool{false, true} {
		c.eachUnknown(func(s *cell, _ *types.Type) { c.learnt(s) })
		c.decide()
	}
	c.guessing, c.guessingParts = false, false
	c.eachUnknown(func(s *cell, t *types.Type) {
		if !s.broken {
			*t = types.TypeInt64
			c.learnt(s)
		}
	})
	c.decide()
}

// walk goes through a program, and again when a variable turns out to be the whole probe's.
func (c *checker) walk(p *progState) {
	for range maxWalks {
		p.walk++
		p.widened = false
		c.program(p)
		if !p.widened {
			return
		}
	}
}

// maxWalks bounds how often a program is gone through for variables that are used outside of their blocks.
const maxWalks = 32

// part checks a part of a program by itself, and notes what its types depend on.
func (c *checker) part(check func()) {
	if c.final || c.again {
		check()
		return
	}
	outer := c.unit
	c.guesses = 0
	c.unit = &unit{check: check, p: c.p, walk: c.p.walk, scope: c.scope, fn: c.fn, loop: c.loop, loops: c.loops}
	check()
	c.unit = outer
}

// read notes that what is checked depends on a cell.
func (c *checker) read(s *cell) {
	if c.unit == nil {
		return
	}
	if n := len(s.readers); n == 0 || s.readers[n-1] != c.unit {
		s.readers = append(s.readers, c.unit)
	}
}

// learnt has all checked again that depends on a cell.
func (c *checker) learnt(s *cell) {
	if s.changes++; s.changes > maxChanges {
		return
	}
	for _, u := range s.readers {
		if !u.queued {
			u.queued = true
			c.queue = append(c.queue, u)
		}
	}
	s.readers = nil
}

// settle checks what is queued until nothing new is learnt.
func (c *checker) settle() {
	c.again = true
	for len(c.queue) > 0 {
		u := c.queue[0]
		c.queue = c.queue[1:]
		u.queued = false
		if u.walk != u.p.walk {
			continue // of a walk that was repeated
		}
		c.guesses = 0
		c.p, c.scope, c.fn, c.loop, c.loops, c.unit = u.p, u.scope, u.fn, u.loop, u.loops, u
		u.check()
	}
	c.unit, c.again = nil, false
}

// eachUnknown calls f for the variables and the values of maps of which no type is known.
func (c *checker) eachUnknown(f func(*cell, *types.Type)) {
	for _, p := range c.progs {
		for _, v := range p.vars {
			if v.Type == nil {
				f(&v.cell, &v.Type)
			}
		}
	}
	for _, m := range c.mapList {
		if m.Value == nil && (m.assigned || m.isRead) {
			f(&m.cell, &m.Value)
		}
	}
}

// firmer says whether the type of a cell is a guess and what is assigned now is none: it takes the guess's place.
func (c *checker) firmer(s *cell) bool {
	if !s.guessed || c.guesses > 0 {
		return false
	}
	s.guessed = false
	return true
}

// guess is a type that an expression with an unknown operand has as far as the rest of it tells, nil where types are not guessed.
func (c *checker) guess(t types.Type) types.Type {
	if !c.guessing || t == nil {
		return nil
	}
	c.guesses++
	return t
}

// guessPart is guess for an element of a tuple of which nothing is known, while the other elements are.
func (c *checker) guessPart() types.Type {
	if !c.guessingParts {
		return nil
	}
	return c.guess(types.TypeInt64)
}

// typeOr is the type that is known.
func typeOr(x, y types.Type) types.Type {
	if x == nil {
		return y
	}
	return x
}

// unknownOperand is the type of an operation of which an operand's type, or that of both, is nil. A comparison is true or false whatever
// it compares.
func (c *checker) unknownOperand(e *ast.Binary, x, y types.Type) types.Type {
	switch e.Op {
	case "&&", "||", "==", "!=", "<", "<=", ">", ">=":
		delete(c.p.Consts, e)
		return types.Bool{}
	}
	t := typeOr(x, y)
	if p, ok := t.(types.Pointer); ok && e.Op == "+" || ok && e.Op == "-" && y == nil {
		return c.guess(p)
	}
	if types.Of(t).Integer {
		zero := types.Literal(0, 0) // what is not there yet
		return c.guess(arithResult(e.Op, types.AsInt(typeOr(x, zero)), types.AsInt(typeOr(y, zero))))
	}
	return nil
}
