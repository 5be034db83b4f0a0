package symbols

import (
	"cmp"
	"slices"
	"sync"
)

// Kernel names kernel addresses. The kernel's list is read when the first is asked for. Addresses read as zero where
// kernel.kptr_restrict hides them; nothing is found then.
type Kernel struct {
	path string // "" means /proc/kallsyms

	once sync.Once
	syms []KernelSymbol // of code, by address
}

// Lookup names the function that holds an address.
func (k *Kernel) Lookup(addr uint64) (string, bool) {
	k.once.Do(k.load)
	i, exact := slices.BinarySearchFunc(k.syms, addr, func(s KernelSymbol, a uint64) int { return cmp.Compare(s.Addr, a) })
	if !exact {
		i--
	}
	if i < 0 {
		return "", false
	}
	return k.syms[i].Name, true
}

// load reads the list. Of several names for an address the first one counts. Where the list cannot be read, or only a part of
// it, other addresses have no names.
func (k *Kernel) load() {
	path := k.path
	if path == "" {
		path = "/proc/kallsyms"
	}
	_ = eachIn(path, "", func(s KernelSymbol) {
		if s.Addr != 0 && s.IsCode() {
			k.syms = append(k.syms, s)
		}
	})
	slices.SortStableFunc(k.syms, func(a, b KernelSymbol) int { return cmp.Compare(a.Addr, b.Addr) })
	k.syms = slices.CompactFunc(k.syms, func(a, b KernelSymbol) bool { return a.Addr == b.Addr })
}

// NewKernel names addresses by a file in the form of /proc/kallsyms.
func NewKernel(path string) *Kernel { return &Kernel{path: path} }
