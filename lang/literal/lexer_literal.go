package literal

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errTooLarge = errors.New("integer literal is too large for 64 bits")
	errBadInt   = errors.New("malformed integer literal")
)

// durations are the suffixes that make an integer literal a time; its value is in nanoseconds.
var durations = map[string]uint64{
	"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 24 * 3600e9,
}

// sizeSuffixes are those found in C headers, in lower case. They change nothing.
var sizeSuffixes = map[string]bool{
	"": true, "u": true, "l": true, "ul": true, "lu": true, "ll": true, "ull": true, "llu": true,
}

// ParseInt gives the value of an integer literal: decimal, hexadecimal or octal, with underscores
// between digits, an exponent, and a size or duration suffix.
func ParseInt(text string) (uint64, error) {
	base, digits := uint64(10), text
	switch {
	case len(text) > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'):
		base, digits = 16, text[2:]
	case len(text) > 1 && text[0] == '0' && IsDigit(text[1]):
		base, digits = 8, text[1:]
	}
	n := digitsLen(digits, base)
	value, err := parseDigits(digits[:n], base)
	if err != nil {
		return 0, err
	}
	rest := digits[n:]
	if base == 10 && rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		k := digitsLen(rest[1:], 10)
		exp, err := parseDigits(rest[1:1+k], 10)
		if err != nil {
			return 0, err
		}
		if value, err = scale10(value, exp); err != nil {
			return 0, err
		}
		rest = rest[1+k:]
	}
	if unit, ok := durations[rest]; ok && base == 10 {
		return mul(value, unit)
	}
	if !sizeSuffixes[strings.ToLower(rest)] {
		return 0, errors.New("unknown suffix '" + rest + "' of an integer literal")
	}
	return value, nil
}

// digitsLen is the length of the run of digits and underscores that text begins with.
func digitsLen(text string, base uint64) int {
	n := 0
	for n < len(text) && (IsDigit(text[n]) || text[n] == '_' || base == 16 && hexDigit(text[n]) < 16) {
		n++
	}
	return n
}

// parseDigits reads digits with underscores between them.
func parseDigits(text string, base uint64) (uint64, error) {
	if text == "" || strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") {
		return 0, errBadInt
	}
	var value uint64
	for i := 0; i < len(text); i++ {
		if text[i] == '_' {
			continue
		}
		d := hexDigit(text[i])
		if d >= base {
			return 0, errors.New("'" + text[i:i+1] + "' is no octal digit")
		}
		var err error
		if value, err = mul(value, base); err != nil {
			return 0, err
		}
		sum, carry := bits.Add64(value, d, 0)
		if carry != 0 {
			return 0, errTooLarge
		}
		value = sum
	}
	return value, nil
}

// scale10 multiplies by a power of ten.
func scale10(value, exp uint64) (uint64, error) {
	var err error
	for ; exp > 0 && value != 0; exp-- {
		if value, err = mul(value, 10); err != nil {
			return 0, err
		}
	}
	return value, nil
}

func mul(a, b uint64) (uint64, error) {
	hi, lo := bits.Mul64(a, b)
	if hi != 0 {
		return 0, errTooLarge
	}
	return lo, nil
}

// hexDigit is the value of a hexadecimal digit, 99 if c is none.
func hexDigit(c byte) uint64 {
	switch {
	case IsDigit(c):
		return uint64(c - '0')
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10
	}
	return 99
}

// escapes are the one-letter escape sequences of strings.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '"': '"'}

// badEscape is an escape sequence that does not exist: bytes [start, end) of a literal.
type badEscape struct {
	Start, End int
	Message    string
}

// Unquote resolves the escapes of a string literal as written, quotes included (the closing
// one may be missing). What is wrong with it is in bad.
func Unquote(text string) (value string, bad []badEscape) {
	body := text[1:]
	if strings.IndexByte(body, '\\') < 0 {
		return strings.TrimSuffix(body, `"`), nil
	}
	var b strings.Builder
	for i := 0; i < len(body) && body[i] != '"'; {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			i++
			continue
		}
		c, n, message := Escape(body[i:])
		if message != "" {
			bad = append(bad, badEscape{i + 1, i + 1 + n, message})
		} else {
			b.WriteByte(c)
		}
		i += n
	}
	return b.String(), bad
}

// WrittenAt is where byte n of the value of a string literal begins in the literal as written.
func WrittenAt(text string, n int) int {
	i := 1
	for ; n > 0 && i < len(text); n-- {
		size := 1
		if text[i] == '\\' && i+1 < len(text) {
			_, size, _ = Escape(text[i:])
		}
		i += size
	}
	return i
}

// Escape resolves the escape sequence that text begins with: its byte, its length, or what is wrong with it.
func Escape(text string) (c byte, n int, message string) {
	if c, ok := escapes[text[1]]; ok {
		return c, 2, ""
	}
	switch {
	case text[1] >= '0' && text[1] <= '7':
		value, n := uint64(0), 1
		for n < 4 && n < len(text) && text[n] >= '0' && text[n] <= '7' {
			value = value*8 + hexDigit(text[n])
			n++
		}
		if value > 255 {
			return 0, n, "octal escape sequence '" + text[:n] + "' is larger than 255"
		}
		return byte(value), n, ""
	case text[1] == 'x' || text[1] == 'X':
		value, n := uint64(0), 2
		for n < 4 && n < len(text) && hexDigit(text[n]) < 16 {
			value = value*16 + hexDigit(text[n])
			n++
		}
		if n == 2 {
			return 0, 2, "'" + text[:2] + "' must be followed by hexadecimal digits"
		}
		return byte(value), n, ""
	}
	return 0, 2, "unknown escape sequence '" + text[:2] + "'"
}

// Quote writes a string literal. Bytes that are no part of a printable character are hexadecimal escapes.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == utf8.RuneError && n == 1 || !strconv.IsPrint(r):
			for _, c := range []byte(s[:n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	b.WriteByte('"')
	return b.String()
}

// BlankLen is the length of the run of blanks, or of the comment, that text begins with.
func BlankLen(text string) int {
	switch {
	case strings.HasPrefix(text, "//"):
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			return i
		}
		return len(text)
	case strings.HasPrefix(text, "/*"):
		if i := strings.Index(text[2:], "*/"); i >= 0 {
			return i + 4
		}
		return len(text)
	}
	n := 0
	for n < len(text) && IsBlank(text[n]) {
		n++
	}
	return n
}

func IsBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

func IsDigit(c byte) bool { return c >= '0' && c <= '9' }

func IsWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func IsWord(c byte) bool { return IsWordStart(c) || IsDigit(c) }

// WordLen is the length of the run of word characters that text begins with.
func WordLen(text string) int {
	n := 0
	for n < len(text) && IsWord(text[n]) {
		n++
	}
	return n
}
