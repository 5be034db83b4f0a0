package ctypes

import (
	"math"
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/types"
)

// cMode says by which rules constant expressions are computed.
type cMode uint8

const (
	cPlain cMode = iota // C's: int, long and their unsigned brothers
	cInIf               // the preprocessor's: 64 bits, and names that mean nothing are 0
	cWide               // the script's: 64 bits with a sign
)

// cValue is a constant of C.
type cValue struct {
	n        uint64 // extended to 64 bits as the sign asks
	bits     int    // 32 or 64
	unsigned bool
}

func cInt64(n int64) cValue { return cValue{n: uint64(n), bits: 64} }

// size is that of the type in bytes.
func (v cValue) size() int { return v.bits / 8 }

// cut brings the number into the range of its type.
func (v cValue) cut() cValue {
	v.n = types.CutTo(v.n, types.Int{Bits: v.bits, Signed: !v.unsigned})
	return v
}

// convert is the value in another integer type. Types shorter than int are int again when they are computed with.
func (v cValue) convert(t types.Int) cValue {
	n := types.CutTo(v.n, t)
	if t.Bits < 32 {
		return cValue{n: n, bits: 32}
	}
	return cValue{n: n, bits: t.Bits, unsigned: !t.Signed}
}

// common brings two operands to one type (C11 6.3.1.8).
func common(x, y cValue) (a, b cValue) {
	bits := max(x.bits, y.bits)
	unsigned := x.unsigned && x.bits == bits || y.unsigned && y.bits == bits
	x.bits, x.unsigned, y.bits, y.unsigned = bits, unsigned, bits, unsigned
	return x.cut(), y.cut()
}

// cBinary computes an operation. An error is at its operator.
func cBinary(op CToken, x, y cValue, mode cMode) (cValue, error) {
	shift := op.Text == "<<" || op.Text == ">>"
	if shift && mode == cPlain && y.n >= uint64(x.bits) {
		return cValue{}, CErrorf(op, "a number of %d bits cannot be shifted by %d", x.bits, int64(y.n))
	}
	if shift {
		y = cInt64(int64(y.n & uint64(x.bits-1)))
	} else {
		x, y = common(x, y)
	}
	n, ok := types.Compute(op.Text, !x.unsigned, x.n, y.n)
	if !ok {
		return cValue{}, CErrorf(op, "division by zero")
	}
	if cPrecedence[op.Text] <= cPrecedence[">="] && !strings.ContainsAny(op.Text, "|&") || op.Text == "&&" || op.Text == "||" {
		if op.Text != "^" {
			return mode.integer(n), nil
		}
	}
	x.n = n
	return x.cut(), nil
}

// integer is an int.
func (m cMode) integer(n uint64) cValue {
	if m == cPlain {
		return cValue{n: n, bits: 32}
	}
	return cValue{n: n, bits: 64}
}

// cInteger is the value of a number.
func cInteger(t CToken) (cValue, error) {
	digits := strings.TrimRight(t.Text, "uUlL")
	if strings.HasPrefix(digits, "0b") || strings.HasPrefix(digits, "0B") {
		return cBinaryNumber(t, digits[2:])
	}
	n, err := literal.ParseInt(digits)
	if err != nil || strings.ContainsAny(digits, "_.") {
		if strings.Contains(digits, ".") {
			return cValue{}, CErrorf(t, "%s is no integer", t)
		}
		if err == nil {
			return cValue{}, CErrorf(t, "%s is no number of C", t)
		}
		return cValue{}, CErrorf(t, "%v", err)
	}
	suffix := strings.ToLower(t.Text[len(digits):])
	v := cValue{n: n, bits: 32, unsigned: strings.Contains(suffix, "u")}
	if strings.Contains(suffix, "l") || n > math.MaxUint32 || !v.unsigned && n > math.MaxInt32 && digits[0] != '0' {
		v.bits = 64
	}
	// Only octal and hexadecimal numbers become unsigned by their size.
	if v.bits == 32 && n > math.MaxInt32 || n > math.MaxInt64 {
		v.unsigned = true
	}
	return v, nil
}

func cBinaryNumber(t CToken, digits string) (cValue, error) {
	v := cValue{bits: 32}
	for _, d := range digits {
		if d != '0' && d != '1' || v.n>>63 != 0 {
			return v, CErrorf(t, "%s is no number of C", t)
		}
		v.n = v.n<<1 | uint64(d-'0')
	}
	if v.n > math.MaxInt32 {
		v.bits = 64
	}
	return v, nil
}

// cCharacter is the value of a character constant. Several characters make one number, the first in its highest byte, as gcc has it.
func cCharacter(t CToken) (cValue, error) {
	body := strings.Trim(t.Text, "'")
	if t.Text == `'\''` {
		body = `\'`
	}
	n, count := uint32(0), 0
	for len(body) > 0 {
		c, size := body[0], 1
		if c == '\\' && len(body) > 1 {
			var bad string
			if c, size, bad = cEscape(body); bad != "" {
				return cValue{}, CErrorf(t, "%s", bad)
			}
		}
		n, count, body = n<<8|uint32(c), count+1, body[size:]
	}
	switch {
	case count == 0:
		return cValue{}, CErrorf(t, "a character constant has at least one character")
	case count > 4:
		return cValue{}, CErrorf(t, "a character constant has at most four characters")
	case count == 1:
		return cValue{n: uint64(int64(int8(n))), bits: 32}, nil
	}
	return cValue{n: uint64(int64(int32(n))), bits: 32}, nil
}

// cEscapes are the escape sequences that C has and scripts do not.
var cEscapes = map[byte]byte{'\'': '\'', 'a': 7, 'b': 8, 'f': 12, 'v': 11, '?': '?', 'e': 27}

func cEscape(text string) (c byte, n int, bad string) {
	if c, ok := cEscapes[text[1]]; ok {
		return c, 2, ""
	}
	return literal.Escape(text)
}
