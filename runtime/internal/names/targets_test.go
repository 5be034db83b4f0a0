package names

import (
	"path/filepath"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
)

func TestUserSymbolsLookup(t *testing.T) {
	u := &targets{funcs: []userFunc{
		{"fixed", 0x401040, false},
		{"library_a", 0x12340, true},
		{"library_a", 0x12340, true}, // in both symbol tables
		{"library_b", 0x22350, true},
		{"library_c", 0x33350, true},
	}}
	u.once.Do(func() {})
	for addr, want := range map[uint64]string{
		0x401040:       "fixed",
		0x501040:       "", // only movable functions are found elsewhere
		0x7f0000012340: "library_a",
		0x7f0000022350: "", // b or c
		0x7f0000012341: "",
	} {
		if got, ok := u.lookup(addr); got != want || ok != (want != "") {
			t.Errorf("%#x is %q, want %q", addr, got, want)
		}
	}
}

// The C library has malloc in its dynamic symbol table, and is position-independent.
func TestUserSymbolsOfLibrary(t *testing.T) {
	libs, _ := filepath.Glob("/lib/*/libc.so.6")
	if len(libs) == 0 {
		t.Skip("SKIPPED: no C library in /lib")
	}
	kind := builtin.ProbeKindByName("uprobe")
	u := newTargets([]*lang.Prog{
		{Kind: kind, Targets: []lang.Target{{Kind: kind, Path: libs[0], Func: "malloc"}, {Kind: kind, Path: "/nonexistent", Func: "x"}}},
		{Kind: builtin.ProbeKindByName("kprobe"), Targets: []lang.Target{{Func: "vfs_read"}}},
	})
	u.once.Do(u.load)
	if len(u.targets) != 2 || len(u.funcs) == 0 || !u.funcs[0].movable {
		t.Fatalf("targets %v, functions %v", u.targets, u.funcs)
	}
	if got, _ := u.lookup(0x7f00_0000_0000 + u.funcs[0].addr); got != "malloc" {
		t.Errorf("malloc is %q", got)
	}
}
