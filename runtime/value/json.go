package value

import (
	"unicode/utf8"
)

// appendJSONNumber adds a number. One that a double cannot hold is a string, as bpftrace writes it: most readers of JSON
// would round it.
func appendJSONNumber(dst []byte, n uint64, signed bool) []byte {
	if exactDouble(n, signed) {
		return appendDecimal(dst, n, signed)
	}
	return append(appendDecimal(append(dst, '"'), n, signed), '"')
}

// exactDouble says whether a double has the value of the number: its significant bits are at most 53.
func exactDouble(n uint64, signed bool) bool {
	if signed && int64(n) < 0 {
		n = -n
	}
	for n != 0 && n&1 == 0 {
		n >>= 1
	}
	return n < 1<<53
}

// AppendJSONString adds a string in quotes. Bytes that are no UTF-8 become U+FFFD, because JSON has no other text.
func AppendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}
