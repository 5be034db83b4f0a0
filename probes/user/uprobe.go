package user

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/probes/internal/glob"
)

// ResolveUprobe is uprobe:binary:function[+offset] and uprobe:binary:address. With -p the binary may be left out.
func (e *Programs) ResolveUprobe(ap *ast.AttachPoint) ([]lang.Target, error) {
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
	name, offset, err := glob.SplitOffset(what)
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
		return nil, &lang.NotFoundError{What: "function " + name, Near: e.Near(paths, name)}
	}
	return out, nil
}

// joinSourceName puts a name of C++, Rust or D together that was written without quotes: cpp:ns::f.
func joinSourceName(parts []string) []string {
	if len(parts) > 3 && isSource(parts[1]) {
		return append(parts[:2:2], strings.Join(parts[2:], ":"))
	}
	return parts
}

// isSource says whether a word of an attach point says that the name behind it is that of the source.
func isSource(word string) bool { return word == "cpp" || word == "rust" || word == "d" }

// uprobeParts finds the binaries of an attach point and gives what follows them.
func (e *Programs) uprobeParts(kind *builtin.ProbeKind, parts []string) (paths []string, what string, err error) {
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

// sourceNames are functions by their names in C++, Rust or D: all overloads, or with its parameters one of them.
func (e *Programs) sourceNames(kind *builtin.ProbeKind, paths []string, name string) ([]lang.Target, error) {
	var out []lang.Target
	var near []string
	for _, path := range paths {
		b, err := e.Binary(path)
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
		return nil, &lang.NotFoundError{What: what, Near: glob.Nearest(name, glob.Unique(near))}
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
		if glob.Match(name, short) || glob.Match(name, full) || glob.Match(spaceless, strings.ReplaceAll(full, " ", "")) {
			found = append(found, s)
		}
	}
	return found, all
}

// addressUprobe is uprobe:BINARY:ADDRESS.
func (e *Programs) addressUprobe(kind *builtin.ProbeKind, paths []string, addr uint64) ([]lang.Target, error) {
	if len(paths) != 1 {
		return nil, fmt.Errorf("an address is one of a single binary, not of %d", len(paths))
	}
	b, err := e.Binary(paths[0])
	if errors.Is(err, symbols.ErrNotBinary) {
		b, err = e.flat(paths[0], err)
	}
	if err != nil {
		return nil, err
	}
	if _, err := b.FileOffset(addr); err != nil {
		return nil, err
	}
	s, _ := b.Enclosing(addr)
	if s.Name != "" {
		if err := checkBoundary(e.opts.Arch, b, s.Address, addr-s.Address); err != nil && !e.opts.Unsafe {
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

// flat is a file that is no ELF file, and why it is none: the addresses in it are offsets. Whether there is an instruction at one of them,
// nothing tells, and a breakpoint inside of another one destroys that.
func (e *Programs) flat(path string, why error) (*symbols.Binary, error) {
	if !e.opts.Unsafe {
		return nil, fmt.Errorf("%w; with --unsafe an address is an offset in the file", why)
	}
	b, err := symbols.OpenFlat(path)
	if err == nil {
		e.binaries[path] = b
	}
	return b, err
}

// uprobeFunctions are the functions of a binary that match.
func (e *Programs) uprobeFunctions(kind *builtin.ProbeKind, path, name string, offset uint64) ([]lang.Target, error) {
	b, err := e.Binary(path)
	if err != nil {
		return nil, err
	}
	found, wildcard := e.matching(b, name)
	if len(found) == 0 {
		if found = b.GoNamed(name); len(found) > 0 {
			wildcard = false
		}
	}
	if len(found) == 0 && !wildcard && strings.ContainsAny(name, ":(<.!") {
		found, _ = namedInSource(b, name)
	}
	out, err := e.symbolUprobes(kind, b, found, name, offset, wildcard)
	if err == nil && len(out) == 0 && !wildcard && e.isInlined(path, name) {
		return nil, fmt.Errorf("%s has no code of its own in %s: the compiler put it into the functions that call it", name, path)
	}
	if err == nil && len(out) == 0 {
		return nil, &lang.NotFoundError{What: fmt.Sprintf("function %s in %s", name, path), Near: e.Near([]string{path}, name)}
	}
	return out, err
}

// isInlined says whether the debugging information of a binary knows a function that was put into all of its callers.
func (e *Programs) isInlined(path, name string) bool {
	d := e.debugInfo(path)
	return d.err == nil && d.reader.Info.IsInlined(name)
}

// symbolUprobes are the targets for functions of a binary. Those of a wildcard that cannot be traced are left out.
func (e *Programs) symbolUprobes(kind *builtin.ProbeKind, b *symbols.Binary, found []symbols.Symbol, name string, offset uint64, wildcard bool) ([]lang.Target, error) {
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
func (e *Programs) matching(b *symbols.Binary, name string) (found []symbols.Symbol, wildcard bool) {
	if s, ok := b.Symbol(name); ok {
		return []symbols.Symbol{s}, false
	}
	if !glob.IsPattern(name) {
		if s, ok := b.Other(name); ok {
			return []symbols.Symbol{s}, false
		}
		return nil, false
	}
	for _, s := range b.Functions() {
		if glob.Match(name, s.Name) {
			found = append(found, s)
		}
	}
	return found, true
}

// Near are names of functions of binaries that are near to one.
func (e *Programs) Near(paths []string, name string) []string {
	var names []string
	for _, p := range paths {
		if b, err := e.Binary(p); err == nil {
			for _, s := range b.Functions() {
				names = append(names, s.Name)
			}
		}
	}
	return glob.Nearest(name, glob.Unique(names))
}

// ListUprobes lists the functions of binaries that are named; there is no list of all binaries.
func (e *Programs) ListUprobes(kind *builtin.ProbeKind, parts []string) ([]lang.Target, error) {
	name, file := "*", ""
	parts = joinSourceName(parts)
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

// Offset is where in its file a target's instruction lies.
func (e *Programs) Offset(t *lang.Target) (uint64, error) {
	b, err := e.Binary(t.Path)
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
func (e *Programs) targetAddress(b *symbols.Binary, t *lang.Target) (uint64, error) {
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
