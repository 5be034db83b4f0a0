package langtest

import (
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"abc", "abc", true},
		{"abc", "abcd", false},
		{"*", "", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "ac", true},
		{"ab*bc", "abc", false},
		{"*b*b*", "abb", true},
		{"*bb*b", "abb", false},
		{"x*", "abc", false},
		{strings.Repeat("*", 100) + "z", "sys_enter_openat_and_a_longer_name", false},
	}
	for _, tt := range tests {
		if got := glob(tt.pattern, tt.name); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.name, got)
		}
	}
}
