package probes

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// kernelSymbol is a function of the kernel with its place.
type kernelSymbol struct {
	Function
	Address uint64 // 0: this process may not know it (kernel.kptr_restrict)
	Size    uint64 // bytes up to the next symbol, 0 if that is not known
}

// kernelSymbols are all functions of the kernel by name and address. They are read once, and only for what the names do not
// tell: the kernel takes tens of milliseconds to list them.
func (e *Env) kernelSymbols() ([]kernelSymbol, error) {
	if e.symbols == nil {
		f, err := os.Open("/proc/kallsyms")
		if err != nil {
			return nil, fmt.Errorf("finding the kernel's functions: %w", err)
		}
		defer f.Close()
		if e.symbols, err = parseKernelSymbols(f); err != nil {
			return nil, err
		}
	}
	return e.symbols, nil
}

func parseKernelSymbols(r io.Reader) ([]kernelSymbol, error) {
	out := []kernelSymbol{}
	var places []uint64
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, listBuffer), listBuffer)
	for s.Scan() {
		text, _, _ := strings.Cut(s.Text(), " ")
		addr, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			continue
		}
		places = append(places, addr)
		if f, ok := kallsymsFunction(s.Text()); ok && f.Name != "" {
			out = append(out, kernelSymbol{Function: f, Address: addr})
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading kallsyms: %w", err)
	}
	slices.Sort(places)
	for i := range out {
		s := &out[i]
		next := sort.Search(len(places), func(i int) bool { return places[i] > s.Address })
		if s.Address != 0 && next < len(places) {
			s.Size = places[next] - s.Address
		}
	}
	slices.SortFunc(out, func(a, b kernelSymbol) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
	return out, nil
}

// places are the functions of a name, all of them: several files of the kernel may each have one.
func (e *Env) places(module, name string) ([]kernelSymbol, error) {
	all, err := e.kernelSymbols()
	if err != nil {
		return nil, err
	}
	var out []kernelSymbol
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
	found, err := e.places(module, name)
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
