// Package emit turns optimised IR into eBPF instructions.
package emit

import (
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/codegen/ir"
	"github.com/gotrace/gotrace/codegen/pass"
	"github.com/gotrace/gotrace/lang"
)

// Result is a program ready to be loaded.
type Result struct {
	Insns asm.Instructions
	// Pos is the place in the script of each instruction, by its index in Insns.
	Pos []lang.Pos
}

// Options are what the emitter needs to know.
type Options struct {
	KernelVersion uint32 // as lang.Kernel.Version
}

// Program emits the functions of a program, one after the other.
func Program(p *ir.Program, o *Options) (*Result, error) {
	allocs, err := pass.AllocateProgram(p)
	if err != nil {
		return nil, err
	}
	res := &Result{}
	for i, f := range p.Funcs {
		e := &emitter{f: f, alloc: allocs[i], index: i, res: res, v4: o.KernelVersion >= 6<<16|6<<8,
			alias: map[string]string{}, returns: copied(f)}
		first := len(res.Insns)
		if err := e.function(); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		e.resolve(first)
		res.Insns[first] = res.Insns[first].WithSymbol(f.Name)
		if len(p.Funcs) > 1 {
			// The kernel takes a callback only from programs whose functions are described (check_ld_imm, kernel/bpf/verifier.c).
			res.Insns[first] = btf.WithFuncMetadata(res.Insns[first], describe(f))
		}
	}
	if err := checkJumps(res); err != nil {
		return nil, err
	}
	return res, nil
}

// MaxJump is the longest jump, in instructions: its offset has 16 bits.
const MaxJump = math.MaxInt16

// RangeError says that a jump is longer than its instruction can say, because the program is too long.
type RangeError struct {
	Distance int // in instructions
	Pos      lang.Pos
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("a jump of %d instructions, the longest is of %d", e.Distance, MaxJump)
}

// checkJumps looks for jumps whose distance does not fit their 16 bits: cilium/ebpf would cut it.
func checkJumps(res *Result) error {
	at := map[string]int{} // wide instructions count twice
	raw := 0
	for _, ins := range res.Insns {
		if l := ins.Symbol(); l != "" {
			at[l] = raw
		}
		raw += int(ins.Size() / asm.InstructionSize)
	}
	raw = 0
	for i, ins := range res.Insns {
		raw += int(ins.Size() / asm.InstructionSize)
		if to, ok := at[ins.Reference()]; ok && ins.OpCode.Class().IsJump() {
			if d := to - raw; d != int(int16(d)) {
				return &RangeError{Distance: max(d, -d), Pos: res.Pos[i]}
			}
		}
	}
	return nil
}

// describe is the BTF of a function.
func describe(f *ir.Func) *btf.Func {
	word := &btf.Int{Name: "unsigned long", Size: 8}
	proto := &btf.FuncProto{Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}
	for i := range max(f.Params, 1) {
		proto.Params = append(proto.Params, btf.FuncParam{Name: fmt.Sprintf("a%d", i), Type: word})
	}
	return &btf.Func{Name: f.Name, Type: proto, Linkage: btf.StaticFunc}
}

// The registers that hold what lies in memory or is computed where it is used; the allocator leaves them alone.
const (
	tmp1 = asm.R5
	tmp2 = asm.R4
)

type emitter struct {
	f       *ir.Func
	alloc   *pass.Allocation
	index   int
	res     *Result
	v4      bool // instructions of cpu version 4 (Linux 6.6): sign-extending moves, signed division
	pos     lang.Pos
	returns map[*ir.Block]bool // see copied
	label   string             // waiting for the next instruction
	alias   map[string]string  // labels of a place that has another label already: an instruction carries only one
	edges   int
}

// add appends an instruction. A label that waits becomes its symbol.
func (e *emitter) add(ins asm.Instruction) {
	if e.label != "" {
		ins = ins.WithSymbol(e.label)
		e.label = ""
	}
	e.res.Insns = append(e.res.Insns, ins)
	e.res.Pos = append(e.res.Pos, e.pos)
}

// place puts a label before the next instruction.
func (e *emitter) place(label string) {
	if e.label != "" {
		e.alias[label] = e.label
		return
	}
	e.label = label
}

// resolve makes the jumps from instruction first on go to labels that instructions carry.
func (e *emitter) resolve(first int) {
	for i := first; i < len(e.res.Insns); i++ {
		ins := &e.res.Insns[i]
		if to, ok := e.alias[ins.Reference()]; ok {
			*ins = ins.WithReference(to)
		}
	}
}

func (e *emitter) labelOf(b *ir.Block) string { return fmt.Sprintf("f%d_b%d", e.index, b.ID) }

func (e *emitter) newLabel() string {
	e.edges++
	return fmt.Sprintf("f%d_e%d", e.index, e.edges)
}

func jump(label string) asm.Instruction { return asm.Ja.Label(label) }

func (e *emitter) function() error {
	for i, b := range e.f.Blocks {
		if i > 0 {
			e.place(e.labelOf(b))
		}
		e.pos = b.Term.Pos
		if i == 0 {
			e.entry(b)
		}
		for _, v := range b.Values {
			e.pos = v.Pos
			if err := e.value(v); err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
		}
		e.pos = b.Term.Pos
		var next *ir.Block
		if i+1 < len(e.f.Blocks) {
			next = e.f.Blocks[i+1]
		}
		e.term(b, next)
	}
	return nil
}

// entry moves a callback's parameters from the registers in which the kernel passes them.
func (e *emitter) entry(b *ir.Block) {
	var m moves
	for i, p := range b.Params {
		if to, ok := e.alloc.Loc(p); ok {
			m = append(m, move{to: to, from: pass.Loc{Reg: i + 1}})
		}
	}
	e.parallel(m, asm.R0)
}

// term ends a block.
func (e *emitter) term(b *ir.Block, next *ir.Block) {
	t := &b.Term
	switch t.Kind {
	case ir.TermReturn:
		e.ret(t)
	case ir.TermJump:
		e.follow(&t.Then, next)
	case ir.TermBranch:
		e.branch(t, next)
	}
}

// copied are the blocks that only return, and are copied to where something jumps to them. The block itself
// must not become unreachable, which the kernel refuses: so the one before it must go on to it.
func copied(f *ir.Func) map[*ir.Block]bool {
	out := map[*ir.Block]bool{}
	for i, b := range f.Blocks[1:] {
		if len(b.Values) > 0 || b.Term.Kind != ir.TermReturn {
			continue
		}
		for _, e := range f.Blocks[i].Edges() {
			out[b] = out[b] || e.To == b
		}
	}
	return out
}

func (e *emitter) ret(t *ir.Term) {
	e.moveTo(asm.R0, t.X)
	e.add(asm.Return())
}

// follow goes along an edge from the place that is reached.
func (e *emitter) follow(edge *ir.Edge, next *ir.Block) {
	e.edge(edge)
	to := edge.To
	switch {
	case to == next:
	case e.returns[to]:
		e.ret(&to.Term) // cheaper than a jump to it
	default:
		e.add(jump(e.labelOf(to)))
	}
}

// branch compares and jumps to one side; the other is next or a jump away. A side whose edge has moves is better
// not the one that is jumped to, as the moves need a place of their own then.
func (e *emitter) branch(t *ir.Term, next *ir.Block) {
	cond, then, els := t.Cond, t.Then, t.Else
	thenMoves, elsMoves := e.hasMoves(&then), e.hasMoves(&els)
	if neg, ok := cond.Negate(); ok && !elsMoves && (then.To == next || thenMoves) {
		cond, then, els = neg, els, then
		thenMoves = false
	}
	if !thenMoves {
		e.compareJump(cond, t.X, t.Y, e.labelOf(then.To))
		e.follow(&els, next)
		return
	}
	target := e.newLabel()
	e.compareJump(cond, t.X, t.Y, target)
	if els.To == next {
		e.edge(&els)
		e.add(jump(e.labelOf(next)))
	} else {
		e.follow(&els, next)
	}
	e.place(target)
	e.follow(&then, next)
}

// hasMoves says whether going along an edge takes instructions.
func (e *emitter) hasMoves(edge *ir.Edge) bool {
	for i, p := range edge.To.Params {
		to, ok := e.alloc.Loc(p)
		if !ok {
			continue
		}
		from, ok := e.alloc.Loc(edge.Args[i])
		if !ok || from != to {
			return true
		}
	}
	return false
}

// edge gives the parameters of the block that an edge leads to their values.
func (e *emitter) edge(edge *ir.Edge) {
	var m moves
	type late struct {
		to pass.Loc
		v  *ir.Value
	}
	var lates []late
	for i, p := range edge.To.Params {
		to, ok := e.alloc.Loc(p)
		if !ok {
			continue
		}
		if from, ok := e.alloc.Loc(edge.Args[i]); ok {
			m = append(m, move{to: to, from: from})
		} else {
			lates = append(lates, late{to, edge.Args[i]})
		}
	}
	e.parallel(m, tmp1)
	for _, l := range lates {
		if l.to.InReg() {
			e.compute(asm.Register(l.to.Reg), l.v)
			continue
		}
		e.compute(tmp1, l.v)
		e.add(asm.StoreMem(asm.RFP, int16(l.to.Frame), tmp1, asm.DWord))
	}
}
