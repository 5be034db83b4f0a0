package emit

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/pass"
)

// stackUnit is what the kernel rounds the frames of functions that call each other up to
// (check_max_stack_depth, kernel/bpf/verifier.c).
const (
	stackUnit = 32
	maxStack  = 512
)

// checkStack checks that a function and all others that can be active with it fit the stack.
func checkStack(p *ir.Program, frames map[string]int) error {
	d := &depths{frames: frames, funcs: map[string]*ir.Func{}, known: map[string]chain{}}
	for _, f := range p.Funcs {
		d.funcs[f.Name] = f
	}
	deepest := d.of(p.Funcs[0].Name)
	if deepest.size <= maxStack || deepest.inner == "" {
		return nil // one function's frame was checked when it was laid out
	}
	var what []string
	for name := p.Funcs[0].Name; name != ""; name = d.known[name].inner {
		what = append(what, fmt.Sprintf("%s: %d", name, frames[name]))
	}
	return &pass.FrameError{Func: p.Funcs[0].Name, Size: deepest.size, What: strings.Join(what, ", ")}
}

// depths finds the chains of functions that take the most stack.
type depths struct {
	frames map[string]int
	funcs  map[string]*ir.Func
	known  map[string]chain
}

// chain is a function with those that are active while it is.
type chain struct {
	inner string // the function whose own chain takes the most, "" if there is none
	size  int    // bytes of all
}

func (d *depths) of(name string) chain {
	if c, ok := d.known[name]; ok {
		return c
	}
	var c chain
	for _, b := range d.funcs[name].Blocks {
		for _, v := range b.Values {
			if !v.Refers() {
				continue
			}
			if n := d.of(v.Sym).size; n > c.size {
				c = chain{v.Sym, n}
			}
		}
	}
	own := max(d.frames[name], 1)
	c.size += (own + stackUnit - 1) / stackUnit * stackUnit
	d.known[name] = c
	return c
}
