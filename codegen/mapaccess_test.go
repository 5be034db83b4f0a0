package codegen

import (
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
)

func TestKernelMaps(t *testing.T) {
	type check struct {
		name string
		key  int64
		want int64
	}
	for _, tt := range []struct {
		name   string
		script string
		args   []int64 // one run each
		want   []check
	}{
		{"values without a key", `@a = (int64)arg0; @b = @a; @c = (int8)arg0; @d = (uint8)arg0; @e += 5; @e -= 2; @f = 1; @f <<= 4; @f |= 1;`,
			[]int64{7, -3}, []check{{"@a", 0, -3}, {"@b", 0, -3}, {"@c", 0, -3}, {"@d", 0, 253}, {"@e", 0, 6}, {"@f", 0, 17}}},
		{"post and pre", `@a = @n++; @b = ++@n; @c = @k[1]--; @d = --@k[1];`, []int64{0, 0},
			[]check{{"@a", 0, 2}, {"@b", 0, 4}, {"@c", 0, -2}, {"@d", 0, -4}, {"@n", 0, 4}, {"@k", 1, -4}}},
		{"elements", `@a[arg0] = 1; @a[arg0] += 2; @b[arg0] *= 2; @b[arg0] = @a[arg0]; @c = @a[99]; @d[-5] = 2; @e = @d[-5];`, []int64{4, 4},
			[]check{{"@a", 4, 3}, {"@b", 4, 3}, {"@c", 0, 0}, {"@d", -5, 2}, {"@e", 0, 2}}},
		{"a missing element is 0", `@a = @m[1]; @b = @m[1]++; @c = @m[2] + 1; @m[3] = @m[4];`, []int64{0},
			[]check{{"@a", 0, 0}, {"@b", 0, 0}, {"@c", 0, 1}, {"@m", 1, 1}, {"@m", 3, 0}}},
		{"delete", `@m[1] = 5; @a = delete(@m, 1); @b = delete(@m, 1); @c = @m[1]; @d = has_key(@m, 1); @m[2] = 6; @e = has_key(@m, 2); @f = len(@m); delete(@m[2]); @g = len(@m); @s = 3; delete(@s); @h = @s;`,
			[]int64{0}, []check{{"@a", 0, 1}, {"@b", 0, 0}, {"@c", 0, 0}, {"@d", 0, 0}, {"@e", 0, 1}, {"@f", 0, 1}, {"@g", 0, 0}, {"@h", 0, 0}}},
		{"reads are not remembered over a change", `@m[1] = 5; $a = @m[1]; @m[1] = 6; $b = @m[1]; @m[1]++; $c = @m[1]; delete(@m, 1); $d = @m[1]; @r = $a * 1000 + $b * 100 + $c * 10 + $d;`,
			[]int64{0, 0}, []check{{"@r", 0, 5670}}},
		{"reads in branches", `@m[arg0] = 7; if (arg0 == 1) { @a = @m[arg0]; @m[arg0] = 8; } @b = @m[arg0]; @c = (@m[1] == 8 && @m[2] == 7) ? @m[1] + @m[2] : -1;`,
			[]int64{1, 2}, []check{{"@a", 0, 7}, {"@b", 0, 7}, {"@c", 0, 15}}},
		{"reads in loops", `for ($i : 0..4) { @m[1] += $i; @a = @m[1]; } @b = @m[1];`, []int64{0}, []check{{"@a", 0, 6}, {"@b", 0, 6}}},
		{"keys of strings", `@m["abc"] = 1; @m["ab"] = 2; @a = @m["abc"] * 10 + @m["ab"]; @l = len(@m);`, []int64{0}, []check{{"@a", 0, 12}, {"@l", 0, 2}}},
		{"keys of tuples", `@m[1, "a", (uint8)3] = 5; @m[1, "a", (uint8)4] = 6; @a = @m[1, "a", (uint8)3] + @m[1, "a", (uint8)4]; @l = len(@m); @n[(int32)1, (int64)2] = 3; @b = @n[1, 2];`,
			[]int64{0, 0}, []check{{"@a", 0, 11}, {"@l", 0, 2}, {"@b", 0, 3}}},
		{"strings and tuples as values", `@s = "hello"; @k[1] = @s; @k[2] = "no"; if (@k[1] == "hello" && @k[2] == "no" && @k[3] == "") { @a = 1; } @t[1] = (5, "x", 6); $t = @t[1]; @b = $t.0 * 10 + $t.2; $u = @t[9]; @c = $u.0;`,
			[]int64{0}, []check{{"@a", 0, 1}, {"@b", 0, 56}, {"@c", 0, 0}}},
		{"a value made of itself", `@t = (1, 2); @t = (@t.1, @t.0); @a = @t.0 * 10 + @t.1;`, []int64{0}, []check{{"@a", 0, 21}}},
		{"long keys and values", `$k = "a string that is longer than the 64 bytes that an object on the stack may have, so it lies in scratch memory"; @m[$k] = $k; if (@m[$k] == $k) { @a = 1; } @h[$k] = hist(arg0); @h[$k] = hist(arg0); @n[$k]++; @b = @n[$k];`,
			[]int64{3}, []check{{"@a", 0, 1}, {"@b", 0, 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := inKernel(t, "rawtracepoint:sys_enter { "+tt.script+" }")
			for _, a := range tt.args {
				s.run(0, a)
			}
			for _, c := range tt.want {
				if got := s.number(c.name, c.key); got != c.want {
					t.Errorf("%s (key %d) is %d, want %d", c.name, c.key, got, c.want)
				}
			}
			if f := s.failures(); len(f) > 0 {
				t.Errorf("failures: %v", f)
			}
		})
	}
}

// TestKernelFullMap fills maps to the brim: what does not fit is counted, in every way of writing.
func TestKernelFullMap(t *testing.T) {
	for _, tt := range []struct {
		script string
		lost   uint64
	}{
		{`@m[arg0] = 1;`, 50},
		{`@m[arg0]++;`, 50},
		{`$a = @m[arg0]++;`, 50},
		{`@m[arg0] += 2;`, 50},
		{`@m[arg0] *= 2;`, 50},
		{`@m[arg0] = count();`, 50},
		{`@m[arg0] = hist(1);`, 50},
		{`@m[arg0] = "text";`, 50},
	} {
		s := inKernel(t, "config = { max_map_keys = 100 } rawtracepoint:sys_enter { "+tt.script+" }")
		for range 2 {
			for i := range int64(150) {
				s.run(0, i)
			}
		}
		if got := s.failures()[layout.SiteMapUpdate]; got != 2*tt.lost {
			t.Errorf("%s: %d failures, want %d", tt.script, got, 2*tt.lost)
		}
	}
}
