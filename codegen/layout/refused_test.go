package layout

import (
	"encoding/binary"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// refuse does in memory what programs do when a map refuses the key n.
func refuse(s *MapSpec, mem []byte, n uint64) {
	size := s.RefusedKeySize()
	sample := SampleOf(size)
	binary.NativeEndian.PutUint64(mem[s.Refused-1:], n+1)
	slot := n
	switch {
	case sample.Modulus == 0 && n >= uint64(sample.First), sample.Modulus > 0 && n&(n-1) >= uint64(sample.First):
		return
	case sample.Modulus > 0:
		slot = n % uint64(sample.Modulus)
	}
	slot &= uint64(sample.Slots - 1)
	binary.NativeEndian.PutUint64(mem[s.Refused-1+8+int(slot)*Align8(size):], n)
}

func TestRefusedKeys(t *testing.T) {
	for _, tt := range []struct {
		keySize int
		n       uint64
		want    []uint64
		all     bool
	}{
		{8, 0, nil, true},
		{8, 3, []uint64{0, 1, 2}, true},
		{8, 8, []uint64{0, 1, 2, 3, 4, 5, 6, 7}, true},
		{8, 100, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64}, false},
		{24, 1<<12 + 1, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}, false},
		{1024, 100, []uint64{0, 1, 2, 3}, false},
	} {
		s := &MapSpec{KeySize: tt.keySize, Refused: 17, Script: &lang.Map{Key: types.TypeUint64}}
		mem := make([]byte, 16+s.RefusedSize())
		for n := range tt.n {
			refuse(s, mem, n)
		}
		keys, all := s.RefusedKeys(mem)
		var got []uint64
		for _, k := range keys {
			got = append(got, binary.NativeEndian.Uint64(k))
		}
		same := len(got) == len(tt.want) && all == tt.all
		for i := range min(len(got), len(tt.want)) {
			same = same && got[i] == tt.want[i]
		}
		if !same {
			t.Errorf("of %d keys of %d bytes: %v, all is %v", tt.n, tt.keySize, got, all)
		}
	}
	if keys, _ := (&MapSpec{KeySize: 8}).RefusedKeys(make([]byte, 8)); keys != nil {
		t.Errorf("a map without room for keys has %v", keys)
	}
}
