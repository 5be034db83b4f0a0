// Package reentry says which programs can run in the middle of which others: facts of the kernel, by version.
package reentry

import (
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
)

// Kind says how a program can begin again on a CPU before it has ended there.
type Kind int

const (
	Never     Kind = iota
	Nested         // in an interrupt: the later run ends first
	Preempted      // by another thread: either may end first
)

// Of is what the kernel allows the programs of a kind:
//
//   - kprobe, tracepoint and perf event programs exclude each other and themselves on a CPU: all of them run under
//     bpf_prog_active (trace_call_bpf in kernel/trace/bpf_trace.c, kprobe_multi_link_prog_run, bpf_overflow_handler)
//     and none can be preempted there; so do uprobe programs before Linux 6.0;
//   - since then (bpf_prog_run_array_sleepable) uprobe programs can be preempted in the middle by another thread that runs
//     the same program, and be interrupted by any other kind;
//   - gotrace runs those of intervals itself, all on one thread, with preemption off (bpf_prog_test_run_raw_tp in net/bpf/test_run.c);
//     any other kind can interrupt them, they interrupt none;
//   - raw tracepoint programs run with preemption or migration off, and exclude themselves since Linux 6.1 (prog->active in
//     bpf_trace_run), as fentry programs do (their trampoline).
func Of(k *kernel.Kernel, kind *builtin.ProbeKind) Kind {
	switch {
	case kind.Once || kind.Timed || ExcludesAll(k, kind):
		return Never
	case kind.User:
		return Preempted
	case k.AtLeast(6, 1):
		return Never
	}
	return Nested
}

// ExcludesAll says that the programs of a kind run under bpf_prog_active.
func ExcludesAll(k *kernel.Kernel, kind *builtin.ProbeKind) bool {
	switch kind.Context {
	case builtin.CtxRegs, builtin.CtxTracepoint, builtin.CtxPerf:
		return !kind.User || !k.AtLeast(6, 0)
	}
	return false
}

// SkipsUnknown says that the kernel may skip runs of a program and counts none of them. Under bpf_prog_active it counts them in
// trace_call_bpf and kprobe_multi_link_prog_run since Linux 6.7, and in bpf_overflow_handler never, where gotrace does, but for -p.
func SkipsUnknown(k *kernel.Kernel, p *lang.Prog, pid int) bool {
	if p.Kind.Context == builtin.CtxPerf {
		return pid != 0
	}
	return ExcludesAll(k, p.Kind) && !k.AtLeast(6, 7) && !fromUserMode(p)
}

// fromUserMode says that all events of a program come straight from user mode, where the CPU is in the middle of no program: those
// of user probes, and the beginnings and ends of system calls.
func fromUserMode(p *lang.Prog) bool {
	if p.Kind.User {
		return true
	}
	for i := range p.Targets {
		if p.Targets[i].Category != "syscalls" {
			return false
		}
	}
	return p.Kind.Context == builtin.CtxTracepoint
}
