package insn

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func code(t *testing.T, text string) []byte {
	t.Helper()
	out, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFindReturns(t *testing.T) {
	for _, tt := range []struct {
		what, arch, code string
		offsets          []uint64
		leaves, whole    bool
	}{
		{"two returns", "amd64", "85 c0 74 01 c3 b8 01 00 00 00 c3", []uint64{4, 10}, false, true},
		{"a byte of a number is no return", "amd64", "b8 c3 c3 c3 c3 c3", []uint64{5}, false, true},
		{"with a prefix, with a number", "amd64", "f3 c3 c2 08 00", []uint64{0, 2}, false, true},
		{"a loop", "amd64", "90 eb fd", nil, false, true},
		{"a jump away", "amd64", "90 e9 00 01 00 00", nil, true, true},
		{"a jump back before the function", "amd64", "eb f0 c3", []uint64{2}, true, true},
		{"an unknown instruction", "amd64", "c3 06 c3", []uint64{0}, false, false},
		{"a cut one", "amd64", "c3 48", []uint64{0}, false, false},
		{"arm64", "arm64", "1f2003d5 c0035fd6 00 00 00 14", []uint64{4}, false, true},
		{"arm64, a jump away", "arm64", "1f2003d5 10 00 00 14", nil, true, true},
		{"arm64, a loop", "arm64", "1f2003d5 ff ff ff 17", nil, false, true},
	} {
		got := FindReturns(tt.arch, code(t, tt.code))
		if !slices.Equal(got.Offsets, tt.offsets) || got.Leaves != tt.leaves || got.Whole != tt.whole {
			t.Errorf("%s: %+v", tt.what, got)
		}
	}
}

func TestAfterStackCheck(t *testing.T) {
	for _, tt := range []struct {
		what, arch, code string
		want             uint64
	}{
		{"a small frame", "amd64", "49 3b 66 10 76 20 55 48 89 e5", 6},
		{"a far jump", "amd64", "49 3b 66 10 0f 86 20 01 00 00 55 48 89 e5", 10},
		{"a large frame", "amd64", "4c 8d a4 24 00 ff ff ff 4d 3b 66 10 0f 86 20 01 00 00 55 48 89 e5", 18},
		{"a frame of some size", "amd64", "4c 8d 64 24 c8 4d 3b 66 10 76 20 55 48 89 e5", 11},
		{"a huge frame", "amd64", "49 89 e4 49 81 ec 00 00 10 00 72 20 4d 3b 66 10 76 20 55 48 89 e5", 18},
		{"before Go 1.17", "amd64", "64 48 8b 0c 25 f8 ff ff ff 48 3b 61 10 76 20 48 83 ec 18", 15},
		{"no check", "amd64", "48 8d 04 03 c3", 0},
		{"a check without a frame", "amd64", "49 3b 66 10 76 20 90 90 90", 0},
		{"cut", "amd64", "49 3b 66 10", 0},
		{"empty", "amd64", "", 0},
		{"arm64", "arm64", "900b40f9 ff6330eb 49010054 fe0f1ef8", 12},
		{"arm64, no check", "arm64", "1f2003d5 c0035fd6", 0},
	} {
		if got := AfterStackCheck(tt.arch, code(t, tt.code)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.what, got, tt.want)
		}
	}
}

// FuzzGo holds that no code stops the search, and that what is found lies in it.
func FuzzGo(f *testing.F) {
	f.Add(true, []byte{0x49, 0x3b, 0x66, 0x10, 0x76, 0x20, 0x55, 0xc3})
	f.Fuzz(func(t *testing.T, arm bool, code []byte) {
		arch := "amd64"
		if arm {
			arch = "arm64"
		}
		for _, off := range FindReturns(arch, code).Offsets {
			if off >= uint64(len(code)) {
				t.Errorf("a return at %d of %d", off, len(code))
			}
		}
		if off := AfterStackCheck(arch, code); off > uint64(len(code)) {
			t.Errorf("the check ends at %d of %d", off, len(code))
		}
	})
}
