package symbols

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// KernelSymbol is a line of /proc/kallsyms.
type KernelSymbol struct {
	Addr   uint64 // 0 where this process may not know it (kernel.kptr_restrict)
	Kind   byte   // as nm(1) has it: 't', 'D', …
	Name   string
	Module string // "" for the kernel itself
}

// IsCode says whether the symbol is one of code.
func (s *KernelSymbol) IsCode() bool { return strings.IndexByte("tTwW", s.Kind) >= 0 }

// IsPerCPU says whether the symbol may be one of a per-CPU variable: their addresses begin with 0 on x86, before Linux 6.15.
func (s *KernelSymbol) IsPerCPU() bool {
	return strings.IndexByte("AaVv", s.Kind) >= 0 || s.Addr == 0 && strings.IndexByte("DdBb", s.Kind) >= 0
}

// IsFunction says whether the symbol is a function of the kernel's or a module's source. "bpf" and "__builtin__ftrace" are no modules: code
// that the kernel has made. Names with the prefixes __pfx_ and __cfi_ are padding before functions.
func (s *KernelSymbol) IsFunction() bool {
	made := s.Module == "bpf" || strings.HasPrefix(s.Module, "__builtin__")
	return s.IsCode() && !made && !strings.HasPrefix(s.Name, "__pfx_") && !strings.HasPrefix(s.Name, "__cfi_")
}

// maxKernelSymbols bounds a list: kernels have a few hundred thousand.
const maxKernelSymbols = 8 << 20

var errManySymbols = fmt.Errorf("more than %d symbols", maxKernelSymbols)

// EachKernelSymbol calls visit with every symbol of the running kernel, in the order of the kernel's list. The kernel takes tens of
// milliseconds to make that.
func EachKernelSymbol(visit func(KernelSymbol)) error { return eachIn("/proc/kallsyms", nil, visit) }

// KernelSymbolsNamed returns the symbols of a name: several parts of the kernel may each have one.
func KernelSymbolsNamed(name string) ([]KernelSymbol, error) {
	what := []byte(name)
	var out []KernelSymbol
	err := eachIn("/proc/kallsyms", func(line []byte) bool { return bytes.Contains(line, what) }, func(s KernelSymbol) {
		if s.Name == name {
			out = append(out, s)
		}
	})
	return out, err
}

// KernelSymbolsNear returns the symbols that somebody who asks for a name may have meant: those whose names begin with it, and those whose names are
// as long, give or take slack bytes.
func KernelSymbolsNear(name string, slack int) ([]KernelSymbol, error) {
	what := []byte(name)
	keep := func(line []byte) bool {
		_, rest, _ := bytes.Cut(line, []byte{' '})
		end := bytes.IndexByte(rest, '\t')
		if end < 0 {
			end = len(rest)
		}
		const kind = len("t ")
		return end > kind && (max(end-kind-len(name), len(name)-end+kind) <= slack || bytes.HasPrefix(rest[kind:], what))
	}
	var out []KernelSymbol
	err := eachIn("/proc/kallsyms", keep, func(s KernelSymbol) { out = append(out, s) })
	return out, err
}

func eachIn(path string, keep func(line []byte) bool, visit func(KernelSymbol)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("finding the kernel's symbols: %w", err)
	}
	defer f.Close()
	return readKallsyms(f, keep, visit)
}

// ReadKallsyms reads lines "address kind name" and "address kind name<tab>[module]". Lines that are not such are left out.
func ReadKallsyms(r io.Reader, visit func(KernelSymbol)) error { return readKallsyms(r, nil, visit) }

// readKallsyms looks only at lines to keep, at all of them with nil.
func readKallsyms(r io.Reader, keep func(line []byte) bool, visit func(KernelSymbol)) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, readAhead), readAhead)
	n := 0
	for s.Scan() {
		if n++; n > maxKernelSymbols {
			return fmt.Errorf("reading kallsyms: %w", errManySymbols)
		}
		if keep != nil && !keep(s.Bytes()) {
			continue
		}
		if sym, ok := parseKallsyms(s.Text()); ok {
			visit(sym)
		}
	}
	if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("reading kallsyms: a line of more than %d bytes", readAhead)
	} else if err != nil {
		return fmt.Errorf("reading kallsyms: %w", err)
	}
	return nil
}

func parseKallsyms(line string) (s KernelSymbol, ok bool) {
	address, rest, _ := strings.Cut(line, " ")
	kind, rest, _ := strings.Cut(rest, " ")
	name, module, _ := strings.Cut(rest, "\t")
	if i := strings.IndexByte(name, ' '); i >= 0 {
		name, module = rest[:i], rest[i:]
	}
	if module != "" {
		module = strings.Trim(strings.TrimSpace(module), "[]")
	}
	addr, err := strconv.ParseUint(address, 16, 64)
	if err != nil || len(kind) != 1 || name == "" {
		return s, false
	}
	return KernelSymbol{addr, kind[0], name, module}, true
}
