package probes

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestParseFunctions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parse func(io.Reader) ([]Function, error)
		text  string
		want  []Function
	}{
		{"filter functions", ParseFilterFunctions, "vfs_read\n__ftrace_invalid_address___128\nxfs_read [xfs]\naa\n\n",
			[]Function{{"aa", "", 0}, {"vfs_read", "", 0}, {"xfs_read", "xfs", 0}}},
		{"blacklist", ParseBlacklist, "0xffffffff81000000-0xffffffff81000010\tdo_int3\n0xffffffffc0000000-0xffffffffc0000010\tx [kvm]\nodd\n",
			[]Function{{"do_int3", "", 0}, {"x", "kvm", 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.parse(strings.NewReader(tt.text))
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestFindFunctions(t *testing.T) {
	all := []Function{{"a_one", "", 0}, {"a_one", "mod", 0}, {"a_two", "mod", 0}, {"b", "", 0}}
	for _, tt := range []struct {
		module, name string
		want         []Function
	}{
		{"", "a_one", []Function{{"a_one", "", 0}, {"a_one", "mod", 0}}},
		{"vmlinux", "a_one", []Function{{"a_one", "", 0}}},
		{"mod", "a_*", []Function{{"a_one", "mod", 0}, {"a_two", "mod", 0}}},
		{"vm*", "*", []Function{{"a_one", "", 0}, {"b", "", 0}}},
		{"", "c", nil},
	} {
		if got := findFunctions(all, tt.module, tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%s:%s finds %v, want %v", tt.module, tt.name, got, tt.want)
		}
	}
}

func TestTraceable(t *testing.T) {
	got := traceable([]Function{{"a", "", 0}, {"a.part.0", "", 0}, {"b", "m", 0}, {"b", "", 0}}, map[Function]bool{{"b", "", 0}: true})
	if want := []Function{{"a", "", 0}, {"b", "m", 0}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func FuzzParseFunctions(f *testing.F) {
	f.Add("vfs_read\nxfs_read [xfs]\n0x1-0x2\tdo_int3 [kvm]\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(io.Reader) ([]Function, error){ParseFilterFunctions, ParseBlacklist} {
			list, _ := parse(strings.NewReader(text))
			for _, fn := range list {
				if fn.Name == "" {
					t.Error("a function without a name")
				}
			}
		}
		_, _ = ParseEvents(strings.NewReader(text))
	})
}
