package dwarfinfo

import (
	"debug/dwarf"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// TypeID names a type. Its zero value is void.
type TypeID struct {
	src *source
	off dwarf.Offset
}

// IsVoid says whether it names no type.
func (id TypeID) IsVoid() bool { return id.src == nil }

// Kind is what kind of type it is.
type Kind uint8

// The kinds.
const (
	KindVoid Kind = iota
	KindInt
	KindBool
	KindChar
	KindFloat
	KindPointer
	KindReference // of C++, which is a pointer in memory
	KindStruct
	KindUnion
	KindEnum
	KindArray
	KindTypedef
	KindQualifier // const, volatile and the like
	KindFunc
)

// Type is a type. What it refers to is read when it is asked for.
type Type struct {
	ID      TypeID
	Kind    Kind
	Name    string // "" for an anonymous one
	Keyword string // "struct", "class", "union", "enum"; of a qualifier "const" …
	Size    int
	Signed  bool
	Elem    TypeID // of a pointer, array, typedef, qualifier, enum
	Len     int    // of an array, 0 if it is not known
	// Declared: this is only a declaration, the type itself is elsewhere.
	Declared bool
	// GoKind is reflect's number of a type's kind, as Go's compiler notes it; 0 for others.
	GoKind int

	convention int64 // how functions of C++ get such values (DW_CC_*), 0 if that is not told
}

// Member is a member of a struct, union or class.
type Member struct {
	Name      string // "" for an anonymous struct or union
	Type      TypeID
	Offset    int // bytes
	BitOffset int // from the start of the struct, of a bit field
	Bits      int // 0 if it is none
}

// kinds are the tags of types.
var kinds = map[dwarf.Tag]struct {
	kind    Kind
	keyword string
}{
	dwarf.TagPointerType: {KindPointer, ""}, dwarf.TagReferenceType: {KindReference, "&"}, dwarf.TagRvalueReferenceType: {KindReference, "&&"},
	dwarf.TagStructType: {KindStruct, "struct"}, dwarf.TagClassType: {KindStruct, "class"}, dwarf.TagInterfaceType: {KindStruct, "interface"},
	dwarf.TagUnionType: {KindUnion, "union"}, dwarf.TagEnumerationType: {KindEnum, "enum"}, dwarf.TagArrayType: {KindArray, ""},
	dwarf.TagTypedef: {KindTypedef, ""}, dwarf.TagConstType: {KindQualifier, "const"}, dwarf.TagVolatileType: {KindQualifier, "volatile"},
	dwarf.TagRestrictType: {KindQualifier, "restrict"}, dwarf.TagAtomicType: {KindQualifier, "_Atomic"}, dwarf.TagSubroutineType: {KindFunc, ""},
	dwarf.TagTemplateAlias: {KindTypedef, ""},
}

// passByReference is DW_CC_pass_by_reference.
const passByReference = 4

// attrGoKind is DW_AT_go_kind (cmd/internal/dwarf of Go).
const attrGoKind = dwarf.Attr(0x2900)

// Encodings of base types (DW_ATE_*).
const (
	encBool         = 2
	encFloat        = 4
	encSigned       = 5
	encSignedChar   = 6
	encUnsignedChar = 8
	encUTF          = 0x10
)

// pointerSize is that of pointers whose entry has none.
const pointerSize = 8

// Type reads a type. What cannot be read is void.
func (i *Info) Type(id TypeID) *Type {
	t := &Type{ID: id}
	if id.IsVoid() {
		return t
	}
	_ = protect(i.Path, func() error {
		if e := id.src.entry(id.off); e != nil {
			i.readType(t, e)
		}
		return nil
	})
	return t
}

func (i *Info) readType(t *Type, e *dwarf.Entry) {
	u := &Unit{info: i, src: t.ID.src}
	t.Name, _ = e.Val(dwarf.AttrName).(string)
	size, _ := e.Val(dwarf.AttrByteSize).(int64)
	t.Size = clampSize(size)
	t.Elem = u.typeOf(e.Val(dwarf.AttrType))
	t.Declared, _ = e.Val(dwarf.AttrDeclaration).(bool)
	kind, _ := e.Val(attrGoKind).(int64)
	t.GoKind = int(kind)
	t.convention, _ = e.Val(dwarf.AttrCalling).(int64)
	if e.Tag == dwarf.TagBaseType {
		encoding, _ := e.Val(dwarf.AttrEncoding).(int64)
		t.baseKind(encoding)
		return
	}
	k := kinds[e.Tag]
	t.Kind, t.Keyword = k.kind, k.keyword
	switch t.Kind {
	case KindPointer, KindReference:
		if t.Size == 0 {
			t.Size = pointerSize
		}
	case KindArray:
		t.arrayLen()
	}
	// What stands in a type unit of its own has its signature here, and is not always said to be only declared.
	if sig, ok := e.Val(dwarf.AttrSignature).(uint64); ok {
		if full := i.sigs[sig]; !full.IsVoid() && i.signatures < maxSignatures {
			i.signatures++
			*t = *i.Type(full)
			i.signatures--
		}
	}
}

// maxSignatures bounds declarations that lead to declarations, in broken files.
const maxSignatures = 4

// maxTypeSize bounds what a type claims to take.
const maxTypeSize = 1 << 40

func clampSize(n int64) int { return int(max(0, min(n, maxTypeSize))) }

func (t *Type) baseKind(encoding int64) {
	t.Kind = KindInt
	switch encoding {
	case encBool:
		t.Kind = KindBool
	case encFloat, 3, 9, 0xf: // complex and imaginary numbers, decimal ones too
		t.Kind = KindFloat
	case encSigned:
		t.Signed = true
	case encSignedChar:
		t.Kind, t.Signed = KindChar, true
	case encUnsignedChar, encUTF:
		t.Kind = KindChar
	}
}

// arrayLen reads the dimensions. Of several, the elements are arrays: Len is that of the first, and ID stays the array's, whose
// further dimensions Dims gives.
func (t *Type) arrayLen() {
	dims := t.Dims()
	if len(dims) > 0 {
		t.Len = dims[0]
	}
}

// Dims are the lengths of an array's dimensions, 0 where it is not known.
func (t *Type) Dims() []int {
	var dims []int
	_ = protect("", func() error { // what cannot be read has no dimensions
		t.ID.src.children(t.ID.off, func(e *dwarf.Entry) step {
			if e.Tag != dwarf.TagSubrangeType {
				return next
			}
			n := int64(0)
			if count, ok := e.Val(dwarf.AttrCount).(int64); ok {
				n = count
			} else if upper, ok := e.Val(dwarf.AttrUpperBound).(int64); ok {
				n = upper + 1
			}
			dims = append(dims, clampSize(n))
			return next
		})
		return nil
	})
	return dims
}

// maxMembers bounds what is read of a struct, and of an enum.
const maxMembers = 1 << 16

// Members are those of a struct, union or class, the base classes of it too, as members without a name.
func (i *Info) Members(t *Type) []Member {
	var out []Member
	if t.ID.IsVoid() {
		return nil
	}
	u := &Unit{info: i, src: t.ID.src}
	_ = protect(i.Path, func() error {
		t.ID.src.children(t.ID.off, func(e *dwarf.Entry) step {
			if e.Tag != dwarf.TagMember && e.Tag != dwarf.TagInheritance {
				return next
			}
			if static, _ := e.Val(dwarf.AttrExternal).(bool); static || e.Val(dwarf.AttrDeclaration) != nil {
				return next
			}
			out = append(out, u.member(e, t.Size))
			if len(out) >= maxMembers {
				return stop
			}
			return next
		})
		return nil
	})
	return out
}

func (u *Unit) member(e *dwarf.Entry, size int) Member {
	m := Member{Type: u.typeOf(e.Val(dwarf.AttrType))}
	m.Name, _ = e.Val(dwarf.AttrName).(string)
	switch at := e.Val(dwarf.AttrDataMemberLoc).(type) {
	case int64:
		m.Offset = clampSize(at)
	case []byte: // DW_OP_plus_uconst, of old compilers
		if len(at) > 1 && at[0] == opPlusUconst {
			n, _ := uleb(at[1:])
			m.Offset = clampSize(int64(min(n, maxTypeSize)))
		}
	}
	bits, _ := e.Val(dwarf.AttrBitSize).(int64)
	if bits <= 0 || bits > 64 {
		return m
	}
	m.Bits = int(bits)
	if first, ok := e.Val(dwarf.AttrDataBitOffset).(int64); ok {
		m.BitOffset = clampSize(first)
		return m
	}
	// Before DWARF 4: bits from the most significant one of the storage unit.
	fromTop, _ := e.Val(dwarf.AttrBitOffset).(int64)
	unit, ok := e.Val(dwarf.AttrByteSize).(int64)
	if !ok {
		unit = int64(u.info.sizeOf(m.Type, 0))
	}
	m.BitOffset = clampSize(int64(m.Offset)*8 + unit*8 - fromTop - bits)
	return m
}

// maxTypeDepth bounds chains of typedefs and the like.
const maxTypeDepth = 64

// sizeOf is the size of a type.
func (i *Info) sizeOf(id TypeID, depth int) int {
	t := i.Type(id)
	switch {
	case depth > maxTypeDepth:
		return 0
	case t.Kind == KindTypedef, t.Kind == KindQualifier, t.Kind == KindEnum && t.Size == 0:
		return i.sizeOf(t.Elem, depth+1)
	case t.Kind == KindArray && t.Size == 0:
		n := i.sizeOf(t.Elem, depth+1)
		for _, d := range t.Dims() {
			if d > 0 && n > maxTypeSize/d {
				return maxTypeSize
			}
			n *= d
		}
		return n
	}
	return t.Size
}

// SizeOf is the size of a type in bytes.
func (i *Info) SizeOf(id TypeID) int { return i.sizeOf(id, 0) }

// Plain is a type without typedefs and qualifiers.
func (i *Info) Plain(id TypeID) *Type {
	t := i.Type(id)
	for range maxTypeDepth {
		if t.Kind != KindTypedef && t.Kind != KindQualifier {
			break
		}
		t = i.Type(t.Elem)
	}
	return t
}

// Enumerator is a constant of an enum.
type Enumerator struct {
	Name  string
	Value int64
}

// Enumerators are the constants of an enum.
func (i *Info) Enumerators(t *Type) []Enumerator {
	var out []Enumerator
	if t.ID.IsVoid() {
		return nil
	}
	_ = protect(i.Path, func() error {
		t.ID.src.children(t.ID.off, func(e *dwarf.Entry) step {
			if e.Tag != dwarf.TagEnumerator {
				return next
			}
			name, _ := e.Val(dwarf.AttrName).(string)
			value, _ := e.Val(dwarf.AttrConstValue).(int64)
			out = append(out, Enumerator{name, value})
			if len(out) >= maxMembers {
				return stop
			}
			return next
		})
		return nil
	})
	return out
}

// C is a type as C has it: "const char*", "struct Foo*", "int[4]".
func (i *Info) C(id TypeID) string { return i.c(id, 0) }

func (i *Info) c(id TypeID, depth int) string {
	t := i.Type(id)
	if depth > maxTypeDepth {
		return "…"
	}
	elem := func() string { return i.c(t.Elem, depth+1) }
	switch t.Kind {
	case KindVoid:
		if t.Name != "" {
			return t.Name // an unspecified type: decltype(nullptr)
		}
		return "void"
	case KindPointer:
		if i.Type(t.Elem).Kind == KindFunc {
			return "void (*)()"
		}
		return elem() + "*"
	case KindReference:
		return elem() + t.Keyword
	case KindQualifier:
		if k := i.Type(t.Elem).Kind; k == KindPointer || k == KindReference {
			return elem() + " " + t.Keyword
		}
		return t.Keyword + " " + elem()
	case KindStruct, KindUnion, KindEnum:
		if t.GoKind != 0 {
			return t.Name
		}
		if t.Name == "" {
			return t.Keyword + " {}"
		}
		return t.Keyword + " " + t.Name
	case KindArray:
		if t.GoKind != 0 {
			return t.Name
		}
		var b strings.Builder
		b.WriteString(elem())
		for _, d := range t.Dims() {
			b.WriteString("[" + strconv.Itoa(d) + "]")
		}
		return b.String()
	case KindFunc:
		return "void ()"
	}
	return t.Name
}

// FindType finds a type that the program defines by keyword ("struct", "union", "enum", or "" for other names) and name.
func (i *Info) FindType(keyword, name string) (TypeID, bool) {
	if i.types == nil {
		i.types = map[string]TypeID{}
		_ = protect(i.Path, func() error {
			for _, u := range i.units {
				i.indexTypes(u.body())
			}
			for _, sig := range slices.Sorted(maps.Keys(i.sigs)) {
				id := i.sigs[sig]
				if e := id.src.entry(id.off); e != nil {
					i.indexType(id.src, e)
				}
			}
			return nil
		})
	}
	id, ok := i.types[keyword+" "+name]
	return id, ok
}

// indexTypes notes the types that a unit defines outside of functions. Of several definitions of a name the first is taken.
func (i *Info) indexTypes(u *Unit) {
	u.src.children(u.cu.Offset, func(e *dwarf.Entry) step {
		i.indexType(u.src, e)
		if e.Tag == dwarf.TagNamespace || e.Tag == dwarf.TagModule {
			return descend
		}
		return next
	})
}

// indexType notes the type of an entry, if it is the definition of one with a name.
func (i *Info) indexType(src *source, e *dwarf.Entry) {
	k, isType := kinds[e.Tag]
	name, _ := e.Val(dwarf.AttrName).(string)
	declared, _ := e.Val(dwarf.AttrDeclaration).(bool)
	if !isType && e.Tag != dwarf.TagBaseType || name == "" || declared {
		return
	}
	keyword := ""
	switch k.kind {
	case KindStruct:
		keyword = "struct"
	case KindUnion, KindEnum:
		keyword = k.keyword
	case KindVoid, KindTypedef:
	default:
		return
	}
	if _, ok := i.types[keyword+" "+name]; !ok {
		i.types[keyword+" "+name] = TypeID{src, e.Offset}
	}
}
