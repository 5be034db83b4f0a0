package names

import (
	"fmt"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
)

// Keys are named where the script names the most of their parts.
func TestOfKeys(t *testing.T) {
	src := &source.Source{Name: "t", Text: []byte(`tracepoint:a:b {
	@one[comm] = 1; @two[$k] = 1; @both[comm, ustack(3), kstack] = 1; @fields[args.dev, str(args.name), (uint64)args.size] = 1;
	@tuple[(pid, (comm, 1 + 2))] = 1; @record[(who = comm, where = kstack)] = 1; @again[1] = 1; @again[tid] = 2; @same[pid, pid] = 1; @none = 1;
}`)}
	file, diags := lang.Parse(src, &lang.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := OfKeys(file)
	want := map[string][]string{
		"one": {"comm"}, "two": {"k"}, "both": {"comm", "ustack", "kstack"}, "fields": {"dev", "name", "size"},
		"tuple": {"pid", "comm", ""}, "record": {"who", "where"}, "again": {"tid"}, "same": {"pid", ""},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}
