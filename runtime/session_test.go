package runtime

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// needRoot skips a test that loads programs where that is not allowed.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: loading eBPF programs needs root")
	}
}

var uint64Type = types.Int{Bits: 64}

// Programs of the tests are raw tracepoint programs, which run by hand and can be attached, too.
func program(kind string, insns ...asm.Instruction) *codegen.Program {
	k := builtin.ProbeKindByName(kind)
	probe := &ast.Probe{Points: []*ast.AttachPoint{{Provider: kind}}}
	return &codegen.Program{
		Name:    kind,
		Type:    ebpf.RawTracepoint,
		Prog:    &lang.Prog{Kind: k, Probe: probe, Targets: []lang.Target{{Kind: k, Name: kind}}},
		Insns:   append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return()),
		License: "GPL",
	}
}

// send emits a record of an event with u64 fields.
func send(id int, fields ...int64) []asm.Instruction {
	size := int16(8 + 8*len(fields))
	out := []asm.Instruction{
		asm.LoadImm(asm.R1, int64(id), asm.DWord),
		asm.StoreMem(asm.RFP, -size, asm.R1, asm.DWord),
	}
	for i, f := range fields {
		out = append(out,
			asm.LoadImm(asm.R1, f, asm.DWord),
			asm.StoreMem(asm.RFP, -size+8+8*int16(i), asm.R1, asm.DWord))
	}
	return append(out,
		asm.LoadMapPtr(asm.R1, 0).WithReference(layout.MapEvents),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, int32(-size)),
		asm.Mov.Imm(asm.R3, int32(size)),
		asm.Mov.Imm(asm.R4, 0), // wake the reader if it is idle
		asm.FnRingbufOutput.Call())
}

// addGlobal adds n to a u64 in the only value of an array map.
func addGlobal(name string, off uint32, n int32) []asm.Instruction {
	return []asm.Instruction{
		asm.LoadMapValue(asm.R1, 0, off).WithReference(name),
		asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord),
		asm.Add.Imm(asm.R2, n),
		asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord),
	}
}

func eventList(list ...*layout.Event) []*layout.Event {
	for i, e := range list {
		e.ID = i
		for j := range e.Fields {
			e.Offs = append(e.Offs, 8+8*j)
			e.Names = append(e.Names, fmt.Sprint("arg", j))
		}
	}
	return list
}

func checked(maps ...*lang.Map) *lang.Checked {
	return &lang.Checked{
		Source: &source.Source{Name: "test", Text: []byte("BEGIN { }\n")},
		Config: lang.Config{PrintMapsOnExit: true},
		Maps:   maps,
	}
}

// linkPlan attaches with a function of the test.
type linkPlan func(*ebpf.Program) (probes.Links, error)

func (linkPlan) Load(spec *ebpf.ProgramSpec) (*ebpf.Program, error)               { return ebpf.NewProgram(spec) }
func (p linkPlan) Attach(prog *ebpf.Program, _ probes.Step) (probes.Links, error) { return p(prog) }

func rawTracepoint(name string) func(*codegen.Program) (plan, error) {
	return func(*codegen.Program) (plan, error) {
		return linkPlan(func(prog *ebpf.Program) (probes.Links, error) {
			l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: prog})
			return probes.Links{l}, err
		}), nil
	}
}

// runSession runs a blueprint to its end and returns what it printed.
func runSession(t *testing.T, bp *codegen.Blueprint, opts Options) (stdout, stderr string, s *Session) {
	t.Helper()
	var out, errs bytes.Buffer
	opts.Sink = output.NewText(&out, &errs, output.TextOptions{})
	s, err := Load(bp, opts)
	if err != nil {
		t.Fatalf("loading: %v\n%s", err, errs.String())
	}
	defer s.Close()
	if err := s.Attach(); err != nil {
		t.Fatalf("attaching: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatalf("running: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	return out.String(), errs.String(), s
}

func TestSessionBeginExitEnd(t *testing.T) {
	needRoot(t)
	x := &lang.Map{Name: "x", Value: uint64Type}
	c := &lang.Map{Name: "c", Value: types.Agg{Kind: types.AggCount}}
	cpus := ebpf.MustPossibleCPU()
	bp := &codegen.Blueprint{
		Checked: checked(x, c),
		Maps: []*layout.MapSpec{
			{Name: "@x", Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE, Script: x,
				Layout: layout.ValueLayout{Storage: layout.StorageGlobal, Size: 8, Present: 8}},
			{Name: "@c", Type: ebpf.Array, KeySize: 4, ValueSize: 64 * cpus, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE, Script: c,
				Layout: layout.ValueLayout{Storage: layout.StoragePerCPUGlobal, Stride: 64, Size: 8, Present: -1}},
			{Name: layout.MapEvents, Type: ebpf.RingBuf},
		},
		Events: eventList(
			&layout.Event{Kind: layout.EventPrintf, Format: "hello %d %5x|\n", Fields: []types.Type{uint64Type, uint64Type}},
			&layout.Event{Kind: layout.EventExit, Fields: []types.Type{uint64Type}},
			&layout.Event{Kind: layout.EventPrintMap, Map: x, Top: -1, Div: -1},
			&layout.Event{Kind: layout.EventPrint, Fields: []types.Type{types.Tuple{Elems: []types.Type{uint64Type, uint64Type}}}},
		),
	}
	var begin []asm.Instruction
	begin = append(begin, send(0, 42, 255)...)
	begin = append(begin, send(2)...)
	begin = append(begin, addGlobal("@x", 0, 5)...)
	begin = append(begin, addGlobal("@x", 8, 1)...)
	begin = append(begin, addGlobal("@c", 0, 2)...)
	begin = append(begin, send(2)...)
	begin = append(begin, send(3, 1, 2)...)
	begin = append(begin, send(1, 3)...)
	begin = append(begin, send(0, 1, 1)...) // dropped: it comes after exit()
	bp.Programs = []*codegen.Program{
		program("end", send(0, 7, 8)...),
		program("begin", begin...),
	}
	out, errs, s := runSession(t, bp, Options{})
	want := "hello 42    ff|\n@x: 5\n@x: 5\n(1, 2)\nhello 7     8|\n\n\n@c: 2\n@x: 5\n"
	if out != want {
		t.Errorf("stdout %q, want %q", out, want)
	}
	if errs != "Attached 2 probes\n" {
		t.Errorf("stderr %q", errs)
	}
	if s.ExitCode() != 3 {
		t.Errorf("exit code %d, want 3", s.ExitCode())
	}
}

// A hash of counts that a program fills from user space's side stands for every keyed map here.
func TestSessionKeyedMaps(t *testing.T) {
	needRoot(t)
	for _, storage := range []layout.Storage{layout.StorageHash, layout.StoragePerCPUHash} {
		m := &lang.Map{Name: "m", Key: types.Tuple{Elems: []types.Type{types.Int{Bits: 32, Signed: true}, types.String{Len: 4}}},
			Value: types.Agg{Kind: types.AggSum, Signed: true}, MaxEntries: 3000}
		typ := map[layout.Storage]ebpf.MapType{layout.StorageHash: ebpf.Hash, layout.StoragePerCPUHash: ebpf.PerCPUHash}[storage]
		bp := &codegen.Blueprint{Checked: checked(m), Maps: []*layout.MapSpec{{
			Name: "@m", Type: typ, KeySize: m.Key.Size(), ValueSize: 16, MaxEntries: 3000, Script: m,
			Layout: layout.ValueLayout{Storage: storage, Size: 16, Present: -1},
		}}}
		s, err := Load(bp, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sm := s.scriptMaps[m]
		put := func(key int32, name string, sum int64) {
			k := tupleBytes(m.Key.(types.Tuple), int(key), name)
			v := binary.NativeEndian.AppendUint64(nil, uint64(sum))
			v = binary.NativeEndian.AppendUint64(v, 1)
			var value any = v
			if storage == layout.StoragePerCPUHash {
				perCPU := make([][]byte, sm.cpus)
				for i := range perCPU {
					perCPU[i] = v
				}
				value = perCPU
			}
			if err := sm.m.Put(k, value); err != nil {
				t.Fatal(err)
			}
		}
		put(3, "c", 10)
		put(-1, "a", -5)
		put(-1, "b", -5)
		check := func(want string) {
			t.Helper()
			list, err := sm.entries()
			if err != nil {
				t.Fatal(err)
			}
			walked, err := sm.walkEntries()
			if err != nil || len(walked) != len(list) {
				t.Errorf("walking gives %d elements, a batch %d (%v)", len(walked), len(list), err)
			}
			if got := mapText(t, m, list, int64(sm.cpus)); got != want {
				t.Errorf("storage %d: %q, want %q", storage, got, want)
			}
		}
		check("@m[-1, a]: -5\n@m[-1, b]: -5\n@m[3, c]: 10\n") // of every CPU, divided by their number
		if err := sm.zero(); err != nil {
			t.Fatal(err)
		}
		check("@m[-1, a]: 0\n@m[-1, b]: 0\n@m[3, c]: 0\n")
		for i := range int32(2900) {
			put(i, "x", 1)
		}
		list, err := sm.entries()
		if err != nil || len(list) != 2903 {
			t.Errorf("%d elements (%v), want 2903", len(list), err)
		}
		if err := sm.clear(); err != nil {
			t.Fatal(err)
		}
		check("")
	}
}

func TestSessionVerifierRefusal(t *testing.T) {
	needRoot(t)
	p := program("begin", asm.LoadMem(asm.R0, asm.R5, 0, asm.DWord))
	p.Positions = []*source.Pos{{Line: 1, Column: 9}, {Line: 1, Column: 1}, {Line: 1, Column: 1}}
	var errs strings.Builder
	_, err := Load(&codegen.Blueprint{Checked: checked(), Programs: []*codegen.Program{p}}, Options{Verbose: true, Sink: output.NewText(nil, &errs, output.TextOptions{})})
	var at *Error
	if !errors.As(err, &at) {
		t.Fatalf("error %v", err)
	}
	if at.Diagnostics[0].Pos.Column != 9 || !strings.Contains(at.Diagnostics[0].Message, "R5 !read_ok") {
		t.Errorf("diagnostic %+v", at.Diagnostics)
	}
	if !strings.Contains(errs.String(), "R5 !read_ok") {
		t.Errorf("no log with -v: %q", errs.String())
	}
}

// BenchmarkLoad loads two hundred small programs.
func BenchmarkLoad(b *testing.B) {
	needRoot(b)
	bp := benchBlueprint(5)
	for range 199 {
		bp.Programs = append(bp.Programs, bp.Programs[0])
	}
	for b.Loop() {
		s, err := Load(bp, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}

// BenchmarkSession is a whole session whose BEGIN calls exit(): what a script costs beside its compilation.
func BenchmarkSession(b *testing.B) {
	needRoot(b)
	for b.Loop() {
		bp := &codegen.Blueprint{
			Checked: checked(),
			Maps:    []*layout.MapSpec{{Name: layout.MapEvents, Type: ebpf.RingBuf}},
			Events:  eventList(&layout.Event{Kind: layout.EventExit}),
		}
		bp.Programs = []*codegen.Program{program("begin", send(0)...)}
		s, err := Load(bp, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(s.Attach(), s.Run(context.Background()), s.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

func int64Bytes(list ...int64) []byte {
	var b []byte
	for _, n := range list {
		b = binary.NativeEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// tupleBytes lays out integers, strings and the bytes of inner tuples as a tuple.
func tupleBytes(t types.Tuple, elems ...any) []byte {
	b := make([]byte, t.Size())
	for i, e := range elems {
		at := b[t.Offset(i):]
		switch e := e.(type) {
		case int:
			copy(at[:t.Elems[i].Size()], int64Bytes(int64(e)))
		case string:
			copy(at, e)
		case []byte:
			copy(at, e)
		}
	}
	return b
}

// mapText prints a map.
func mapText(t *testing.T, m *lang.Map, elems []value.Raw, div int64) string {
	t.Helper()
	codec := (&value.Env{}).MapCodec(m, div)
	codec.Sort(elems)
	var out strings.Builder
	text := output.NewText(&out, nil, output.TextOptions{})
	if err := errors.Join(text.Event(&output.Map{Name: m.Name, Codec: codec, Elements: elems}), text.Drain()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
