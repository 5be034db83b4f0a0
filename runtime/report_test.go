package runtime

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/output"
)

// What fails in the kernel is reported with its place in the script, and lost events as bpftrace does.
func TestReportFailures(t *testing.T) {
	needRoot(t)
	pos := func(col int) source.Pos { return source.Pos{Filename: "test", Offset: col - 1, Line: 1, Column: col} }
	sites := []*layout.Site{
		{Kind: layout.SiteMapFull, Pos: pos(1), Map: &lang.Map{Name: "m", MaxEntries: 10}},
		{Kind: layout.SiteRead, Pos: pos(2), What: "str()"},
		{Kind: layout.SiteLost, Pos: pos(3), What: "printf"},
		{Kind: layout.SiteLoop, Pos: pos(4)}, // did not fail
	}
	bp := &codegen.Blueprint{
		Checked: checked(),
		Maps:    []*layout.MapSpec{{Name: layout.MapEvents, Type: ebpf.RingBuf}, {Name: layout.MapFailures, Type: ebpf.Array, KeySize: 4, ValueSize: 8 * len(sites), MaxEntries: 1}},
		Sites:   sites,
	}
	insns := append(addGlobal(layout.MapFailures, 0, 1), addGlobal(layout.MapFailures, 8, 3)...)
	bp.Programs = []*codegen.Program{program("end", append(insns, addGlobal(layout.MapFailures, 16, 7)...)...)}
	bp.Checked.Source.Text = []byte("END { something }\n")
	bp.Checked.Config.PerfRBPages = 64
	s, err := Load(bp, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var errs strings.Builder
	s.sink = output.NewText(nil, &errs, output.TextOptions{})
	if err := s.finish(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Lost 7 events\n",
		"map @m is full (10 keys): 1 update was lost", "max_map_keys",
		"3 reads of str() failed",
		"perf_rb_pages = 256",
	} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%q is not in\n%s", want, errs.String())
		}
	}
	if strings.Contains(errs.String(), "rounds") {
		t.Errorf("a loop that did not fail is reported:\n%s", errs.String())
	}

	errs.Reset()
	s.sink = output.NewText(nil, &errs, output.TextOptions{NoWarnings: true})
	s.reportFailures()
	if errs.Len() != 0 {
		t.Errorf("warnings in spite of NoWarnings: %s", errs.String())
	}
}
