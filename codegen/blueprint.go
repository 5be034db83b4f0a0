package codegen

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
)

// Blueprint is a compiled script: everything the runtime needs to load, attach and print, and nothing of the kernel in it.
// The same script, options and lang.Env give the same blueprint, byte for byte.
type Blueprint struct {
	Checked  *lang.Checked
	Maps     []*layout.MapSpec // script maps first, in order of first appearance, then gotrace's own
	Programs []*Program
	Events   []*layout.Event // by event id
	Sites    []*layout.Site  // by failure counter index
	// Stoppable says that all programs but BEGIN and END look at GlobalExiting first: those of scripts with exit(), and of those that
	// are attached to so many places that detaching them takes long.
	Stoppable bool
}

// Program is one eBPF program.
type Program struct {
	Name       string // at most 15 characters of [A-Za-z0-9_]
	Type       ebpf.ProgramType
	AttachType ebpf.AttachType
	AttachTo   string // BTF name for tracing programs
	Prog       *lang.Prog
	Insns      asm.Instructions
	Positions  []source.Pos // place in the script of each instruction
	License    string
	// CountsRuns says that the program counts its runs: those of CPU n in the u64 at RunsAt + 8*n of MapRuns.
	CountsRuns bool
	RunsAt     int
	// SkipsUnknown says that the kernel may skip runs of this program, and that nothing tells how many.
	SkipsUnknown bool
}
