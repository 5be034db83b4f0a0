package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// callbacks drops the functions that nothing refers to any more, because the loop was found to have no
// round: the kernel refuses a program with a function that is not called.
func callbacks(p *ir.Program) {
	byName := map[string]*ir.Func{}
	for _, f := range p.Funcs {
		byName[f.Name] = f
	}
	used := map[string]bool{}
	for work := []*ir.Func{p.Funcs[0]}; len(work) > 0; work = work[1:] {
		for _, name := range references(work[0]) {
			if !used[name] {
				used[name] = true
				work = append(work, byName[name])
			}
		}
	}
	kept := p.Funcs[:1]
	for _, f := range p.Funcs[1:] {
		if used[f.Name] {
			kept = append(kept, f)
		}
	}
	p.Funcs = kept
}

// references are the names of the functions that f calls or hands to the kernel.
func references(f *ir.Func) []string {
	var names []string
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Refers() {
				names = append(names, v.Sym)
			}
		}
	}
	return names
}
