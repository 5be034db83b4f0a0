package probes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/gotrace/gotrace/lang"
)

// resolveTracepoint is tracepoint:category:event.
func resolveTracepoint(e *Env, ap *lang.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) != 2 || ap.Parts[0] == "" || ap.Parts[1] == "" {
		return nil, fmt.Errorf("a tracepoint is written tracepoint:category:event")
	}
	found, err := e.events(ap.Parts[0], ap.Parts[1])
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &lang.NotFoundError{
			What: fmt.Sprintf("tracepoint %s:%s", ap.Parts[0], ap.Parts[1]),
			Near: e.nearTracepoints(ap.Parts[0], ap.Parts[1]),
		}
	}
	return tracepointTargets(found), nil
}

func tracepointTargets(found [][2]string) []lang.Target {
	kind := lang.ProbeKindByName("tracepoint")
	out := make([]lang.Target, len(found))
	for i, f := range found {
		out[i] = lang.Target{Kind: kind, Name: "tracepoint:" + f[0] + ":" + f[1], Category: f[0], Event: f[1]}
	}
	return out
}

func (e *Env) nearTracepoints(category, event string) []string {
	if isPattern(category) || isPattern(event) {
		return nil
	}
	all, err := e.events("*", "*")
	if err != nil {
		return nil
	}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a[0] + ":" + a[1]
	}
	return nearest(category+":"+event, names)
}

func listTracepoints(e *Env, parts []string) ([]lang.Target, error) {
	category, event := "*", "*"
	switch {
	case len(parts) == 1 && parts[0] != "":
		category = parts[0]
	case len(parts) == 2:
		category, event = parts[0], parts[1]
	case len(parts) > 2:
		return nil, nil
	}
	found, err := e.events(category, event)
	return tracepointTargets(found), err
}

// tracepointArgs reads the format file. The common fields, which every event has, are not arguments: the
// program does not see them (tp_prog_is_valid_access, kernel/trace/bpf_trace.c).
func tracepointArgs(e *Env, t *lang.Target) (*lang.Struct, lang.Type, error) {
	dir, err := e.tracefs()
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(filepath.Join(dir, "events", t.Category, t.Event, "format"))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the format of %s: %w", t.Name, err)
	}
	defer f.Close()
	fields, err := ParseFormat(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	size := 0
	var args []lang.Field
	for _, f := range fields {
		size = max(size, f.Offset+f.Type.Size())
		if strings.HasPrefix(f.Name, "common_") || f.Name == "__syscall_nr" {
			continue
		}
		if p, ok := f.Type.(lang.Pointer); ok && t.Category == "syscalls" {
			p.Space = lang.SpaceUser // system calls get their pointers from the program
			f.Type = p
		}
		args = append(args, f)
	}
	return lang.NewStruct("tracepoint_"+t.Category+"_"+t.Event, false, size, 0, func() []lang.Field { return args }), nil, nil
}

func planTracepoint(_ *Env, targets []lang.Target) (*Plan, error) {
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		return link.Tracepoint(t.Category, t.Event, prog, nil)
	})}, nil
}

// resolveRawTracepoint is rawtracepoint:[module:]event.
func resolveRawTracepoint(e *Env, ap *lang.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) < 1 || len(ap.Parts) > 2 || ap.Parts[len(ap.Parts)-1] == "" {
		return nil, fmt.Errorf("a raw tracepoint is written rawtracepoint:event or rawtracepoint:module:event")
	}
	module, event := "", ap.Parts[len(ap.Parts)-1]
	if len(ap.Parts) == 2 {
		module = ap.Parts[0]
	}
	found, err := e.rawTracepoints(event)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		all, _ := e.rawTracepoints("*")
		return nil, &lang.NotFoundError{What: "raw tracepoint " + event, Near: nearest(event, all)}
	}
	return rawTracepointTargets(module, found), nil
}

func rawTracepointTargets(module string, names []string) []lang.Target {
	kind := lang.ProbeKindByName("rawtracepoint")
	prefix := "rawtracepoint:"
	if module != "" {
		prefix += module + ":"
	}
	out := make([]lang.Target, len(names))
	for i, n := range names {
		out[i] = lang.Target{Kind: kind, Name: prefix + n, Module: module, Event: n}
	}
	return out
}

func listRawTracepoints(e *Env, parts []string) ([]lang.Target, error) {
	event := "*"
	switch {
	case len(parts) == 2 && match(parts[0], "vmlinux"):
		event = parts[1]
	case len(parts) > 1:
		return nil, nil
	case len(parts) == 1 && parts[0] != "":
		event = parts[0]
	}
	names, err := e.rawTracepoints(event)
	return rawTracepointTargets("vmlinux", names), err
}

// rawPrefix begins the name of the typedef that describes a tracepoint's function
// (DEFINE_EVENT in include/trace/bpf_probe.h).
const rawPrefix = "btf_trace_"

// rawTracepoints returns the raw tracepoints that match. Without BTF they are those that tracefs lists; the two system call
// events that have no other name are in both.
func (e *Env) rawTracepoints(event string) ([]string, error) {
	b, err := e.types.load()
	if err != nil {
		return e.rawFromTracefs(event)
	}
	if !isPattern(event) {
		if len(b.find(rawPrefix+event, kindTypedef)) > 0 {
			return []string{event}, nil
		}
		return e.rawFromTracefs(event)
	}
	var out []string
	err = b.allNames(func(n string) {
		if name, ok := strings.CutPrefix(n, rawPrefix); ok && match(event, name) {
			out = append(out, name)
		}
	}, kindTypedef)
	return sortedUnique(out), err
}

func (e *Env) rawFromTracefs(event string) ([]string, error) {
	found, err := e.events("*", event)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range found {
		if f[0] != "syscalls" { // these are made of raw_syscalls, not tracepoints of their own
			out = append(out, f[1])
		}
	}
	return sortedUnique(out), nil
}

// rawTracepointArgs are the parameters of the function behind the tracepoint, each in eight bytes of the context. The
// first is the tracepoint's own.
func rawTracepointArgs(e *Env, t *lang.Target) (*lang.Struct, lang.Type, error) {
	b, err := e.types.load()
	if err != nil {
		return nil, nil, nil // no types: arg0 … still work
	}
	proto, ok := tracepointProto(b, t.Event)
	if !ok {
		return nil, nil, nil
	}
	var fields []lang.Field
	for i := 1; i < proto.vlen; i++ {
		ft := e.types.convert(proto.u32(2*i + 1))
		if pt, ok := ft.(lang.Pointer); ok && pt.Space == lang.SpaceNone {
			pt.Space = lang.SpaceKernel
			ft = pt
		}
		fields = append(fields, lang.Field{Name: b.str(proto.u32(2 * i)), Type: ft, Offset: 8 * (i - 1)})
	}
	return lang.NewStruct("rawtracepoint_"+t.Event, false, 8*len(fields), 0, func() []lang.Field { return fields }), nil, nil
}

// tracepointProto is the prototype of a tracepoint. That of the typedef has no names; the function that
// runs the tracepoint's programs has the same parameters with names.
func tracepointProto(b *rawBTF, event string) (rawType, bool) {
	ids := b.find(rawPrefix+event, kindTypedef)
	if len(ids) == 0 {
		return rawType{}, false
	}
	def, _ := b.typ(ids[0])
	ptr, _ := b.typ(def.size)
	proto, ok := b.typ(ptr.size)
	if !ok || def.kind != kindTypedef || ptr.kind != kindPtr || proto.kind != kindFuncProto {
		return rawType{}, false
	}
	for _, prefix := range []string{"__bpf_trace_", "__traceiter_"} {
		for _, id := range b.find(prefix+event, kindFunc) {
			f, _ := b.typ(id)
			if named, ok := b.typ(f.size); ok && named.kind == kindFuncProto && named.vlen == proto.vlen {
				return named, true
			}
		}
	}
	return proto, true
}

func planRawTracepoint(_ *Env, targets []lang.Target) (*Plan, error) {
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: t.Event, Program: prog})
	})}, nil
}
