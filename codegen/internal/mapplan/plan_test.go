package mapplan

import (
	"cmp"
	"reflect"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// parsed is the plan for a script that was parsed but not checked: each probe is one program, and @x the only map.
func parsed(t *testing.T, script string, m *lang.Map) *Plan {
	t.Helper()
	src := &source.Source{Name: "test", Text: []byte(script)}
	file, diags := lang.Parse(src, nil)
	if len(diags) > 0 {
		t.Fatalf("%s: %v", script, diags[0])
	}
	m.Name, m.MaxEntries = "x", cmp.Or(m.MaxEntries, 100)
	c := &lang.Checked{File: file, Source: src, Maps: []*lang.Map{m}, Byname: map[string]*lang.Map{"x": m}}
	for _, it := range file.Items {
		p := it.(*ast.Probe)
		c.Progs = append(c.Progs, &lang.Prog{Probe: p, Kind: builtin.ProbeKindByName(p.Points[0].Provider)})
	}
	return New(c, &kernel.Kernel{Version: 6<<16 | 12<<8, PossibleCPUs: 4})
}

var (
	countAgg = types.Agg{Kind: types.AggCount}
	uint64T  = types.Int{Bits: 64}
)

// TestExclusive asks for the last program of each script.
func TestExclusive(t *testing.T) {
	const linux5_19, linux6_0, linux6_1 = 5<<16 | 19<<8, 6 << 16, 6<<16 | 1<<8
	for _, tt := range []struct {
		script  string
		value   types.Type
		want    bool
		version uint32 // 6.12 if not given
	}{
		{script: `uprobe:/bin/bash:f { @x = count(); } kprobe:f { @x = count(); }`, value: countAgg, want: true, version: linux5_19},
		{script: `uprobe:/bin/bash:f { @x = count(); }`, value: countAgg, want: false, version: linux6_0},
		{script: `rawtracepoint:a { @x = count(); }`, value: countAgg, want: false, version: linux6_0},
		{script: `rawtracepoint:a { @x = count(); }`, value: countAgg, want: true, version: linux6_1},
		{`interval:s:1 { @x = count(); } kprobe:f { @x = count(); } tracepoint:a:b { @x = count(); } profile:hz:9 { @x = count(); }`, countAgg, true, 0},
		// The others run in the middle of an interval's program, and not the other way round.
		{`kprobe:f { @x = count(); } interval:s:1 { @x = count(); }`, countAgg, false, 0},
		{`interval:s:2 { @x = count(); } interval:s:1 { @x = count(); }`, countAgg, true, 0},
		{`interval:s:1 { @x = count(); } rawtracepoint:a { @x = count(); }`, countAgg, true, 0},
		{`rawtracepoint:a { @x = count(); }`, countAgg, true, 0},
		{`BEGIN { @x = count(); } rawtracepoint:a { @x = count(); }`, countAgg, true, 0},
		{`rawtracepoint:a { @x = count(); } rawtracepoint:b { @x = count(); }`, countAgg, false, 0},
		{`kprobe:f { @x = count(); } rawtracepoint:b { @x = count(); }`, countAgg, false, 0},
		{`uprobe:/bin/bash:f { @x = count(); }`, countAgg, false, 0},
		{`kprobe:f { @x = count(); } uprobe:/bin/bash:f { print(@x); }`, countAgg, true, 0},
		{`kprobe:f { @x = 1; }`, uint64T, false, 0},
		{`kprobe:f { @x++; }`, uint64T, true, 0},
	} {
		m := &lang.Map{Value: tt.value}
		p := parsed(t, tt.script, m)
		if tt.version != 0 {
			p.kernel.Version = tt.version
		}
		if got := p.Exclusive(m, p.checked.Progs[len(p.checked.Progs)-1].Kind); got != tt.want {
			t.Errorf("%s: exclusive is %v, want %v", tt.script, got, tt.want)
		}
	}
}

func TestMapStorage(t *testing.T) {
	comm, hist := types.String{Len: 16}, types.Agg{Kind: types.AggHist}
	for _, tt := range []struct {
		script string
		m      lang.Map
		want   layout.MapSpec
	}{
		{`kprobe:f { @x = count(); }`, lang.Map{Value: countAgg},
			layout.MapSpec{In: "values0", ValueSize: 256,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUGlobal, Stride: 64, Size: 8, Present: -1}}},
		{`kprobe:f { @x = hist(1); }`, lang.Map{Value: hist},
			layout.MapSpec{In: "values0", ValueSize: 4 * 576,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUGlobal, Stride: 576, Size: 520, Present: -1}}},
		{`kprobe:f { @x = nsecs; }`, lang.Map{Value: uint64T},
			layout.MapSpec{In: "values0", ValueSize: 16,
				Layout: layout.ValueLayout{Storage: layout.StorageGlobal, Size: 8, Present: 8}}},
		{`kprobe:f { @x = comm; }`, lang.Map{Value: comm},
			layout.MapSpec{In: "values0", ValueSize: 24,
				Layout: layout.ValueLayout{Storage: layout.StorageGlobal, Size: 16, Present: 16}}},
		{`kprobe:f { @x[pid] = 1; }`, lang.Map{Key: types.Int{Bits: 32}, Value: types.Int{Bits: 32}},
			layout.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100, Layout: layout.ValueLayout{Storage: layout.StorageHash, Size: 8, Present: -1}}},
		{`kprobe:f { @x[pid, comm] = count(); }`, lang.Map{Key: types.Tuple{Elems: []types.Type{types.Int{Bits: 32}, comm}}, Value: countAgg},
			layout.MapSpec{Type: ebpf.PerCPUHash, KeySize: 24, ValueSize: 8, MaxEntries: 100,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUHash, Size: 8, Present: -1}}},
		{`kprobe:f { @x[pid] = hist(1); }`, lang.Map{Key: uint64T, Value: hist},
			layout.MapSpec{Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 528, MaxEntries: 100,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUHash, Size: 520, Present: -1}}},
		{`kprobe:f { @x[pid] = hist(1); }`, lang.Map{Key: uint64T, Value: hist, MaxEntries: 4096},
			layout.MapSpec{Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 528, MaxEntries: 4096, Flags: FlagNoPrealloc,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUHash, Size: 520, Present: -1}}},
		{`kprobe:f { @x[pid] = hist(1); }`, lang.Map{Key: uint64T, Value: hist, Kind: "percpulruhash"},
			layout.MapSpec{Type: ebpf.LRUCPUHash, KeySize: 8, ValueSize: 528, MaxEntries: 100,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUHash, Size: 520, Present: -1}}},
		{`kprobe:f { @x[pid] = count(); }`, lang.Map{Key: uint64T, Value: countAgg, Kind: "hash"},
			layout.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100, Layout: layout.ValueLayout{Storage: layout.StorageHash, Size: 8, Present: -1}}},
		// Only counted, never looked at: a value a CPU.
		{`kprobe:f { @x[pid]++; } interval:s:1 { print(@x); } END { clear(@x); }`, lang.Map{Key: uint64T, Value: uint64T},
			layout.MapSpec{Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 8, MaxEntries: 100,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUHash, Size: 8, Present: -1}}},
		{`kprobe:f { @x[pid]++; print(@x[pid]); }`, lang.Map{Key: uint64T, Value: uint64T},
			layout.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100, Layout: layout.ValueLayout{Storage: layout.StorageHash, Size: 8, Present: -1}}},
		{`kprobe:f { $a = @x++; }`, lang.Map{Value: uint64T},
			layout.MapSpec{In: "values0", ValueSize: 16, Layout: layout.ValueLayout{Storage: layout.StorageGlobal, Size: 8, Present: 8}}},
		// It could come back to 0, and look as if it had never been set.
		{`kprobe:f { @x++; } kretprobe:f { @x--; }`, lang.Map{Value: uint64T},
			layout.MapSpec{In: "values0", ValueSize: 16, Layout: layout.ValueLayout{Storage: layout.StorageGlobal, Size: 8, Present: 8}}},
	} {
		m := tt.m
		p := parsed(t, tt.script, &m)
		want := tt.want
		want.Name, want.Script = "@x", &m
		if m.Key != nil && want.Type != ebpf.LRUCPUHash {
			want.Refused = 1
		}
		if got := *p.Spec(&m); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.script, got, want)
		}
	}
}
