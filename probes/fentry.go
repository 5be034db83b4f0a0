package probes

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
	"github.com/gotrace/gotrace/probes/internal/progload"
)

// resolveFentry is fentry:[module:]function and fexit:[module:]function, or fentry:bpf:[id:]function for a program that is loaded.
func resolveFentry(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	kind := builtin.ProbeKindByName(ap.Provider)
	parts := ap.Parts
	if len(parts) > 1 && parts[0] == "bpf" {
		return e.resolveProgram(kind, parts[1:])
	}
	if err := e.functionTracing(); err != nil {
		return nil, &lang.MissingError{Err: fmt.Errorf("%s: %w", kind.Name, err)}
	}
	return e.functionFentry(kind, parts)
}

// functionTracing says why functions of the kernel cannot be traced at their entry, nil if they can, or if that is not known.
func (e *Env) functionTracing() error {
	dir, err := e.tracefs()
	if err != nil || exists(dir+"/available_filter_functions") {
		return nil
	}
	return errors.New("this kernel was built without function tracing (CONFIG_FUNCTION_TRACER, CONFIG_DYNAMIC_FTRACE)")
}

// functionFentry is [module:]function.
func (e *Env) functionFentry(kind *builtin.ProbeKind, parts []string) ([]lang.Target, error) {
	if len(parts) < 1 || len(parts) > 2 || parts[len(parts)-1] == "" {
		return nil, fmt.Errorf("a %s probe is written %s:function or %s:module:function", kind.Name, kind.Name, kind.Name)
	}
	module, name := "", parts[len(parts)-1]
	if len(parts) == 2 {
		module = parts[0]
	}
	if _, err := e.vmlinux(); err != nil {
		return nil, fmt.Errorf("%s needs the kernel's types: %w; kprobe does not", kind.Name, err)
	}
	if isPattern(name) || isPattern(module) {
		found, err := e.typedFunctions(module, name)
		if err == nil && len(found) == 0 {
			err = e.noFunction(module, name)
		}
		return fentryTargets(kind, found), err
	}
	found, err := e.findKernelFunction(module, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, e.noFunction(module, name)
	}
	targets := fentryTargets(kind, found[:1])
	if why := e.untraceable(&targets[0]); why != "" {
		return nil, fmt.Errorf("%s: %s", targets[0].Name, why)
	}
	return targets, nil
}

// withoutKprobes says that the kernel was built without kprobes, but with what fentry needs.
func (e *Env) withoutKprobes() bool {
	if havePMU("kprobe") {
		return false
	}
	dir, err := e.tracefs()
	if err != nil || !exists(dir+"/available_filter_functions") {
		return false
	}
	_, err = e.vmlinux()
	return err == nil
}

// asFentry makes fentry and fexit probes of kprobes and kretprobes, whose names they keep.
func (e *Env) asFentry(ap *ast.AttachPoint, kind *builtin.ProbeKind) ([]lang.Target, error) {
	other := builtin.ProbeKindByName("fentry")
	if kind.Return {
		other = builtin.ProbeKindByName("fexit")
	}
	targets, err := e.functionFentry(other, ap.Parts)
	for i := range targets {
		t := &targets[i]
		t.Name = kind.Name + ":" + t.Func
		if len(ap.Parts) > 1 {
			t.Name = kind.Name + ":" + t.Module + ":" + t.Func
		}
	}
	return targets, err
}

func fentryTargets(kind *builtin.ProbeKind, found []Function) []lang.Target {
	out := make([]lang.Target, len(found))
	for i, f := range found {
		module := orVmlinux(f.Module)
		out[i] = lang.Target{Kind: kind, Name: kind.Name + ":" + module + ":" + f.Name, Module: module, Func: f.Name}
	}
	return out
}

// typedFunctions are the functions that match, can be traced and have types, but for those that a program cannot be bound to.
func (e *Env) typedFunctions(module, name string) ([]Function, error) {
	all, err := e.kernelFunctions()
	if err != nil {
		return nil, err
	}
	typed := map[string]map[string]bool{} // by module
	found := findFunctions(all, module, name)
	out := make([]Function, 0, len(found))
	for _, f := range found {
		if hasPrefix(f.Name, unstable) && !hasPrefix(name, unstable) {
			continue
		}
		names, ok := typed[f.Module]
		if !ok {
			if names, err = e.functionTypes(f.Module); err != nil {
				return nil, err
			}
			typed[f.Module] = names
		}
		if names[f.Name] {
			out = append(out, f)
		}
	}
	return out, nil
}

// functionTypes are the names of a module's functions with types; a module without types has none.
func (e *Env) functionTypes(module string) (map[string]bool, error) {
	k, err := e.typesOf(module)
	if err != nil {
		return map[string]bool{}, nil
	}
	out := map[string]bool{}
	err = k.file.Names(kbtf.KindFunc, func(_ kbtf.ID, name string) bool {
		out[name] = true
		return true
	})
	return out, err
}

// The most words of arguments that a tracing program's function may have (arch_prepare_bpf_trampoline, arch/x86/net/bpf_jit_comp.c:
// those in registers, since Linux 6.6 also some on the stack; MAX_BPF_FUNC_ARGS, include/linux/bpf.h), and bytes of a struct among them.
const (
	registerWords  = 6
	mostWords      = 12
	maxStructBytes = 16
)

// untraceable says why the kernel takes no tracing program for a function, "" if nothing is known that speaks against it
// (btf_distill_func_proto, kernel/bpf/btf.c).
func (e *Env) untraceable(t *lang.Target) string {
	if t.ProgID != 0 {
		return ""
	}
	s, err := e.signature(t)
	words := registerWords
	if e.kernel.AtLeast(6, 6) || e.kernel.Arch != "amd64" {
		words = mostWords
	}
	switch {
	case err != nil:
		return err.Error()
	case s == nil:
		return fmt.Sprintf("the kernel's types do not describe this function: use kprobe:%s", t.Func)
	case s.variadic:
		return "a function with a variable number of arguments takes no tracing program: use kprobe"
	case s.words() > words:
		return fmt.Sprintf("its arguments take %d words, this kernel allows %d: use kprobe", s.words(), words)
	case isStruct(s.result):
		return "it returns a struct, which tracing programs cannot: use kretprobe"
	}
	for i := range s.params {
		p := &s.params[i]
		switch {
		case isStruct(p.typ) && !e.kernel.AtLeast(6, 0):
			return fmt.Sprintf("its argument %s is a struct, which needs Linux 6.0: use kprobe", p.name)
		case p.typ.Size() > maxStructBytes:
			return fmt.Sprintf("its argument %s has %d bytes, tracing programs have at most %d: use kprobe", p.name, p.typ.Size(), maxStructBytes)
		}
	}
	return ""
}

func isStruct(t types.Type) bool { return types.Is(t, types.KindStruct) }

// fentryArgs are the arguments, a word of the context or two each, and the type of the result. What the function returns lies behind them.
func fentryArgs(e *Env, t *lang.Target) (*types.Struct, types.Type, error) {
	s, err := e.signature(t)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return types.NewArgs(t.Func, 0, nil), nil, nil
	}
	word := 0
	fields := make([]types.Field, 0, len(s.params))
	for i := range s.params {
		p := &s.params[i]
		f := types.Field{Name: p.name, Type: p.typ, Offset: location.WordSize * word}
		if e.unloadable(p.typ) || t.ProgID != 0 && e.kernel.AtLeast(5, 17) {
			f.Loc = location.Traced{Word: word, Size: p.typ.Size(), Signed: signed(p.typ)}
		}
		fields = append(fields, f)
		word += p.words()
	}
	result := s.result
	if !t.Kind.Return || types.Is(result, types.KindVoid) {
		result = nil
	}
	return types.NewArgs(t.Func, location.WordSize*word, fields), result, nil
}

// unloadable says that older verifiers refuse to load an argument: a pointer to anything but a struct, void or a number
// (btf_ctx_access, kernel/bpf/btf.c; typedefs of numbers count as something else, too). The helper that gives it is there since Linux 5.17.
func (e *Env) unloadable(t types.Type) bool {
	p, ok := t.(types.Pointer)
	return ok && !isStruct(p.Elem) && e.kernel.AtLeast(5, 17)
}

// listFentry lists the functions that have types.
func listFentry(kind *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error) {
	module, name := "", "*"
	switch {
	case len(parts) > 1 && parts[0] == "bpf":
		return e.listPrograms(kind, parts[1:])
	case len(parts) == 1 && parts[0] != "":
		name = parts[0]
	case len(parts) == 2:
		module, name = parts[0], parts[1]
	case len(parts) > 2:
		return nil, nil
	}
	if _, err := e.vmlinux(); err != nil {
		return nil, err
	}
	if err := e.functionTracing(); err != nil {
		return nil, err
	}
	found, err := e.typedFunctions(module, name)
	return listedFunctions(kind, found, true), err
}

// fentryLines are the arguments and, of a return, the result.
func fentryLines(e *Env, t *lang.Target) ([]string, error) {
	types, params, result, err := e.kprobeParams(t)
	if err != nil || types == nil {
		return nil, err
	}
	var out []string
	for _, p := range params {
		if p.Type != 0 {
			out = append(out, strings.TrimSpace(types.file.C(p.Type)+" "+p.Name))
		}
	}
	if t.Kind.Return && result != 0 {
		out = append(out, types.file.C(result)+" retval")
	}
	return out, nil
}

// planFentry binds the program to its function when it is loaded.
func planFentry(e *Env, targets []lang.Target) (*Plan, error) {
	t := &targets[0]
	typ := ebpf.AttachTraceFEntry
	if t.Kind.Return {
		typ = ebpf.AttachTraceFExit
	}
	p := &Plan{attachType: typ, attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return nil, explainFentry(t, err)
		}
		return l, nil
	})}
	if !strings.HasPrefix(t.Name, t.Kind.Name) {
		p.tell = t.Name + " is attached as " + t.Kind.Name + ": this kernel was built without kprobes"
	}
	if t.ProgID != 0 {
		p.load = func(spec *ebpf.ProgramSpec) (*ebpf.Program, error) { return loadOnProgram(spec, t) }
		return p, nil
	}
	k, err := e.typesOf(t.Module)
	if err != nil {
		return nil, err
	}
	id, err := k.find(t.Func, kbtf.KindFunc)
	if err != nil {
		return nil, err
	}
	target := progload.Target{ID: uint32(id)}
	if k.kernel != nil {
		if target.Module, err = e.moduleHandle(t.Module); err != nil {
			return nil, err
		}
	}
	p.load = func(spec *ebpf.ProgramSpec) (*ebpf.Program, error) { return loadTracing(t, spec, target) }
	return p, nil
}

// loadTracing loads the program, and says what the kernel means where it does not let the function be traced.
func loadTracing(t *lang.Target, spec *ebpf.ProgramSpec, target progload.Target) (*ebpf.Program, error) {
	prog, err := progload.Load(spec, target)
	var refused *ebpf.VerifierError
	if !errors.As(err, &refused) || len(refused.Log) == 0 {
		return prog, err
	}
	first := refused.Log[0]
	for _, l := range refused.Log {
		for _, says := range bindErrors {
			if strings.Contains(l, says) {
				return nil, &TargetError{fmt.Errorf("the kernel does not let %s be traced by %s: %s", t.Func, t.Kind.Name, first)}
			}
		}
	}
	return prog, err
}

// bindErrors are what bpf_check_attach_target (kernel/bpf/verifier.c) and btf_distill_func_proto say of a function that no program can be bound to.
var bindErrors = []string{"cannot be found", "is not modifiable", "can't be attached", "doesn't have kernel BTF", "unsupported", "has malformed",
	"is not a function", "Attaching tracing programs to function", "recursive", "Cannot attach", "Can't attach"}

// TargetError is an error of loading a program that is its target's fault, and not the program's.
type TargetError struct{ Err error }

func (e *TargetError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *TargetError) Unwrap() error { return e.Err }

// explainFentry says what the kernel means by an error of attaching (bpf_trampoline_link_prog, kernel/bpf/trampoline.c;
// arch_prepare_bpf_trampoline).
func explainFentry(t *lang.Target, err error) error {
	switch {
	case errors.Is(err, errNotSupported), errors.Is(err, link.ErrNotSupported):
		return &explained{fmt.Sprintf("this kernel has no %s for %s: too many arguments, or no trampolines on this machine", t.Kind.Name, t.Func), err}
	case errors.Is(err, unix.EBUSY):
		return &explained{fmt.Sprintf("another kind of program holds %s (a kprobe, live patching, or a program that replaces it)", t.Func), err}
	case errors.Is(err, unix.E2BIG):
		return &explained{fmt.Sprintf("%s has as many tracing programs as the kernel allows (38)", t.Func), err}
	}
	return err
}

// moduleHandle is a descriptor of a module's types, which stays open.
func (e *Env) moduleHandle(name string) (int, error) {
	if h := e.handles[name]; h != nil {
		return h.FD(), nil
	}
	h, err := btf.FindHandle(func(info *btf.HandleInfo) bool { return info.IsModule() && info.Name == name })
	if err != nil {
		return 0, fmt.Errorf("finding the types of module %s: %w", name, err)
	}
	if e.handles == nil {
		e.handles = map[string]*btf.Handle{}
	}
	e.handles[name] = h
	return h.FD(), nil
}
