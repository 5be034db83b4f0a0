package probes

import (
	"fmt"
	"sort"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
	"github.com/gotrace/gotrace/probes/internal/progload"
)

// rawEvent is a raw tracepoint. Its module is "vmlinux" for the kernel itself, "" where that is not known.
type rawEvent struct{ module, name string }

func (r rawEvent) String() string {
	if r.module == "" {
		return r.name
	}
	return r.module + ":" + r.name
}

// resolveRawTracepoint is rawtracepoint:[module:]event.
func resolveRawTracepoint(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) < 1 || len(ap.Parts) > 2 || ap.Parts[len(ap.Parts)-1] == "" {
		return nil, fmt.Errorf("a raw tracepoint is written rawtracepoint:event or rawtracepoint:module:event")
	}
	module, event := "*", ap.Parts[len(ap.Parts)-1]
	if len(ap.Parts) == 2 {
		module = ap.Parts[0]
	}
	found, err := e.rawTracepoints(module, event)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		what := "raw tracepoint " + event
		if module != "*" {
			what += " in module " + module
		}
		return nil, &lang.NotFoundError{What: what, Near: e.nearRawTracepoints(event)}
	}
	return rawTracepointTargets(found), nil
}

func (e *Env) nearRawTracepoints(event string) []string {
	if isPattern(event) {
		return nil
	}
	all, err := e.rawTracepoints("*", "*")
	if err != nil {
		return nil
	}
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.name
	}
	return nearest(event, names)
}

func rawTracepointTargets(found []rawEvent) []lang.Target {
	kind := builtin.ProbeKindByName("rawtracepoint")
	out := make([]lang.Target, len(found))
	for i, r := range found {
		out[i] = lang.Target{Kind: kind, Name: "rawtracepoint:" + r.String(), Module: r.module, Event: r.name}
	}
	return out
}

func listRawTracepoints(_ *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error) {
	module, event := "*", "*"
	switch {
	case len(parts) == 1 && parts[0] != "":
		event = parts[0]
	case len(parts) == 2:
		module, event = parts[0], parts[1]
	case len(parts) > 2:
		return nil, nil
	}
	found, err := e.rawTracepoints(module, event)
	return ListedTargets(rawTracepointTargets(found), err)
}

// rawPrefix begins the name of the typedef that describes a tracepoint's function
// (DEFINE_EVENT in include/trace/bpf_probe.h).
const rawPrefix = "btf_trace_"

// rawTracepoints returns the raw tracepoints that match, sorted. Without BTF they are those that tracefs lists, of
// which the modules are not known.
func (e *Env) rawTracepoints(module, event string) ([]rawEvent, error) {
	kernel, err := e.vmlinux()
	if err != nil {
		return e.rawFromTracefs(event)
	}
	var out []rawEvent
	if match(module, "vmlinux") {
		if out, err = kernel.rawTracepoints("vmlinux", event); err != nil {
			return nil, err
		}
	}
	if len(out) > 0 && !isPattern(event) {
		return out, nil
	}
	for _, m := range moduleNames() {
		if !match(module, m) {
			continue
		}
		types, err := e.module(m)
		if err != nil {
			return nil, err
		}
		found, err := types.rawTracepoints(m, event)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out, nil
}

// rawTracepoints returns the raw tracepoints of the kernel or of one module.
func (k *kernelTypes) rawTracepoints(module, event string) ([]rawEvent, error) {
	if !isPattern(event) {
		id, err := k.find(rawPrefix+event, kbtf.KindTypedef)
		if err != nil || id < k.own {
			return nil, err
		}
		return []rawEvent{{module, event}}, nil
	}
	all, err := k.file.FindPrefix(kbtf.KindTypedef, rawPrefix)
	if err != nil {
		return nil, err
	}
	var out []rawEvent
	for name := range all {
		if match(event, name) {
			out = append(out, rawEvent{module, name})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out, nil
}

func (e *Env) rawFromTracefs(event string) ([]rawEvent, error) {
	found, err := e.events("*", event)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []rawEvent
	for _, f := range found {
		// Those of category syscalls are made of raw_syscalls; they are no tracepoints of their own.
		if f.category != "syscalls" && !seen[f.event] {
			seen[f.event] = true
			out = append(out, rawEvent{name: f.event})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out, nil
}

// rawTracepointArgs are the parameters of the function behind the tracepoint, each in eight bytes of the context. The
// first is the tracepoint's own.
func rawTracepointArgs(e *Env, t *lang.Target) (*types.Struct, types.Type, error) {
	btf, params, err := e.rawParams(t)
	if err != nil || btf == nil {
		return nil, nil, err
	}
	fields := make([]types.Field, 0, len(params))
	for i, p := range params {
		ft := btf.convert(p.Type)
		if pt, ok := ft.(types.Pointer); ok && pt.Space == types.SpaceNone {
			pt.Space = types.SpaceKernel
			ft = pt
		}
		fields = append(fields, types.Field{Name: p.Name, Type: ft, Offset: 8 * i})
	}
	return types.NewArgs("rawtracepoint_"+t.Event, 8*len(fields), fields), nil, nil
}

// rawParams returns the parameters of a raw tracepoint and the types they refer to: nil if they are not
// known, so that only arg0 … can be used.
func (e *Env) rawParams(t *lang.Target) (*kernelTypes, []kbtf.Param, error) {
	if _, err := e.vmlinux(); err != nil {
		return nil, nil, nil
	}
	types, err := e.typesOf(t.Module)
	if err != nil {
		return nil, nil, err
	}
	params, err := types.tracepointParams(t.Event)
	if err != nil || len(params) == 0 {
		return nil, nil, err
	}
	return types, params[1:], nil
}

// tracepointParams finds the parameters of a tracepoint, the first of which is its own. They have names in the
// function that calls a tracepoint's programs (Linux 5.11) or in its stub (6.7); the typedef, which every kernel has, gives
// only their types.
func (k *kernelTypes) tracepointParams(event string) ([]kbtf.Param, error) {
	for _, prefix := range []string{"__traceiter_", "__probestub_"} {
		id, err := k.find(prefix+event, kbtf.KindFunc)
		if err != nil {
			return nil, err
		}
		if id != 0 {
			return k.params(id)
		}
	}
	id, err := k.find(rawPrefix+event, kbtf.KindTypedef)
	if err != nil || id == 0 {
		return nil, err
	}
	for range 2 { // typedef → pointer → prototype
		t, err := k.file.Type(id)
		if err != nil {
			return nil, err
		}
		id = t.Ref
	}
	if id == 0 {
		return nil, nil
	}
	return k.params(id)
}

// params returns the parameters of a function or prototype.
func (k *kernelTypes) params(id kbtf.ID) ([]kbtf.Param, error) {
	t, err := k.file.Type(id)
	if err != nil {
		return nil, err
	}
	return t.Params()
}

// planRawTracepoint attaches to each event.
func planRawTracepoint(e *Env, targets []lang.Target) (*Plan, error) {
	if targets[0].Kind.Context == builtin.CtxTracing {
		return planTypedTracepoint(e, &targets[0])
	}
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: t.Event, Program: prog})
	})}, nil
}

// planTypedTracepoint attaches a program that is bound to its event, by the typedef of the event's function.
func planTypedTracepoint(e *Env, t *lang.Target) (*Plan, error) {
	k, err := e.typesOf(t.Module)
	if err != nil {
		return nil, err
	}
	id, err := k.find(rawPrefix+t.Event, kbtf.KindTypedef)
	if err != nil {
		return nil, err
	}
	target := progload.Target{ID: uint32(id)}
	if k.kernel != nil {
		if target.Module, err = e.moduleHandle(t.Module); err != nil {
			return nil, err
		}
	}
	return &Plan{
		attachType: ebpf.AttachTraceRawTp,
		load:       func(spec *ebpf.ProgramSpec) (*ebpf.Program, error) { return progload.Load(spec, target) },
		attach: each([]lang.Target{*t}, func(_ *lang.Target, prog *ebpf.Program) (closer, error) {
			return link.AttachTracing(link.TracingOptions{Program: prog})
		}),
	}, nil
}
