package probes

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

// resolveKprobe is kprobe:[module:]function[+offset] and kretprobe:[module:]function, or an address of the kernel.
func resolveKprobe(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	kind := builtin.ProbeKindByName(ap.Provider)
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
	if addr, err := strconv.ParseUint(name, 0, 64); err == nil {
		return e.addressKprobe(kind, addr)
	}
	if offset == 0 && e.withoutKprobes() {
		return e.asFentry(ap, kind)
	}
	found, err := e.findKernelFunctions(module, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && e.opts.Unsafe && !isPattern(name) && !isPattern(module) {
		t := functionTargets(kind, module, []Function{{Name: name, Module: strings.TrimPrefix(module, "vmlinux")}}, offset)
		t[0].Note = fmt.Sprintf("%s is not among the functions that this kernel tells of: it does not exist, is inlined or marked notrace, and attaching will likely fail", name)
		return t, nil
	}
	if len(found) == 0 {
		return nil, e.noFunction(module, name)
	}
	if offset != 0 {
		if err := e.checkOffset(module, name, offset); err != nil {
			return nil, err
		}
	}
	return functionTargets(kind, module, found, offset), nil
}

// addressKprobe is kprobe:ADDRESS.
func (e *Env) addressKprobe(kind *builtin.ProbeKind, addr uint64) ([]lang.Target, error) {
	if !e.opts.Unsafe {
		return nil, fmt.Errorf("a %s at an address needs --unsafe: only the kernel can check it", kind.Name)
	}
	return []lang.Target{{Kind: kind, Name: fmt.Sprintf("%s:%d", kind.Name, addr), Address: addr}}, nil
}

// unstable begin the names of functions that a wildcard leaves out: the kernel's own tests of tracing do, because tracing
// all of these stops the machine (tools/testing/selftests/bpf/trace_helpers.c).
var unstable = []string{"rcu_", "arch_cpu_idle", "default_idle", "bpf_dispatcher_xdp_func"}

// findKernelFunctions finds functions by a name or a pattern, of one module, of those that match a pattern, or of any ("").
func (e *Env) findKernelFunctions(module, name string) ([]Function, error) {
	if !isPattern(name) {
		return e.findKernelFunction(module, name)
	}
	all, err := e.kernelFunctions()
	if err != nil {
		return nil, err
	}
	var out []Function
	for _, f := range findFunctions(all, module, name) {
		if !hasPrefix(f.Name, unstable) {
			out = append(out, f)
		}
	}
	return out, nil
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// findKernelFunction finds functions by their name. The kernel's types know most of them, and are read much faster than
// the lists, which the kernel makes when they are read.
func (e *Env) findKernelFunction(module, name string) ([]Function, error) {
	if !isLoaded(module) {
		return nil, nil
	}
	if !isPattern(module) {
		types, err := e.typesOf(module)
		if err == nil {
			id, err := types.find(name, kbtf.KindFunc)
			if err == nil && id >= types.own {
				return []Function{{Name: name, Module: strings.TrimPrefix(module, "vmlinux")}}, nil
			}
		}
	}
	found, err := e.symbolsNear(name)
	if err != nil {
		return nil, err
	}
	return findFunctions(sortFunctions(functionsAmong(found)), module, name), nil
}

// symbolsNear are the kernel's symbols of a name and of those that are like it: where there is none of the name, they are asked for next.
func (e *Env) symbolsNear(name string) ([]symbols.KernelSymbol, error) {
	if e.near.name == name {
		return e.near.found, nil
	}
	found, err := symbols.KernelSymbolsNear(name, source.MaxDistance)
	if err != nil {
		return nil, err
	}
	e.near.name, e.near.found = name, found
	return found, nil
}

// isLoaded says whether there is a module of a name, as far as that can be told: a pattern may be one of several.
func isLoaded(module string) bool {
	return module == "" || module == "vmlinux" || isPattern(module) || exists("/sys/module/"+strings.ReplaceAll(module, "-", "_"))
}

// noFunction says that there is no such function, and which are near.
func (e *Env) noFunction(module, name string) error {
	err := &lang.NotFoundError{What: "kernel function " + name}
	if module != "" {
		err.What += " in module " + module
	}
	switch {
	case !isLoaded(module):
		err.What = "module " + module + " is not loaded: " + err.What
	case !isPattern(name):
		if err.Near = e.nearFunctions(module, name); len(err.Near) == 0 {
			err.Note = name + " may be inlined or marked notrace in this kernel: then no probe can be on it"
		}
	case hasPrefix(name, unstable):
		return fmt.Errorf("no function matches %s: a wildcard leaves out those that begin with %s, because tracing all of them stops the machine; name one", name, strings.Join(unstable, ", "))
	}
	return err
}

// nearFunctions are those that a name may stand for. First come the functions that a compiler made of one, whose name it changed because nobody else
// may call them as the source does: name.isra.0, name.constprop.0, name.part.0, name.cold.
func (e *Env) nearFunctions(module, name string) []string {
	all, err := e.symbolsNear(name)
	if err != nil {
		return nil
	}
	var parts, others []string
	for _, f := range functionsAmong(all) {
		switch {
		case !inModule(f, module):
		case strings.HasPrefix(f.Name, name+"."):
			parts = append(parts, f.Name)
		default:
			others = append(others, f.Name)
		}
	}
	if len(parts) > 0 {
		return sortedUnique(parts)
	}
	return nearest(name, sortedUnique(others))
}

// functionTargets makes a target of each function; where no module is asked for, one of each name, which may stand for several.
func functionTargets(kind *builtin.ProbeKind, module string, found []Function, offset uint64) []lang.Target {
	out := make([]lang.Target, 0, len(found))
	for i, f := range found {
		if i > 0 && found[i-1].Name == f.Name && module == "" {
			last := &out[len(out)-1]
			last.Copies, last.Module = last.Copies+max(f.Copies, 1), ""
			continue
		}
		t := lang.Target{Kind: kind, Func: f.Name, Module: f.Module, Offset: offset, Copies: max(f.Copies, 1)}
		t.Name = kind.Name + ":"
		if module != "" {
			t.Module = orVmlinux(f.Module)
			t.Name += t.Module + ":"
		}
		t.Name += f.Name
		if offset != 0 {
			t.Name += fmt.Sprintf("+%d", offset)
		}
		out = append(out, t)
	}
	return out
}

func listKprobes(kind *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error) {
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
	return listedFunctions(kind, findFunctions(all, module, name), module != ""), nil
}

// kprobeParams returns the parameters of a target's function and the type that it returns, where they are known.
func (e *Env) kprobeParams(t *lang.Target) (types *kernelTypes, params []kbtf.Param, result kbtf.ID, err error) {
	if t.ProgID != 0 {
		types, err = e.programTypes(t.ProgID)
	} else {
		types, err = e.typesOf(t.Module)
	}
	if err != nil || t.Func == "" {
		return nil, nil, 0, nil
	}
	id, err := types.find(t.Func, kbtf.KindFunc)
	if err != nil || id == 0 {
		return nil, nil, 0, err
	}
	fn, err := types.file.Type(id)
	if err != nil {
		return nil, nil, 0, err
	}
	proto, err := types.file.Type(fn.Ref)
	if err != nil {
		return nil, nil, 0, err
	}
	params, err = proto.Params()
	return types, params, proto.Ref, err
}

// errNoKprobes is what a kernel without kprobes gives.
var errNoKprobes = errors.New("this kernel was built without kprobes (CONFIG_KPROBES and CONFIG_KPROBE_EVENTS)")

// planKprobe attaches one function by the kprobe perf event source, many by kprobe.multi (Linux 5.18) where the kernel has it.
func planKprobe(e *Env, targets []lang.Target) (*Plan, error) {
	if !havePMU("kprobe") {
		return nil, &lang.MissingError{Err: errNoKprobes}
	}
	p := &Plan{}
	if e.mayKprobeMulti(targets) && e.kprobeMulti() {
		m, err := e.splitCopies(p, targets)
		if err != nil {
			return nil, err
		}
		p.attachType = ebpf.AttachTraceKprobeMulti
		p.attach = func(prog *ebpf.Program, step Step) (Links, error) {
			return m.attach(targets[0].Kind.Return, prog, step)
		}
		return p, nil
	}
	p.attach = each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) { return e.attachNamed(p, t, prog) })
	return p, nil
}

// planSession attaches a program that runs at the entry of functions and at their returns by one link (kprobe.session, Linux 6.10), nil where the targets are
// not the same functions, or the kernel has no such thing. isReturn is the number of the function that tells the two apart.
func (e *Env) planSession(entry, ret []lang.Target) (p *Plan, isReturn uint32, err error) {
	same := slices.EqualFunc(entry, ret, func(a, b lang.Target) bool { return a.Func == b.Func && a.Module == b.Module })
	if !same || len(entry) == 0 || entry[0].Kind.Name != "kprobe" || ret[0].Kind.Name != "kretprobe" || !e.kprobeSession() {
		return nil, 0, nil
	}
	for i := range entry {
		if t := &entry[i]; t.Offset != 0 || t.Func == "" {
			return nil, 0, nil
		}
	}
	p = &Plan{attachType: ebpf.AttachTraceKprobeSession}
	m, err := e.splitCopies(p, entry)
	if err != nil {
		return nil, 0, err
	}
	m.session = true
	p.attach = func(prog *ebpf.Program, step Step) (Links, error) { return m.attach(false, prog, step) }
	p.tell = fmt.Sprintf("%s and %s share one program and one link for %d: kprobe.session", entry[0].Name, ret[0].Name, len(entry))
	return p, e.kfunc(sessionIsReturn), nil
}

// sessionIsReturn is the function of the kernel that tells returns from entries.
const sessionIsReturn = "bpf_session_is_return"

// attachKprobe attaches to one function.
func attachKprobe(t *lang.Target, prog *ebpf.Program) (closer, error) {
	symbol, at := t.Func, t.Offset
	switch {
	case symbol == "":
		at = t.Address
	case t.Module != "" && t.Module != "vmlinux":
		symbol = t.Module + ":" + symbol
	}
	p, err := openProbe("kprobe", symbol, at, t.Kind.Return, -1, prog)
	if err != nil {
		return nil, explainKprobe(t, err)
	}
	return p, nil
}

// explainKprobe says what the kernel means by an error (register_kprobe, kernel/kprobes.c, and
// create_local_trace_kprobe, kernel/trace/trace_kprobe.c).
func explainKprobe(t *lang.Target, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return &explained{fmt.Sprintf("the kernel has no function %s that can be traced: it may be inlined", t.Func), err}
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return &explained{fmt.Sprintf("the kernel has several functions %s: name the module, or use an address", t.Func), err}
	case errors.Is(err, unix.EILSEQ):
		return &explained{fmt.Sprintf("offset %d is in the middle of an instruction", t.Offset), err}
	case errors.Is(err, unix.EINVAL):
		return &explained{fmt.Sprintf("the kernel does not let %s be traced (notrace, blacklisted, or a bad offset)", t.Func), err}
	}
	return err
}

// mayKprobeMulti says whether kprobe.multi takes these targets: functions without offsets, and those of modules since Linux 6.2.
func (e *Env) mayKprobeMulti(targets []lang.Target) bool {
	for i := range targets {
		t := &targets[i]
		if t.Offset != 0 || t.Func == "" || orVmlinux(t.Module) != "vmlinux" && !e.kernel.AtLeast(6, 2) {
			return false
		}
	}
	return len(targets) > 1
}

func attachKprobeMulti(opts link.KprobeMultiOptions, what string, ret bool, prog *ebpf.Program) (closer, error) {
	attach := link.KprobeMulti
	if ret && !opts.Session {
		attach = link.KretprobeMulti
	}
	l, err := attach(prog, opts)
	if err != nil {
		return nil, fmt.Errorf("attaching to %s: %w", what, err)
	}
	return l, nil
}

// functions names one function, or says how many there are.
func functions(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%d functions", len(names))
}

// haveKprobeMulti tries kprobe.multi on a function that every kernel has.
func haveKprobeMulti() bool {
	prog, err := trialProgram(ebpf.AttachTraceKprobeMulti)
	if err != nil {
		return false
	}
	defer prog.Close()
	l, err := link.KprobeMulti(prog, link.KprobeMultiOptions{Symbols: []string{"vprintk"}})
	return err == nil && l.Close() == nil
}

// trialProgram loads a program that does nothing, to try a way of attaching.
func trialProgram(typ ebpf.AttachType) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.Kprobe,
		AttachType:   typ,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		License:      "GPL",
	})
}
