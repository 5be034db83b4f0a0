package scriptgen

import (
	"strings"
	"testing"
	"time"
)

func TestSameSeedSameScript(t *testing.T) {
	for seed := range uint64(50) {
		opts := Options{Kprobes: true, Uprobe: "/bin/sh:main", More: seed%2 == 1}
		if first, second := Script(seed, opts), Script(seed, opts); first != second {
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

// TestLimit has a search that ends by the number of tries, and one whose time is over before it begins.
func TestLimit(t *testing.T) {
	script := "BEGIN\n{\n" + strings.Repeat("\tprint(1);\n", 20) + "}\n"
	for name, l := range map[string]*Limit{"tries": {Tries: 5, End: time.Now().Add(time.Hour)}, "time": {Tries: 5, End: time.Now()}} {
		want, tried := 5, 0
		if name == "time" {
			want = 0
		}
		Minimise(script, l.Within(func(string) bool { tried++; return false }))
		if tried != want || !l.Reached() {
			t.Errorf("%s: %d scripts were tried, want %d", name, tried, want)
		}
	}
}
