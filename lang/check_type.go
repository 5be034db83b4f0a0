package lang

import "strings"

func (c *checker) cast(e *Cast) Type {
	from := c.value(e.X)
	to := c.typeName(e.Type)
	if from == nil {
		return c.guess(to)
	}
	if to == nil {
		return nil
	}
	if !isString(to) {
		from = c.objectType(e.X, from)
	}
	if p, ok := to.(Pointer); ok && p.Space == SpaceNone {
		// The address space of the value stays.
		if fp, ok := from.(Pointer); ok {
			p.Space = fp.Space
		}
		to = p
	}
	if !castable(from, to) {
		c.report(Errorf(e, "bad-cast", "a %s can not be cast to %s", from, to))
		return nil
	}
	if a, ok := to.(Array); ok && a.Len == 0 && a.Elem.Size() > 0 {
		to = Array{Elem: a.Elem, Len: fixed(from).Size() / a.Elem.Size()}
	}
	c.foldCast(e, to)
	return to
}

// castable says whether a value can be cast to a type.
func castable(from, to Type) bool {
	switch to := to.(type) {
	case Int:
		_, isArray := from.(Array)
		return isNumeric(from) || isArray && from.Size() == to.Size()
	case Bool:
		return isNumeric(from)
	case Pointer:
		_, isArray := from.(Array)
		return isNumeric(from) || isArray || isString(from)
	case String:
		return isString(from) && from.Size() <= to.Size()
	case Array:
		return arrayCastable(from, to)
	case *Struct:
		return sameType(from, to)
	}
	return false
}

// arrayCastable says whether the bytes of a value fill an array. Those of a number, which is extended, fill up to 8.
func arrayCastable(from Type, to Array) bool {
	size, elem := fixed(from).Size(), max(to.Elem.Size(), 1)
	switch from.(type) {
	case Array, String:
		return to.Size() == size || to.Len == 0 && size%elem == 0
	case Int, Bool:
		return to.Len == 0 && size%elem == 0 || to.Len > 0 && to.Size() <= 8 && (to.Size() >= size || isLiteral(from))
	}
	return false
}

func isString(t Type) bool { _, ok := t.(String); return ok }

// typeOfValue is the type of an expression whose value nobody asks for.
func (c *checker) typeOfValue(e Expr) Type {
	c.unevaluated++
	defer func() { c.unevaluated-- }()
	return c.value(e)
}

func (c *checker) sizeof(e *Sizeof) Type {
	var t Type
	switch {
	case e.Type != nil && c.isConstName(e.Type):
		t = c.typeOfValue(&Ident{Span: e.Type.Span, Name: e.Type.Name})
	case e.Type != nil:
		t = c.typeName(e.Type)
	default:
		t = c.objectType(e.X, c.typeOfValue(e.X))
	}
	if t == nil {
		return nil
	}
	c.p.Consts[e] = Const{Int: uint64(fixed(t).Size())}
	return typeUint64
}

// isConstName says whether what is written where a type can be is the name of a constant.
func (c *checker) isConstName(n *TypeName) bool {
	if n.Keyword != "" || n.Of != nil || n.Stars > 0 || len(n.Dims) > 0 || n.Name == "string" || baseTypes[n.Name] != nil {
		return false
	}
	if _, ok := c.c.own("", n.Name); ok {
		return false
	}
	if c.c.macro(n.Name) != nil {
		return true
	}
	_, _, ok := c.constOf(n.Name)
	return ok
}

func (c *checker) offsetof(e *Offsetof) Type {
	var t Type
	if e.Type != nil {
		t = c.typeName(e.Type)
	} else {
		t = c.typeOfValue(e.X)
	}
	if t == nil {
		return nil
	}
	off := 0
	for _, name := range e.Fields {
		s, ok := t.(*Struct)
		if !ok {
			c.report(c.withoutTypes(Errorf(e, "no-field", "a %s has no fields", t)))
			return nil
		}
		f, ok := s.Field(name)
		if !ok {
			c.report(Errorf(e, "unknown-field", "%s has no field %s", s, name))
			return nil
		}
		off += f.Offset
		t = f.Type
	}
	c.p.Consts[e] = Const{Int: uint64(off)}
	return typeUint64
}

// baseTypes are the integer types by name, C's and bpftrace's.
var baseTypes = map[string]Type{
	"uint8": typeUint8, "uint16": Int{Bits: 16}, "uint32": typeUint32, "uint64": typeUint64,
	"int8": Int{Bits: 8, Signed: true, Number: true}, "int16": Int{Bits: 16, Signed: true}, "int32": Int{Bits: 32, Signed: true}, "int64": typeInt64,
	"uint8_t": typeUint8, "uint16_t": Int{Bits: 16}, "uint32_t": typeUint32, "uint64_t": typeUint64,
	"int8_t": Int{Bits: 8, Signed: true, Number: true}, "int16_t": Int{Bits: 16, Signed: true}, "int32_t": Int{Bits: 32, Signed: true}, "int64_t": typeInt64,
	"u8": typeUint8, "u16": Int{Bits: 16}, "u32": typeUint32, "u64": typeUint64,
	"s8": Int{Bits: 8, Signed: true, Number: true}, "s16": Int{Bits: 16, Signed: true}, "s32": Int{Bits: 32, Signed: true}, "s64": typeInt64,
	"bool": Bool{}, "_Bool": Bool{}, "void": Void{},
	"char": Int{Bits: 8, Signed: true}, "signed char": Int{Bits: 8, Signed: true, Number: true}, "unsigned char": typeUint8,
	"short": Int{Bits: 16, Signed: true}, "unsigned short": Int{Bits: 16},
	"int": Int{Bits: 32, Signed: true}, "unsigned int": typeUint32, "unsigned": typeUint32,
	"long": typeInt64, "unsigned long": typeUint64, "long long": typeInt64, "unsigned long long": typeUint64,
	"size_t": typeUint64, "ssize_t": typeInt64, "uintptr_t": typeUint64, "intptr_t": typeInt64,
}

// typeName is the type that is written, nil if there is none of that name.
func (c *checker) typeName(n *TypeName) Type {
	var t Type
	switch {
	case n.Of != nil:
		t = plain(c.typeOfValue(n.Of))
	case n.Keyword == "" && n.Name == "string":
		return c.stringType(n)
	default:
		t = c.namedType(n)
	}
	if t == nil {
		return nil
	}
	for range n.Stars {
		t = Pointer{Elem: t}
	}
	for i := len(n.Dims) - 1; i >= 0; i-- {
		t = Array{Elem: t, Len: max(n.Dims[i], 0)}
	}
	for range n.Outer {
		t = Pointer{Elem: t}
	}
	return t
}

// isString says whether a type is written as a string of no certain length.
func (n *TypeName) isString() bool {
	return n.Keyword == "" && n.Name == "string" && n.Of == nil && n.Stars == 0 && len(n.Dims) == 0 && n.Outer == 0
}

func (c *checker) stringType(n *TypeName) Type {
	if len(n.Dims) == 1 && n.Dims[0] > 0 {
		return String{Len: n.Dims[0]}
	}
	return String{Len: c.out.Config.MaxStrlen}
}

func (c *checker) namedType(n *TypeName) Type {
	if n.Keyword == "" {
		if t, ok := baseTypes[n.Name]; ok {
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
	kw := n.Keyword
	if c.final {
		c.report(c.withoutTypes(withNear(Errorf(n, "unknown-type", "there is no type %s", strings.TrimSpace(kw+" "+n.Name)), strings.TrimLeft(kw+" ", " "), c.env.Near(kw, n.Name))))
	}
	return nil
}
