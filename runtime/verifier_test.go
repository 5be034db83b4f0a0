package runtime

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/source"
)

// TestLoadError has what kernels said of programs that they did not load: one sentence of it is told, with its place and what to do.
func TestLoadError(t *testing.T) {
	stats := "processed 1000001 insns (limit 1000000) max_states_per_insn 34 total_states 23454 peak_states 3434 mark_read 21"
	tests := []struct {
		name  string
		cause error
		log   []string
		want  string // in the message
		hint  string
		bug   bool // of gotrace: to be reported
	}{
		{"a million instructions", unix.E2BIG, []string{"BPF program is too large. Processed 1000001 insn", stats}, "a million instructions", "several probes", false},
		{"pending branches, 6.1", unix.EFAULT, []string{"The sequence of 8193 jumps is too complex.", stats}, "(8192)", "several probes", false},
		{"pending branches, 6.18", unix.E2BIG, []string{"from 16391 to 16393: R0=0 R10=fp0", "The sequence of 8193 jumps is too complex.",
			"verification time 9123456 usec", "stack depth 16", stats}, "(8192)", "several probes", false},
		{"pending branches, no log", unix.EFAULT, nil, "(8192)", "several probes", false},
		{"only statistics", unix.EFAULT, []string{"verification time 7 usec", "stack depth 16", stats}, "(8192)", "several probes", false},
		{"stack", unix.EACCES, []string{"combined stack size of 3 calls is 544. Too large", stats}, "512 bytes", "fewer variables", false},
		{"functions", unix.E2BIG, []string{"too many subprograms"}, "functions (256)", "several probes", false},
		{"maps", unix.E2BIG, []string{"The total number of maps per program has been reached"}, "maps than the kernel takes (64)", "split the probe", false},
		{"too long", unix.E2BIG, nil, "so many instructions", "several probes", false},
		{"log without room", unix.ENOSPC, nil, "more than it has room for", "", false},
		{"a mistake", unix.EACCES, []string{"0: R1=ctx() R10=fp0", "0: (79) r0 = *(u64 *)(r5 +0)", "R5 !read_ok", stats}, "R5 !read_ok", "report it", true},
		{"not allowed", unix.EPERM, nil, "operation not permitted", "", false},
		{"no memory", unix.ENOMEM, []string{"whatever the log has"}, "cannot allocate memory", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := program("begin", asm.LoadMem(asm.R0, asm.R5, 0, asm.DWord))
			p.Positions = []*source.Pos{{Line: 3, Column: 9}, {Line: 1, Column: 1}, {Line: 1, Column: 1}}
			err := loadError(p, fmt.Errorf("program begin: %w", &ebpf.VerifierError{Cause: tt.cause, Log: tt.log}))
			var at *Error
			if !errors.As(err, &at) {
				t.Fatalf("error %v", err)
			}
			d := at.Diagnostics[0]
			if !strings.Contains(d.Message, tt.want) || !strings.Contains(d.Hint, tt.hint) || strings.Contains(d.Message, "\n") {
				t.Errorf("message %q, hint %q, want %q and %q", d.Message, d.Hint, tt.want, tt.hint)
			}
			if isBug := strings.Contains(d.Hint, "bug in gotrace"); isBug != tt.bug || isBug && d.Pos.Line != 3 {
				t.Errorf("told as a mistake of gotrace: %v, at %+v", isBug, d.Pos)
			}
		})
	}
}

// A program with too many branches in a row is not given to the verifier.
func TestLoadTooManyBranches(t *testing.T) {
	var insns asm.Instructions
	for range 8193 {
		insns = append(insns, asm.JEq.Imm(asm.R1, 1, "end"))
	}
	p := program("begin", insns...)
	p.Insns[len(p.Insns)-1] = p.Insns[len(p.Insns)-1].WithSymbol("end")
	p.Positions = make([]*source.Pos, len(p.Insns))
	for i := range p.Positions {
		p.Positions[i] = &source.Pos{Line: 1 + i, Column: 1}
	}
	if pos, ok := p.TooManyBranches(); !ok || pos.Line != 8193 {
		t.Errorf("too many branches: %v, at line %d", ok, pos.Line)
	}
}
