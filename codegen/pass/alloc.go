package pass

import (
	"fmt"
	"sort"

	"github.com/gotrace/gotrace/codegen/ir"
)

// Registers of eBPF. R0 to R3 are lost at calls, R6 to R9 are kept. R4 and R5 are left to the emitter for what lies in
// memory or is computed again where it is used; R10 is the frame.
const (
	regLost = 4 // R0 … R3
	regKept = 6 // R6 … R9
	numRegs = 10
)

// Loc is where a value lies: in a register, or in the frame at an offset below R10.
type Loc struct {
	Reg   int // -1: in the frame
	Frame int // bytes from R10, negative
}

// InReg says whether the value is in a register.
func (l Loc) InReg() bool { return l.Reg >= 0 }

// Allocation says where the values and slots of a function lie.
type Allocation struct {
	locs      []Loc
	has       []bool
	slots     []int // offset of each slot from R10
	FrameSize int   // bytes
}

// Loc returns where a value lies; ok is false for values that are computed where they are used.
func (a *Allocation) Loc(v *ir.Value) (Loc, bool) { return a.locs[v.ID], a.has[v.ID] }

// Slot returns the offset of a slot from R10.
func (a *Allocation) Slot(s *ir.Slot) int { return a.slots[s.ID] }

// maxFrame is MAX_BPF_STACK (include/linux/filter.h).
const maxFrame = 512

// FrameError says that a program needs more stack than the kernel gives.
type FrameError struct {
	Func string // the function whose frame is the last that does not fit
	Size int    // bytes needed by it and those that called it
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("%s needs %d bytes of stack, the kernel gives %d", e.Func, e.Size, maxFrame)
}

// Limit is what the kernel gives, in bytes.
func (e *FrameError) Limit() int { return maxFrame }

// frameUnit is what the verifier rounds each frame up to (check_max_stack_depth, kernel/bpf/verifier.c; newer kernels round to 16
// where programs are compiled).
const frameUnit = 32

// AllocateProgram allocates all functions. A function and the callbacks it hands to the kernel share one stack.
func AllocateProgram(p *ir.Program) ([]*Allocation, error) {
	out := make([]*Allocation, len(p.Funcs))
	frames := map[string]int{}
	for i, f := range p.Funcs {
		a, err := Allocate(f)
		if err != nil {
			return nil, err
		}
		out[i], frames[f.Name] = a, (max(a.FrameSize, 1)+frameUnit-1)/frameUnit*frameUnit
	}
	return out, checkDepth(p, p.Funcs[0], frames, 0)
}

// checkDepth adds up the frames along every chain of callbacks. Loop bodies contain each other like the loops do, so chains end.
func checkDepth(p *ir.Program, f *ir.Func, frames map[string]int, above int) error {
	size := above + frames[f.Name]
	if size > maxFrame {
		return &FrameError{Func: f.Name, Size: size}
	}
	for _, name := range references(f) {
		if err := checkDepth(p, find(p, name), frames, size); err != nil {
			return err
		}
	}
	return nil
}

// Allocate decides where the values of a function lie.
//
// It is a greedy allocation over exact live ranges: values are placed in the order of their weight (uses per
// length), each in the first register that is free in all of its range. One that finds none lies in the frame.
// Registers that a value would be copied to or from anyway are tried first.
func Allocate(f *ir.Func) (*Allocation, error) {
	a := &allocator{
		liveness: newLiveness(f),
		hints:    hints(f),
		out:      &Allocation{locs: make([]Loc, f.Values()), has: make([]bool, f.Values())},
	}
	a.succs, a.preds = graph(f)
	a.clobber()
	a.registers()
	a.frame()
	if a.out.FrameSize > maxFrame {
		return nil, &FrameError{Func: f.Name, Size: a.out.FrameSize}
	}
	return a.out, nil
}

type allocator struct {
	*liveness
	hints   map[int][]hint
	succs   [][]int // by block id
	preds   [][]int
	busy    [numRegs]Ranges
	out     *Allocation
	spilled []int
}

// clobber marks the registers that calls destroy.
func (a *allocator) clobber() {
	var at Ranges
	for _, pos := range a.calls {
		at = append(at, Span{pos + posClobber, pos + posClobber})
	}
	for r := range regLost {
		a.busy[r] = at
	}
}

// registers places the values, the most valuable first.
func (a *allocator) registers() {
	var ids []int
	for id, r := range a.ranges {
		if len(r) > 0 {
			ids = append(ids, id)
		}
	}
	weight := make([]float64, len(a.ranges))
	for _, id := range ids {
		weight[id] = a.weight(id)
	}
	sort.SliceStable(ids, func(i, j int) bool { return weight[ids[i]] > weight[ids[j]] })
	for _, id := range ids {
		a.out.has[id] = true
		r := a.pick(id)
		a.out.locs[id] = Loc{Reg: r}
		if r < 0 {
			a.spilled = append(a.spilled, id)
			continue
		}
		a.busy[r] = a.busy[r].add(a.ranges[id])
	}
}

// weight is what a value saves by being in a register: its uses for each position it takes.
func (a *allocator) weight(id int) float64 {
	length := 1
	for _, s := range a.ranges[id] {
		length += s.To - s.From
	}
	return (a.uses[id] + 1) / float64(length)
}

// pick finds a register that is free in all of a value's range, -1 if there is none.
func (a *allocator) pick(id int) int {
	for _, h := range a.hints[id] {
		r := h.reg
		if h.value >= 0 {
			if !a.out.has[h.value] {
				continue
			}
			r = a.out.locs[h.value].Reg
		}
		if allocatable(r) && !a.busy[r].overlaps(a.ranges[id]) {
			return r
		}
	}
	for r := range numRegs {
		if allocatable(r) && !a.busy[r].overlaps(a.ranges[id]) {
			return r
		}
	}
	return -1
}

func allocatable(r int) bool { return r >= 0 && r < regLost || r >= regKept && r < numRegs }

// hint is a register, or the register of another value, that saves a copy.
type hint struct{ reg, value int }

// hints finds what values are copied to and from: arguments and results of calls, block parameters,
// and the first operand of two-address instructions.
func hints(f *ir.Func) map[int][]hint {
	h := map[int][]hint{}
	both := func(x, y *ir.Value) {
		h[x.ID] = append(h[x.ID], hint{-1, y.ID})
		h[y.ID] = append(h[y.ID], hint{-1, x.ID})
	}
	for i, p := range f.Blocks[0].Params {
		h[p.ID] = append(h[p.ID], hint{i + 1, -1})
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			switch {
			case v.IsCall():
				for i, x := range v.Args {
					h[x.ID] = append(h[x.ID], hint{i + 1, -1})
				}
				h[v.ID] = append(h[v.ID], hint{0, -1})
			case v.Op == ir.OpCtx:
				h[v.ID] = append(h[v.ID], hint{1, -1})
			case len(v.Args) > 0 && v.HasResult() && v.Op != ir.OpLoad:
				both(v, v.Args[0])
			}
		}
		for _, e := range b.Edges() {
			for i, x := range e.Args {
				both(x, e.To.Params[i])
			}
		}
		if b.Term.Kind == ir.TermReturn {
			h[b.Term.X.ID] = append(h[b.Term.X.ID], hint{0, -1})
		}
	}
	return h
}
