package probes

import (
	"slices"
	"strings"
	"testing"
)

func TestTypePatterns(t *testing.T) {
	for text, want := range map[string][]string{ // the patterns of types, then the rest
		"struct x":                      {"struct x", ""},
		" struct   x ,k:vfs_*,union y*": {"struct x", "union y*", "k:vfs_*"},
		"enum *":                        {"enum *", ""},
		"k:vfs_read":                    {"k:vfs_read"},
		"struct":                        {"struct"},
		"structure x":                   {"structure x"},
		`u:"/a b":struct`:               {`u:"/a b":struct`},
	} {
		types, rest := TypePatterns(text)
		if got := append(types, rest); !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestListTypes(t *testing.T) {
	e := needTypes(t)
	for _, tt := range []struct {
		pattern string
		define  bool
		want    string
	}{
		{"struct list_head", false, "struct list_head"},
		{"struct list_head", true, "vmlinux: struct list_head {\n\tstruct list_head *next;\n\tstruct list_head *prev;\n};\n"},
		{"union sigval", true, "vmlinux: union sigval {\n\tint sival_int;\n\tvoid *sival_ptr;\n};\n"},
		{"enum pid_type", true, "vmlinux: enum pid_type {\n\tPIDTYPE_PID = 0,\n\tPIDTYPE_TGID = 1,\n\tPIDTYPE_PGID = 2,\n\tPIDTYPE_SID = 3,\n\tPIDTYPE_MAX = 4,\n};\n"},
		{"struct no_such_thing", false, ""},
		{"struct no_such_thing", true, ""},
		{"union list_head", true, ""},
	} {
		got, err := ListTypes(e, tt.pattern, tt.define)
		if err != nil || strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.pattern, got, err, tt.want)
		}
	}
	names, err := ListTypes(e, "struct *", false)
	if err != nil || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || !slices.Contains(names, "struct task_struct") {
		t.Errorf("%d names, %v", len(names), err)
	}
}

// Types of modules are listed with the module's name.
func TestListModuleTypes(t *testing.T) {
	e := needTypes(t)
	for _, module := range moduleNames() {
		types, err := e.module(module)
		if err != nil {
			t.Fatal(err)
		}
		names, err := types.matching("struct", "*", false)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if found, err := ListTypes(e, name, true); err != nil || len(found) == 0 {
				t.Fatalf("%s of %s: %v, %v", name, module, found, err)
			} else if slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, module+": "+name+" {\n") }) {
				return
			}
		}
	}
	t.Skip("SKIPPED: no module has types that the kernel has not")
}
