package symbols

import (
	"debug/elf"
	"os/exec"
	"strings"
	"testing"
)

func TestDemangleD(t *testing.T) {
	for symbol, want := range map[string][2]string{
		"_Dmain": {"D main", "D main"},
		"_D5hello4fun1FiAyadPSQt5PointHQpiDFiZiZi": {
			"hello.fun1(int, immutable(char)[], double, hello.Point*, int[immutable(char)[]], int delegate(int))", "hello.fun1"},
		"_D5hello5Point3sumMxFiZi":                    {"hello.Point.sum(int) const", "hello.Point.sum"},
		"_D5hello7Counter3addMFAyaAiXi":               {"hello.Counter.add(immutable(char)[], int[]...)", "hello.Counter.add"},
		"_D5hello7Counter6__ctorMFiZCQBaQx":           {"hello.Counter.this(int)", "hello.Counter.this"},
		"_D5hello7Counter6__dtorMFZv":                 {"hello.Counter.~this()", "hello.Counter.~this"},
		"_D5hello__T5namedVAyaa3_666f6fZQuFNaNfiZQBa": {`hello.named!("foo").named(int)`, `hello.named!("foo").named`},
		"_D5hello__T5timesVii3TiZQnFNaNfiKiZi":        {"hello.times!(3, int).times(int, ref int)", "hello.times!(3, int).times"},
		"_D4test3fooFZ3barMFZv":                       {"test.foo().bar()", "test.foo().bar"},
		"_D":                                          {}, "_D5hello": {}, "_D5hello4fun1FiQaZi": {}, "_D99999999999999999999a": {}, "_DTIFLE_x": {},
		"_D5hello" + strings.Repeat("__T1a", 500): {},
	} {
		full, short, ok := Demangle(symbol)
		if full != want[0] || short != want[1] || ok != (want[0] != "") {
			t.Errorf("%s: %q, %q, %v", symbol, full, short, ok)
		}
	}
}

// TestDemangleLibrary compares the names in D's library with c++filt's.
func TestDemangleLibrary(t *testing.T) {
	f, err := elf.Open("/usr/lib/x86_64-linux-gnu/libgphobos.so.3")
	if err != nil {
		t.Skipf("SKIPPED: no library of D here: %v", err)
	}
	defer f.Close()
	all, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range all {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && strings.HasPrefix(s.Name, "_D") {
			names = append(names, s.Name)
		}
	}
	filter := exec.Command("c++filt", "-s", "dlang")
	filter.Stdin = strings.NewReader(strings.Join(names, "\n"))
	out, err := filter.Output()
	if err != nil {
		t.Skipf("SKIPPED: no c++filt: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(names) {
		t.Fatalf("%d names, %d lines of c++filt", len(names), len(lines))
	}
	bad := 0
	for i, name := range names {
		full, _, ok := Demangle(name)
		if !ok {
			full = name
		}
		if strings.HasPrefix(lines[i], "_D") || strings.Contains(lines[i], " delegate") || strings.Contains(lines[i], " function") {
			continue // it cannot read the attributes of newer compilers, and has types of functions in an order that is not D's
		}
		if full != lines[i] {
			if bad++; bad <= 10 {
				t.Logf("%s:\n    %s\nc++filt %s", name, full, lines[i])
			}
		}
	}
	if bad*100 > len(names) { // c++filt itself has a const of what a function is in, or leaves it out
		t.Errorf("%d of %d names are different", bad, len(names))
	}
}

// FuzzDemangleD holds that no symbol stops the reader.
func FuzzDemangleD(f *testing.F) {
	f.Add("_D5hello4fun1FiAyadPSQt5PointHQpiDFiZiZi")
	f.Add("_D5hello__T5namedVAyaa3_666f6fZQuFNaNfiZQBa")
	f.Fuzz(func(t *testing.T, symbol string) {
		full, short, ok := demangleD(symbol)
		if ok != (full != "") || !strings.HasPrefix(full, short) || len(full) > 1<<17 {
			t.Errorf("%q: %q, %q, %v", symbol, full, short, ok)
		}
	})
}
