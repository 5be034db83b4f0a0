package layout

import (
	"encoding/binary"
	"slices"

	"github.com/gotrace/gotrace/lang/types"
)

// A map that is full refuses keys. Some of them are kept for the message about it, in the value of MapRefused: at MapSpec.Refused a u64, how many
// there were, and room for keys of RefusedKeySize bytes, each rounded up to 8. Those are the first ones and, of short keys, the refusals whose
// number is a power of two, so that later ones are among them too.

// RefusedSample is how keys of a size are sampled.
type RefusedSample struct {
	First int // so many of the first are kept, a power of two
	// Slots is the number of places. Refusal n is at n modulo Modulus, which is a prime of which 2 is a primitive root: powers of two
	// meet none of the first, and not each other, before the 23rd. It is 0 where only the first are kept.
	Slots, Modulus int
}

// Keys that are longer than refusedShort are sampled less.
const refusedShort = 256

// SampleOf is how keys of so many bytes are sampled.
func SampleOf(keySize int) RefusedSample {
	if keySize > refusedShort {
		return RefusedSample{First: 4, Slots: 4}
	}
	return RefusedSample{First: 8, Slots: 64, Modulus: 37} // 64: the next power of two, for the verifier
}

// RefusedKeySize is how many bytes of a key are kept: those of a short key where a map keeps these apart.
func (s *MapSpec) RefusedKeySize() int {
	if s.Short != nil {
		return s.Short.KeySize
	}
	return s.KeySize
}

// RefusedSize is what a map takes in MapRefused.
func (s *MapSpec) RefusedSize() int {
	size := s.RefusedKeySize()
	return 8 + SampleOf(size).Slots*Align8(size)
}

// RefusedKeyType is the type of the keys that are kept: of a long string at the end there is the beginning, which fills its field if more is missing.
func (s *MapSpec) RefusedKeyType() types.Type {
	if s.Short == nil {
		return s.Script.Key
	}
	t, ok := s.Script.Key.(types.Tuple)
	if !ok {
		return types.String{Len: ShortString}
	}
	t.Elems = slices.Clone(t.Elems)
	t.Elems[len(t.Elems)-1] = types.String{Len: ShortString}
	return t
}

// RefusedKeys are the keys that a map refused, as far as they were kept, each once, in the order in which they came; all says that these are all
// that there were. mem is the value of MapRefused.
func (s *MapSpec) RefusedKeys(mem []byte) (keys [][]byte, all bool) {
	at := s.Refused - 1
	if at < 0 || at+s.RefusedSize() > len(mem) {
		return nil, false
	}
	mem = mem[at : at+s.RefusedSize()]
	size := s.RefusedKeySize()
	sample := SampleOf(size)
	n := binary.NativeEndian.Uint64(mem)
	seen := map[string]bool{}
	add := func(i uint64) {
		slot := int(i)
		if sample.Modulus > 0 {
			slot = int(i % uint64(sample.Modulus))
		}
		off := 8 + slot*Align8(size)
		if key := mem[off : off+size]; !seen[string(key)] {
			seen[string(key)] = true
			keys = append(keys, key)
		}
	}
	for i := range min(n, uint64(sample.First)) {
		add(i)
	}
	for i := uint64(sample.First); sample.Modulus > 0 && i < n && i < 1<<22; i *= 2 {
		add(i)
	}
	return keys, n <= uint64(sample.First)
}
