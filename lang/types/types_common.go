package types

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

// asInt is the integer that a value of a type counts as.
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

// sameType says whether two types are the same in memory and in print.
func SameType(a, b Type) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case Tuple:
		y, ok := b.(Tuple)
		if !ok || len(x.Elems) != len(y.Elems) {
			return false
		}
		for i := range x.Elems {
			if !SameType(x.Elems[i], y.Elems[i]) {
				return false
			}
		}
		return true
	case Pointer:
		y, ok := b.(Pointer)
		return ok && x.Space == y.Space && SameType(x.Elem, y.Elem)
	case Array:
		y, ok := b.(Array)
		return ok && x.Len == y.Len && x.Float == y.Float && SameType(x.Elem, y.Elem)
	case *Struct:
		y, ok := b.(*Struct)
		return ok && (x == y || x.Name != "" && x.Name == y.Name && x.Bytes == y.Bytes && x.Union == y.Union)
	case Int:
		y, ok := b.(Int)
		return ok && x.Bits == y.Bits && x.Signed == y.Signed && x.Range == y.Range && sameEnum(x.Enum, y.Enum)
	}
	if b == nil {
		return false
	}
	switch b.(type) {
	case Tuple, Pointer, Array, *Struct, Int:
		return false
	}
	return a == b
}

// sameEnum says whether values print by the same names.
func sameEnum(a, b *Enum) bool {
	return a == b || a != nil && b != nil && a.Name != "" && a.Name == b.Name
}

// sameStruct says whether two args structs have the same fields at the same places.
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
			x.DataLoc != y.DataLoc || x.RelLoc != y.RelLoc || !SameType(x.Type, y.Type) {
			return false
		}
	}
	return true
}

// widen is the type that holds values of both, for a variable, a map key or a map value. ok is false
// where there is none.
func Widen(a, b Type) (t Type, ok bool) {
	if a == nil {
		return b, true
	}
	if b == nil || SameType(a, b) {
		return a, true
	}
	switch x := a.(type) {
	case Int:
		return widenInt(x, b)
	case Bool:
		if y, ok := b.(Int); ok {
			return widenInt(y, x)
		}
	case String:
		if y, ok := b.(String); ok {
			return String{Len: max(x.Len, y.Len)}, true
		}
	case Tuple:
		return widenTuple(x, b)
	case Pointer:
		switch y := b.(type) {
		case Pointer:
			return widenPointer(x, y), true
		case Int:
			return Int{Bits: 64}, true
		}
	case Agg:
		if y, ok := b.(Agg); ok && x.Kind == y.Kind && x.Bits == y.Bits && x.Min == y.Min && x.Max == y.Max && x.Step == y.Step {
			x.Signed = x.Signed || y.Signed
			return x, true
		}
	case Timestamp:
		if y, ok := b.(Timestamp); ok {
			return y, true
		}
	}
	return nil, false
}

func widenInt(x Int, b Type) (Type, bool) {
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
		return Int{Bits: 64}, true
	case Agg:
		return Plain(x), true
	}
	return nil, false
}

func widenTuple(x Tuple, b Type) (Type, bool) {
	y, ok := b.(Tuple)
	if !ok || len(x.Elems) != len(y.Elems) {
		return nil, false
	}
	out := Tuple{Elems: make([]Type, len(x.Elems))}
	for i := range x.Elems {
		if out.Elems[i], ok = Widen(x.Elems[i], y.Elems[i]); !ok {
			return nil, false
		}
	}
	return out, true
}

// widenPointer keeps what both agree on: a pointer that is now of one address space, now of the other, is of none that is known.
func widenPointer(x, y Pointer) Pointer {
	if x.Space != y.Space {
		x.Space = SpaceNone
	}
	if !SameType(x.Elem, y.Elem) {
		if _, ok := x.Elem.(Void); ok {
			x.Elem = y.Elem
		}
	}
	return x
}

// fits says whether a constant is in the range of an integer type.
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

// baseTypes are the integer types by name, C's and bpftrace's.
var BaseTypes = map[string]Type{
	"uint8": TypeUint8, "uint16": Int{Bits: 16}, "uint32": TypeUint32, "uint64": TypeUint64,
	"int8": Int{Bits: 8, Signed: true, Number: true}, "int16": Int{Bits: 16, Signed: true}, "int32": Int{Bits: 32, Signed: true}, "int64": TypeInt64,
	"uint8_t": TypeUint8, "uint16_t": Int{Bits: 16}, "uint32_t": TypeUint32, "uint64_t": TypeUint64,
	"int8_t": Int{Bits: 8, Signed: true, Number: true}, "int16_t": Int{Bits: 16, Signed: true}, "int32_t": Int{Bits: 32, Signed: true}, "int64_t": TypeInt64,
	"u8": TypeUint8, "u16": Int{Bits: 16}, "u32": TypeUint32, "u64": TypeUint64,
	"s8": Int{Bits: 8, Signed: true, Number: true}, "s16": Int{Bits: 16, Signed: true}, "s32": Int{Bits: 32, Signed: true}, "s64": TypeInt64,
	"bool": Bool{}, "_Bool": Bool{}, "void": Void{},
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
	Int uint64
	Str *string
}
