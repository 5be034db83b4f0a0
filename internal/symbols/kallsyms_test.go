package symbols

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const sampleKallsyms = "ffffffff81000000 T vfs_read\nffffffff81000010 t helper\nffffffff81000020 D data\n" +
	"0000000000000000 W weak\nffffffffc0000000 t xfs_read\t[xfs]\nffffffffc0000001 t bpf_prog_1_x\t[bpf]\n" +
	"ffffffffc0000002 t tramp\t[__builtin__ftrace]\nffffffff81000030 t __pfx_vfs_read\nbroken\nzz t x\nffffffff81000040 tt y\nffffffff81000040 t \n"

func TestReadKallsyms(t *testing.T) {
	var all, code, functions []string
	err := ReadKallsyms(strings.NewReader(sampleKallsyms), func(s KernelSymbol) {
		all = append(all, s.Name)
		if s.IsCode() {
			code = append(code, s.Name)
		}
		if s.IsFunction() {
			functions = append(functions, s.Name+":"+s.Module)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 8 || len(code) != 7 || slices.Contains(code, "data") {
		t.Errorf("all %v, code %v", all, code)
	}
	if want := []string{"vfs_read:", "helper:", "weak:", "xfs_read:xfs"}; !slices.Equal(functions, want) {
		t.Errorf("functions %v, want %v", functions, want)
	}
	if err := ReadKallsyms(strings.NewReader("0 t "+strings.Repeat("x", readAhead)), func(KernelSymbol) {}); err == nil {
		t.Error("a line without end is taken")
	}
}

func FuzzReadKallsyms(f *testing.F) {
	f.Add(sampleKallsyms)
	f.Fuzz(func(t *testing.T, text string) {
		_ = ReadKallsyms(strings.NewReader(text), func(s KernelSymbol) {
			if s.Name == "" {
				t.Error("a symbol without a name")
			}
		})
	})
}

// What somebody may have meant is of about the same length, or begins with the name.
func TestKernelSymbolsNear(t *testing.T) {
	if _, err := os.Stat("/proc/kallsyms"); err != nil {
		t.Skip("SKIPPED: no /proc/kallsyms")
	}
	const name, slack = "vfs_rea", 3
	want := map[string]int{}
	if err := EachKernelSymbol(func(s KernelSymbol) {
		if n := len(s.Name) - len(name); n >= -slack && n <= slack || strings.HasPrefix(s.Name, name) {
			want[s.Name]++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if want["vfs_read"] == 0 {
		t.Skip("SKIPPED: the kernel's symbols are not shown")
	}
	found, err := KernelSymbolsNear(name, slack)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range found {
		want[s.Name]--
	}
	for name, n := range want {
		if n != 0 {
			t.Errorf("%s: %d symbols too few", name, n)
		}
	}
}
