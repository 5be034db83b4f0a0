package runtime

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/gotrace/gotrace/lang/types"
)

// values turns values, as they lie in BPF memory, into the text that the script's user sees.
type values struct {
	syms  *kernelSymbols
	user  *userSymbols
	clock *clock
	// trailer follows strings that fill their field to the last byte, which means that they were cut.
	trailer string
}

// integer reads the integer, bool, pointer or other scalar of type t at the start of b, extended to 64 bits
// as its sign asks. ok is false for types that are not scalar, and where b is too short.
func integer(t types.Type, b []byte) (v uint64, signed, ok bool) {
	size := t.Size()
	if size > len(b) {
		return 0, false, false
	}
	switch t := t.(type) {
	case types.Int:
		signed = t.Signed
	case types.Agg:
		signed = t.Signed
	case types.Bool, types.Pointer, types.Symbol, types.Timestamp:
	default:
		return 0, false, false
	}
	switch size {
	case 1:
		v = uint64(b[0])
		if signed {
			v = uint64(int64(int8(b[0])))
		}
	case 2:
		n := binary.NativeEndian.Uint16(b)
		v = uint64(n)
		if signed {
			v = uint64(int64(int16(n)))
		}
	case 4:
		n := binary.NativeEndian.Uint32(b)
		v = uint64(n)
		if signed {
			v = uint64(int64(int32(n)))
		}
	case 8:
		v = binary.NativeEndian.Uint64(b)
	default:
		return 0, false, false
	}
	return v, signed, true
}

// cString is b up to its first NUL. full is true if there is none.
func cString(b []byte) (s []byte, full bool) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i], false
	}
	return b, true
}

// append adds the text of the value of type t at the start of b. Bytes that the record is too short for count as
// zero, so that a mistake in a layout shows as a wrong value and not as a panic.
func (v *values) append(dst []byte, t types.Type, b []byte) []byte {
	b = atLeast(b, t.Size())
	switch t := t.(type) {
	case types.Int:
		return appendInt(dst, t, b)
	case types.Bool:
		return strconv.AppendBool(dst, b[0] != 0)
	case types.String:
		return v.appendString(dst, b[:t.Len])
	case types.Pointer:
		return appendPointer(dst, binary.NativeEndian.Uint64(b))
	case types.Tuple:
		return v.appendTuple(dst, t, b, "(", ")")
	case types.Array:
		if t.Float {
			return appendFloat(dst, b[:t.Len])
		}
		return v.appendArray(dst, t, b)
	case *types.Struct:
		return v.appendStruct(dst, t, b)
	case types.Timestamp:
		return v.clock.appendTimestamp(dst, t, binary.NativeEndian.Uint64(b))
	case types.Symbol:
		return v.appendSymbol(dst, t, binary.NativeEndian.Uint64(b))
	case types.Agg:
		return appendDecimal(dst, binary.NativeEndian.Uint64(b), t.Signed)
	default:
		return append(dst, "null"...)
	}
}

// atLeast is b, or a copy of it with zeros at its end if it is shorter than n.
func atLeast(b []byte, n int) []byte {
	if len(b) >= n {
		return b
	}
	return append(append(make([]byte, 0, n), b...), make([]byte, n-len(b))...)
}

func appendInt(dst []byte, t types.Int, b []byte) []byte {
	n, signed, _ := integer(t, b)
	if t.Enum != nil {
		if name, ok := t.Enum.Values[int64(n)]; ok {
			return append(dst, name...)
		}
	}
	return appendDecimal(dst, n, signed)
}

func appendDecimal(dst []byte, n uint64, signed bool) []byte {
	if signed {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	return strconv.AppendUint(dst, n, 10)
}

func appendPointer(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), n, 16)
}

func (v *values) appendString(dst, b []byte) []byte {
	s, full := cString(b)
	dst = append(dst, s...)
	if full && len(b) > 0 {
		dst = append(dst, v.trailer...)
	}
	return dst
}

// appendTuple writes the elements between open and shut: nothing, for the keys of a map.
func (v *values) appendTuple(dst []byte, t types.Tuple, b []byte, open, shut string) []byte {
	dst = append(dst, open...)
	for i, e := range t.Elems {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = v.append(dst, e, b[t.Offset(i):])
	}
	return append(dst, shut...)
}

func (v *values) appendArray(dst []byte, t types.Array, b []byte) []byte {
	size := t.Elem.Size()
	dst = append(dst, '[')
	for i := range t.Len {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.appendMember(dst, t.Elem, b[i*size:])
	}
	return append(dst, ']')
}

func (v *values) appendStruct(dst []byte, t *types.Struct, b []byte) []byte {
	fields := t.Fields()
	if len(fields) == 0 {
		return append(dst, "{}"...)
	}
	dst = append(dst, "{ "...)
	dst = v.appendFields(dst, fields, b)
	return append(dst, " }"...)
}

// appendFields adds the members of a struct. Those of an anonymous member are members of the struct around it.
func (v *values) appendFields(dst []byte, fields []types.Field, b []byte) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if inner, ok := f.Type.(*types.Struct); ok && f.Name == "" {
			dst = v.appendFields(dst, inner.Fields(), from(b, f.Offset))
			continue
		}
		dst = append(append(append(dst, '.'), f.Name...), " = "...)
		if f.BitSize != 0 {
			n, signed := bitfield(f, b)
			dst = appendDecimal(dst, n, signed)
			continue
		}
		dst = v.appendMember(dst, f.Type, from(b, f.Offset))
	}
	return dst
}

// appendMember adds a member of a struct or an element of an array: there, arrays of characters are strings.
func (v *values) appendMember(dst []byte, t types.Type, b []byte) []byte {
	if n, ok := types.CharArray(t); ok {
		s, _ := cString(field(b, 0, n))
		return append(dst, s...)
	}
	return v.append(dst, t, b)
}

// bitfield reads a member that is only some bits of the memory it lies in.
func bitfield(f types.Field, b []byte) (v uint64, signed bool) {
	t, ok := f.Type.(types.Int)
	if !ok {
		t = types.Int{Bits: 8 * f.Type.Size()}
	}
	unsigned := types.Int{Bits: t.Bits}
	n, _, _ := integer(unsigned, atLeast(from(b, f.Offset), t.Size())) // in a packed struct the bytes may be fewer
	n >>= f.BitOffset
	shift := 64 - f.BitSize
	n <<= shift
	if t.Signed {
		n = uint64(int64(n) >> shift)
	} else {
		n >>= shift
	}
	return n, t.Signed
}

// from is b from offset on, empty if b is shorter.
func from(b []byte, offset int) []byte { return b[min(offset, len(b)):] }

// symbol names an address.
func (v *values) symbol(t types.Symbol, addr uint64) (string, bool) {
	if t.User {
		return v.user.lookup(addr)
	}
	return v.syms.lookup(addr)
}

func (v *values) appendSymbol(dst []byte, t types.Symbol, addr uint64) []byte {
	if name, ok := v.symbol(t, addr); ok {
		return append(dst, name...)
	}
	return appendPointer(dst, addr)
}
