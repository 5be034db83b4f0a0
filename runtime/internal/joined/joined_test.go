package joined

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// programs are one that returns 1, with a function, and one that returns 2.
func programs() (entry, ret asm.Instructions) {
	void := &btf.FuncProto{Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}
	describe := func(ins asm.Instruction, name string) asm.Instruction {
		return btf.WithFuncMetadata(ins.WithSymbol(name), &btf.Func{Name: name, Type: void, Linkage: btf.StaticFunc})
	}
	entry = asm.Instructions{
		describe(asm.Mov.Imm(asm.R0, 1), "one"), asm.Call.Label("one_f"), asm.Return(),
		describe(asm.Mov.Imm(asm.R0, 1), "one_f"), asm.Return(),
	}
	ret = asm.Instructions{asm.Mov.Imm(asm.R0, 2).WithSymbol("two"), asm.JEq.Imm(asm.R0, 2, "two_3"), asm.Mov.Imm(asm.R0, 0), asm.Return().WithSymbol("two_3")}
	return entry, ret
}

func TestPrograms(t *testing.T) {
	entry, ret := programs()
	got, ok := Programs(entry, ret, 77)
	if !ok || len(got) != 4+len(entry)+len(ret) {
		t.Fatalf("%v, %v", got, ok)
	}
	seen := map[string]int{}
	for i := range got {
		if s := got[i].Symbol(); s != "" {
			seen[s]++
		}
	}
	for _, name := range []string{"one", "one_entry", "one_f", "two", "two_3"} {
		if seen[name] != 1 {
			t.Errorf("%s is there %d times", name, seen[name])
		}
	}
	if btf.FuncMetadata(&got[0]) == nil || btf.FuncMetadata(&got[4]) != nil || entry[0].Symbol() != "one" {
		t.Error("the first instruction alone begins the function; the programs stay as they were")
	}
	if _, ok := Programs(entry, entry, 77); ok {
		t.Error("two programs of one name")
	}
}

// The kernel takes what is made, but for the function that only kprobes can call: a helper takes its place here.
func TestLoads(t *testing.T) {
	entry, ret := programs()
	insns, _ := Programs(entry, ret, 77)
	insns[1] = asm.FnGetPrandomU32.Call()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, Instructions: insns, License: "GPL"})
	if err != nil {
		t.Skipf("SKIPPED: loading a program: %v", err)
	}
	prog.Close()
}
