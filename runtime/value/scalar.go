package value

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strconv"

	"github.com/gotrace/gotrace/lang/types"
)

// Integer reads the integer, bool, pointer or other scalar of type t at the start of b, extended to 64 bits
// as its sign asks. ok is false for types that are not scalar, and where b is too short.
func Integer(t types.Type, b []byte) (v uint64, signed, ok bool) {
	size := t.Size()
	if size > len(b) {
		return 0, false, false
	}
	switch t := t.(type) {
	case types.Int:
		signed = t.Signed
	case types.Bool, types.Pointer, types.Symbol, types.Timestamp, types.User:
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

// intCodec is for integers, which div divides.
type intCodec struct {
	typ types.Int
	div int64
}

func (c intCodec) value(b []byte) (n uint64, signed bool) {
	n, signed, _ = Integer(c.typ, b)
	return divide(n, signed, c.div), signed
}

func (c intCodec) appendText(dst, b []byte) []byte {
	n, signed := c.value(b)
	if c.typ.Enum != nil {
		if name, ok := c.typ.Enum.Values[int64(n)]; ok {
			return append(dst, name...)
		}
	}
	return appendDecimal(dst, n, signed)
}

// appendJSON shows constants of an enum as numbers, as bpftrace does.
func (c intCodec) appendJSON(dst, b []byte) []byte {
	n, signed := c.value(b)
	return appendJSONNumber(dst, n, signed)
}

func (c intCodec) decode(b []byte) any {
	n, signed := c.value(b)
	if c.typ.Enum != nil {
		return Enum{int64(n), c.typ.Enum.Values[int64(n)]}
	}
	return number64(n, signed)
}

func (c intCodec) compare(a, b []byte) int {
	x, signed, _ := Integer(c.typ, a)
	y, _, _ := Integer(c.typ, b)
	return compareInts(x, y, signed)
}

func divide(n uint64, signed bool, div int64) uint64 {
	switch {
	case div == 1:
		return n
	case signed:
		return uint64(int64(n) / div)
	}
	return n / uint64(div)
}

func compareInts(a, b uint64, signed bool) int {
	if signed {
		return cmp.Compare(int64(a), int64(b))
	}
	return cmp.Compare(a, b)
}

func number64(n uint64, signed bool) any {
	if signed {
		return int64(n)
	}
	return n
}

func appendDecimal(dst []byte, n uint64, signed bool) []byte {
	if signed {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	return strconv.AppendUint(dst, n, 10)
}

// boolCodec is for truth values.
type boolCodec struct{}

func (boolCodec) appendText(dst, b []byte) []byte { return strconv.AppendBool(dst, b[0] != 0) }
func (boolCodec) appendJSON(dst, b []byte) []byte { return strconv.AppendBool(dst, b[0] != 0) }
func (boolCodec) decode(b []byte) any             { return b[0] != 0 }
func (boolCodec) compare(a, b []byte) int         { return cmp.Compare(a[0], b[0]) }

// word is a value of eight bytes.
func word(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }

func compareWords(a, b []byte) int { return cmp.Compare(word(a), word(b)) }

// pointerCodec is for addresses.
type pointerCodec struct{}

func (pointerCodec) appendText(dst, b []byte) []byte { return appendPointer(dst, word(b)) }
func (pointerCodec) appendJSON(dst, b []byte) []byte { return appendJSONNumber(dst, word(b), false) }
func (pointerCodec) decode(b []byte) any             { return Pointer(word(b)) }
func (pointerCodec) compare(a, b []byte) int         { return compareWords(a, b) }

func appendPointer(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), n, 16)
}

// macCodec is for hardware addresses.
type macCodec struct{}

func (macCodec) appendText(dst, b []byte) []byte { return append(dst, macOf(b).String()...) }
func (macCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, []byte(macOf(b).String()))
}
func (macCodec) decode(b []byte) any { return macOf(b) }
func (macCodec) compare(a, b []byte) int {
	x, y := macOf(a), macOf(b)
	return bytes.Compare(x[:], y[:])
}

// macOf is the address at the start of b.
func macOf(b []byte) MAC {
	var m MAC
	copy(m[:], b)
	return m
}

// timestampCodec is for values of strftime().
type timestampCodec struct {
	typ   types.Timestamp
	clock *Clock
}

func (c timestampCodec) appendText(dst, b []byte) []byte {
	return appendTime(dst, bpfTimeFormat(c.typ.Format), c.clock.wall(c.typ.Mode, word(b)))
}

func (c timestampCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, c.appendText(nil, b))
}

func (c timestampCodec) decode(b []byte) any   { return c.clock.wall(c.typ.Mode, word(b)) }
func (timestampCodec) compare(a, b []byte) int { return compareWords(a, b) }

// floatCodec is for floating-point numbers of C with the given number of bytes.
type floatCodec struct{ size int }

func (c floatCodec) appendText(dst, b []byte) []byte { return appendFloat(dst, b[:c.size]) }

// appendJSON has no number for what is not finite.
func (c floatCodec) appendJSON(dst, b []byte) []byte {
	if f := float(b[:c.size]); f-f != 0 {
		return append(dst, "null"...)
	}
	return appendFloat(dst, b[:c.size])
}

func (c floatCodec) decode(b []byte) any     { return float(b[:c.size]) }
func (c floatCodec) compare(a, b []byte) int { return bytes.Compare(a[:c.size], b[:c.size]) }
