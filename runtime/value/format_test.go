package value

import (
	"encoding/binary"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

// recordOf lays out a record of signed and unsigned integers and strings.
func recordOf(args ...any) (rec []byte, fields []Field) {
	rec = make([]byte, 8)
	for _, a := range args {
		f := Field{Off: len(rec)}
		switch a := a.(type) {
		case int:
			f.Type = types.Int{Bits: 64, Signed: true}
			rec = binary.NativeEndian.AppendUint64(rec, uint64(a))
		case uint64:
			f.Type = types.Int{Bits: 64}
			rec = binary.NativeEndian.AppendUint64(rec, a)
		case string:
			f.Type = types.String{Len: len(a) + 1}
			rec = append(append(rec, a...), 0)
		}
		for len(rec)%8 != 0 {
			rec = append(rec, 0xff) // bytes after the NUL are not defined
		}
		fields = append(fields, f)
	}
	return rec, fields
}

// The expected text of the first group is bpftrace 0.17's; it is C's. The others are by C's rules.
var formatTests = []struct {
	format string
	args   []any
	want   string
}{
	{"[%s|%5c|%-5d|%5x|%08lx|%.3s|%10.2s|%x|%lld]", []any{"abc", 65, 3, 255, 255, "abcdef", "xyz", -1, -5},
		"[abc|    A|3    |   ff|000000ff|abc|        xy|ffffffff|-5]"},
	{"[%d|%u|%lu|%ld|%hd|%hhu|%x|%lx|%llx]", []any{-1, -1, -1, -1, 65535, 257, 4294967297, 4294967297, -2},
		"[-1|4294967295|18446744073709551615|-1|-1|1|1|100000001|fffffffffffffffe]"},
	{"[%6d|%-6d|%06d|%6s|%-6s|%3s]", []any{-42, -42, -42, "ab", "ab", "abcdef"}, "[   -42|-42   |-00042|    ab|ab    |abcdef]"},
	{"%%|%5d%%", []any{5}, "%|    5%"},
	{"%o|%5o", []any{8, 8}, "10|   10"},

	{"%+d %+d % d", []any{5, -5, 5}, "+5 -5  5"},
	{"%#x %#X %#o %#x", []any{255, 255, 8, 0}, "0xff 0XFF 010 0"},
	{"%#08x|%-#8x|", []any{255, 255}, "0x0000ff|0xff    |"},
	{"%.5d|%8.3d|%-8.3d|%.0d|", []any{42, 42, -42, 0}, "00042|     042|-042    ||"},
	{"%jd %zu %td", []any{-1, 7, 3}, "-1 7 3"},
	{"%X %i", []any{255, -7}, "FF -7"},
	{"%d", []any{4294967338}, "42"},
	{"%ld", []any{uint64(1 << 63)}, "-9223372036854775808"},
	{"%p %20p|%-20p|", []any{4096, 4096, 4096}, "0x1000               0x1000|0x1000              |"},
	{"%s", []any{42}, "42"},
	{"100%", nil, "100%"},
	{"%5", nil, "%5"},
	{"%y", nil, "%y"},
	{"%-", nil, "%-"},
	{"100%CPU %d", []any{1}, "100%CPU 1"},
	{"%gr|%24gr|%-6gr|%gr|%gr|", []any{0xcc0, 0x400cc0, 0, 1 << 30, 0xcc0 | 0x2000 | 1<<30},
		"GFP_KERNEL|      GFP_KERNEL_ACCOUNT|0     |0x40000000|GFP_KERNEL|__GFP_NOWARN|0x40000000|"},
	{"", nil, ""},
	{"%d %d", []any{1}, "1 "},
	{"%r|%rx|%rh|%6r|", []any{"a\x01\\é", "Hi!", "Hi!", "x"}, `a\x01\\xc3\xa9|\x48\x69\x21|48 69 21|     x|`},
	{"%-010d|", []any{7}, "7         |"},
	{"%3c|%-3c|", []any{97, 98}, "  a|b  |"},
}

func TestPrintf(t *testing.T) {
	env := &Env{}
	for _, c := range formatTests {
		rec, fields := recordOf(c.args...)
		got := env.Format(c.format, fields).AppendText(nil, rec)
		if string(got) != c.want {
			t.Errorf("printf(%q, %v) = %q, want %q", c.format, c.args, got, c.want)
		}
	}
}

func BenchmarkPrintf(b *testing.B) {
	env := &Env{}
	rec, fields := recordOf(12345, "bash", "/etc/ld.so.cache")
	format := env.Format("%-6d %s %s\n", fields)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = format.AppendText(dst[:0], rec)
	}
}
