package value

import (
	"encoding/binary"
	"math"
	"math/big"
	"runtime"
	"strconv"
)

// float is the value of a floating-point number of C. long double is cut to the precision of float64.
func float(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(binary.NativeEndian.Uint32(b)))
	case 8:
		return math.Float64frombits(binary.NativeEndian.Uint64(b))
	case 16:
		if runtime.GOARCH == "amd64" {
			return extended(b)
		}
		return quad(b)
	}
	return math.NaN()
}

// extended is a number of the x87: a sign and 15 bits of exponent above 64 bits of mantissa (Intel's manual, volume 1, 4.2.2).
func extended(b []byte) float64 {
	head := binary.LittleEndian.Uint16(b[8:])
	mantissa := new(big.Float).SetUint64(binary.LittleEndian.Uint64(b))
	return scaled(mantissa, head, 63, binary.LittleEndian.Uint64(b)<<1 == 0)
}

// quad is a number of 128 bits (IEEE 754 binary128): a sign, 15 bits of exponent, 112 bits of fraction.
func quad(b []byte) float64 {
	lo, hi := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	head := uint16(hi >> 48)
	n := new(big.Int).SetUint64(hi & (1<<48 - 1))
	if head&0x7fff != 0 {
		n.SetBit(n, 48, 1)
	}
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(lo))
	return scaled(new(big.Float).SetInt(n), head, 112, lo == 0 && hi<<16 == 0)
}

// scaled applies sign and exponent. round says that the fraction is 0: with the largest exponent, that is an infinity.
func scaled(mantissa *big.Float, head uint16, fraction int, round bool) float64 {
	exponent := int(head & 0x7fff)
	f, _ := mantissa.SetMantExp(mantissa, max(exponent, 1)-16383-fraction).Float64()
	switch {
	case exponent == 0x7fff && round:
		f = math.Inf(1)
	case exponent == 0x7fff:
		f = math.NaN()
	}
	if head>>15 != 0 {
		f = -f
	}
	return f
}

// appendFloat writes a floating-point number, as short as it can be read back.
func appendFloat(dst, b []byte) []byte {
	bits := 64
	if len(b) == 4 {
		bits = 32
	}
	return strconv.AppendFloat(dst, float(b), 'g', -1, bits)
}
