package probes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
	"github.com/gotrace/gotrace/probes/internal/progload"
)

// program is a function of a BPF program that is loaded.
type program struct {
	id   uint32
	name string
}

// programs are the functions of all loaded BPF programs that match, sorted; a program without types has none. id is "" or a pattern of its number.
func (e *Env) programs(id, name string) ([]program, error) {
	var out []program
	for at := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(at)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("listing the loaded programs: %w", err)
		}
		at = next
		if id != "" && !match(id, strconv.Itoa(int(at))) {
			continue
		}
		names, err := functionsOf(at)
		if err != nil {
			continue // it is gone, or not for us
		}
		for _, n := range names {
			if match(name, n) {
				out = append(out, program{uint32(at), n})
			}
		}
	}
	slices.SortFunc(out, func(a, b program) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.name, b.name)) })
	return out, nil
}

// programInfo is what the kernel tells of a program.
func programInfo(id ebpf.ProgramID) (*ebpf.ProgramInfo, error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	return prog.Info()
}

// functionsOf are the names of a program's functions that have types, its entry first.
func functionsOf(id ebpf.ProgramID) ([]string, error) {
	info, err := programInfo(id)
	if err != nil {
		return nil, err
	}
	funcs, err := info.FuncInfos()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range funcs {
		if f.Func.Linkage == btf.GlobalFunc || len(out) == 0 {
			out = append(out, f.Func.Name)
		}
	}
	return out, nil
}

func programTargets(kind *builtin.ProbeKind, found []program) []lang.Target {
	out := make([]lang.Target, len(found))
	for i, p := range found {
		out[i] = lang.Target{Kind: kind, Name: fmt.Sprintf("%s:bpf:%d:%s", kind.Name, p.id, p.name), Module: "bpf", Func: p.name, ProgID: p.id}
	}
	return out
}

// resolveProgram is fentry:bpf:[id:]function.
func (e *Env) resolveProgram(kind *builtin.ProbeKind, parts []string) ([]lang.Target, error) {
	id, name := "", parts[len(parts)-1]
	if len(parts) == 2 {
		id = parts[0]
	}
	if len(parts) > 2 || name == "" {
		return nil, fmt.Errorf("a %s probe of a BPF program is written %s:bpf:function or %s:bpf:id:function", kind.Name, kind.Name, kind.Name)
	}
	found, err := e.programs(id, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		missing := &lang.NotFoundError{What: "BPF program " + name}
		if all, err := e.programs("", "*"); err == nil {
			var names []string
			for _, p := range all {
				names = append(names, p.name)
			}
			missing.Near = nearest(name, sortedUnique(names))
		}
		return nil, missing
	}
	return programTargets(kind, found), nil
}

// listPrograms lists functions of BPF programs.
func (e *Env) listPrograms(kind *builtin.ProbeKind, parts []string) ([]Listed, error) {
	var id, name string
	switch len(parts) {
	case 1:
		name = parts[0]
	case 2:
		id, name = parts[0], parts[1]
	default:
		return nil, nil
	}
	found, err := e.programs(id, name)
	return ListedTargets(programTargets(kind, found), err)
}

// loadOnProgram loads a program for a function of another program.
func loadOnProgram(spec *ebpf.ProgramSpec, t *lang.Target) (*ebpf.Program, error) {
	other, err := ebpf.NewProgramFromID(ebpf.ProgramID(t.ProgID))
	if err != nil {
		return nil, &TargetError{fmt.Errorf("opening BPF program %d: %w", t.ProgID, err)}
	}
	defer other.Close()
	spec.AttachTarget, spec.AttachTo = other, t.Func
	return ebpf.NewProgram(spec)
}

// programTypes are the types that a program was loaded with.
func (e *Env) programTypes(id uint32) (*kernelTypes, error) {
	if k, ok := e.programBTF[id]; ok {
		return k, nil
	}
	info, err := programInfo(ebpf.ProgramID(id))
	if err != nil {
		return nil, err
	}
	btfID, ok := info.BTFID()
	if !ok {
		return nil, fmt.Errorf("BPF program %d has no types", id)
	}
	data, err := progload.Types(btfID)
	if err != nil {
		return nil, err
	}
	k := &kernelTypes{own: 1, structs: map[kbtf.ID]*types.Struct{}, enums: map[kbtf.ID]*types.Enum{}}
	if k.file, err = kbtf.New(bytes.NewReader(data), int64(len(data)), nil); err != nil {
		return nil, fmt.Errorf("types of BPF program %d: %w", id, err)
	}
	if e.programBTF == nil {
		e.programBTF = map[uint32]*kernelTypes{}
	}
	e.programBTF[id] = k
	return k, nil
}

// contexts has, for each type of program, a member of the type that a program sees as its context, and one of what the kernel has there
// (kernel/bpf/btf.c).
const contexts = "bpf_ctx_convert"

// kernelContext is the kernel's type behind what a program sees as its context: struct xdp_buff behind struct xdp_md. Other types stay.
func (e *Env) kernelContext(t types.Type) types.Type {
	p, ok := t.(types.Pointer)
	if !ok {
		return t
	}
	seen, ok := p.Elem.(*types.Struct)
	if !ok {
		return t
	}
	found, ok := e.Type("struct", contexts)
	if !ok {
		return t
	}
	all, _ := found.(*types.Struct)
	if all == nil {
		return t
	}
	fields := all.Fields()
	for i := 0; i+1 < len(fields); i += 2 {
		if s, ok := fields[i].Type.(*types.Struct); ok && s.Name == seen.Name {
			p.Elem, p.Space = fields[i+1].Type, types.SpaceKernel
			return p
		}
	}
	return t
}
