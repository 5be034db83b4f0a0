package probes

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/gotrace/gotrace/lang"
)

// resolveUprobe is uprobe:binary:function[+offset] and uprobe:binary:address.
func resolveUprobe(e *Env, ap *lang.AttachPoint) ([]lang.Target, error) {
	kind := lang.ProbeKindByName(ap.Provider)
	if len(ap.Parts) != 2 || ap.Parts[0] == "" || ap.Parts[1] == "" {
		return nil, fmt.Errorf("a %s is written %s:BINARY:FUNCTION or %s:BINARY:ADDRESS", kind.Name, kind.Name, kind.Name)
	}
	path, err := e.findBinary(ap.Parts[0])
	if err != nil {
		return nil, err
	}
	t := lang.Target{Kind: kind, Path: path}
	if addr, err := strconv.ParseUint(ap.Parts[1], 0, 63); err == nil {
		t.Address = addr
		t.Name = fmt.Sprintf("%s:%s:%d", kind.Name, path, addr)
		return []lang.Target{t}, nil
	}
	name, offset, err := splitOffset(ap.Parts[1])
	if err != nil {
		return nil, err
	}
	if kind.Return && offset != 0 {
		return nil, fmt.Errorf("a uretprobe takes no offset: it fires where the function returns")
	}
	syms, err := functionsOf(path)
	if err != nil {
		return nil, err
	}
	var out []lang.Target
	for _, s := range syms {
		if !match(name, s) {
			continue
		}
		t.Func, t.Offset = s, offset
		t.Name = kind.Name + ":" + path + ":" + s
		if offset != 0 {
			t.Name += fmt.Sprintf("+%d", offset)
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		near := []string(nil)
		if !isPattern(name) {
			near = nearest(name, syms)
		}
		return nil, &lang.NotFoundError{What: fmt.Sprintf("function %s in %s", name, path), Near: near}
	}
	return out, nil
}

// libraryDirs are where shared libraries lie, beside what LD_LIBRARY_PATH says.
var libraryDirs = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"}

// findBinary finds the file a script means: a path, a program in PATH, or a library by its name.
func (e *Env) findBinary(name string) (string, error) {
	if strings.Contains(name, "/") {
		abs, err := filepath.Abs(name)
		if err != nil {
			return "", fmt.Errorf("finding %s: %w", name, err)
		}
		if _, err := os.Stat(abs); err != nil {
			return "", fmt.Errorf("opening the binary: %w", err)
		}
		return abs, nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if p := filepath.Join(dir, name); isFile(p) {
			return p, nil
		}
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), libraryDirs...) {
		if p := findLibrary(dir, name); p != "" {
			return p, nil
		}
	}
	return "", fmt.Errorf("no program %s in PATH, and no library of that name", name)
}

// findLibrary finds libNAME.so, its versions, or a file of exactly that name in a directory.
func findLibrary(dir, name string) string {
	if strings.ContainsAny(name, "*?[") {
		return ""
	}
	base := name
	if !strings.HasPrefix(base, "lib") {
		base = "lib" + base
	}
	for _, pattern := range []string{name, base + ".so", base + ".so.*"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		sort.Strings(found)
		for i := len(found) - 1; i >= 0; i-- {
			if isELF(found[i]) {
				return found[i]
			}
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func isELF(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = f.Read(magic[:])
	return err == nil && string(magic[:]) == elf.ELFMAG
}

// functionsOf returns the names of the functions that a binary defines, sorted.
func functionsOf(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("symbols of %s: %w", path, err)
	}
	dyn, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("dynamic symbols of %s: %w", path, err)
	}
	var out []string
	for _, s := range append(syms, dyn...) {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Section != elf.SHN_UNDEF && s.Value != 0 && s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return sortedUnique(out), nil
}

func listUprobes(e *Env, parts []string) ([]lang.Target, error) {
	if len(parts) != 2 || parts[0] == "" || isPattern(parts[0]) {
		return nil, nil // only the functions of a binary that is named
	}
	path, err := e.findBinary(parts[0])
	if err != nil {
		return nil, err
	}
	syms, err := functionsOf(path)
	if err != nil {
		return nil, err
	}
	kind := lang.ProbeKindByName("uprobe")
	var out []lang.Target
	for _, s := range syms {
		if parts[1] == "" || match(parts[1], s) {
			out = append(out, lang.Target{Kind: kind, Name: "uprobe:" + path + ":" + s, Path: path, Func: s})
		}
	}
	return out, nil
}

// fileOffset is where in the file a virtual address lies.
func fileOffset(path string, addr uint64) (uint64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && addr >= p.Vaddr && addr-p.Vaddr < p.Memsz {
			return addr - p.Vaddr + p.Off, nil
		}
	}
	return 0, fmt.Errorf("address %#x is not in the code of %s", addr, path)
}

func planUprobe(e *Env, targets []lang.Target) (*Plan, error) {
	return &Plan{attach: func(prog *ebpf.Program) (closer, error) {
		open := map[string]*link.Executable{}
		return each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
			ex := open[t.Path]
			if ex == nil {
				var err error
				if ex, err = link.OpenExecutable(t.Path); err != nil {
					return nil, err
				}
				open[t.Path] = ex
			}
			return attachUprobe(ex, t, e.opts.PID, prog)
		})(prog)
	}}, nil
}

func attachUprobe(ex *link.Executable, t *lang.Target, pid int, prog *ebpf.Program) (closer, error) {
	opts := &link.UprobeOptions{Offset: t.Offset, PID: pid}
	if t.Func == "" {
		off, err := fileOffset(t.Path, t.Address)
		if err != nil {
			return nil, err
		}
		opts.Address = off
	}
	if t.Kind.Return {
		return ex.Uretprobe(t.Func, prog, opts)
	}
	return ex.Uprobe(t.Func, prog, opts)
}
