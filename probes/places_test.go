package probes

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/symbols"
)

const sampleKallsyms = `ffffffff81000000 T first
ffffffff81000100 t twice
ffffffff81000140 t .hidden_label
ffffffff81000200 t twice
ffffffff81000300 T last
ffffffffc0000000 t twice	[mod]
ffffffffc0000020 t of_mod	[mod]
0000000000000000 t nowhere
`

func kallsyms(t *testing.T, text string) (all []symbols.KernelSymbol) {
	t.Helper()
	if err := symbols.ReadKallsyms(strings.NewReader(text), func(s symbols.KernelSymbol) { all = append(all, s) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestKernelPlaces(t *testing.T) {
	e := &Env{places: placesOf(kallsyms(t, sampleKallsyms))}
	for _, tt := range []struct {
		module, name string
		want         []uint64 // sizes
	}{
		{"", "twice", []uint64{0x40, 0x100, 0x20}},
		{"vmlinux", "twice", []uint64{0x40, 0x100}},
		{"mod", "twice", []uint64{0x20}},
		{"", "nothing", nil},
		{"", "nowhere", []uint64{0}},
	} {
		got, err := e.placesNamed(tt.module, tt.name)
		if err != nil || len(got) != len(tt.want) {
			t.Errorf("%s:%s: %+v, %v", tt.module, tt.name, got, err)
			continue
		}
		for i, size := range tt.want {
			if got[i].Size != size {
				t.Errorf("%s:%s: %+v; want size %#x", tt.module, tt.name, got[i], size)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		offset uint64
		want   string
	}{
		{"first", 0xff, ""},
		{"first", 0x100, "offset 256 is outside of first, which has 256 bytes"},
		{"first", 1 << 63, "outside of first"},
		{"twice", 0xff, ""},
		{"twice", 100000, "outside of twice"},
		{"nowhere", 100000, ""},
		{"nothing", 100000, ""},
	} {
		err := e.checkOffset("", tt.name, tt.offset)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s+%d: %v; want %q", tt.name, tt.offset, err, tt.want)
		}
	}
}

func TestCopies(t *testing.T) {
	for _, f := range sortFunctions(functionsAmong(kallsyms(t, sampleKallsyms))) {
		want := 0
		if f.Name == "twice" && f.Module == "" {
			want = 2
		}
		if f.Copies != want {
			t.Errorf("%+v; want %d copies", f, want)
		}
	}
}
