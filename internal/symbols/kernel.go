package symbols

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// Kernel names kernel addresses. The kernel's list is read when the first is asked for. Addresses read as zero where
// kernel.kptr_restrict hides them; nothing is found then.
type Kernel struct {
	path string // "" means /proc/kallsyms
	once sync.Once
	syms []kernelName // of code, by address
	text []byte       // the names, each ended by a NUL
}

// kernelName is where a symbol is, and where its name is in Kernel.text: a kernel has two hundred thousand.
type kernelName struct {
	addr uint64
	name uint32
}

// Lookup names the function that holds an address.
func (k *Kernel) Lookup(addr uint64) (string, bool) {
	name, _, ok := k.Find(addr)
	return name, ok
}

// Find names the function that holds an address, and says where it begins.
func (k *Kernel) Find(addr uint64) (name string, start uint64, ok bool) {
	k.once.Do(k.load)
	i, exact := slices.BinarySearchFunc(k.syms, addr, func(s kernelName, a uint64) int { return cmp.Compare(s.addr, a) })
	if !exact {
		i--
	}
	if i < 0 {
		return "", 0, false
	}
	s := k.syms[i]
	text := k.text[s.name:]
	return string(text[:bytes.IndexByte(text, 0)]), s.addr, true
}

// load reads the list. Of several names for an address the first one counts. Where the list cannot be read, or only a part of
// it, other addresses have no names.
func (k *Kernel) load() {
	path := k.path
	if path == "" {
		path = "/proc/kallsyms"
	}
	_ = eachIn(path, nil, func(s KernelSymbol) {
		if s.Addr != 0 && s.IsCode() && len(k.text) < maxTable {
			k.syms = append(k.syms, kernelName{s.Addr, uint32(len(k.text))})
			k.text = append(append(k.text, s.Name...), 0)
		}
	})
	slices.SortStableFunc(k.syms, func(a, b kernelName) int { return cmp.Compare(a.addr, b.addr) })
	k.syms = slices.Clip(slices.CompactFunc(k.syms, func(a, b kernelName) bool { return a.addr == b.addr }))
}

// NewKernel names addresses by a file in the form of /proc/kallsyms.
func NewKernel(path string) *Kernel { return &Kernel{path: path} }
