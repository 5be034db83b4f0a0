package runtime

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// kernelSymbols names kernel addresses by /proc/kallsyms, which is read on first use. Addresses
// read as zero where kernel.kptr_restrict hides them; nothing is found then.
type kernelSymbols struct {
	path string // "" means /proc/kallsyms

	once sync.Once
	syms []kernelSymbol // by address
}

type kernelSymbol struct {
	addr uint64
	name string
}

// lookup names the function that holds addr.
func (k *kernelSymbols) lookup(addr uint64) (string, bool) {
	k.once.Do(k.load)
	i, exact := slices.BinarySearchFunc(k.syms, addr, func(s kernelSymbol, a uint64) int {
		switch {
		case s.addr < a:
			return -1
		case s.addr > a:
			return 1
		}
		return 0
	})
	if !exact {
		i--
	}
	if i < 0 {
		return "", false
	}
	return k.syms[i].name, true
}

func (k *kernelSymbols) load() {
	path := k.path
	if path == "" {
		path = "/proc/kallsyms"
	}
	f, err := os.Open(path)
	if err != nil {
		return // addresses then print as numbers
	}
	defer f.Close()
	k.syms = readKallsyms(f)
}

// readKallsyms reads lines of "address type name [module]" and returns the text symbols by address. Of
// several names for one address the first one wins.
func readKallsyms(r io.Reader) []kernelSymbol {
	var syms []kernelSymbol
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		f := bytes.Fields(sc.Bytes())
		if len(f) < 3 || !strings.ContainsAny(string(f[1]), "tTwW") {
			continue
		}
		addr, err := strconv.ParseUint(string(f[0]), 16, 64)
		if err != nil || addr == 0 {
			continue
		}
		syms = append(syms, kernelSymbol{addr, string(f[2])})
	}
	slices.SortStableFunc(syms, func(a, b kernelSymbol) int {
		if a.addr < b.addr {
			return -1
		}
		if a.addr > b.addr {
			return 1
		}
		return 0
	})
	return slices.CompactFunc(syms, func(a, b kernelSymbol) bool { return a.addr == b.addr })
}
