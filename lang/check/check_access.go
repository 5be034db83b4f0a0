package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// fieldValue is the type a field has as a value: arrays of characters are strings. An array that is full
// has no NUL at its end, the string has.
func (c *checker) fieldValue(t types.Type) types.Type {
	if s, ok := t.(*types.Struct); ok && s.Text {
		return types.String{Len: c.maxStr()}
	}
	if n, ok := types.CharArray(t); ok {
		return types.String{Len: n + 1}
	}
	return t
}

// objectType is the type of what an expression names, t as a value: the array of characters where that is a string.
func (c *checker) objectType(e ast.Expr, t types.Type) types.Type {
	switch e := e.(type) {
	case *ast.FieldExpr:
		if s := structBehind(c.p.Types[e.X]); s != nil {
			if f, ok := s.Field(e.Name); ok {
				return f.Type
			}
		}
	case *ast.Index:
		return elementOr(t, c.objectType(e.X, c.p.Types[e.X]))
	case *ast.Unary:
		if e.Op == "*" {
			return elementOr(t, c.p.Types[e.X])
		}
	}
	return t
}

// elementOr is the type of what an array holds or a pointer points to, t for other types.
func elementOr(t, of types.Type) types.Type {
	switch of := of.(type) {
	case types.Array:
		return of.Elem
	case types.Pointer:
		return of.Elem
	}
	return t
}

func (c *checker) field(e *ast.FieldExpr) types.Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	if r := types.TupleBehind(t); r != nil && r.Names != nil {
		element := c.recordField(e, *r)
		c.setField(e)
		return element
	}
	s := structBehind(t)
	if s == nil {
		s = c.interfaceBehind(e.X, t)
	}
	if s == nil {
		c.report(c.withoutTypes(source.Errorf(e, "no-field", "a %s has no fields", t).WithHint("cast it: ((struct NAME *)…)->%s", e.Name)))
		return nil
	}
	f, ok := s.Field(e.Name)
	if !ok {
		what := s.String()
		if s == c.p.Args {
			what = c.p.Targets[0].Name
		}
		d := withNear(source.Errorf(e, "unknown-field", "%s has no field %s", what, e.Name), "", c.nearest(e.Name, func() []string { return fieldNames(s) }))
		if names := fieldNames(s); d.Hint == "" && len(names) > 0 && len(names) <= fewFields {
			d = d.WithHint("it has %s", strings.Join(names, ", "))
		}
		c.report(d)
		return nil
	}
	if f.Why != "" {
		c.report(source.Errorf(e, "unreadable", "argument %s of %s cannot be read here: %s", e.Name, c.p.Targets[0].Name, f.Why))
		return nil
	}
	return foundIn(c.spaceOf(e), c.fieldValue(f.Type))
}

// interfaceBehind is the struct of an interface value of Go, which is text as a value, so that its two words can be asked for; nil if it is none.
func (c *checker) interfaceBehind(e ast.Expr, t types.Type) *types.Struct {
	t = c.objectType(e, t)
	if id, ok := e.(*ast.Ident); ok && id.Name == "retval" {
		t = c.p.Retval
	}
	if s, ok := t.(*types.Struct); ok && s.Go != nil {
		return s
	}
	return nil
}

// recordField is the element of a record that has a name.
func (c *checker) recordField(e *ast.FieldExpr, r types.Tuple) types.Type {
	i := r.Find(e.Name)
	if i < 0 {
		c.report(withNear(source.Errorf(e, "unknown-field", "a %s has no element %s", r, e.Name), "", c.nearest(e.Name, func() []string { return r.Names })))
		return nil
	}
	c.foldPart(e)
	return r.Elems[i]
}

// fieldNames are the names of a struct's own members.
// fewFields is how many fields a type may have whose fields are listed in a message.
const fewFields = 12

func fieldNames(s *types.Struct) (names []string) {
	for _, f := range s.Fields() {
		if f.Name != "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// structBehind is the struct that a value is or points to.
func structBehind(t types.Type) *types.Struct {
	switch t := t.(type) {
	case *types.Struct:
		return t
	case types.Pointer:
		if s, ok := t.Elem.(*types.Struct); ok {
			return s
		}
	}
	return nil
}

// spaceOf is the address space in which the object that an expression names lies: SpaceNone if that is not known, or if it
// is a copy of the program's own.
func (c *checker) spaceOf(e ast.Expr) types.AddrSpace {
	var x ast.Expr
	switch e := e.(type) {
	case *ast.FieldExpr:
		x = e.X
	case *ast.Index:
		x = e.X
	case *ast.Unary:
		if e.Op != "*" {
			return types.SpaceNone
		}
		x = e.X
	default:
		return types.SpaceNone
	}
	if p, ok := c.p.Types[x].(types.Pointer); ok {
		return p.Space
	}
	return c.spaceOf(x)
}

// foundIn is the type of a value that was read from an address space: pointers in it that say nothing else point there, too.
func foundIn(space types.AddrSpace, t types.Type) types.Type {
	if p, ok := t.(types.Pointer); ok && p.Space == types.SpaceNone && (space == types.SpaceKernel || space == types.SpaceUser) {
		p.Space = space
		return p
	}
	return t
}

func (c *checker) tupleIndex(e *ast.TupleIndex) types.Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	tt := types.TupleBehind(t)
	switch {
	case tt == nil:
		c.report(source.Errorf(e, "not-tuple", "a %s has no elements by number", t))
		return nil
	case e.N < 0 || e.N >= len(tt.Elems):
		c.report(source.Errorf(e, "out-of-range", "the tuple has %d elements, the last is .%d", len(tt.Elems), len(tt.Elems)-1))
		return nil
	}
	c.foldPart(e)
	return tt.Elems[e.N]
}

func (c *checker) index(e *ast.Index) types.Type {
	t := c.value(e.X)
	it := c.integer(e.I)
	if t == nil || it == nil {
		return nil
	}
	k, isConst := c.constInt(e.I)
	var elem types.Type
	switch t := c.objectType(e.X, t).(type) {
	case types.Tuple:
		if !isConst {
			c.report(source.Errorf(e.I, "not-constant", "the index of a tuple is a constant: its elements have different types"))
			return nil
		}
		if k.Int >= uint64(len(t.Elems)) {
			c.report(source.Errorf(e.I, "out-of-range", "the tuple has %d elements, the last is [%d]", len(t.Elems), len(t.Elems)-1))
			return nil
		}
		c.foldPart(e)
		return t.Elems[k.Int]
	case types.Array:
		elem = t.Elem
		if isConst && t.Len > 0 && (int64(k.Int) < 0 || k.Int >= uint64(t.Len)) {
			c.report(source.Errorf(e.I, "out-of-range", "index %d is out of an array of %d", int64(k.Int), t.Len))
			return nil
		}
	case types.Stack:
		elem = types.TypeUint64
		if isConst && k.Int >= uint64(t.Limit) {
			c.report(source.Errorf(e.I, "out-of-range", "index %d is out of a stack of at most %d frames", int64(k.Int), t.Limit))
			return nil
		}
	case types.String:
		elem = types.Int{Bits: 8, Signed: true}
		c.foldChar(e)
		if isConst && (int64(k.Int) < 0 || k.Int >= uint64(t.Len)) {
			c.report(source.Errorf(e.I, "out-of-range", "index %d is out of a string of %d bytes", int64(k.Int), t.Len))
			return nil
		}
	case types.Pointer:
		elem = t.Elem
		if types.Is(elem, types.KindVoid) {
			c.report(source.Errorf(e, "bad-operands", "what a void pointer points to has no type: cast it first"))
			return nil
		}
	default:
		c.report(source.Errorf(e, "bad-operands", "a %s cannot be indexed", t))
		return nil
	}
	return foundIn(c.spaceOf(e), c.fieldValue(elem))
}

// addressOf is &x: the address of a variable, of a map's value, or of a part of something. A variable of which the script takes an
// address lies in memory; that of an element that is not there is 0.
func (c *checker) addressOf(e *ast.Unary) types.Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	if v := c.rootOf(e.X); v != nil {
		if b := c.p.Vars[v]; b != nil {
			b.Addressed = true
		}
	}
	space := types.SpaceKernel
	switch x := e.X.(type) {
	case *ast.Var:
	case *ast.MapRef:
		if a, ok := c.mapUse(x).Value.(types.Agg); ok {
			c.report(source.Errorf(e, "no-address", "@%s holds %s(): it has a value for each CPU, and no address", x.Name, a.Kind))
			return nil
		}
	case *ast.FieldExpr:
		if why := c.noAddress(x); why != "" {
			c.report(source.Errorf(e, "no-address", "%s", why))
			return nil
		}
		space = c.addressSpace(x)
	case *ast.Index, *ast.TupleIndex:
		space = c.addressSpace(x)
	case *ast.Unary:
		if x.Op == "*" {
			if p, ok := c.p.Types[x.X].(types.Pointer); ok {
				return p
			}
			space = types.SpaceNone
			break
		}
		return c.valueAddress(e)
	default:
		return c.valueAddress(e)
	}
	return types.Pointer{Elem: types.Plain(t), Space: space}
}

// valueAddress reports the address of what is nowhere.
func (c *checker) valueAddress(e *ast.Unary) types.Type {
	c.report(source.Errorf(e, "no-address", "this has a value and no address").WithHint("let $x = …; &$x"))
	return nil
}

// addressSpace is the address space in which a part of something lies. What the program holds is the kernel's memory.
func (c *checker) addressSpace(e ast.Expr) types.AddrSpace {
	if f, ok := e.(*ast.FieldExpr); ok {
		if s, ok := c.p.Types[f.X].(*types.Struct); ok {
			field, _ := s.Field(f.Name)
			if m, ok := field.Loc.(location.Memory); ok && m.User {
				return types.SpaceUser
			}
		}
	}
	if c.inProgram(e) {
		return types.SpaceKernel
	}
	return c.spaceOf(e)
}

// inProgram says whether an expression names a part of what the program holds itself, rather than of what a pointer points to.
func (c *checker) inProgram(e ast.Expr) bool {
	x := outerOf(e)
	switch {
	case x == nil:
		return !types.Is(c.p.Types[e], types.KindPointer)
	case types.Is(c.p.Types[x], types.KindPointer):
		return false
	}
	return c.inProgram(x)
}

// outerOf is what an expression names a part of, nil if it names none.
func outerOf(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FieldExpr:
		return e.X
	case *ast.Index:
		return e.X
	case *ast.TupleIndex:
		return e.X
	case *ast.Unary:
		if e.Op == "*" {
			return e.X
		}
	}
	return nil
}

// rootOf is the variable that holds what an expression names, nil if none does.
func (c *checker) rootOf(e ast.Expr) *ast.Var {
	for {
		if v, ok := e.(*ast.Var); ok {
			return v
		}
		x := outerOf(e)
		if x == nil || types.Is(c.p.Types[x], types.KindPointer) {
			return nil
		}
		e = x
	}
}

// noAddress says why a field has no address: "" if it has one.
func (c *checker) noAddress(e *ast.FieldExpr) string {
	s := structBehind(c.p.Types[e.X])
	if s == nil {
		return ""
	}
	f, ok := s.Field(e.Name)
	switch {
	case ok && f.BitSize != 0:
		return e.Name + " is a bitfield: it has no address"
	case ok && f.Loc != nil && !location.InMemory(f.Loc):
		return "the argument " + e.Name + " does not lie in memory: it has no address"
	}
	return ""
}
