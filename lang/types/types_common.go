package types

import (
	"slices"

	"github.com/gotrace/gotrace/lang/location"
)

// CommonType is the type to which both operands of a comparison or a compound assignment are converted: of two integers of the same
// sign the wider one; else int64, which holds all values of both. It does not hold those of a uint64: beside one, both are
// unsigned, as in C, except that a negative literal, which no uint64 equals, makes both signed, as in bpftrace. Other literals
// take either sign. Truth values count as numbers, pointers as unsigned 64-bit numbers.
func CommonType(a, b Type) Type {
	x, y := AsInt(a), AsInt(b)
	switch {
	case x.Signed == y.Signed:
		return Int{Bits: max(x.Bits, y.Bits), Signed: x.Signed}
	case x.BelowZero() || y.BelowZero():
		return TypeInt64
	case x.Flexible(), y.Flexible(), !x.Signed && x.Bits == 64, !y.Signed && y.Bits == 64:
		return TypeUint64
	}
	return TypeInt64
}

// AsInt is the integer that a value of a type counts as.
func AsInt(t Type) Int {
	switch t := t.(type) {
	case Int:
		return Int{Bits: t.Bits, Signed: t.Signed, Range: t.Range}
	case Bool:
		return Int{Bits: 8}
	case Agg:
		return Int{Bits: 64, Signed: t.Signed}
	}
	return Int{Bits: 64}
}

// SameType says whether two types are the same in memory and in print.
func SameType(a, b Type) bool {
	switch {
	case a == nil || b == nil:
		return a == nil && b == nil
	case a.kind() != b.kind():
		return false
	case Of(a).same != nil:
		return Of(a).same(a, b)
	}
	return a == b
}

func sameInt(a, b Type) bool {
	x, y := a.(Int), b.(Int)
	return x.Bits == y.Bits && x.Signed == y.Signed && x.Range == y.Range && sameEnum(x.Enum, y.Enum)
}

func samePointer(a, b Type) bool {
	x, y := a.(Pointer), b.(Pointer)
	return x.Space == y.Space && SameType(x.Elem, y.Elem)
}

func sameArray(a, b Type) bool {
	x, y := a.(Array), b.(Array)
	return x.Len == y.Len && x.Float == y.Float && SameType(x.Elem, y.Elem)
}

// sameRecord is SameType of structs: one that has a name may have been read twice.
func sameRecord(a, b Type) bool {
	x, y := a.(*Struct), b.(*Struct)
	return x == y || x.Name != "" && x.Name == y.Name && x.Bytes == y.Bytes && x.Union == y.Union
}

func sameTuple(a, b Type) bool {
	x, y := a.(Tuple), b.(Tuple)
	if len(x.Elems) != len(y.Elems) || !slices.Equal(x.Names, y.Names) {
		return false
	}
	for i := range x.Elems {
		if !SameType(x.Elems[i], y.Elems[i]) {
			return false
		}
	}
	return true
}

// sameEnum says whether values print by the same names.
func sameEnum(a, b *Enum) bool {
	return a == b || a != nil && b != nil && a.Name != "" && a.Name == b.Name
}

// SameStruct says whether two args structs have the same fields at the same places.
func SameStruct(a, b *Struct) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a == b {
		return true
	}
	fa, fb := a.Fields(), b.Fields()
	if len(fa) != len(fb) {
		return false
	}
	for i := range fa {
		x, y := fa[i], fb[i]
		if x.Name != y.Name || x.Offset != y.Offset || x.BitOffset != y.BitOffset || x.BitSize != y.BitSize ||
			x.DataLoc != y.DataLoc || x.RelLoc != y.RelLoc || !SameType(x.Type, y.Type) || !location.Same(x.Loc, y.Loc) {
			return false
		}
	}
	return true
}

// Widen is the type that holds values of both, for a variable, a map key or a map value. ok is false
// where there is none.
func Widen(a, b Type) (t Type, ok bool) {
	switch {
	case a == nil:
		return b, true
	case b == nil || SameType(a, b):
		return a, true
	case Of(a).widen == nil:
		return nil, false
	}
	if t, ok = Of(a).widen(a, b); !ok {
		return nil, false
	}
	return t, true
}

func widenBool(a, b Type) (Type, bool) {
	if y, ok := b.(Int); ok {
		return widenInt(y, a)
	}
	return nil, false
}

func widenString(a, b Type) (Type, bool) {
	y, ok := b.(String)
	return String{Len: max(a.(String).Len, y.Len)}, ok
}

func widenBuffer(a, b Type) (Type, bool) {
	y, ok := b.(Buffer)
	return Buffer{Len: max(a.(Buffer).Len, y.Len)}, ok
}

func widenAgg(a, b Type) (Type, bool) {
	x := a.(Agg)
	y, ok := b.(Agg)
	x.Signed = x.Signed || y.Signed
	y.Signed = x.Signed
	return x, ok && x == y
}

func widenInt(a, b Type) (Type, bool) {
	x := a.(Int)
	switch y := b.(type) {
	case Int:
		if x.Range.Known || y.Range.Known {
			return widenLiteral(x, y), true
		}
		if !sameEnum(x.Enum, y.Enum) {
			x.Enum, y.Enum = nil, nil
		}
		switch {
		case x.Signed == y.Signed && x.Bits >= y.Bits:
			return x, true
		case x.Signed == y.Signed:
			return y, true
		case x.Signed && x.Bits > y.Bits:
			return x, true
		case y.Signed && y.Bits > x.Bits:
			return y, true
		}
		// No type of one width holds both signs: the next wider signed one does.
		return Int{Bits: min(64, 2*max(x.Bits, y.Bits)), Signed: true}, true
	case Bool:
		if x.Range.Known {
			return widenLiteral(x, Literal(0, 1)), true
		}
		return x, true
	case Pointer:
		if isNull(x) {
			return y, true
		}
		return Int{Bits: 64}, true
	case Agg:
		return Plain(x), true
	}
	return nil, false
}

func widenTuple(a, b Type) (Type, bool) {
	x := a.(Tuple)
	y, ok := b.(Tuple)
	if !ok || len(x.Elems) != len(y.Elems) {
		return nil, false
	}
	out := Tuple{Elems: make([]Type, len(x.Elems)), Names: x.Names}
	for i := range x.Elems {
		j := x.In(y, i)
		if j < 0 {
			return nil, false
		}
		if out.Elems[i], ok = Widen(x.Elems[i], y.Elems[j]); !ok {
			return nil, false
		}
	}
	return out, true
}

// isNull says whether values of a type are only the literal 0, which stands for no address where the others are pointers.
func isNull(t Type) bool {
	i, ok := t.(Int)
	return ok && i.Range.Known && i.Range.Neg == 0 && i.Range.Pos == 0
}

// widenPointer keeps what both agree on: a pointer that is now of one address space, now of the other, is of none that is known. There
// is none that points now to the one, now to the other, unless it is void or they have the same bytes.
func widenPointer(a, b Type) (Type, bool) {
	x := a.(Pointer)
	y, ok := b.(Pointer)
	switch {
	case !ok && isNull(b):
		return x, true
	case !ok:
		return Int{Bits: 64}, Is(b, KindInt)
	}
	if x.Space != y.Space {
		x.Space = SpaceNone
	}
	switch {
	case SameType(x.Elem, y.Elem), Is(y.Elem, KindVoid):
	case Is(x.Elem, KindVoid):
		x.Elem = y.Elem
	case !alike(x.Elem, y.Elem):
		return nil, false
	case Is(x.Elem, KindString), Is(x.Elem, KindTuple):
		x.Elem, _ = Widen(x.Elem, y.Elem)
	}
	return x, true
}

// Fits says whether a constant is in the range of an integer type.
func Fits(n uint64, unsignedConst bool, t Int) bool {
	v := int64(n)
	if v < 0 && !unsignedConst {
		return t.Signed && (t.Bits == 64 || v >= -1<<(t.Bits-1))
	}
	if t.Bits == 64 {
		return !t.Signed || v >= 0
	}
	limit := t.Bits
	if t.Signed {
		limit--
	}
	return n < 1<<limit
}

// BaseTypes are the integer types by name, C's and bpftrace's.
var BaseTypes = map[string]Type{
	"uint8": TypeUint8, "uint16": Int{Bits: 16}, "uint32": TypeUint32, "uint64": TypeUint64,
	"int8": Int{Bits: 8, Signed: true, Number: true}, "int16": Int{Bits: 16, Signed: true}, "int32": Int{Bits: 32, Signed: true}, "int64": TypeInt64,
	"uint8_t": TypeUint8, "uint16_t": Int{Bits: 16}, "uint32_t": TypeUint32, "uint64_t": TypeUint64,
	"int8_t": Int{Bits: 8, Signed: true, Number: true}, "int16_t": Int{Bits: 16, Signed: true}, "int32_t": Int{Bits: 32, Signed: true}, "int64_t": TypeInt64,
	"u8": TypeUint8, "u16": Int{Bits: 16}, "u32": TypeUint32, "u64": TypeUint64,
	"s8": Int{Bits: 8, Signed: true, Number: true}, "s16": Int{Bits: 16, Signed: true}, "s32": Int{Bits: 32, Signed: true}, "s64": TypeInt64,
	"bool": Bool{}, "_Bool": Bool{}, "void": Void{}, "username_t": User{},
	"char": Int{Bits: 8, Signed: true}, "signed char": Int{Bits: 8, Signed: true, Number: true}, "unsigned char": TypeUint8,
	"short": Int{Bits: 16, Signed: true}, "unsigned short": Int{Bits: 16},
	"int": Int{Bits: 32, Signed: true}, "unsigned int": TypeUint32, "unsigned": TypeUint32,
	"long": TypeInt64, "unsigned long": TypeUint64, "long long": TypeInt64, "unsigned long long": TypeUint64,
	"size_t": TypeUint64, "ssize_t": TypeInt64, "uintptr_t": TypeUint64, "intptr_t": TypeInt64,
}

var (
	TypeInt64  = Int{Bits: 64, Signed: true}
	TypeUint64 = Int{Bits: 64}
	TypeUint32 = Int{Bits: 32}
	TypeUint8  = Int{Bits: 8}
)

// Const is a compile-time value: an integer (Str is nil) or a string.
type Const struct {
	Int      uint64
	Str      *string
	Unsigned bool // of a constant of C: what its highest bit means
}

// alike says whether what two pointers point to can be read in the same way.
func alike(a, b Type) bool {
	switch {
	case KindOf(a) != KindOf(b):
		return false
	case Is(a, KindInt):
		return a.Size() == b.Size()
	case Is(a, KindStruct):
		return SameType(a, b)
	case Is(a, KindPointer):
		return alike(a.(Pointer).Elem, b.(Pointer).Elem)
	}
	_, ok := Widen(a, b)
	return ok
}
