package scriptgen

import (
	"strings"
	"testing"
)

func TestSameSeedSameScript(t *testing.T) {
	for seed := range uint64(50) {
		if first, second := Script(seed, Options{Kprobes: true, Uprobe: "/bin/sh:main"}), Script(seed, Options{Kprobes: true, Uprobe: "/bin/sh:main"}); first != second {
			t.Fatalf("seed %d gives two scripts", seed)
		}
	}
}

func TestMinimise(t *testing.T) {
	script := "BEGIN\n{\n\t$v1 = 1;\n\tif ($v1) {\n\t\tprintf(\"x\\n\");\n\t} else {\n\t\tbad;\n\t}\n\t$v2 = 2;\n}\nEND\n/pid/\n{\n\tprint(1);\n}\n"
	got := Minimise(script, func(s string) bool { return strings.Contains(s, "bad;") })
	if want := "\t\tbad;\n"; !strings.Contains(got, want) || strings.Contains(got, "END") || strings.Contains(got, "$v2") {
		t.Errorf("minimised to %q", got)
	}
}
