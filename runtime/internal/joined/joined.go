// Package joined makes one program of two, for a link that runs it at the entry of functions and at their returns. It imports nothing of gotrace.
package joined

import (
	"math"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// Programs is a program that does what entry does, or what ret does where isReturn says that the function returns: the number of a function of the kernel
// (bpf_session_is_return). ok is false if that is too long for a jump. The programs have different names, and so have their labels.
func Programs(entry, ret asm.Instructions, isReturn uint32) (out asm.Instructions, ok bool) {
	if len(entry) == 0 || len(ret) == 0 {
		return nil, false
	}
	first, firstFuncs := split(entry)
	second, secondFuncs := split(ret)
	name, other := first[0].Symbol(), second[0].Symbol()
	if size(first) > math.MaxInt16 || name == other || other == "" {
		return nil, false
	}
	described := btf.FuncMetadata(&entry[0])
	if described == nil {
		described = btf.FuncMetadata(&ret[0])
	}
	out = asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1).WithSymbol(name),
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(isReturn)},
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.JNE.Imm(asm.R0, 0, other),
	}
	if described != nil {
		out[0] = btf.WithFuncMetadata(out[0], described)
	}
	for _, part := range []asm.Instructions{first, second, firstFuncs, secondFuncs} {
		out = append(out, part...)
	}
	out[4] = btf.WithFuncMetadata(out[4].WithSymbol(name+"_entry"), nil)
	second0 := 4 + len(first)
	out[second0] = btf.WithFuncMetadata(out[second0], nil)
	return out, true
}

// split parts the first function of a program from the others.
func split(insns asm.Instructions) (first, others asm.Instructions) {
	for i := 1; i < len(insns); i++ {
		if btf.FuncMetadata(&insns[i]) != nil {
			return insns[:i], insns[i:]
		}
	}
	return insns, nil
}

// size is the length of instructions in units of eight bytes.
func size(insns asm.Instructions) int {
	n := 0
	for _, ins := range insns {
		n += int(ins.Width())
	}
	return n
}
