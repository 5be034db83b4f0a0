package probes

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/gotrace/gotrace/internal/symbols"
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
