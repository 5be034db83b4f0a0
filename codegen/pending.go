package codegen

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/lang/source"
)

// maxPending is how many ways the verifier keeps for later while it follows another: BPF_COMPLEXITY_LIMIT_JMP_SEQ
// (kernel/bpf/verifier.c). It follows the way behind a branch first, to the end of the program, and keeps the one that the branch jumps to.
const maxPending = 8192

// TooManyBranches is the place in the script from which on the program has more branches than the verifier follows. It is told
// before the load: the verifier takes seconds to find out, and says neither where nor what.
//
// The walk is that of a verifier that needs no place twice; the real one keeps as many ways or more.
func (p *Program) TooManyBranches() (source.Pos, bool) {
	targets := map[string]int{}
	for i := range p.Insns {
		if s := p.Insns[i].Symbol(); s != "" {
			targets[s] = i
		}
	}
	seen := make([]bool, len(p.Insns))
	for start := range p.Insns {
		// Programs with callbacks have their functions described (see package emit).
		if start == 0 || btf.FuncMetadata(&p.Insns[start]) != nil {
			if at, ok := p.follow(start, targets, seen); ok {
				return p.Positions[at], true
			}
		}
	}
	return source.Pos{}, false
}

// follow is the index of the branch that is one too many behind start.
func (p *Program) follow(start int, targets map[string]int, seen []bool) (int, bool) {
	pending := []int{start}
	for len(pending) > 0 {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		for i >= 0 && i < len(seen) && !seen[i] {
			seen[i] = true
			next, branch := p.ways(i, targets)
			if branch >= 0 {
				if pending = append(pending, branch); len(pending) > maxPending {
					return i, true
				}
			}
			i = next
		}
	}
	return 0, false
}

// ways are the instruction that follows on instruction i and the one that it branches to, -1 if there is none.
func (p *Program) ways(i int, targets map[string]int) (next, branch int) {
	ins := &p.Insns[i]
	op := ins.OpCode
	switch to, ok := targets[ins.Reference()]; {
	case !op.Class().IsJump() || op.JumpOp() == asm.Call:
		return i + 1, -1
	case op.JumpOp() == asm.Exit || !ok:
		return -1, -1
	case op.JumpOp() == asm.Ja:
		return to, -1
	default:
		return i + 1, to
	}
}
