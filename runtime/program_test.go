package runtime_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/runtime"
	"github.com/gotrace/gotrace/runtime/output"
)

// tracedProgram loads a program for packets that calls a function of its own.
func tracedProgram(t *testing.T) *ebpf.Program {
	t.Helper()
	word := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	md := &btf.Struct{Name: "xdp_md", Size: 24}
	for i, name := range []string{"data", "data_end", "data_meta", "ingress_ifindex", "rx_queue_index", "egress_ifindex"} {
		md.Members = append(md.Members, btf.Member{Name: name, Type: &btf.Int{Name: "unsigned int", Size: 4}, Offset: btf.Bits(32 * i)})
	}
	entry := &btf.Func{Name: "gt_packets", Linkage: btf.GlobalFunc, Type: &btf.FuncProto{
		Return: word, Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: md}}}}}
	sum := &btf.Func{Name: "gt_sum", Linkage: btf.GlobalFunc, Type: &btf.FuncProto{
		Return: word, Params: []btf.FuncParam{{Name: "a", Type: word}, {Name: "b", Type: long}}}}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "gt_packets", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R1, -7).WithSymbol("gt_packets"), entry),
		asm.Mov.Imm(asm.R2, 9),
		asm.Call.Label("gt_sum"),
		asm.Mov.Imm(asm.R0, 2), // XDP_PASS
		asm.Return(),
		btf.WithFuncMetadata(asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("gt_sum"), sum),
		asm.Add.Reg(asm.R0, asm.R2),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

// A program that is loaded is traced like a function of the kernel: its functions are found by name, and have arguments and results.
func TestTracedProgram(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root")
	}
	prog := tracedProgram(t)
	if _, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTarget: prog, AttachTo: "gt_sum", License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}}); err != nil {
		t.Skipf("SKIPPED: the kernel traces no programs: %v", err)
	}
	for _, tt := range []struct{ script, want string }{
		{`fentry:bpf:gt_sum { printf("%d %d %d", args.a, args.b, arg1); }`, "-7 9 9"},
		{`fexit:bpf:gt_sum { printf("%d %d", args.b, retval); }`, "9 2"},
		{`fexit:bpf:gt_packets { printf("%d %d", retval, args.ctx.data_end - args.ctx.data); }`, "2 14"},
		{`fentry:bpf:gt_pack* { printf("%d", args.ctx.data_end - args.ctx.data); }`, "14"},
	} {
		var printed []string
		s, err := runtime.Open(t.Context(), tt.script, runtime.Options{Sink: output.Func(func(e output.Event) error {
			if p, ok := e.(*output.Printf); ok {
				printed = append(printed, string(p.AppendText(nil)))
			}
			return nil
		})})
		if err != nil {
			t.Errorf("%s: %v", tt.script, err)
			continue
		}
		if _, _, err := prog.Test(make([]byte, 14)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if !slices.Equal(printed, []string{tt.want}) {
			t.Errorf("%s: %q, want %q", tt.script, strings.Join(printed, "|"), tt.want)
		}
	}
}

// Programs of gotrace itself have names by which others find them.
func TestTracedScript(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root")
	}
	s, err := runtime.Open(t.Context(), `interval:ms:100 { @ = count(); } interval:ms:100 { @b = count(); }`, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var names []string
	for id := ebpf.ProgramID(0); ; {
		if id, err = ebpf.ProgramGetNextID(id); err != nil {
			break
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		info, err := p.Info()
		p.Close()
		if err != nil {
			continue
		}
		if funcs, err := info.FuncInfos(); err == nil {
			for _, f := range funcs {
				names = append(names, info.Name+" "+f.Func.Name)
			}
		}
	}
	for _, want := range []string{"interval_ms_100_1 interval_ms_100_1", "interval_ms_100_2 interval_ms_100_2"} {
		if !slices.Contains(names, want) {
			t.Errorf("no program %q among %q", want, names)
		}
	}
}
