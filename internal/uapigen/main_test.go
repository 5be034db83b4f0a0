package main

import (
	"bytes"
	"os"
	"runtime"
	"testing"
)

// TestFresh makes the table of amd64 again where the packages it was made of are installed.
func TestFresh(t *testing.T) {
	want, err := os.ReadFile("VERSION")
	if err != nil {
		t.Fatal(err)
	}
	if have := installed("/"); runtime.GOARCH != "amd64" || have != string(want) {
		t.Skipf("SKIPPED: the table is made of\n%sand installed is on %s\n%s", want, runtime.GOARCH, have)
	}
	values, err := Constants("/", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("../../lang/ctypes/uapi.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Table(values), table) {
		t.Error("lang/ctypes/uapi.txt is not what internal/uapigen makes: run go generate ./lang/ctypes")
	}
}

func TestTable(t *testing.T) {
	got := string(Table(map[string]string{"AB": "1", "ABC": "-2", "B": "", "ABD": "3"}))
	if want := "AAB 1\nCC -2\nCD 3\nAB\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d := Difference(map[string]string{"A": "1", "B": "2", "C": "3"}, map[string]string{"A": "1", "B": "4", "D": "5"})
	if len(d) != 3 || d["B"] != "4" || d["C"] != "" || d["D"] != "5" {
		t.Errorf("the difference is %v", d)
	}
}
