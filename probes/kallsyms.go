package probes

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// Function is a function of the kernel that may be traced.
type Function struct {
	Name   string
	Module string // "" for the kernel itself
}

// functionIndex are the kernel's functions, sorted by name.
type functionIndex struct {
	all []Function
	err error
}

// kernelFunctions lists what can be traced: the functions that ftrace knows, or, where that list can not be read, all that
// kallsyms has.
func (e *Env) kernelFunctions() ([]Function, error) {
	if e.functions == nil {
		e.functions = &functionIndex{}
		e.functions.all, e.functions.err = e.readFunctions()
	}
	return e.functions.all, e.functions.err
}

func (e *Env) readFunctions() ([]Function, error) {
	if dir, err := e.tracefs(); err == nil {
		if f, err := os.Open(dir + "/available_filter_functions"); err == nil {
			defer f.Close()
			if list, err := ParseFilterFunctions(f); err == nil && len(list) > 0 {
				return list, nil
			}
		}
	}
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, fmt.Errorf("listing the kernel's functions: %w", err)
	}
	defer f.Close()
	list, err := ParseKallsyms(f)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ParseFilterFunctions reads available_filter_functions of tracefs: "name" or "name [module]" a line.
func ParseFilterFunctions(r io.Reader) ([]Function, error) {
	var out []Function
	s := bufio.NewScanner(r)
	for s.Scan() {
		name, module, _ := strings.Cut(s.Text(), " ")
		if name == "" || strings.HasPrefix(name, "__ftrace_invalid_address__") {
			continue
		}
		out = append(out, Function{name, strings.Trim(strings.TrimSpace(module), "[]")})
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading the list of traceable functions: %w", err)
	}
	return sortFunctions(out), nil
}

// ParseKallsyms reads the functions of /proc/kallsyms: "address type name" or "address type name [module]" a line, of
// which types t, T, w and W are code.
func ParseKallsyms(r io.Reader) ([]Function, error) {
	var out []Function
	s := bufio.NewScanner(r)
	for s.Scan() {
		f := strings.Fields(s.Text())
		if len(f) < 3 || !strings.Contains("tTwW", f[1]) || len(f[1]) != 1 {
			continue
		}
		fn := Function{Name: f[2]}
		if len(f) > 3 {
			fn.Module = strings.Trim(f[3], "[]")
		}
		if fn.Module == "bpf" || strings.HasPrefix(fn.Name, "__pfx_") || strings.HasPrefix(fn.Name, "__cfi_") {
			continue // JITed programs; padding before functions
		}
		out = append(out, fn)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading kallsyms: %w", err)
	}
	return sortFunctions(out), nil
}

func sortFunctions(list []Function) []Function {
	sort.Slice(list, func(i, j int) bool {
		if list[i].Name != list[j].Name {
			return list[i].Name < list[j].Name
		}
		return list[i].Module < list[j].Module
	})
	out := list[:0]
	for i, f := range list {
		if i == 0 || f != list[i-1] {
			out = append(out, f)
		}
	}
	return out
}

// find returns the functions that match, of one module if that is not "".
func findFunctions(all []Function, module, name string) []Function {
	var out []Function
	if !isPattern(name) {
		i := sort.Search(len(all), func(i int) bool { return all[i].Name >= name })
		for ; i < len(all) && all[i].Name == name; i++ {
			if inModule(all[i], module) {
				out = append(out, all[i])
			}
		}
		return out
	}
	for _, f := range all {
		if match(name, f.Name) && inModule(f, module) {
			out = append(out, f)
		}
	}
	return out
}

func inModule(f Function, module string) bool {
	return module == "" || match(module, f.Module) || f.Module == "" && match(module, "vmlinux")
}
