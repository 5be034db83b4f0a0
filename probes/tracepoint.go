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
	parts := ap.Parts
	if len(parts) == 1 && isPattern(parts[0]) {
		parts = []string{"*", parts[0]}
	}
	if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return nil, fmt.Errorf("a tracepoint is written tracepoint:category:event")
	}
	found, err := e.events(parts[0], parts[1])
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &lang.NotFoundError{
			What: fmt.Sprintf("tracepoint %s:%s", parts[0], parts[1]),
			Near: e.nearTracepoints(parts[0], parts[1]),
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
