package names

import (
	"os"
	"sync"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
)

// targets names the functions that the uprobes of a script are attached to, by the address at which one was hit. A
// record holds the address but not the process, so the place at which a library or a position-independent program
// lies in memory is not known: only the offset within the page is sure. A name is given if just one of the script's functions
// fits.
type targets struct {
	targets []lang.Target

	once  sync.Once
	funcs []userFunc
}

// userFunc is a function in a binary. Its address is a virtual one of the file, which is that in memory if the file is not
// position-independent.
type userFunc struct {
	name    string
	addr    uint64
	movable bool
}

// newTargets collects the functions of all uprobes.
func newTargets(progs []*lang.Prog) *targets {
	u := &targets{}
	for _, p := range progs {
		if !p.Kind.User {
			continue
		}
		for _, t := range p.Targets {
			if t.Path != "" && t.Func != "" {
				u.targets = append(u.targets, t)
			}
		}
	}
	return u
}

// lookup names the function at addr.
func (u *targets) lookup(addr uint64) (string, bool) {
	u.once.Do(u.load)
	pageMask := uint64(os.Getpagesize() - 1)
	name := ""
	for _, f := range u.funcs {
		fits := f.addr == addr || f.movable && f.addr&pageMask == addr&pageMask
		if !fits || f.name == name {
			continue
		}
		if name != "" {
			return "", false
		}
		name = f.name
	}
	return name, name != ""
}

// load looks the functions up in their files, each file once.
func (u *targets) load() {
	wanted := map[string]map[string]bool{}
	for _, t := range u.targets {
		if wanted[t.Path] == nil {
			wanted[t.Path] = map[string]bool{}
		}
		wanted[t.Path][t.Func] = true
	}
	for path, names := range wanted {
		u.funcs = append(u.funcs, functionsOf(path, names)...)
	}
}

// functionsOf finds the functions with the given names in a file; none if it cannot be read, since addresses
// then print as numbers.
func functionsOf(path string, names map[string]bool) []userFunc {
	b, err := symbols.Open(path)
	if err != nil {
		return nil
	}
	var out []userFunc
	for name := range names {
		if sym, ok := b.Symbol(name); ok {
			out = append(out, userFunc{sym.Name, sym.Address, b.Movable})
		}
	}
	return out
}
