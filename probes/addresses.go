package probes

import (
	"fmt"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
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
