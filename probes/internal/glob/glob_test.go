package glob

import (
	"path"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"vfs_read", "vfs_read", true},
		{"vfs_read", "vfs_readv", false},
		{"vfs_*", "vfs_read", true},
		{"vfs_*", "vfs_", true},
		{"vfs_*", "xvfs_read", false},
		{"*read", "vfs_read", true},
		{"*read", "vfs_readv", false},
		{"*", "", true},
		{"**", "a", true},
		{"", "", true},
		{"", "a", false},
		{"*a*b*", "xaxbx", true},
		{"*a*b*", "xbxax", false},
		{"a*b*c", "abbbc", true},
		{"a*bc", "abcbc", true},
		{"a*bc", "abcb", false},
		{"vfs_re?d", "vfs_read", true},
		{"vfs_re?d", "vfs_red", false},
		{"vfs_[rw]*", "vfs_write", true},
		{"vfs_[rw]*", "vfs_open", false},
		{"sys_[a-c]x", "sys_bx", true},
		{"sys_[a-c]x", "sys_dx", false},
		{"sys_[^a-c]x", "sys_dx", true},
		{"sys_[!a-c]x", "sys_ax", false},
		{"x[a-]", "x-", true},
		{"/lib/*.so", "/lib/x/y.so", true},
		{"main.Map[go.shape.int]", "main.Map[go.shape.int]", true}, // a function of Go
		{"main.Map[*", "main.Map[go.shape.int]", true},
		{"a[]b", "a[]b", true},
		{"a[", "a[", true},
	} {
		if got := Match(tt.pattern, tt.name); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

// FuzzMatch compares with package path, whose sets of characters are another language.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		got := Match(pattern, name)
		if strings.ContainsAny(pattern, `[]\`) || strings.ContainsAny(pattern+name, "/") || !ascii(pattern+name) || pattern == name {
			return
		}
		if want, err := path.Match(pattern, name); err == nil && got != want {
			t.Errorf("Match(%q, %q) = %v", pattern, name, got)
		}
	})
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
