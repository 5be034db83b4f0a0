package probes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
)

// resolveUprobe is uprobe:binary:function[+offset] and uprobe:binary:address. With -p the binary may be left out.
func resolveUprobe(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	kind := builtin.ProbeKindByName(ap.Provider)
	parts := joinSourceName(ap.Parts)
	if line, ok, err := parseSourceLine(parts); err != nil {
		return nil, err
	} else if ok {
		return e.lineUprobe(kind, line)
	}
	paths, what, err := e.uprobeParts(kind, parts)
	if err != nil {
		return nil, err
	}
	if len(parts) == 3 {
		return e.sourceNames(kind, paths, what)
	}
	if addr, err := strconv.ParseUint(what, 0, 63); err == nil {
		return e.addressUprobe(kind, paths, addr)
	}
	name, offset, err := splitOffset(what)
	if err != nil {
		return nil, err
	}
	if kind.Return && offset != 0 {
		return nil, fmt.Errorf("a uretprobe takes no offset: it fires where the function returns")
	}
	var out []lang.Target
	for _, path := range paths {
		found, err := e.uprobeFunctions(kind, path, name, offset)
		if err != nil && len(paths) == 1 {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, &lang.NotFoundError{What: "function " + name, Near: e.nearUprobes(paths, name)}
	}
	return out, nil
}

// joinSourceName puts a name of C++ or Rust together that was written without quotes: cpp:ns::f.
func joinSourceName(parts []string) []string {
	if len(parts) > 3 && isSource(parts[1]) {
		return append(parts[:2:2], strings.Join(parts[2:], ":"))
	}
	return parts
}

// isSource says whether a word of an attach point says that the name behind it is that of the source.
func isSource(word string) bool { return word == "cpp" || word == "rust" }

// uprobeParts finds the binaries of an attach point and gives what follows them.
func (e *Env) uprobeParts(kind *builtin.ProbeKind, parts []string) (paths []string, what string, err error) {
	switch {
	case len(parts) == 1 && parts[0] != "" && (e.opts.PID != 0 || e.opts.Command != ""):
		path, err := e.finder.Program()
		return []string{path}, parts[0], err
	case len(parts) == 3 && isSource(parts[1]) && parts[0] != "" && parts[2] != "":
		paths, err = e.finder.Find(parts[0])
		return paths, parts[2], err
	case len(parts) != 2 || parts[0] == "" || parts[1] == "":
		return nil, "", fmt.Errorf("a %s is written %s:BINARY:FUNCTION, %s:BINARY:ADDRESS or %s:BINARY@FILE:LINE; with a colon in the function's name, %s:BINARY:cpp:\"FUNCTION\"",
			kind.Name, kind.Name, kind.Name, kind.Name, kind.Name)
	}
	paths, err = e.finder.Find(parts[0])
	return paths, parts[1], err
}

// sourceNames are functions by their names in C++ or Rust: all overloads, or with its parameters one of them.
func (e *Env) sourceNames(kind *builtin.ProbeKind, paths []string, name string) ([]lang.Target, error) {
	var out []lang.Target
	var near []string
	for _, path := range paths {
		b, err := e.binary(path)
		if err != nil {
			if len(paths) == 1 {
				return nil, err
			}
			continue
		}
		found, all := namedInSource(b, name)
		near = append(near, all...)
		targets, err := e.symbolUprobes(kind, b, found, name, 0, true)
		if err != nil && len(paths) == 1 && len(found) > 0 {
			return nil, err
		}
		out = append(out, targets...)
	}
	if len(out) == 0 {
		what := "function " + name
		if len(paths) == 1 {
			what += " in " + paths[0]
		}
		return nil, &lang.NotFoundError{What: what, Near: nearest(name, sortedUnique(near))}
	}
	return out, nil
}

// namedInSource are the functions of a binary that have a name in the source, and the names of all.
func namedInSource(b *symbols.Binary, name string) (found []symbols.Symbol, all []string) {
	spaceless := strings.ReplaceAll(name, " ", "")
	for _, s := range b.Functions() {
		full, short, ok := symbols.Demangle(s.Name)
		if !ok {
			continue
		}
		all = append(all, short)
		if match(name, short) || match(name, full) || match(spaceless, strings.ReplaceAll(full, " ", "")) {
			found = append(found, s)
		}
	}
	return found, all
}

// addressUprobe is uprobe:BINARY:ADDRESS.
func (e *Env) addressUprobe(kind *builtin.ProbeKind, paths []string, addr uint64) ([]lang.Target, error) {
	if len(paths) != 1 {
		return nil, fmt.Errorf("an address is one of a single binary, not of %d", len(paths))
	}
	b, err := e.binary(paths[0])
	if err != nil {
		return nil, err
	}
	if _, err := b.FileOffset(addr); err != nil {
		return nil, err
	}
	s, _ := b.Enclosing(addr)
	if s.Name != "" {
		if err := checkBoundary(b, s.Address, addr-s.Address); err != nil && !e.opts.Unsafe {
			return nil, fmt.Errorf("address %#x, %s: %w", addr, s.Name, err)
		}
	}
	t := lang.Target{Kind: kind, Name: fmt.Sprintf("%s:%s:%d", kind.Name, b.Path, addr), Path: b.Path, Address: addr, Go: b.IsGo(s.Name, addr), I386: b.I386}
	switch {
	case t.Go && s.Address == addr && s.Size > 0:
		return e.goFunction(b, s, t)
	case t.Go && kind.Return:
		return nil, fmt.Errorf("no function of Go begins at the address %#x: its returns are not known", addr)
	}
	return []lang.Target{t}, nil
}

// uprobeFunctions are the functions of a binary that match.
func (e *Env) uprobeFunctions(kind *builtin.ProbeKind, path, name string, offset uint64) ([]lang.Target, error) {
	b, err := e.binary(path)
	if err != nil {
		return nil, err
	}
	found, wildcard := e.matching(b, name)
	if len(found) == 0 {
		if found = b.GoNamed(name); len(found) > 0 {
			wildcard = false
		}
	}
	if len(found) == 0 && !wildcard && strings.ContainsAny(name, ":(<") {
		found, _ = namedInSource(b, name)
	}
	out, err := e.symbolUprobes(kind, b, found, name, offset, wildcard)
	if err == nil && len(out) == 0 && !wildcard && e.isInlined(path, name) {
		return nil, fmt.Errorf("%s has no code of its own in %s: the compiler put it into the functions that call it", name, path)
	}
	if err == nil && len(out) == 0 {
		return nil, &lang.NotFoundError{What: fmt.Sprintf("function %s in %s", name, path), Near: e.nearUprobes([]string{path}, name)}
	}
	return out, err
}

// isInlined says whether the debugging information of a binary knows a function that was put into all of its callers.
func (e *Env) isInlined(path, name string) bool {
	d := e.debugInfo(path)
	return d.err == nil && d.reader.Info.IsInlined(name)
}

// symbolUprobes are the targets for functions of a binary. Those of a wildcard that cannot be traced are left out.
func (e *Env) symbolUprobes(kind *builtin.ProbeKind, b *symbols.Binary, found []symbols.Symbol, name string, offset uint64, wildcard bool) ([]lang.Target, error) {
	var out []lang.Target
	left := leftOut{}
	for _, s := range found {
		targets, err := e.functionUprobe(kind, b, s, offset)
		switch {
		case err == nil:
			out = append(out, targets...)
		case !wildcard:
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		default:
			left.add(s.Name, err)
		}
	}
	switch {
	case len(out) > 0:
		out[0].Note = left.note(out[0].Note)
	case len(left.names) > 0:
		return nil, fmt.Errorf("%s matches only functions that cannot be traced: %s: %w", name, left.names[0], left.first)
	}
	return out, nil
}

// matching are the symbols of a binary that a name or a pattern stands for. Code without the type of a function must be named.
func (e *Env) matching(b *symbols.Binary, name string) (found []symbols.Symbol, wildcard bool) {
	if s, ok := b.Symbol(name); ok {
		return []symbols.Symbol{s}, false
	}
	if !isPattern(name) {
		if s, ok := b.Other(name); ok {
			return []symbols.Symbol{s}, false
		}
		return nil, false
	}
	for _, s := range b.Functions() {
		if match(name, s.Name) {
			found = append(found, s)
		}
	}
	return found, true
}

func (e *Env) nearUprobes(paths []string, name string) []string {
	var names []string
	for _, p := range paths {
		if b, err := e.binary(p); err == nil {
			for _, s := range b.Functions() {
				names = append(names, s.Name)
			}
		}
	}
	return nearest(name, sortedUnique(names))
}

// binary reads a binary once.
func (e *Env) binary(path string) (*symbols.Binary, error) {
	if b, ok := e.binaries[path]; ok {
		return b, nil
	}
	b, err := symbols.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the binary: %w", err)
	}
	if e.binaries == nil {
		e.binaries = map[string]*symbols.Binary{}
	}
	e.binaries[path] = b
	return b, nil
}

// listUprobes lists the functions of binaries that are named; there is no list of all binaries.
func listUprobes(kind *builtin.ProbeKind, e *Env, parts []string) ([]lang.Target, error) {
	name, file := "*", ""
	if len(parts) > 0 {
		file = parts[0]
	}
	one := e.opts.PID != 0
	switch {
	case !one && (file == "" || file == "*"), len(parts) > 3:
		return nil, nil
	case len(parts) == 3:
		paths, what, err := e.uprobeParts(kind, parts)
		if err != nil {
			return nil, err
		}
		return e.sourceNames(kind, paths, what)
	case len(parts) == 2 && parts[1] != "":
		name = parts[1]
	}
	var paths []string
	var err error
	if one && (file == "" || file == "*") {
		paths, err = e.finder.Mapped()
	} else {
		paths, err = e.finder.Find(file)
	}
	if err != nil {
		return nil, err
	}
	var out []lang.Target
	for _, p := range paths {
		found, err := e.uprobeFunctions(kind, p, name, 0)
		var missing *lang.NotFoundError
		if err != nil && !errors.As(err, &missing) && len(paths) == 1 {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// planUprobe attaches to one place by the uprobe perf event source, to many of one file by uprobe.multi (Linux 6.6).
func planUprobe(e *Env, targets []lang.Target) (*Plan, error) {
	if !havePMU("uprobe") {
		return nil, errors.New("this kernel was built without uprobes (CONFIG_UPROBES and CONFIG_UPROBE_EVENTS)")
	}
	offsets := make([]uint64, len(targets))
	for i := range targets {
		var err error
		if offsets[i], err = e.uprobeOffset(&targets[i]); err != nil {
			return nil, err
		}
	}
	if e.mayUprobeMulti(targets) {
		return &Plan{attachType: ebpf.AttachTraceUprobeMulti, attach: func(prog *ebpf.Program) (Links, error) {
			return e.attachUprobeMulti(targets, offsets, prog)
		}}, nil
	}
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		off, err := e.uprobeOffset(t)
		if err != nil {
			return nil, err
		}
		p, err := openCountedProbe("uprobe", t.Path, off, t.Semaphore, t.Kind.Return && !t.Go, e.opts.PID, prog)
		if err != nil {
			return nil, explainUprobe(t, err)
		}
		return p, nil
	})}, nil
}

// uprobeOffset is where in its file a target's instruction lies.
func (e *Env) uprobeOffset(t *lang.Target) (uint64, error) {
	b, err := e.binary(t.Path)
	if err != nil {
		return 0, err
	}
	addr, err := e.targetAddress(b, t)
	if err != nil {
		return 0, err
	}
	return b.FileOffset(addr)
}

// targetAddress is the virtual address of a target's instruction, as in the ELF file.
func (e *Env) targetAddress(b *symbols.Binary, t *lang.Target) (uint64, error) {
	if t.Func == "" || t.Address != 0 { // the return of a Go function, too
		return t.Address, nil
	}
	s, ok := b.Symbol(t.Func)
	if !ok {
		s, ok = b.Other(t.Func)
	}
	if !ok {
		return 0, &lang.NotFoundError{What: fmt.Sprintf("function %s in %s", t.Func, t.Path)}
	}
	return s.Address + t.Offset, nil
}

// mayUprobeMulti says whether targets are of one file, and the kernel has uprobe.multi. Up to 6.9 that took a
// process id for that of a thread.
func (e *Env) mayUprobeMulti(targets []lang.Target) bool {
	if len(targets) < 2 || e.opts.PID != 0 && !e.kernel.AtLeast(6, 10) {
		return false
	}
	for i := range targets {
		if targets[i].Path != targets[0].Path || targets[i].Go != targets[0].Go {
			return false
		}
	}
	return e.uprobeMulti()
}

// haveUprobeMulti tries to attach to a directory: a kernel with uprobe.multi says that this is no file.
func haveUprobeMulti() bool {
	prog, err := trialProgram(ebpf.AttachTraceUprobeMulti)
	if err != nil {
		return false
	}
	defer prog.Close()
	ex, err := link.OpenExecutable("/")
	if err != nil {
		return false
	}
	l, err := ex.UprobeMulti(nil, prog, &link.UprobeMultiOptions{Addresses: []uint64{1}})
	if err == nil {
		return l.Close() == nil
	}
	return errors.Is(err, unix.EBADF)
}

func (e *Env) attachUprobeMulti(targets []lang.Target, offsets []uint64, prog *ebpf.Program) (Links, error) {
	ex, err := link.OpenExecutable(targets[0].Path)
	if err != nil {
		return nil, fmt.Errorf("opening the binary: %w", err)
	}
	attach := ex.UprobeMulti
	if targets[0].Kind.Return && !targets[0].Go {
		attach = ex.UretprobeMulti
	}
	return halve(targets, func(lo, hi int) (closer, error) {
		opts := &link.UprobeMultiOptions{Addresses: offsets[lo:hi], PID: uint32(e.opts.PID)}
		if targets[lo].Kind.Name == "usdt" {
			for i := range targets[lo:hi] {
				opts.RefCtrOffsets = append(opts.RefCtrOffsets, targets[lo+i].Semaphore)
			}
		}
		l, err := attach(nil, prog, opts)
		if err != nil {
			return nil, fmt.Errorf("attaching to %d places in %s: %w", hi-lo, targets[0].Path, err)
		}
		return l, nil
	})
}
