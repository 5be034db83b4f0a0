package layout

import (
	"bytes"

	"github.com/gotrace/gotrace/lang/types"
)

// KeySize is the size of a map's keys (see MapSpec). The kernel wants a byte of the empty tuple, too.
func KeySize(t types.Type) int { return max(8, Align8(t.Size())) }

// ShortString is the size of a short string, its NUL included: keys that end with one are apart (see MapSpec.Short).
const ShortString = 64

// LongString finds the string at the end of a key; ok is false if there is none so long that short keys are worth a map of their own.
func LongString(key types.Type) (off, size int, ok bool) {
	switch t := key.(type) {
	case types.String:
		return 0, t.Len, t.Len > 2*ShortString
	case types.Tuple:
		if last := len(t.Elems) - 1; last >= 0 {
			s, ok := t.Elems[last].(types.String)
			return t.Offset(last), s.Len, ok && s.Len > 2*ShortString
		}
	}
	return 0, 0, false
}

// ShortKeySize is the size of the short keys of a map: up to the end of a short string. ok is false if it keeps them with the others.
func ShortKeySize(key types.Type) (size int, ok bool) {
	off, _, ok := LongString(key)
	return off + ShortString, ok
}

// ShortKey is a key of s as the map of short keys has it; ok is false if it is a long one.
func (s *MapSpec) ShortKey(key []byte) (short []byte, ok bool) {
	if s.Short == nil || len(key) < s.Short.KeySize || len(bytes.Trim(key[s.Short.KeySize:], "\x00")) > 0 {
		return nil, false
	}
	return key[:s.Short.KeySize], true
}

// WholeKey is a key of s.Short as s would have it.
func (s *MapSpec) WholeKey(short []byte) []byte {
	key := make([]byte, s.KeySize)
	copy(key, short)
	return key
}
