package codegen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
)

// TestKernelShortKeys uses keys around the length at which an element changes from one kernel map to the other,
// in every way in which a map is used.
func TestKernelShortKeys(t *testing.T) {
	var fill strings.Builder
	lengths := []int{0, 1, 62, 63, 64, 65, 128, 149}
	for i, n := range lengths {
		fmt.Fprintf(&fill, "@src[%d] = %q; ", i, strings.Repeat(string(rune('a'+i)), n))
	}
	s := inKernel(t, `
		rawtracepoint:sys_exit { `+fill.String()+` }
		rawtracepoint:sys_enter {
			$s = @src[arg0]; $t = (7, @src[arg0]);
			@set[$s] = arg0 + 1; @got[arg0] = @set[@src[arg0]];
			@n[@src[arg0]] = count(); @rn[arg0] = (int64)@n[$s];
			@inc[1, $s]++; @rinc[arg0] = @inc[1, @src[arg0]];
			@tup[$t] = 5; @rtup[arg0] = @tup[7, $s];
			@nest[$s, $s] = 6; @rnest[arg0] = @nest[@src[arg0], $s];
			@has[arg0] = has_key(@set, $s); @hasnot[arg0] = has_key(@set, "never set");
			@h[$s] = hist(3);
			@len = len(@set);
		}`)
	s.run(0)
	for range 2 {
		for i := range lengths {
			s.run(1, int64(i))
		}
	}
	for i := range lengths {
		k := int64(i)
		for name, want := range map[string]int64{"@got": k + 1, "@rn": 2, "@rinc": 2, "@rtup": 5, "@rnest": 6, "@has": 1, "@hasnot": 0} {
			if got := s.number(name, k); got != want {
				t.Errorf("%s of a string of %d bytes is %d, want %d", name, lengths[i], got, want)
			}
		}
	}
	if got := s.number("@len", 0); got != int64(len(lengths)) {
		t.Errorf("len is %d", got)
	}
	for name, want := range map[string]int{"@set": 4, "@set/short": 4, "@n": 4, "@n/short": 4, "@tup/short": 4, "@nest": 4, "@h/short": 4} {
		if got := s.count(name); got != want {
			t.Errorf("%s has %d elements, want %d", name, got, want)
		}
	}
	if f := s.failures(); len(f) > 0 {
		t.Errorf("failures: %v", f)
	}
}

// count is the number of elements of a kernel map. Keys must be padded with zeros.
func (s *session) count(name string) int {
	s.t.Helper()
	n := 0
	var key any
	for {
		next, err := s.maps[name].NextKeyBytes(key)
		if err != nil {
			s.t.Fatalf("walking %s: %v", name, err)
		}
		if next == nil {
			return n
		}
		n++
		off, _, _ := layout.LongString(s.spec(name).Script.Key)
		text := strings.TrimRight(string(next[off:]), "\x00")
		if strings.Contains(text, "\x00") || strings.Trim(text, text[:min(1, len(text))]) != "" {
			s.t.Errorf("%s has the key %q", name, next)
		}
		key = next
	}
}
