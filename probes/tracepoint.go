package probes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/ctypes"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/eventformat"
	"github.com/gotrace/gotrace/probes/internal/syscalls"
)

// resolveTracepoint is tracepoint:category:event.
func resolveTracepoint(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
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
	return e.tracepointTargets(found), nil
}

func (e *Env) tracepointTargets(found []tracepoint) []lang.Target {
	raw := e.rawSyscalls()
	kind := builtin.ProbeKindByName("tracepoint")
	out := make([]lang.Target, len(found))
	for i, f := range found {
		out[i] = lang.Target{Kind: kind, Name: "tracepoint:" + f.String(), Category: f.category, Event: f.event}
		if f.category == "syscalls" {
			out[i].Syscall, out[i].Raw = syscallOf(f.event), raw
		}
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
		names[i] = a.String()
	}
	return nearest(category+":"+event, names)
}

func listTracepoints(_ *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error) {
	category, event := "*", "*"
	switch {
	case len(parts) == 1 && parts[0] != "":
		event = parts[0]
	case len(parts) == 2:
		category, event = parts[0], parts[1]
	case len(parts) > 2:
		return nil, nil
	}
	found, err := e.events(category, event)
	if err == nil && len(found) == 0 && len(parts) == 1 {
		found, err = e.events(event, "*") // "t:sched": the name of a category
	}
	return ListedTargets(e.tracepointTargets(found), err)
}

// format reads the format file of a tracepoint.
func (e *Env) format(t *lang.Target) ([]eventformat.Field, error) {
	if t.Raw {
		return eventformat.Parse(strings.NewReader(syscalls.Format(t.Event)))
	}
	dir, err := e.tracefs()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, "events", t.Category, t.Event, "format"))
	if err != nil {
		return nil, fmt.Errorf("reading the format of %s: %w", t.Name, err)
	}
	defer f.Close()
	fields, err := eventformat.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return fields, nil
}

// tracepointArgs are the fields of the record. The common fields, which every event has, are not arguments: the
// first eight bytes are not for programs to see (tp_prog_is_valid_access, kernel/trace/bpf_trace.c).
func tracepointArgs(e *Env, t *lang.Target) (*types.Struct, types.Type, error) {
	fields, err := e.format(t)
	if err != nil {
		return nil, nil, err
	}
	size := 0
	var args []types.Field
	for _, f := range fields {
		size = max(size, f.Offset+f.Size)
		if f.Common {
			continue
		}
		field := f.Arg()
		switch ft := field.Type.(type) {
		case types.Pointer:
			field.Type = e.recordPointer(t, f, ft)
		case types.Int:
			field.Type = e.recordEnum(f, ft)
		}
		if t.Raw {
			field.Loc = rawSyscallArg(t, f)
		}
		args = append(args, field)
	}
	return types.NewArgs("tracepoint_"+t.Category+"_"+t.Event, size, args), nil, nil
}

// syscallRegisters are where a call of amd64 has its arguments in struct pt_regs.
var syscallRegisters = []string{"di", "si", "dx", "r10", "r8", "r9"}

// rawSyscallArg is where a field of a tracepoint of system calls lies for a program on sys_enter(regs, id) or sys_exit(regs, ret).
func rawSyscallArg(t *lang.Target, f eventformat.Field) location.Location {
	const firstArg = 16 // in the record
	enter := strings.HasPrefix(t.Event, syscalls.Enter)
	register := "orig_ax"
	switch {
	case f.Offset >= firstArg && enter:
		register = syscallRegisters[min((f.Offset-firstArg)/location.WordSize, len(syscallRegisters)-1)]
	case (f.Offset >= firstArg) != enter: // ret, or the number at the entry
		return location.Context{Offset: location.WordSize, Size: f.Size, Signed: f.Signed}
	}
	offset, _ := location.Of(goarch, false).Register(register)
	at := location.Address{Base: location.RawArg(0), Offset: int64(offset)}
	return location.Memory{At: at, Size: f.Size, Signed: f.Signed}
}

// recordEnum gives a number in a record the names of its values, which the kernel's types know.
func (e *Env) recordEnum(f eventformat.Field, i types.Int) types.Type {
	if name, ok := strings.CutPrefix(f.CType, "enum "); ok {
		if t, ok := e.Type("enum", name); ok && t.Size() == i.Size() {
			return t
		}
	}
	return i
}

// recordPointer says what a pointer in a record points to: the arguments of system calls come from the program, all others
// are the kernel's. The kernel's types know more than the format file tells.
func (e *Env) recordPointer(t *lang.Target, f eventformat.Field, p types.Pointer) types.Type {
	p.Space = types.SpaceKernel
	if t.Category == "syscalls" {
		p.Space = types.SpaceUser
	}
	if name, ok := strings.CutPrefix(strings.TrimPrefix(f.CType, "const "), "struct "); ok {
		name = strings.TrimSpace(strings.TrimSuffix(name, "*"))
		if s, ok := e.Type("struct", name); ok {
			p.Elem = s
		}
	}
	return p
}

// tracepointLines are the fields as the format file has them.
func tracepointLines(e *Env, t *lang.Target) ([]string, error) {
	fields, err := e.format(t)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range fields {
		if !f.Common {
			out = append(out, f.Decl)
		}
	}
	return out, nil
}

func planTracepoint(e *Env, targets []lang.Target) (*Plan, error) {
	if raw := targets[0].Shared; raw != "" {
		return planShared(raw, targets), nil
	}
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		id, err := e.eventID(t)
		if err != nil {
			return nil, err
		}
		attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: id}
		p, err := openPerf(&attr, -1, 0, prog) // the program runs on every CPU all the same
		if errors.Is(err, unix.E2BIG) {
			return nil, &explained{fmt.Sprintf("%s has as many programs as the kernel allows (%d, of this script and all others): use rawtracepoint, or fewer probes",
				t.Name, tracepointPrograms), err}
		}
		if err != nil {
			return nil, err
		}
		return p, nil
	})}, nil
}

// tracepointPrograms is how many programs a tracepoint takes (BPF_TRACE_MAX_PROGS, kernel/trace/bpf_trace.c).
const tracepointPrograms = 64

// eventID is the number that the kernel has for a tracepoint.
func (e *Env) eventID(t *lang.Target) (uint64, error) {
	dir, err := e.tracefs()
	if err != nil {
		return 0, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "events", t.Category, t.Event, "id"))
	if err != nil {
		return 0, fmt.Errorf("finding the tracepoint's number: %w", err)
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("number of the tracepoint: %w", err)
	}
	return id, nil
}

// syscallNames are the system calls whose function in the kernel, after which tracepoints are named, has another name than their number
// (arch/x86/entry/syscalls/syscall_64.tbl).
var syscallNames = map[string]string{
	"newstat": "stat", "newfstat": "fstat", "newlstat": "lstat", "newuname": "uname", "sendfile64": "sendfile", "umount": "umount2",
}

// newSyscalls are the numbers of system calls that the table of constants is too old for (Linux 6.5 and newer; the same file).
var newSyscalls = map[string]int{
	"uretprobe": 335, "uprobe": 336,
	"cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456,
	"statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462,
	"setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467,
	"file_getattr": 468, "file_setattr": 469,
}

// syscallOf is the number, and 1, of the system call that a tracepoint "sys_enter_NAME" or "sys_exit_NAME" is of, 0 if it is not known: other
// architectures than amd64 have other names for some.
func syscallOf(event string) int {
	name, ok := strings.CutPrefix(event, "sys_enter_")
	if !ok {
		if name, ok = strings.CutPrefix(event, "sys_exit_"); !ok {
			return 0
		}
	}
	if goarch != "amd64" {
		return 0
	}
	if other, ok := syscallNames[name]; ok {
		name = other
	}
	n, ok := ctypes.Syscall(goarch, name)
	if newer, isNew := newSyscalls[name]; isNew {
		n, ok = newer, true
	}
	if !ok || n < 0 || n >= maxSyscall {
		return 0
	}
	return n + 1
}

// maxSyscall is more than any architecture has: numbers with higher bits are those of x32.
const maxSyscall = 1024

// planShared attaches the program of many system calls to the raw tracepoint that all pass.
func planShared(raw string, targets []lang.Target) *Plan {
	p := &Plan{attach: each(targets[:1], func(_ *lang.Target, prog *ebpf.Program) (closer, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: raw, Program: prog})
	})}
	if targets[0].Raw {
		p.tell = fmt.Sprintf("%s is served from rawtracepoint:%s: this kernel has no tracepoints of system calls", targets[0].Name, raw)
		return p
	}
	p.tell = fmt.Sprintf("%d tracepoints of system calls share one program on rawtracepoint:%s, which finds them by number: 16 or more with one body do, "+
		"because each takes the kernel some 40 ms to detach", len(targets), raw)
	return p
}
