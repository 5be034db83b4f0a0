package probes

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
)

// Function is a function of the kernel.
type Function struct {
	Name   string
	Module string // "" for the kernel itself
	Copies int    // how many functions of this name the module has, 0 for one
}

// functionIndex are the kernel's functions that can be traced, sorted by name.
type functionIndex struct {
	all []Function
	err error
}

// kernelFunctions lists what can be traced: the functions that ftrace knows or, where that list cannot be read, all that
// kallsyms has; without those that kprobes refuse.
func (e *Env) kernelFunctions() ([]Function, error) {
	if e.functions == nil {
		e.functions = &functionIndex{}
		e.functions.all, e.functions.err = e.readFunctions()
	}
	return e.functions.all, e.functions.err
}

func (e *Env) readFunctions() ([]Function, error) {
	refused := e.refusedFunctions()
	if e.opts.Functions != "" {
		list, err := readFunctionFile(e.opts.Functions, ParseFilterFunctions)
		if err != nil {
			return nil, fmt.Errorf("reading the traceable functions: %w", err)
		}
		return traceable(list, refused), nil
	}
	if dir, err := e.tracefs(); err == nil {
		list, err := readFunctionFile(dir+"/available_filter_functions", ParseFilterFunctions)
		if err == nil && len(list) > 0 {
			return traceable(list, refused), nil
		}
	}
	var all []Function
	err := symbols.EachKernelSymbol(func(s symbols.KernelSymbol) {
		if s.IsFunction() {
			all = append(all, Function{Name: s.Name, Module: s.Module})
		}
	})
	return traceable(sortFunctions(all), refused), err
}

func readFunctionFile(path string, parse func(io.Reader) ([]Function, error)) ([]Function, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse(f)
}

// refusedFunctions are those that the kernel lets no kprobe have. The list is in debugfs, which may not be mounted: then the
// kernel refuses them when they are attached to.
func (e *Env) refusedFunctions() map[Function]bool {
	list, err := readFunctionFile("/sys/kernel/debug/kprobes/blacklist", ParseBlacklist)
	if err != nil {
		return nil
	}
	out := make(map[Function]bool, len(list))
	for _, f := range list {
		out[f] = true
	}
	return out
}

// traceable leaves out what wildcards must not match: what kprobes refuse, and the parts that the compiler cut
// off other functions, which are none that anyone calls.
func traceable(list []Function, refused map[Function]bool) []Function {
	out := list[:0]
	for _, f := range list {
		if (len(refused) == 0 || !refused[Function{Name: f.Name, Module: f.Module}]) && !strings.Contains(f.Name, ".part.") {
			out = append(out, f)
		}
	}
	return out
}

// ParseFilterFunctions reads available_filter_functions of tracefs: "name" or "name [module]" a line.
func ParseFilterFunctions(r io.Reader) ([]Function, error) {
	return parseFunctions(r, "the list of traceable functions", func(line string) (Function, bool) {
		name, module, _ := strings.Cut(line, " ")
		return Function{Name: name, Module: moduleName(module)}, !strings.HasPrefix(name, "__ftrace_invalid_address__")
	})
}

// functionsAmong are the functions of symbols.
func functionsAmong(all []symbols.KernelSymbol) []Function {
	var out []Function
	for _, s := range all {
		if s.IsFunction() {
			out = append(out, Function{Name: s.Name, Module: s.Module})
		}
	}
	return out
}

// ParseBlacklist reads kprobes/blacklist of debugfs: "from-to<tab>name" or "from-to<tab>name [module]" a line.
func ParseBlacklist(r io.Reader) ([]Function, error) {
	return parseFunctions(r, "the list of functions that kprobes refuse", func(line string) (Function, bool) {
		_, rest, ok := strings.Cut(line, "\t")
		name, module, _ := strings.Cut(rest, " ")
		return Function{Name: name, Module: moduleName(module)}, ok
	})
}

func moduleName(s string) string { return strings.Trim(strings.TrimSpace(s), "[]") }

// maxFunctionList bounds a list of functions: that of a large kernel has a few megabytes.
const maxFunctionList = 128 << 20

// parseFunctions reads a function from each line, leaves out those without a name, and sorts them. The names are parts of one text: a kernel has
// tens of thousands.
func parseFunctions(r io.Reader, what string, parse func(line string) (Function, bool)) ([]Function, error) {
	var text strings.Builder
	if _, err := io.Copy(&text, io.LimitReader(r, maxFunctionList)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	out := make([]Function, 0, strings.Count(text.String(), "\n")+1)
	for line := range strings.SplitSeq(text.String(), "\n") {
		if f, ok := parse(line); ok && f.Name != "" {
			out = append(out, f)
		}
	}
	return sortFunctions(out), nil
}

// sortFunctions sorts functions and leaves one of each. Most are told apart by the first eight letters, which are compared as one number.
func sortFunctions(list []Function) []Function {
	type keyed struct {
		key uint64
		Function
	}
	all := make([]keyed, len(list))
	for i, f := range list {
		var first [8]byte
		copy(first[:], f.Name)
		all[i] = keyed{binary.BigEndian.Uint64(first[:]), f}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Module, b.Module)
	})
	for i := range all {
		list[i] = all[i].Function
	}
	return countCopies(list)
}

// countCopies leaves one of each function and notes how many there are.
func countCopies(sorted []Function) []Function {
	out := sorted[:0]
	for _, f := range sorted {
		if n := len(out); n > 0 && out[n-1].Name == f.Name && out[n-1].Module == f.Module {
			out[n-1].Copies = max(out[n-1].Copies, 1) + 1
			continue
		}
		out = append(out, f)
	}
	return out
}

// findFunctions returns the functions that match, in order, of the modules that match; module "" is any.
func findFunctions(all []Function, module, name string) []Function {
	if name == "*" && module == "" {
		return all
	}
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
	return module == "" || match(module, orVmlinux(f.Module))
}

// orVmlinux is the name that the kernel itself has among its modules.
func orVmlinux(module string) string {
	if module == "" {
		return "vmlinux"
	}
	return module
}

// injectionList names the functions into which the kernel lets errors be injected, in debugfs.
const injectionList = "error_injection/list"

// injectable says whether override() works at the start of a function.
func (e *Env) injectable(function string) (bool, error) {
	names, err := injectableFunctions()
	return names[function], err
}

// injectableFunctions are read once.
var injectableFunctions = sync.OnceValues(func() (map[string]bool, error) {
	f, err := os.Open("/sys/kernel/debug/" + injectionList)
	if err != nil {
		dir, mountErr := detachedMount("debugfs")
		if mountErr != nil {
			return nil, fmt.Errorf("finding where errors can be injected: %w", err)
		}
		if f, err = os.Open(dir + "/" + injectionList); err != nil {
			return nil, fmt.Errorf("finding where errors can be injected: %w", err)
		}
	}
	defer f.Close()
	return parseInjectable(f)
})

// parseInjectable reads lines "function<tab>what it may return" (fei_seq_show, lib/error-inject.c). The name of a module's function is
// followed by the module.
func parseInjectable(r io.Reader) (map[string]bool, error) {
	names := map[string]bool{}
	s := bufio.NewScanner(r)
	for s.Scan() {
		name, _, _ := strings.Cut(s.Text(), "\t")
		name, _, _ = strings.Cut(name, " ")
		if name, _, _ = strings.Cut(name, "+0x"); name != "" {
			names[name] = true
		}
	}
	return names, s.Err()
}

// detachedMount mounts a file system of the kernel where only this process sees it: a mount without a place in the tree of files, that goes
// away with its descriptor (fsmount(2), Linux 5.2). The machine is left as it was.
func detachedMount(kind string) (string, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", kind, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return "", fmt.Errorf("opening %s: %w", kind, err)
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return "", fmt.Errorf("mounting %s: %w", kind, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", mnt), nil
}
