package probes

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

// kfunc is the BTF id of a function of the kernel, 0 if there is none. Only the kernel's own types have the numbers that it takes.
func (e *Env) kfunc(name string) uint32 {
	if e.opts.BTF != "" {
		return 0
	}
	kernel, err := e.vmlinux()
	if err != nil {
		return 0
	}
	ids, err := kernel.file.Find(name, kbtf.KindFunc)
	if err != nil || len(ids) == 0 {
		return 0
	}
	return uint32(ids[0])
}

// kfuncAllowed asks the kernel whether programs of a kind of probe may call a function: it refuses such a call before it looks at the
// arguments (check_kfunc_call, kernel/bpf/verifier.c).
func (e *Env) kfuncAllowed(name string, kind *builtin.ProbeKind) bool {
	key := name + " " + kind.Name
	allowed, known := e.allowed[key]
	if !known {
		allowed = e.tryKfunc(name, kind)
		if e.allowed == nil {
			e.allowed = map[string]bool{}
		}
		e.allowed[key] = allowed
	}
	return allowed
}

func (e *Env) tryKfunc(name string, kind *builtin.ProbeKind) bool {
	id := e.kfunc(name)
	if id == 0 {
		return false
	}
	spec := idleProgram(kind)
	call := asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)}
	spec.Instructions = append(asm.Instructions{call}, spec.Instructions...)
	if spec.Type == ebpf.Tracing {
		// A function that is there for tests of such programs (net/bpf/test_run.c).
		spec.AttachType, spec.AttachTo = ebpf.AttachTraceFEntry, "bpf_fentry_test1"
	}
	prog, err := ebpf.NewProgram(spec)
	if err == nil {
		prog.Close()
		return true
	}
	var refused *ebpf.VerifierError
	return errors.As(err, &refused) && !strings.Contains(strings.Join(refused.Log, "\n"), "calling kernel function "+name+" is not allowed")
}

// idleProgram is a program for a kind of probe that does nothing.
func idleProgram(kind *builtin.ProbeKind) *ebpf.ProgramSpec {
	spec := &ebpf.ProgramSpec{
		Name: "idle", License: "GPL", Type: ebpf.RawTracepoint,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}
	switch kind.Context {
	case builtin.CtxRegs:
		spec.Type = ebpf.Kprobe
	case builtin.CtxTracepoint:
		spec.Type = ebpf.TracePoint
	case builtin.CtxPerf:
		spec.Type = ebpf.PerfEvent
	case builtin.CtxTracing:
		spec.Type = ebpf.Tracing
	}
	return spec
}

// Try loads a program that does nothing for an attach point, attaches it and detaches it again. nil: the kernel lets this process do all that.
func (e *Env) Try(ap *ast.AttachPoint) error {
	targets, err := e.Resolve(ap)
	if err != nil {
		return err
	}
	kind := targets[0].Kind
	if kind.Name != ap.Provider {
		return errNoKprobes // fentry would take its place
	}
	plan, err := e.Plan(targets[:1])
	if err != nil {
		return err
	}
	prog, err := plan.Load(idleProgram(kind))
	if err != nil {
		return fmt.Errorf("loading a program: %w%s", err, WhyDenied(err))
	}
	defer prog.Close()
	links, err := plan.Attach(prog, nil)
	if err != nil {
		return err
	}
	return links.Close()
}

// TryUprobe does the same in a file that nobody executes.
func (e *Env) TryUprobe() error {
	if !havePMU("uprobe") {
		return errNoUprobes
	}
	f, err := os.CreateTemp("", "gotrace-uprobe-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := f.Truncate(1); err != nil {
		return err
	}
	prog, err := trialProgram(ebpf.AttachNone)
	if err != nil {
		return fmt.Errorf("loading a program: %w%s", err, WhyDenied(err))
	}
	defer prog.Close()
	p, err := openProbe("uprobe", f.Name(), 0, false, -1, prog)
	if err != nil {
		return err
	}
	return p.Close()
}

// address is where a symbol of the kernel lies.
func (e *Env) address(name string) (uint64, error) {
	list, err := symbols.KernelSymbolsNamed(name)
	switch {
	case err != nil:
		return 0, err
	case len(list) == 0:
		return 0, fmt.Errorf("the kernel has no symbol %s", name)
	case list[0].Addr == 0 && !list[0].IsPerCPU():
		return 0, fmt.Errorf("the address of %s is hidden (sysctl kernel.kptr_restrict)", name)
	}
	return list[0].Addr, nil
}

// perCPU is a per-CPU variable of the kernel: where it lies before the offset of a CPU is added, and its type.
func (e *Env) perCPU(name string) (uint64, types.Type, error) {
	addr, err := e.address(name)
	if err != nil {
		return 0, nil, err
	}
	kernel, err := e.vmlinux()
	if err != nil {
		return addr, nil, nil // without the kernel's types it is one of the usual size
	}
	ids, err := kernel.file.Find(name, kbtf.KindVar)
	if err != nil || len(ids) == 0 {
		return addr, nil, nil
	}
	v, err := kernel.file.Type(ids[0])
	if err != nil {
		return addr, nil, nil
	}
	return addr, kernel.convert(v.Ref), nil
}
