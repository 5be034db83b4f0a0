package value

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/syntax"
	"github.com/gotrace/gotrace/lang/types"
)

// Field is a value in a record of an event.
type Field struct {
	Name string // as a Go program calls it
	Type types.Type
	Off  int // of the value in the record

	codec Codec
}

// Fields are fields ready to be decoded.
func (env *Env) Fields(list []Field) []Field {
	out := slices.Clone(list)
	for i := range out {
		out[i].codec = env.Codec(out[i].Type)
	}
	return out
}

// Decode is the field's value in a record, as a Go value.
func (f *Field) Decode(rec []byte) any { return f.codec.Decode(from(rec, f.Off)) }

// Format is a printf format with the fields that it prints, ready to use.
type Format struct{ pieces []appender }

// appender adds the text of one piece of a format to dst. rec is the whole record.
type appender func(dst, rec []byte) []byte

// AppendText adds the text of a record.
func (f *Format) AppendText(dst, rec []byte) []byte {
	for _, p := range f.pieces {
		dst = p(dst, rec)
	}
	return dst
}

// Format compiles a printf format. Arguments that a format does not use, and conversions without an argument, print nothing.
func (env *Env) Format(format string, args []Field) *Format {
	items, _ := syntax.ParseFormat(format)
	f := &Format{}
	for _, it := range items {
		switch {
		case it.Verb == "":
			f.pieces = append(f.pieces, func(dst, _ []byte) []byte { return append(dst, it.Text...) })
		case len(args) > 0:
			f.pieces = append(f.pieces, env.conversion(newFormatSpec(it), args[0].Type, args[0].Off))
			args = args[1:]
		}
	}
	return f
}

// conversion makes the appender of one conversion of the value of type t at byte off of the record.
func (env *Env) conversion(s *formatSpec, t types.Type, off int) appender {
	codec := env.Codec(t)
	value := func(dst, rec []byte) []byte { return codec.AppendText(dst, from(rec, off)) }
	number := func(rec []byte) uint64 {
		n, _, _ := Integer(t, from(rec, off))
		return n
	}
	if size, ok := bytesIn(t); ok && s.verb[0] == 'r' {
		return s.padded(func(dst, rec []byte) []byte { return s.appendBytes(dst, t, field(rec, off, size)) })
	}
	if _, _, scalar := Integer(t, make([]byte, t.Size())); !scalar && s.verb != "s" {
		return s.padded(value)
	}
	switch s.verb {
	case "d", "i":
		bits := s.bits()
		return func(dst, rec []byte) []byte { return s.appendSigned(dst, signExtend(number(rec), bits)) }
	case "u", "o", "x", "X":
		bits, base := s.bits(), map[string]int{"u": 10, "o": 8, "x": 16, "X": 16}[s.verb]
		return func(dst, rec []byte) []byte { return s.appendUnsigned(dst, zeroExtend(number(rec), bits), base) }
	case "p":
		null := s.padded(func(dst, _ []byte) []byte { return append(dst, "(nil)"...) })
		return func(dst, rec []byte) []byte {
			n := number(rec)
			if n == 0 {
				return null(dst, rec)
			}
			return s.appendNumber(dst, s.positive()+"0x", n, 16)
		}
	case "gr":
		return s.padded(func(dst, rec []byte) []byte { return appendGFP(dst, number(rec)) })
	case "c":
		return s.padded(func(dst, rec []byte) []byte { return append(dst, byte(number(rec))) })
	default:
		return s.padded(value)
	}
}

// bytesIn is the size of a value that %r shows as bytes: a string or an array of bytes.
func bytesIn(t types.Type) (int, bool) {
	switch t := t.(type) {
	case types.String:
		return t.Len, true
	case types.Buffer:
		return t.Size(), true
	case types.Array:
		return t.Size(), t.Elem.Size() == 1
	}
	return 0, false
}

// appendBytes writes bytes under %r (what is printable in ASCII as it is), %rx (all of them as \x01)
// and %rh (as 01 02).
func (s *formatSpec) appendBytes(dst []byte, t types.Type, b []byte) []byte {
	switch t.(type) {
	case types.String:
		b, _ = layout.Text(b)
	case types.Buffer:
		b = bufferBytes(b)
	}
	if s.verb == "r" {
		return appendEscaped(dst, b)
	}
	for i, c := range b {
		switch {
		case s.verb == "rx":
			dst = fmt.Appendf(dst, `\x%02x`, c)
		case i > 0:
			dst = fmt.Appendf(dst, " %02x", c)
		default:
			dst = fmt.Appendf(dst, "%02x", c)
		}
	}
	return dst
}

// bits is the width in bits that a conversion cuts its argument to.
func (s *formatSpec) bits() int { return syntax.IntBits(s.length) }

func signExtend(n uint64, bits int) int64  { return int64(n<<(64-bits)) >> (64 - bits) }
func zeroExtend(n uint64, bits int) uint64 { return n << (64 - bits) >> (64 - bits) }

// positive is what stands for the sign of a number that is not negative.
func (s *formatSpec) positive() string {
	switch {
	case s.plus:
		return "+"
	case s.space:
		return " "
	}
	return ""
}

func (s *formatSpec) appendSigned(dst []byte, n int64) []byte {
	if s.plain() {
		return strconv.AppendInt(dst, n, 10)
	}
	sign, abs := s.positive(), uint64(n)
	if n < 0 {
		sign, abs = "-", -abs
	}
	return s.appendNumber(dst, sign, abs, 10)
}

func (s *formatSpec) appendUnsigned(dst []byte, n uint64, base int) []byte {
	if s.plain() && s.verb != "X" {
		return strconv.AppendUint(dst, n, base)
	}
	prefix := ""
	switch {
	case s.alt && s.verb == "o":
		// A 0 more only where the digits do not begin with one already, for the precision or because there is no other.
		digits := (bits.Len64(n) + 2) / 3
		if digits >= s.prec && (n != 0 || s.prec == 0) {
			prefix = "0"
		}
	case s.alt && n != 0:
		prefix = map[string]string{"x": "0x", "X": "0X"}[s.verb]
	}
	return s.appendNumber(dst, prefix, n, base)
}

// plain says that a conversion has no flag, width or precision.
func (s *formatSpec) plain() bool {
	return s.width == 0 && s.prec < 0 && !s.plus && !s.space && !s.alt
}

// appendNumber writes prefix and digits as C lays them out: zeros up to the precision, then blanks, or zeros after the
// prefix, up to the width.
func (s *formatSpec) appendNumber(dst []byte, prefix string, n uint64, base int) []byte {
	var buf [64]byte
	text := strconv.AppendUint(buf[:0], n, base)
	if s.verb == "X" {
		text = bytes.ToUpper(text)
	}
	if s.prec == 0 && n == 0 {
		text = text[:0]
	}
	zeros := max(0, s.prec-len(text))
	blanks := max(0, s.width-len(prefix)-zeros-len(text))
	if s.zero && !s.left && s.prec < 0 {
		zeros, blanks = blanks, 0
	}
	if !s.left {
		dst = appendRepeated(dst, ' ', blanks)
	}
	dst = append(dst, prefix...)
	dst = appendRepeated(dst, '0', zeros)
	dst = append(dst, text...)
	if s.left {
		dst = appendRepeated(dst, ' ', blanks)
	}
	return dst
}

// padded cuts text to the precision and fills it up to the width.
func (s *formatSpec) padded(text appender) appender {
	if s.width == 0 && s.prec < 0 {
		return text
	}
	return func(dst, rec []byte) []byte {
		start := len(dst)
		dst = text(dst, rec)
		if n := len(dst) - start; s.prec >= 0 && s.verb == "s" && n > s.prec {
			dst = dst[:start+s.prec]
		}
		n := len(dst) - start
		if n >= s.width {
			return dst
		}
		dst = appendRepeated(dst, ' ', s.width-n)
		if !s.left {
			copy(dst[start+s.width-n:], dst[start:start+n])
			copy(dst[start:], bytes.Repeat([]byte{' '}, s.width-n))
		}
		return dst
	}
}

func appendRepeated(dst []byte, c byte, n int) []byte {
	for range n {
		dst = append(dst, c)
	}
	return dst
}
