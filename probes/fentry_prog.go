package probes

import (
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

// functionsOf are the names of a program's functions that have types, its entry first.
func functionsOf(id ebpf.ProgramID) ([]string, error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	info, err := prog.Info()
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
