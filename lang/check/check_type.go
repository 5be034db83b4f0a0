package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

func (c *checker) cast(e *ast.Cast) types.Type {
	from := c.value(e.X)
	if e.Call != nil && from == nil {
		return nil
	}
	if CastCalls(e, from) {
		return c.value(e.Call)
	}
	to := c.typeName(e.Type)
	if from == nil {
		return c.guess(to)
	}
	if to == nil {
		return nil
	}
	if !types.Is(to, types.KindString) && !types.Is(to, types.KindBool) { // the characters of an array are text
		from = c.objectType(e.X, from)
	}
	if p, ok := to.(types.Pointer); ok && p.Space == types.SpaceNone {
		// The address space of the value stays.
		if fp, ok := from.(types.Pointer); ok {
			p.Space = fp.Space
		}
		to = p
	}
	if !castable(from, to) {
		c.report(source.Errorf(e, "bad-cast", "a %s cannot be cast to %s", from, to))
		return nil
	}
	if a, ok := to.(types.Array); ok && a.Len == 0 && a.Elem.Size() > 0 {
		to = types.Array{Elem: a.Elem, Len: types.Fixed(from).Size() / a.Elem.Size()}
	}
	c.foldCast(e, to)
	return to
}

// CastCalls says whether a cast reads what its operand, of a type, is the address of, or makes text of a number: then it is a call. Numbers of
// fewer than 64 bits are no addresses.
func CastCalls(e *ast.Cast, from types.Type) bool {
	n, number := from.(types.Int)
	return e.Call != nil && (e.Type.Name != "string" || types.Is(from, types.KindPointer) || number && n.Bits == 64)
}

// castable says whether a value can be cast to a type.
func castable(from, to types.Type) bool {
	switch to := to.(type) {
	case types.Int:
		return types.Of(from).Numeric || types.Is(from, types.KindArray) && from.Size() == to.Size()
	case types.Bool:
		return types.Of(from).Numeric || types.Is(from, types.KindString)
	case types.User:
		return types.Of(from).Integer
	case types.Pointer:
		return types.Of(from).Numeric || types.Is(from, types.KindArray) || types.Is(from, types.KindString)
	case types.String:
		return types.Is(from, types.KindString) && from.Size() <= to.Size()
	case types.Array:
		return arrayCastable(from, to)
	case *types.Struct:
		return types.SameType(from, to)
	}
	return false
}

// arrayCastable says whether the bytes of a value fill an array. Those of a number, which is extended, fill up to 8.
func arrayCastable(from types.Type, to types.Array) bool {
	size, elem := types.Fixed(from).Size(), max(to.Elem.Size(), 1)
	switch from.(type) {
	case types.Array, types.String:
		return to.Size() == size || to.Len == 0 && size%elem == 0
	case types.Int, types.Bool:
		return to.Len == 0 && size%elem == 0 || to.Len > 0 && to.Size() <= 8 && (to.Size() >= size || types.IsLiteral(from))
	}
	return false
}

// typeOfValue is the type of an expression whose value nobody asks for.
func (c *checker) typeOfValue(e ast.Expr) types.Type {
	c.unevaluated++
	defer func() { c.unevaluated-- }()
	return c.value(e)
}

// typeOfAsked is the type that typeof() and typeinfo() ask for: that of a map with keys which is named without one is the type of its keys, as
// bpftrace has it.
func (c *checker) typeOfAsked(e ast.Expr) types.Type {
	ref, ok := e.(*ast.MapRef)
	if !ok || ref.Indexed {
		return c.typeOfValue(e)
	}
	if m := c.mapUse(ref); m.keyed || !m.keyless && !c.final {
		c.read(&m.cell)
		return m.Key // nil: not known yet
	}
	return c.typeOfValue(e)
}

func (c *checker) sizeof(e *ast.Sizeof) types.Type {
	var t types.Type
	switch {
	case e.Type != nil && c.isConstName(e.Type):
		t = c.typeOfValue(&ast.Ident{Span: e.Type.Span, Name: e.Type.Name})
	case e.Type != nil:
		t = c.sizedType(e.Type)
	default:
		t = c.objectType(e.X, c.typeOfValue(e.X))
	}
	if t == nil {
		return nil
	}
	c.p.Consts[e] = types.Const{Int: uint64(types.SizeOf(types.Fixed(t)))}
	return types.TypeUint64
}

// sizedType is a type of which the size is asked for: that of a literal is the smallest which holds it.
func (c *checker) sizedType(n *ast.TypeName) types.Type {
	c.sizing = true
	defer func() { c.sizing = false }()
	return c.typeName(n)
}

// isConstName says whether what is written where a type can be is the name of a constant.
func (c *checker) isConstName(n *ast.TypeName) bool {
	if n.Keyword != "" || n.Of != nil || n.Stars > 0 || len(n.Dims) > 0 || n.Name == "string" || types.BaseTypes[n.Name] != nil {
		return false
	}
	if _, ok := c.c.Own("", n.Name); ok {
		return false
	}
	if c.c.Macro(n.Name) != nil {
		return true
	}
	_, _, ok := c.constOf(n.Name)
	return ok
}

func (c *checker) offsetof(e *ast.Offsetof) types.Type {
	var t types.Type
	if e.Type != nil {
		t = c.typeName(e.Type)
	} else {
		t = c.typeOfValue(e.X)
	}
	if t == nil {
		return nil
	}
	off, ok := c.fieldOffset(e, t, e.Fields)
	if !ok {
		return nil
	}
	c.p.Consts[e] = types.Const{Int: uint64(off)}
	return types.TypeUint64
}

// fieldOffset is where a field begins in a struct, or in the one that a pointer points to.
func (c *checker) fieldOffset(n source.Node, t types.Type, path []string) (off int, ok bool) {
	for i, name := range path {
		s, ok := t.(*types.Struct)
		if i == 0 {
			s = structBehind(t)
			ok = s != nil
		}
		if !ok {
			c.report(c.withoutTypes(source.Errorf(n, "no-field", "a %s has no fields", t)))
			return 0, false
		}
		f, ok := s.Field(name)
		switch {
		case !ok:
			c.report(withNear(source.Errorf(n, "unknown-field", "%s has no field %s", s, name), "", c.nearest(name, func() []string { return fieldNames(s) })))
			return 0, false
		case f.BitSize != 0:
			c.report(source.Errorf(n, "no-address", "%s is a bitfield: it has no offset in bytes", name))
			return 0, false
		}
		off += f.Offset
		t = f.Type
	}
	return off, true
}

// typeName is the type that is written, nil if there is none of that name.
func (c *checker) typeName(n *ast.TypeName) types.Type {
	var t types.Type
	switch {
	case n.Of != nil && c.sizing:
		t = types.Fixed(c.typeOfAsked(n.Of))
	case n.Of != nil:
		t = types.Plain(c.typeOfAsked(n.Of))
	case n.Keyword == "" && n.Name == "string":
		return c.stringType(n)
	default:
		t = c.namedType(n)
	}
	if t == nil {
		return nil
	}
	return derived(t, n, n.Dims)
}

// stringType is string, string[n], a pointer to one or an array of them: the first size is that of a string.
func (c *checker) stringType(n *ast.TypeName) types.Type {
	t, dims := types.Type(types.String{Len: c.out.Config.MaxStrlen}), n.Dims
	if last := len(dims) - 1; last >= 0 && n.Stars == 0 && dims[last] > 0 {
		t, dims = types.String{Len: dims[last]}, dims[:last]
	}
	return derived(t, n, dims)
}

// derived is what is written around a type's name: pointers to it, arrays of that, and pointers to those.
func derived(t types.Type, n *ast.TypeName, dims []int) types.Type {
	for range n.Stars {
		t = types.Pointer{Elem: t}
	}
	for i := len(dims) - 1; i >= 0; i-- {
		t = types.Array{Elem: t, Len: max(dims[i], 0)}
	}
	for range n.Outer {
		t = types.Pointer{Elem: t}
	}
	return t
}

func (c *checker) namedType(n *ast.TypeName) types.Type {
	if n.Keyword == "" {
		if t, ok := types.BaseTypes[n.Name]; ok {
			return t
		}
	}
	if t, ok := c.typeOf(n.Keyword, n.Name); ok {
		return t
	}
	if n.Keyword == "" {
		// bpftrace lets the keyword be left out.
		for _, kw := range []string{"struct", "union", "enum"} {
			if t, ok := c.typeOf(kw, n.Name); ok {
				return t
			}
		}
	}
	if c.final {
		c.report(c.withoutTypes(errUnknownType(n, c.nearTo(func() []string { return c.env.Near(n.Keyword, n.Name) }))))
	}
	return nil
}
