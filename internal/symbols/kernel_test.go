package symbols

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKernelSymbols(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kallsyms")
	const text = `ffffffff81000000 T _stext
ffffffff81000000 T first_too
ffffffff81002000 t later
ffffffff81001000 W weak [module]
ffffffff81003000 D data
0000000000000000 T hidden
nonsense
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &Kernel{path: path}
	for addr, want := range map[uint64]string{
		0xffffffff81000000: "_stext",
		0xffffffff81000fff: "_stext",
		0xffffffff81001008: "weak",
		0xffffffff81003010: "later",
		0xffffffff80ffffff: "",
		0:                  "",
	} {
		got, ok := k.Lookup(addr)
		if got != want || ok != (want != "") {
			t.Errorf("%#x is %q, want %q", addr, got, want)
		}
	}
	if _, ok := (&Kernel{path: "/nonexistent"}).Lookup(1 << 63); ok {
		t.Error("found a symbol without a table")
	}
}
