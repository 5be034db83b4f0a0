// Package pass improves IR and decides where its values live. The passes are in one table,
// in the order in which they run.
package pass

import (
	"fmt"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// Options are what the passes need to know.
type Options struct {
	KernelVersion uint32 // as lang.Kernel.Version; instructions of newer kernels are not used
	// Short asks for short lives of values rather than for few operations: an operation that was done before is done again.
	Short bool
	// Check, if set, is called after each pass; tests verify the IR there.
	Check func(pass string, f *ir.Func) error
}

// atLeast says whether the kernel is major.minor or newer.
func (o *Options) atLeast(major, minor uint32) bool { return o.KernelVersion >= major<<16|minor<<8 }

// passes are run on a function, in this order.
var passes = []struct {
	name string
	run  func(*ir.Func, *Options)
}{
	{"unreachable", unreachable}, // lowering leaves blocks nobody jumps to; the kernel rejects them
	{"context", context},         // R1 holds it at the start only
	{"fold", fold},
	{"divide", divide}, // after fold, which does divisions by constants better
	{"merge", merge},   // fewer, longer blocks for what follows
	{"cse", cse},
	{"fold", fold}, // what cse made equal
	{"dce", dce},
	{"straight", straight},       // before merge, which joins what becomes one block
	{"unreachable", unreachable}, // paths that fold found to be never taken
	{"merge", merge},
	{"layout", layout}, // it only orders blocks
	{"hide", hide},     // after all that would remove copies
	{"remat", remat},   // last: constants and addresses where instructions need them in registers
}

// Optimize runs all passes on all functions of a program.
func Optimize(p *ir.Program, o *Options) error {
	for _, f := range p.Funcs {
		for _, pass := range passes {
			pass.run(f, o)
			if o.Check == nil {
				continue
			}
			if err := o.Check(pass.name, f); err != nil {
				return fmt.Errorf("after %s: %w", pass.name, err)
			}
		}
	}
	callbacks(p)
	return nil
}

// replacements are values and what stands for them.
type replacements struct {
	f  *ir.Func
	by []*ir.Value // by id; empty until there is one, and shorter than the list of values where some were made since
}

// put lets n stand for v.
func (r *replacements) put(v, n *ir.Value) {
	if v.ID >= len(r.by) {
		r.by = append(r.by, make([]*ir.Value, r.f.Values()-len(r.by))...)
	}
	r.by[v.ID] = n
}

// of follows the replacements of a value to the end.
func (r *replacements) of(v *ir.Value) *ir.Value {
	for v.ID < len(r.by) && r.by[v.ID] != nil {
		v = r.by[v.ID]
	}
	return v
}

func (r *replacements) args(list []*ir.Value) {
	for i, a := range list {
		list[i] = r.of(a)
	}
}

// term replaces the operands of a terminator.
func (r *replacements) term(t *ir.Term) {
	if t.X != nil {
		t.X = r.of(t.X)
	}
	if t.Y != nil {
		t.Y = r.of(t.Y)
	}
	r.args(t.Then.Args)
	r.args(t.Else.Args)
}

// apply replaces every operand of a function.
func (r *replacements) apply(f *ir.Func) {
	if len(r.by) == 0 {
		return
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			r.args(v.Args)
		}
		r.term(&b.Term)
	}
}

// useCounts counts the uses of every value, by id.
func useCounts(f *ir.Func) []int {
	n := make([]int, f.Values())
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for _, a := range v.Args {
				n[a.ID]++
			}
		}
		b.Term.Operands(func(a *ir.Value) { n[a.ID]++ })
	}
	return n
}
