package probes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/gotrace/gotrace/lang"
)

// resolveKprobe is kprobe:[module:]function[+offset] and kretprobe:[module:]function.
func resolveKprobe(e *Env, ap *lang.AttachPoint) ([]lang.Target, error) {
	kind := lang.ProbeKindByName(ap.Provider)
	if len(ap.Parts) < 1 || len(ap.Parts) > 2 || ap.Parts[len(ap.Parts)-1] == "" {
		return nil, fmt.Errorf("a %s is written %s:function or %s:module:function", kind.Name, kind.Name, kind.Name)
	}
	module := ""
	if len(ap.Parts) == 2 {
		module = ap.Parts[0]
	}
	name, offset, err := splitOffset(ap.Parts[len(ap.Parts)-1])
	if err != nil {
		return nil, err
	}
	if kind.Return && offset != 0 {
		return nil, fmt.Errorf("a kretprobe takes no offset: it fires where the function returns")
	}
	all, err := e.kernelFunctions()
	if err != nil {
		return nil, err
	}
	found := findFunctions(all, module, name)
	if len(found) == 0 {
		what := "kernel function " + name
		if module != "" {
			what += " in module " + module
		}
		return nil, &lang.NotFoundError{What: what, Near: nearFunctions(all, name)}
	}
	return functionTargets(kind, module, found, offset), nil
}

// splitOffset takes "+offset" off a function's name.
func splitOffset(s string) (name string, offset uint64, err error) {
	name, rest, ok := strings.Cut(s, "+")
	if !ok {
		return s, 0, nil
	}
	offset, err = strconv.ParseUint(rest, 0, 63)
	if err != nil {
		return "", 0, fmt.Errorf("offset %q is not a number", rest)
	}
	return name, offset, nil
}

func nearFunctions(all []Function, name string) []string {
	if isPattern(name) {
		return nil
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return nearest(name, names)
}

// functionTargets makes one target of each name; the kernel attaches to the first function of that name.
func functionTargets(kind *lang.ProbeKind, module string, found []Function, offset uint64) []lang.Target {
	var out []lang.Target
	for i, f := range found {
		if i > 0 && found[i-1].Name == f.Name && module == "" {
			continue
		}
		t := lang.Target{Kind: kind, Func: f.Name, Module: f.Module, Offset: offset}
		t.Name = kind.Name + ":"
		if module != "" {
			t.Name += orVmlinux(f.Module) + ":"
		}
		t.Name += f.Name
		if offset != 0 {
			t.Name += fmt.Sprintf("+%d", offset)
		}
		out = append(out, t)
	}
	return out
}

func orVmlinux(module string) string {
	if module == "" {
		return "vmlinux"
	}
	return module
}

func listKprobes(e *Env, parts []string) ([]lang.Target, error) {
	module, name := "", "*"
	switch {
	case len(parts) == 1 && parts[0] != "":
		name = parts[0]
	case len(parts) == 2:
		module, name = parts[0], parts[1]
	case len(parts) > 2:
		return nil, nil
	}
	all, err := e.kernelFunctions()
	if err != nil {
		return nil, err
	}
	return functionTargets(lang.ProbeKindByName("kprobe"), module, findFunctions(all, module, name), 0), nil
}

// errNoKprobes is what a kernel without kprobes gives.
var errNoKprobes = errors.New("this kernel was built without kprobes (CONFIG_KPROBES)")

// planKprobe attaches one function by the kprobe perf event source, many by kprobe.multi (Linux 5.18) where the kernel has it.
func planKprobe(e *Env, targets []lang.Target) (*Plan, error) {
	dir, err := e.tracefs()
	if !exists("/sys/bus/event_source/devices/kprobe") && (err != nil || !exists(dir+"/kprobe_events")) {
		return nil, errNoKprobes
	}
	ret := targets[0].Kind.Return
	if symbols := plainSymbols(targets); len(targets) > 1 && symbols != nil && haveKprobeMulti() {
		return &Plan{attachType: ebpf.AttachTraceKprobeMulti, attach: func(prog *ebpf.Program) (closer, error) {
			return attachMulti(symbols, ret, prog)
		}}, nil
	}
	return &Plan{attach: each(targets, attachKprobe)}, nil
}

func attachKprobe(t *lang.Target, prog *ebpf.Program) (closer, error) {
	symbol := t.Func
	if t.Module != "" {
		symbol = t.Module + ":" + symbol
	}
	if t.Kind.Return {
		return link.Kretprobe(symbol, prog, nil)
	}
	return link.Kprobe(symbol, prog, &link.KprobeOptions{Offset: t.Offset})
}

// plainSymbols are the names of functions without offsets or modules; nil if some have.
func plainSymbols(targets []lang.Target) []string {
	out := make([]string, len(targets))
	for i := range targets {
		if targets[i].Offset != 0 || targets[i].Module != "" {
			return nil
		}
		out[i] = targets[i].Func
	}
	return out
}

func attachMulti(symbols []string, ret bool, prog *ebpf.Program) (closer, error) {
	opts := link.KprobeMultiOptions{Symbols: symbols}
	attach := link.KprobeMulti
	if ret {
		attach = link.KretprobeMulti
	}
	l, err := attach(prog, opts)
	if err != nil {
		return nil, fmt.Errorf("attaching to %d functions: %w", len(symbols), err)
	}
	return l, nil
}

// haveKprobeMulti tries kprobe.multi on a function that every kernel has.
func haveKprobeMulti() bool {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.Kprobe,
		AttachType:   ebpf.AttachTraceKprobeMulti,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		License:      "GPL",
	})
	if err != nil {
		return false
	}
	defer prog.Close()
	l, err := link.KprobeMulti(prog, link.KprobeMultiOptions{Symbols: []string{"vprintk"}})
	if err != nil {
		return false
	}
	return l.Close() == nil
}
