package runtime

import (
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

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
		{Kind: layout.SiteMapUpdate, Pos: pos(1), Map: &lang.Map{Name: "m", MaxEntries: 10}},
		{Kind: layout.SiteRead, Pos: pos(2), What: "str()"},
		{Kind: layout.SiteLost, Pos: pos(3), What: "printf"},
		{Kind: layout.SiteLoop, Pos: pos(4)}, // did not fail
		{Kind: layout.SiteStackAdd, Pos: pos(5), Limit: 20},
	}
	for i := range sites[1:] {
		sites[i+1].At = sites[i].End()
	}
	bp := &codegen.Blueprint{
		Checked: checked(),
		Maps:    []*layout.MapSpec{{Name: layout.MapEvents, Type: ebpf.RingBuf}, {Name: layout.MapFailures, Type: ebpf.Array, KeySize: 4, ValueSize: sites[len(sites)-1].End(), MaxEntries: 1}},
		Sites:   sites,
	}
	var insns asm.Instructions
	for _, f := range []struct {
		site, counter int
		n             int32
	}{
		{0, layout.ErrorCounter(int(syscall.E2BIG)), 1},
		{0, layout.ErrorCounter(int(syscall.ENOMEM)), 4},
		{0, layout.ErrorCounter(int(syscall.EBUSY)), 5},
		{0, layout.ErrorCounter(int(syscall.EDEADLK)), 6},
		{0, layout.ErrorCounter(int(syscall.EEXIST)), 8}, // lost nothing
		{1, 0, 3},
		{2, 0, 7},
		{4, layout.ErrorCounter(int(syscall.E2BIG)), 2},
		{4, layout.ErrorCounter(int(syscall.ENOMEM)), 9},
	} {
		insns = append(insns, addGlobal(layout.MapFailures, uint32(sites[f.site].At+8*f.counter), f.n)...)
	}
	bp.Programs = []*codegen.Program{program("end", insns...)}
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
		"the kernel had no memory for a new element of map @m: 4 updates were lost",
		"map @m was just being changed: 5 updates were lost", "map @m was just being changed: 6 updates were lost",
		"the store of stacks is full (20): 2 stacks were lost",
		"the kernel had no memory for a new element of the store of stacks: 9 stacks were lost",
		"3 reads of str() failed",
		"perf_rb_pages = 256",
	} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%q is not in\n%s", want, errs.String())
		}
	}
	for _, not := range []string{"loop", "8 updates"} {
		if strings.Contains(errs.String(), not) {
			t.Errorf("%q did not fail and is reported:\n%s", not, errs.String())
		}
	}

	errs.Reset()
	s.sink = output.NewText(nil, &errs, output.TextOptions{NoWarnings: true})
	s.reportFailures()
	if errs.Len() != 0 {
		t.Errorf("warnings in spite of NoWarnings: %s", errs.String())
	}
}
