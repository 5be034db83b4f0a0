package probes

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/probes/internal/glob"
)

// kernelPlace is a function of the kernel with its place.
type kernelPlace struct {
	Function
	Address uint64 // 0: this process may not know it (kernel.kptr_restrict)
	Size    uint64 // bytes up to the next symbol, 0 if that is not known
}

// kernelPlaces are all functions of the kernel by name and address. They are read once, and only for what the names do not
// tell.
func (e *Env) kernelPlaces() ([]kernelPlace, error) {
	if e.places == nil {
		var all []symbols.KernelSymbol
		if err := symbols.EachKernelSymbol(func(s symbols.KernelSymbol) { all = append(all, s) }); err != nil {
			return nil, err
		}
		e.places = placesOf(all)
	}
	return e.places, nil
}

// placesOf finds the functions among all symbols, and how far each is from the next symbol.
func placesOf(all []symbols.KernelSymbol) []kernelPlace {
	out := []kernelPlace{}
	addresses := make([]uint64, len(all))
	for i, s := range all {
		addresses[i] = s.Addr
		if s.IsFunction() {
			out = append(out, kernelPlace{Function: Function{Name: s.Name, Module: s.Module}, Address: s.Addr})
		}
	}
	slices.Sort(addresses)
	for i := range out {
		s := &out[i]
		next := sort.Search(len(addresses), func(i int) bool { return addresses[i] > s.Address })
		if s.Address != 0 && next < len(addresses) {
			s.Size = addresses[next] - s.Address
		}
	}
	slices.SortFunc(out, func(a, b kernelPlace) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
	return out
}

// placesNamed are the functions of a name, all of them: several files of the kernel may each have one.
func (e *Env) placesNamed(module, name string) ([]kernelPlace, error) {
	all, err := e.kernelPlaces()
	if err != nil {
		return nil, err
	}
	var out []kernelPlace
	i := sort.Search(len(all), func(i int) bool { return all[i].Name >= name })
	for ; i < len(all) && all[i].Name == name; i++ {
		if inModule(all[i].Function, module) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

// checkOffset gives an error if an offset is surely outside of a function, and says how long that is. The kernel
// takes such an offset for one in another function.
func (e *Env) checkOffset(module, name string, offset uint64) error {
	found, err := e.placesNamed(module, name)
	if err != nil || len(found) == 0 || isPattern(name) {
		return nil // the kernel decides
	}
	size := uint64(0)
	for _, f := range found {
		if f.Size == 0 {
			return nil
		}
		size = max(size, f.Size)
	}
	if offset >= size || offset > math.MaxInt64 {
		return fmt.Errorf("offset %d is outside of %s, which has %d bytes", offset, name, size)
	}
	return nil
}

// attachNamed attaches to the function of a name. Where the kernel has several it refuses the name (number_of_same_symbols,
// kernel/trace/trace_kprobe.c), and the program is attached to each by its address.
func (e *Env) attachNamed(p *Plan, t *lang.Target, prog *ebpf.Program) (closer, error) {
	l, err := attachKprobe(t, prog)
	if !errors.Is(err, unix.EADDRNOTAVAIL) || t.Func == "" {
		return l, err
	}
	found, listErr := e.placesNamed(t.Module, t.Func)
	if listErr != nil || len(found) == 0 || found[0].Address == 0 {
		return nil, explainKprobe(t, err)
	}
	var all Links
	for _, f := range found {
		l, err := openProbe("kprobe", "", f.Address+t.Offset, t.Kind.Return, -1, prog)
		if err != nil {
			at := fmt.Errorf("at %#x (module %s): %w", f.Address, orVmlinux(f.Module), explainKprobe(t, err))
			return nil, errors.Join(at, all.Close())
		}
		all = append(all, l)
	}
	if !t.Wildcard { // a pattern means all it matches
		p.noteCopies(t, len(all))
	}
	return all, nil
}

// noteCopies tells of a name that several functions have.
func (p *Plan) noteCopies(t *lang.Target, n int) {
	p.notes = append(p.notes, Note{t, fmt.Sprintf("the kernel has %d functions %s: the probe is on all of them; "+
		"to choose, name the module (kprobe:MODULE:%s) or an address", n, t.Func, t.Func)})
}

// Tell is what -v says of the way of attaching, "" for nothing.
func (p *Plan) Tell() string { return p.tell }

// Notes are what the user should know of the places the program was attached to.
func (p *Plan) Notes() []Note { return p.notes }

// multi is what kprobe.multi attaches to: functions by name, which are unique, and those that share a name by address.
type multi struct {
	session        bool // returns as well
	unique, shared []lang.Target
	symbols        []string  // of unique
	addresses      []uintptr // of shared
}

// splitCopies finds names that several functions have: kprobe.multi takes one of these and leaves out the others.
func (e *Env) splitCopies(p *Plan, targets []lang.Target) (*multi, error) {
	m := &multi{}
	for i := range targets {
		t := &targets[i]
		var all, found []kernelPlace
		if t.Copies > 1 || t.Module != "" {
			var err error
			if all, err = e.placesNamed("", t.Func); err != nil {
				return nil, err
			}
			if found, err = e.placesNamed(t.Module, t.Func); err != nil {
				return nil, err
			}
		}
		if len(all) < 2 || len(found) == 0 || found[0].Address == 0 {
			m.unique, m.symbols = append(m.unique, *t), append(m.symbols, t.Func)
			continue
		}
		for _, f := range found {
			m.shared, m.addresses = append(m.shared, *t), append(m.addresses, uintptr(f.Address))
		}
		if len(found) > 1 && !t.Wildcard {
			p.noteCopies(t, len(found))
		}
	}
	return m, nil
}

// attach attaches to all, those with unique names first.
func (m *multi) attach(ret bool, prog *ebpf.Program, step Step) (Links, error) {
	byName := func(lo, hi int) (closer, error) {
		return attachKprobeMulti(link.KprobeMultiOptions{Symbols: m.symbols[lo:hi], Session: m.session}, functions(m.symbols[lo:hi]), ret, prog)
	}
	byAddress := func(lo, hi int) (closer, error) {
		return attachKprobeMulti(link.KprobeMultiOptions{Addresses: m.addresses[lo:hi], Session: m.session}, "functions such as "+m.shared[lo].Func, ret, prog)
	}
	var all Links
	skipped := &SkippedError{}
	for _, part := range []struct {
		targets []lang.Target
		attach  func(lo, hi int) (closer, error)
	}{{m.unique, byName}, {m.shared, byAddress}} {
		if len(part.targets) == 0 {
			continue
		}
		links, err := halve(part.targets, step, part.attach)
		all = append(all, links...)
		var some *SkippedError
		switch {
		case errors.As(err, &some):
			skipped.Skipped = append(skipped.Skipped, some.Skipped...)
		case errors.Is(err, ErrStopped):
			return all, err
		case err != nil:
			return nil, errors.Join(err, all.Close())
		}
	}
	return skipped.result(all)
}

// Patterns of names, for all kinds of probes.
var (
	isPattern    = glob.IsPattern
	match        = glob.Match
	nearest      = glob.Nearest
	sortedUnique = glob.Unique
	splitOffset  = glob.SplitOffset
)

// KernelAddress is the address of a symbol of the kernel: that of the kernel itself, if modules have some of the name, too.
func (e *Env) KernelAddress(name string) (uint64, error) {
	found, err := symbols.KernelSymbolsNamed(name)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, &lang.NotFoundError{What: "symbol " + name + " of the kernel"}
	}
	best := found[0]
	for _, s := range found {
		if best.Module != "" && s.Module == "" {
			best = s
		}
	}
	if best.Addr == 0 {
		return 0, fmt.Errorf("the kernel does not tell the addresses of its symbols: sysctl kernel.kptr_restrict")
	}
	return best.Addr, nil
}

// SymbolFrom is how far a symbol of a target's binary is from the place that is probed.
func (e *Env) SymbolFrom(t *lang.Target, name string) (distance int64, size uint64, err error) {
	b, err := e.user.Binary(t.Path)
	if err != nil {
		return 0, 0, err
	}
	s, ok := b.Symbol(name)
	if !ok {
		s, ok = b.Other(name)
	}
	if !ok {
		return 0, 0, &lang.NotFoundError{What: "symbol " + name + " in " + t.Path, Near: e.user.Near([]string{t.Path}, name)}
	}
	place := t.Address
	if t.Func != "" {
		f, ok := b.Symbol(t.Func)
		if !ok {
			return 0, 0, fmt.Errorf("%s is not a function of %s", t.Func, t.Path)
		}
		place = f.Address + t.Offset
	}
	return int64(s.Address - place), s.Size, nil
}
