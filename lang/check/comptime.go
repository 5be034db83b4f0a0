package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// What follows `if comptime (…)` is only checked, and only in the program, where the condition chooses it. The condition
// can ask for types, which are not known before all programs were gone through: a program with a choice that changes is gone through again.

// comptime is an expression that must be known at compile time.
func (c *checker) comptime(e *ast.Comptime) types.Type {
	t := c.expr(e.X)
	delete(c.p.Consts, e)
	if k, ok := c.p.Consts[e.X]; ok {
		c.p.Consts[e] = k
	} else if t != nil && !c.isConstant(e.X) {
		c.report(source.Errorf(e, "not-constant", "this is not known at compile time"))
		return nil
	}
	return t
}

// choice is what a condition of `if comptime` said when its program was gone through.
type choice struct{ known, yes bool }

func (c *checker) choiceNow(cond *ast.Comptime) choice {
	k, ok := c.constInt(cond)
	return choice{ok, ok && k.Int != 0}
}

// chosen says which sides of a choice by a condition are checked: both, unless the condition is known at compile time, or will be.
func (c *checker) chosen(cond ast.Expr) (then, otherwise bool) {
	ct, ok := cond.(*ast.Comptime)
	if !ok {
		return true, true
	}
	now := c.choiceNow(ct)
	switch before := c.p.choices[ct]; {
	case !c.again:
		c.p.choices[ct] = now
	case before != now:
		return false, false // until the program is gone through again
	}
	return now.known && now.yes, now.known && !now.yes
}

// decide settles what is queued, and goes again through programs in which a choice at compile time has changed.
func (c *checker) decide() {
	c.settle()
	for range maxWalks {
		changed := false
		for _, p := range c.progs {
			c.p = p
			if c.undecided() {
				changed = true
				c.walk(p)
			}
		}
		if !changed {
			return
		}
		c.settle()
	}
}

// undecided says whether a choice of the current program has changed since it was gone through.
func (c *checker) undecided() bool {
	for cond, before := range c.p.choices {
		if c.choiceNow(cond) != before {
			return true
		}
	}
	return false
}

// typeinfo is a record that names a type: its kind, as it is written, and its number in the kernel's BTF.
func (c *checker) typeinfo(e *ast.Typeinfo) types.Type {
	t := c.askedType(e)
	if t == nil {
		return nil
	}
	t = types.Fixed(t)
	var id uint64
	if s, ok := t.(*types.Struct); ok {
		id = uint64(s.BTFID)
	}
	r := &ast.RecordExpr{
		Span:  e.Span,
		Names: []string{"btf_id", "base_type", "full_type"},
		Elems: []ast.Expr{
			&ast.IntLit{Span: e.Span, Value: id},
			&ast.StrLit{Span: e.Span, Value: baseType(t)},
			&ast.StrLit{Span: e.Span, Value: t.String()},
		},
	}
	c.p.Infos[e] = r
	return c.expr(r)
}

// askedType is the type that typeinfo() asks for.
func (c *checker) askedType(e *ast.Typeinfo) types.Type {
	if e.Type != nil && !c.isConstName(e.Type) {
		return c.sizedType(e.Type)
	}
	x := e.X
	if x == nil {
		x = &ast.Ident{Span: e.Type.Span, Name: e.Type.Name}
	}
	if ref, ok := x.(*ast.MapRef); ok { // an aggregation is told as such
		if m := c.mapUse(ref); !ref.Indexed && (m.keyed || !m.keyless && !c.final) {
			return c.typeOfAsked(x)
		}
		c.unevaluated++
		defer func() { c.unevaluated-- }()
		return c.element(ref)
	}
	return c.objectType(x, c.typeOfValue(x))
}

// baseNames are the names that typeinfo() has for the kinds of types.
var baseNames = map[types.Kind]string{
	types.KindNone: "none", types.KindVoid: "void", types.KindBool: "bool", types.KindInt: "int", types.KindPointer: "pointer",
	types.KindString: "string", types.KindArray: "array", types.KindStruct: "c_type", types.KindTuple: "tuple",
}

func baseType(t types.Type) string {
	if tuple, ok := t.(types.Tuple); ok && tuple.Names != nil {
		return "record"
	}
	if name := baseNames[types.KindOf(t)]; name != "" {
		return name
	}
	return t.String()
}

// bare is an expression without what only stands around it.
func (c *checker) bare(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.Comptime:
			e = x.X
		case *ast.BlockExpr:
			value := onlyValue(x)
			if value == nil {
				return e
			}
			e = value
		case *ast.Typeinfo:
			if c.p.Infos[x] == nil {
				return e
			}
			return c.p.Infos[x]
		case *ast.FieldExpr, *ast.TupleIndex, *ast.Index:
			part := c.part1(x)
			if part == nil {
				return e
			}
			e = part
		default:
			return e
		}
	}
}

// onlyValue is the value of a block that is nothing else, nil if there is more in it.
func onlyValue(b *ast.BlockExpr) ast.Expr {
	if len(b.Body.Stmts) == 1 {
		if s, ok := b.Body.Stmts[0].(*ast.ExprStmt); ok && s.NoSemi {
			return s.X
		}
	}
	return nil
}

// elems are the elements of a tuple or a record as they are written, with the type that names them; ok is false for other expressions.
func (c *checker) elems(e ast.Expr) (list []ast.Expr, t types.Tuple, ok bool) {
	switch x := c.bare(e).(type) {
	case *ast.TupleExpr:
		return x.Elems, types.Tuple{Elems: make([]types.Type, len(x.Elems))}, true
	case *ast.RecordExpr:
		return x.Elems, types.Tuple{Elems: make([]types.Type, len(x.Elems)), Names: x.Names}, true
	}
	return nil, types.Tuple{}, false
}

// isConstant says whether a value is known at compile time: a number, a string, or a tuple of such.
func (c *checker) isConstant(e ast.Expr) bool {
	if _, ok := c.p.Consts[e]; ok {
		return true
	}
	list, _, ok := c.elems(e)
	for _, x := range list {
		ok = ok && c.isConstant(x)
	}
	return ok
}

// part1 is the element that an expression takes of a tuple which is known at compile time, nil if it is no such.
func (c *checker) part1(e ast.Expr) ast.Expr {
	x := outerOf(e)
	list, t, ok := c.elems(x)
	if !ok || !c.isConstant(x) {
		return nil
	}
	i := -1
	switch e := e.(type) {
	case *ast.FieldExpr:
		i = t.Find(e.Name)
	case *ast.TupleIndex:
		i = e.N
	case *ast.Index:
		if k, ok := c.constInt(e.I); ok && k.Int < uint64(len(list)) {
			i = int(k.Int)
		}
	}
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// foldPart notes the value of what is taken of a tuple that is known at compile time.
func (c *checker) foldPart(e ast.Expr) {
	delete(c.p.Consts, e)
	if part := c.part1(e); part != nil {
		if k, ok := c.p.Consts[part]; ok {
			c.p.Consts[e] = k
		}
	}
}

// foldChar notes the value of a character of a text that is known at compile time.
func (c *checker) foldChar(e *ast.Index) {
	delete(c.p.Consts, e)
	text, i := c.p.Consts[e.X], c.p.Consts[e.I]
	if text.Str == nil || i.Int > uint64(len(*text.Str)) {
		return
	}
	n := byte(0) // the NUL
	if i.Int < uint64(len(*text.Str)) {
		n = (*text.Str)[i.Int]
	}
	c.setConst(e, uint64(n), types.Int{Bits: 8, Signed: true})
}

// sameConstant compares two values that are known at compile time.
func (c *checker) sameConstant(x, y ast.Expr) bool {
	listX, tx, composed := c.elems(x)
	if !composed {
		kx, ky := c.p.Consts[x], c.p.Consts[y]
		if kx.Str != nil && ky.Str != nil {
			return *kx.Str == *ky.Str
		}
		t := types.CommonType(c.p.Types[x], c.p.Types[y])
		return types.CutTo(kx.Int, t) == types.CutTo(ky.Int, t)
	}
	listY, ty, _ := c.elems(y)
	for i := range listX {
		if j := tx.In(ty, i); j < 0 || !c.sameConstant(listX[i], listY[j]) {
			return false
		}
	}
	return true
}

// foldTuples compares tuples that are known at compile time.
func (c *checker) foldTuples(e *ast.Binary) {
	if c.isConstant(e.X) && c.isConstant(e.Y) {
		c.p.Consts[e] = types.Const{Int: types.Truth(c.sameConstant(e.X, e.Y) == (e.Op == "=="))}
	}
}

// kindIs is a function that says something of the type of its argument.
func kindIs(is func(types.Type) bool) func(*checker, *ast.Call) types.Type {
	return func(c *checker, e *ast.Call) types.Type {
		t := c.objectType(e.Args[0], c.typeOfValue(e.Args[0]))
		if _, ok := types.CharArray(t); ok {
			t = c.fieldValue(t)
		}
		delete(c.p.Consts, e)
		if t == nil {
			return nil
		}
		c.p.Consts[e] = types.Const{Int: types.Truth(is(types.Fixed(t)))}
		return types.Bool{}
	}
}

func isUnsigned(t types.Type) bool {
	i, ok := t.(types.Int)
	return ok && !i.Signed
}

// isLiteral says whether a value is written in the script, or made of such values.
func (c *checker) isLiteral(e *ast.Call) types.Type {
	t := c.typeOfValue(e.Args[0])
	delete(c.p.Consts, e)
	if t == nil {
		return nil
	}
	_, known := c.p.Consts[e.Args[0]]
	c.p.Consts[e] = types.Const{Int: types.Truth(known && (types.IsLiteral(t) || types.Is(t, types.KindBool) || types.Is(t, types.KindString)))}
	return types.Bool{}
}

// staticAssert stops the compilation unless a condition is true.
func (c *checker) staticAssert(e *ast.Call) types.Type {
	c.condition(e.Args[0])
	text, ok := c.constText(e, 1)
	if c.p.Types[e.Args[0]] == nil || !ok {
		return types.None{}
	}
	switch k, known := c.constInt(e.Args[0]); {
	case !known:
		c.report(source.Errorf(e.Args[0], "not-constant", "this is not known at compile time"))
	case k.Int == 0:
		c.report(source.Errorf(e, "static-assert", "%s", text))
	}
	return types.None{}
}

// containerOf is the address of the struct of which a field is at an address.
func (c *checker) containerOf(e *ast.Call) types.Type {
	member := c.value(e.Args[0])
	typ, ok := e.Args[1].(*ast.TypeExpr)
	if !ok {
		c.report(source.Errorf(e.Args[1], "argument-type", "container_of() takes a type here").WithHint("typeof(struct NAME)"))
		return nil
	}
	path := fieldPath(e.Args[2])
	if path == nil {
		c.report(source.Errorf(e.Args[2], "argument-type", "container_of() takes the name of a field here"))
		return nil
	}
	if member == nil {
		return nil
	}
	p, isPointer := member.(types.Pointer)
	if !isPointer && !types.Is(member, types.KindInt) {
		c.report(errArgType(e.Args[0], e.Name, "the address of a field", member))
		return nil
	}
	t := c.typeName(typ.Type)
	if t == nil {
		return nil
	}
	off, ok := c.fieldOffset(e, t, path)
	if !ok {
		return nil
	}
	c.p.Consts[typ] = types.Const{Int: uint64(off)} // for the code generator
	return types.Pointer{Elem: t, Space: p.Space}
}

// fieldPath are the names in a.b.c, nil for anything else.
func fieldPath(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.Ident:
		return []string{e.Name}
	case *ast.FieldExpr:
		if path := fieldPath(e.X); path != nil {
			return append(path, e.Name)
		}
	}
	return nil
}
