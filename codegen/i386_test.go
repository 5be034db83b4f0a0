package codegen

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang/langtest"
)

// TestI386 compiles arguments of 32-bit code: words of four bytes on the stack.
func TestI386(t *testing.T) {
	env := langtest.New()
	checked := checkedFor(t, "uprobe:/bin/true:main { @ = arg1; }", env)
	checked.Progs[0].Targets[0].I386 = true
	bp, err := Compile(checked, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	reads, size := 0, int64(0)
	for _, ins := range bp.Programs[0].Insns {
		switch {
		case ins.OpCode.JumpOp() == asm.Call && ins.Constant == int64(asm.FnProbeReadUser):
			reads++
		case ins.OpCode.ALUOp() == asm.Mov && ins.OpCode.Source() == asm.ImmSource && ins.Dst == asm.R2 && reads == 0:
			size = ins.Constant
		}
	}
	if reads != 1 || size != 4 {
		t.Errorf("%d reads of %d bytes:\n%v", reads, size, bp.Programs[0].Insns)
	}
}
