package runtime

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang"
)

// Maps without a key print nothing until they are set, their zero after zero(), and nothing after clear().
func TestGlobalMaps(t *testing.T) {
	needRoot(t)
	signed := lang.Int{Bits: 64, Signed: true}
	for _, c := range []struct {
		name   string
		value  lang.Type
		layout codegen.ValueLayout
		size   int
		set    []byte
		want   string
		zero   string
		unset  string
	}{
		{"integer", signed, codegen.ValueLayout{Storage: codegen.StorageGlobal, Size: 8, Present: 8}, 16,
			int64Bytes(-4, 1), "@m: -4\n", "@m: 0\n", "@m: 0\n"},
		{"integer set to 0", signed, codegen.ValueLayout{Storage: codegen.StorageGlobal, Size: 8, Present: 8}, 16,
			int64Bytes(0, 1), "@m: 0\n", "@m: 0\n", "@m: 0\n"},
		{"integer a CPU", lang.Int{Bits: 32, Signed: true}, codegen.ValueLayout{Storage: codegen.StoragePerCPUGlobal, Size: 8, Stride: 64, Present: -1}, 128,
			append(append(int64Bytes(-5), make([]byte, 56)...), append(int64Bytes(2), make([]byte, 56)...)...), "@m: -3\n", "@m: 0\n", "@m: 0\n"},
		{"stats", lang.Agg{Kind: lang.AggStats}, codegen.ValueLayout{Storage: codegen.StoragePerCPUGlobal, Size: 16, Stride: 64, Present: -1}, 64,
			append(int64Bytes(7, 2), make([]byte, 48)...), "@m: { .count = 2, .average = 3, .total = 7 }\n",
			"@m: { .count = 0, .average = 0, .total = 0 }\n", "@m: { .count = 0, .average = 0, .total = 0 }\n"},
		{"linear histogram", lang.Agg{Kind: lang.AggLHist, Max: 10, Step: 10}, codegen.ValueLayout{Storage: codegen.StoragePerCPUGlobal, Size: 24, Stride: 64, Present: -1}, 64,
			append(int64Bytes(0, 3, 0), make([]byte, 40)...), "@m:\n" + bar("[0, 10)", 3, 52) + "\n", "@m:\n\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &lang.Map{Name: "m", Value: c.value}
			s, err := Load(&codegen.Blueprint{Checked: checked(m), Maps: []*codegen.MapSpec{{
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
				if got := mapText(t, m, list, 0, 1); got != want {
					t.Errorf("%s: %q, want %q", what, got, want)
				}
			}
			check("untouched", "")
			if got := mapText(t, m, sm.unset(), 0, 1); got != c.unset {
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
	for name, l := range map[string]codegen.ValueLayout{
		"no stride":  {Storage: codegen.StoragePerCPUGlobal, Size: 16},
		"too small":  {Storage: codegen.StorageHash, Size: 8},
		"no storage": {Storage: 99, Size: 16},
	} {
		m := &lang.Map{Name: "m", Value: lang.Agg{Kind: lang.AggAvg}}
		if _, err := newScriptMap(&codegen.MapSpec{Name: "@m", Script: m, Layout: l, ValueSize: 64}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A map whose short keys lie in a kernel map of their own is one map to its reader.
func TestShortKeys(t *testing.T) {
	needRoot(t)
	m := &lang.Map{Name: "m", Key: lang.String{Len: 200}, Value: lang.Int{Bits: 64, Signed: true}}
	layout := codegen.ValueLayout{Storage: codegen.StorageHash, Size: 8, Present: -1}
	short := &codegen.MapSpec{Name: "@m/short", Type: ebpf.Hash, KeySize: 64, ValueSize: 8, MaxEntries: 4, Script: m, Layout: layout, IsShort: true}
	long := &codegen.MapSpec{Name: "@m", Type: ebpf.Hash, KeySize: 200, ValueSize: 8, MaxEntries: 4, Script: m, Layout: layout, Short: short}
	s, err := Load(&codegen.Blueprint{Checked: checked(m), Maps: []*codegen.MapSpec{long, short}}, Options{})
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
		if got := mapText(t, m, list, 0, 1); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("set", "@m["+text+"]: 1\n@m[b]: 2\n@m[a]: 3\n")
	for k, want := range map[string]int64{text: 1, "b": 2, "a": 3} {
		e, ok, err := sm.lookup(key(k, 200))
		if err != nil || !ok || string(e.value) != string(int64Bytes(want)) {
			t.Errorf("looking %q up: %v, %v, %v", k, e.value, ok, err)
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
