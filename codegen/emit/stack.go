package emit

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/codegen/ir"
	"github.com/gotrace/gotrace/codegen/pass"
)

// stackUnit is what the kernel rounds the frames of functions that call each other up to
// (check_max_stack_depth, kernel/bpf/verifier.c).
const (
	stackUnit = 32
	maxStack  = 512
)

// checkStack checks that a function and all callbacks that can be active with it fit the stack.
func checkStack(p *ir.Program, frames map[string]int) error {
	chain, size := deepest(p, p.Funcs[0], frames)
	if size <= maxStack || len(chain) == 1 {
		return nil // one function's frame was checked when it was laid out
	}
	for i, name := range chain {
		chain[i] = fmt.Sprintf("%s: %d", name, frames[name])
	}
	return &pass.FrameError{Func: p.Funcs[0].Name, Size: size, What: strings.Join(chain, ", ")}
}

// deepest is the chain of functions from f on that takes the most stack, and how much that is.
func deepest(p *ir.Program, f *ir.Func, frames map[string]int) (chain []string, size int) {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op != ir.OpFuncPtr {
				continue
			}
			for _, g := range p.Funcs {
				if g.Name != v.Sym {
					continue
				}
				if c, n := deepest(p, g, frames); n > size {
					chain, size = c, n
				}
			}
		}
	}
	own := max(frames[f.Name], 1)
	return append([]string{f.Name}, chain...), size + (own+stackUnit-1)/stackUnit*stackUnit
}
