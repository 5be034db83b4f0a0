package codegen

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/lang"
)

// parsed is a compiler for a script that was parsed but not checked: each probe is one program, and @x the only map.
func parsed(t *testing.T, script string, m *lang.Map) *compiler {
	t.Helper()
	src := &lang.Source{Name: "test", Text: []byte(script)}
	file, diags := lang.Parse(src, nil)
	if len(diags) > 0 {
		t.Fatalf("%s: %v", script, diags[0])
	}
	m.Name, m.MaxEntries = "x", 100
	c := &lang.Checked{File: file, Source: src, Maps: []*lang.Map{m}, Byname: map[string]*lang.Map{"x": m}}
	for _, it := range file.Items {
		p := it.(*lang.Probe)
		c.Progs = append(c.Progs, &lang.Prog{Probe: p, Kind: lang.ProbeKindByName(p.Points[0].Provider)})
	}
	k := &compiler{
		checked: c, kernel: &lang.Kernel{Version: 6<<16 | 12<<8, PossibleCPUs: 4}, bp: &Blueprint{}, maps: map[string]*MapSpec{},
	}
	k.scriptMaps()
	return k
}

var (
	countAgg = lang.Agg{Kind: lang.AggCount}
	uint64T  = lang.Int{Bits: 64}
)

// TestExclusive asks for the last program of each script.
func TestExclusive(t *testing.T) {
	const linux5_19, linux6_0, linux6_1 = 5<<16 | 19<<8, 6 << 16, 6<<16 | 1<<8
	for _, tt := range []struct {
		script  string
		value   lang.Type
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
		k := parsed(t, tt.script, m)
		if tt.version != 0 {
			k.kernel.Version = tt.version
		}
		if got := k.exclusive(m, k.checked.Progs[len(k.checked.Progs)-1].Kind); got != tt.want {
			t.Errorf("%s: exclusive is %v, want %v", tt.script, got, tt.want)
		}
	}
}

func TestMapStorage(t *testing.T) {
	comm, hist := lang.String{Len: 16}, lang.Agg{Kind: lang.AggHist}
	for _, tt := range []struct {
		script string
		m      lang.Map
		want   MapSpec
	}{
		{`kprobe:f { @x = count(); }`, lang.Map{Value: countAgg},
			MapSpec{In: "values0", ValueSize: 256,
				Layout: ValueLayout{Storage: StoragePerCPUGlobal, Stride: 64, Size: 8, Present: -1}}},
		{`kprobe:f { @x = hist(1); }`, lang.Map{Value: hist},
			MapSpec{In: "values0", ValueSize: 4 * 576,
				Layout: ValueLayout{Storage: StoragePerCPUGlobal, Stride: 576, Size: 520, Present: -1}}},
		{`kprobe:f { @x = nsecs; }`, lang.Map{Value: uint64T},
			MapSpec{In: "values0", ValueSize: 16,
				Layout: ValueLayout{Storage: StorageGlobal, Size: 8, Present: 8}}},
		{`kprobe:f { @x = comm; }`, lang.Map{Value: comm},
			MapSpec{In: "values0", ValueSize: 24,
				Layout: ValueLayout{Storage: StorageGlobal, Size: 16, Present: 16}}},
		{`kprobe:f { @x[pid] = 1; }`, lang.Map{Key: lang.Int{Bits: 32}, Value: lang.Int{Bits: 32}},
			MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100, Layout: ValueLayout{Storage: StorageHash, Size: 8, Present: -1}}},
		{`kprobe:f { @x[pid, comm] = count(); }`, lang.Map{Key: lang.Tuple{Elems: []lang.Type{lang.Int{Bits: 32}, comm}}, Value: countAgg},
			MapSpec{Type: ebpf.PerCPUHash, KeySize: 24, ValueSize: 8, MaxEntries: 100,
				Layout: ValueLayout{Storage: StoragePerCPUHash, Size: 8, Present: -1}}},
		{`kprobe:f { @x[pid] = hist(1); }`, lang.Map{Key: uint64T, Value: hist},
			MapSpec{Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 528, MaxEntries: 100, Flags: flagNoPrealloc,
				Layout: ValueLayout{Storage: StoragePerCPUHash, Size: 520, Present: -1}}},
		{`kprobe:f { @x[pid] = hist(1); }`, lang.Map{Key: uint64T, Value: hist, Kind: "percpulruhash"},
			MapSpec{Type: ebpf.LRUCPUHash, KeySize: 8, ValueSize: 528, MaxEntries: 100,
				Layout: ValueLayout{Storage: StoragePerCPUHash, Size: 520, Present: -1}}},
		{`kprobe:f { @x[pid] = count(); }`, lang.Map{Key: uint64T, Value: countAgg, Kind: "hash"},
			MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100, Layout: ValueLayout{Storage: StorageHash, Size: 8, Present: -1}}},
		// Only counted, never looked at: a value a CPU.
		{`kprobe:f { @x[pid]++; } interval:s:1 { print(@x); } END { clear(@x); }`, lang.Map{Key: uint64T, Value: uint64T},
			MapSpec{Type: ebpf.PerCPUHash, KeySize: 8, ValueSize: 8, MaxEntries: 100,
				Layout: ValueLayout{Storage: StoragePerCPUHash, Size: 8, Present: -1}}},
		{`kprobe:f { @x[pid]++; print(@x[pid]); }`, lang.Map{Key: uint64T, Value: uint64T},
			MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100, Layout: ValueLayout{Storage: StorageHash, Size: 8, Present: -1}}},
		{`kprobe:f { $a = @x++; }`, lang.Map{Value: uint64T},
			MapSpec{In: "values0", ValueSize: 16, Layout: ValueLayout{Storage: StorageGlobal, Size: 8, Present: 8}}},
		// It could come back to 0, and look as if it had never been set.
		{`kprobe:f { @x++; } kretprobe:f { @x--; }`, lang.Map{Value: uint64T},
			MapSpec{In: "values0", ValueSize: 16, Layout: ValueLayout{Storage: StorageGlobal, Size: 8, Present: 8}}},
	} {
		m := tt.m
		k := parsed(t, tt.script, &m)
		want := tt.want
		want.Name, want.Script = "@x", &m
		if got := *k.spec(&m); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.script, got, want)
		}
	}
}
