package runtime

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// Maps without a key print nothing until they are set, their zero after zero(), and nothing after clear().
func TestGlobalMaps(t *testing.T) {
	needRoot(t)
	signed := types.Int{Bits: 64, Signed: true}
	for _, c := range []struct {
		name   string
		value  types.Type
		layout layout.ValueLayout
		size   int
		set    []byte
		want   string
		zero   string
		unset  string
	}{
		{"integer", signed, layout.ValueLayout{Storage: layout.StorageGlobal, Size: 8, Present: 8}, 16,
			int64Bytes(-4, 1), "@m: -4\n", "@m: 0\n", "@m: 0\n"},
		{"integer set to 0", signed, layout.ValueLayout{Storage: layout.StorageGlobal, Size: 8, Present: 8}, 16,
			int64Bytes(0, 1), "@m: 0\n", "@m: 0\n", "@m: 0\n"},
		{"integer a CPU", types.Int{Bits: 32, Signed: true}, layout.ValueLayout{Storage: layout.StoragePerCPUGlobal, Size: 8, Stride: 64, Present: -1}, 128,
			append(append(int64Bytes(-5), make([]byte, 56)...), append(int64Bytes(2), make([]byte, 56)...)...), "@m: -3\n", "@m: 0\n", "@m: 0\n"},
		{"stats", types.Agg{Kind: types.AggStats}, layout.ValueLayout{Storage: layout.StoragePerCPUGlobal, Size: 16, Stride: 64, Present: -1}, 64,
			append(int64Bytes(7, 2), make([]byte, 48)...), "@m: { .count = 2, .average = 3, .total = 7 }\n",
			"@m: { .count = 0, .average = 0, .total = 0 }\n", "@m: { .count = 0, .average = 0, .total = 0 }\n"},
		{"linear histogram", types.Agg{Kind: types.AggLHist, Max: 10, Step: 10}, layout.ValueLayout{Storage: layout.StoragePerCPUGlobal, Size: 24, Stride: 64, Present: -1}, 64,
			append(int64Bytes(0, 3, 0), make([]byte, 40)...), "@m:\n" + fmt.Sprintf("%-16s%8d |%s|\n", "[0, 10)", 3, strings.Repeat("@", 52)) + "\n", "@m:\n\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &lang.Map{Name: "m", Value: c.value}
			s, err := Load(&codegen.Blueprint{Checked: checked(m), Maps: []*layout.MapSpec{{
				Name: "@m", Type: ebpf.Array, KeySize: 4, ValueSize: c.size, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE, Script: m, Layout: c.layout,
			}}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			sm := s.scriptMaps[m]
			check := func(what, want string) {
				t.Helper()
				list, err := sm.entries()
				if err != nil {
					t.Fatal(err)
				}
				if got := mapText(t, m, list, 1); got != want {
					t.Errorf("%s: %q, want %q", what, got, want)
				}
			}
			check("untouched", "")
			if got := mapText(t, m, sm.unset(), 1); got != c.unset {
				t.Errorf("print of an unset map: %q, want %q", got, c.unset)
			}
			if err := sm.zero(); err != nil {
				t.Fatal(err)
			}
			check("untouched, then zero()", "")
			copy(sm.mem, c.set)
			check("set", c.want)
			if err := sm.zero(); err != nil {
				t.Fatal(err)
			}
			check("after zero()", c.zero)
			if err := sm.clear(); err != nil {
				t.Fatal(err)
			}
			check("after clear()", "")
		})
	}
}

func TestLayoutErrors(t *testing.T) {
	for name, l := range map[string]layout.ValueLayout{
		"no stride":  {Storage: layout.StoragePerCPUGlobal, Size: 16},
		"too small":  {Storage: layout.StorageHash, Size: 8},
		"no storage": {Storage: 99, Size: 16},
	} {
		m := &lang.Map{Name: "m", Value: types.Agg{Kind: types.AggAvg}}
		if _, err := newScriptMap(&layout.MapSpec{Name: "@m", Script: m, Layout: l, ValueSize: 64}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A map whose short keys lie in a kernel map of their own is one map to its reader.
func TestShortKeys(t *testing.T) {
	needRoot(t)
	m := &lang.Map{Name: "m", Key: types.String{Len: 200}, Value: types.Int{Bits: 64, Signed: true}}
	lay := layout.ValueLayout{Storage: layout.StorageHash, Size: 8, Present: -1}
	short := &layout.MapSpec{Name: "@m/short", Type: ebpf.Hash, KeySize: 64, ValueSize: 8, MaxEntries: 4, Script: m, Layout: lay, IsShort: true}
	long := &layout.MapSpec{Name: "@m", Type: ebpf.Hash, KeySize: 200, ValueSize: 8, MaxEntries: 4, Script: m, Layout: lay, Short: short}
	s, err := Load(&codegen.Blueprint{Checked: checked(m), Maps: []*layout.MapSpec{long, short}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sm := s.scriptMaps[m]
	text := strings.Repeat("x", 100)
	key := func(s string, size int) []byte { return append([]byte(s), make([]byte, size-len(s))...) }
	for _, e := range []struct {
		m     *ebpf.Map
		key   []byte
		value int64
	}{{sm.m, key(text, 200), 1}, {sm.short.m, key("b", 64), 2}, {sm.short.m, key("a", 64), 3}} {
		if err := e.m.Put(e.key, int64Bytes(e.value)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what, want string) {
		t.Helper()
		list, err := sm.entries()
		if err != nil {
			t.Fatal(err)
		}
		if got := mapText(t, m, list, 1); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("set", "@m["+text+"]: 1\n@m[b]: 2\n@m[a]: 3\n")
	for k, want := range map[string]int64{text: 1, "b": 2, "a": 3} {
		e, ok, err := sm.lookup(key(k, 200))
		if err != nil || !ok || string(e.Value) != string(int64Bytes(want)) {
			t.Errorf("looking %q up: %v, %v, %v", k, e.Value, ok, err)
		}
	}
	if err := sm.zero(); err != nil {
		t.Fatal(err)
	}
	if list, err := sm.entries(); err != nil || len(list) != 3 {
		t.Errorf("%d elements after zero(): %v", len(list), err)
	}
	if err := sm.clear(); err != nil {
		t.Fatal(err)
	}
	check("after clear()", "")
}
