// Package emit turns optimised IR into eBPF instructions.
package emit

import (
	"cmp"
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/pass"
	"github.com/gotrace/gotrace/lang/source"
)

// Result is a program ready to be loaded.
type Result struct {
	Insns asm.Instructions
	// Pos is the place in the script of each instruction, by its index in Insns. (Line information for the kernel
	// would need a BTF object for every program, and its loading.)
	Pos []*source.Pos
}

// Options are what the emitter needs to know.
type Options struct {
	KernelVersion uint32 // as lang.Kernel.Version

	reach reach // of jumps; tests set less than instructions have
}

// Program emits the functions of a program, one after the other. A program that needs more stack than there is
// gives a *pass.FrameError.
func Program(p *ir.Program, o *Options) (*Result, error) {
	res := &Result{}
	frames := map[string]int{}
	for _, f := range p.Funcs {
		alloc, err := pass.Allocate(f)
		if err != nil {
			return nil, err
		}
		frames[f.Name] = alloc.FrameSize
		c, err := function(f, alloc, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		insns := c.link(f.Name)
		if len(p.Funcs) > 1 {
			// The kernel takes a callback only from programs whose functions are described (check_ld_imm, kernel/bpf/verifier.c).
			insns[0] = btf.WithFuncMetadata(insns[0], describe(f))
		}
		if len(p.Funcs) == 1 {
			res.Insns, res.Pos = insns, c.pos
			continue
		}
		res.Insns = append(res.Insns, insns...)
		res.Pos = append(res.Pos, c.pos...)
	}
	if err := checkStack(p, frames); err != nil {
		return nil, err
	}
	if n := size(res.Insns); n > maxProgram {
		return nil, &SizeError{Insns: n}
	}
	return res, nil
}

// maxProgram is how many instructions the kernel loads: BPF_COMPLEXITY_LIMIT_INSNS (include/linux/bpf.h).
const maxProgram = 1_000_000

// SizeError says that a program has more instructions than the kernel loads.
type SizeError struct{ Insns int }

func (e *SizeError) Error() string {
	return fmt.Sprintf("%d instructions, the kernel loads %d", e.Insns, maxProgram)
}

// size is the length of instructions in units of eight bytes.
func size(insns asm.Instructions) int {
	n := 0
	for _, ins := range insns {
		n += int(ins.Width())
	}
	return n
}

// describe is the BTF of a function.
func describe(f *ir.Func) *btf.Func {
	word := &btf.Int{Name: "unsigned long", Size: 8}
	proto := &btf.FuncProto{Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}
	for i := range max(f.Params, 1) {
		proto.Params = append(proto.Params, btf.FuncParam{Name: fmt.Sprintf("a%d", i), Type: word})
	}
	if f.Global == nil {
		return &btf.Func{Name: f.Name, Type: proto, Linkage: btf.StaticFunc}
	}
	proto.Return = word
	for i, size := range f.Global {
		if size > 0 {
			proto.Params[i].Type = &btf.Pointer{Target: memory(size, word)}
		}
	}
	return &btf.Func{Name: f.Name, Type: proto, Linkage: btf.GlobalFunc}
}

// memory is the BTF of so many bytes: the kernel takes the size of what a parameter points to from there. They are words, which is what they are read by.
func memory(size int, word btf.Type) *btf.Struct {
	return &btf.Struct{Name: fmt.Sprintf("gotrace_%d", size), Size: uint32(size), Members: []btf.Member{
		{Name: "words", Type: &btf.Array{Index: word, Type: word, Nelems: uint32(size / 8)}},
	}}
}

// emitter emits one function.
type emitter struct {
	*code
	f     *ir.Func
	alloc *pass.Allocation
	i     int  // number of the operation, for alloc
	v4    bool // instructions of cpu version 4 (Linux 6.6): sign-extending moves, signed division
	next  *ir.Block
	late  []func() // code to be placed behind the function's blocks

	// scalars (by value id, see pass.UnknownScalars) become unknown to the verifier when they are put into the frame. Before
	// Linux 6.9 a word of the frame with a limited number and one with an unlimited number are different states to it (stacksafe, kernel/bpf/verifier.c):
	// with each value that is one on one path and the other on another, it checks all that follows twice. In functions with many
	// branches that is done for every kernel: each tells apart the constants that a variable gets on different paths.
	// Those that may be pointers to it are made unknown in the register, so that they are none.
	scalars, pointers []bool
	// atJoins says to make them unknown in registers, too, where paths join: a branch on a number that the verifier knows makes it
	// tell apart all the paths there. That costs instructions, so it is done only where paths can be many.
	atJoins bool
	// seesFrames says that the verifier takes a limited number for a case of an unlimited one in the frame, too (from Linux 6.9 on).
	seesFrames bool
}

func function(f *ir.Func, alloc *pass.Allocation, o *Options) (*code, error) {
	e := &emitter{code: newCode(operations(f)), f: f, alloc: alloc, v4: o.KernelVersion >= 6<<16|6<<8, scalars: make([]bool, f.Values())}
	e.atJoins = pass.ManyBranches(f)
	e.seesFrames = o.KernelVersion >= 6<<16|9<<8
	if e.atJoins || !e.seesFrames {
		e.scalars, e.pointers = pass.UnknownScalars(f)
	}
	e.at = f.Blocks[0].Term.Pos
	e.moves(alloc.Entry())
	blocks := e.emitted()
	flushed := 0
	for i, b := range blocks {
		e.next = nil
		if i+1 < len(blocks) {
			e.next = blocks[i+1]
		}
		if len(e.insns)-flushed > lateStep {
			e.flush(b)
			flushed = len(e.insns)
		}
		if err := e.block(b); err != nil {
			return nil, err
		}
	}
	e.flush(nil)
	return e.code, e.bridge(reach(cmp.Or(int(o.reach), maxJump)))
}

// operations is how many operations a function has, terminators included: about as many as it gets instructions.
func operations(f *ir.Func) int {
	n := 0
	for _, b := range f.Blocks {
		n += len(b.Values) + 1
	}
	return n
}

// lateStep is how many instructions late code may be away from where it is jumped to: long functions have it in between.
const lateStep = 8192

// flush places the code that was put off. The block next, if any, comes after it.
func (e *emitter) flush(next *ir.Block) {
	if next != nil && len(e.late) > 0 && e.open() {
		e.jump(asm.Ja.Label(""), next)
	}
	for _, code := range e.late {
		code()
	}
	e.late = nil
}

// block emits one block.
func (e *emitter) block(b *ir.Block) error {
	e.place(b)
	e.i = e.alloc.Number(b)
	for _, p := range b.Params {
		e.joined(p)
	}
	for _, v := range b.Values {
		e.i++
		e.at = v.Pos
		e.moves(e.alloc.Before(e.i))
		if err := e.value(v); err != nil {
			return fmt.Errorf("%s %s: %w", v.Op, v, err)
		}
	}
	e.i++
	e.at = b.Term.Pos
	e.moves(e.alloc.Before(e.i))
	e.term(b)
	return nil
}

// joined makes a scalar unknown that comes from several paths.
func (e *emitter) joined(v *ir.Value) {
	if l, ok := e.alloc.Defined(v, e.i); ok && l.InReg() && e.atJoins && e.scalars[v.ID] {
		e.unknown(asm.Register(l.Reg))
	}
}

// emitted are the blocks that have code: those that only jump on are passed by.
func (e *emitter) emitted() []*ir.Block {
	var out []*ir.Block
	for i, b := range e.f.Blocks {
		if i == 0 || e.target(b) == b {
			out = append(out, b)
		}
	}
	return out
}

// target is where a jump to a block ends up.
func (e *emitter) target(b *ir.Block) *ir.Block {
	for range e.f.Blocks {
		if b.Term.Kind != ir.TermJump || len(e.alloc.Edge(b, 0)) > 0 {
			return b
		}
		n := e.alloc.Number(b)
		for i, v := range b.Values {
			if _, placed := e.alloc.Defined(v, n+1+i); placed || v.HasEffect() || len(e.alloc.Before(n+1+i)) > 0 {
				return b
			}
		}
		if len(e.alloc.Before(n+1+len(b.Values))) > 0 {
			return b
		}
		b = b.Term.Then.To
	}
	return b
}

// term ends a block.
func (e *emitter) term(b *ir.Block) {
	t := &b.Term
	switch t.Kind {
	case ir.TermReturn:
		e.take(asm.R0, t.X)
		e.add(asm.Return())
	case ir.TermJump:
		e.moves(e.alloc.Edge(b, 0))
		e.goTo(t.Then.To)
	case ir.TermBranch:
		e.branch(b)
	}
}

// goTo continues at a block.
func (e *emitter) goTo(b *ir.Block) {
	if to := e.target(b); to != e.next {
		e.jump(asm.Ja.Label(""), to)
	}
}

// successor is where a branch can go, with the moves on that edge.
type successor struct {
	to    *ir.Block
	moves []pass.Move
}

// branch compares and jumps to one successor; the other follows. One with moves follows if it can; otherwise its moves
// are behind the function's blocks.
func (e *emitter) branch(b *ir.Block) {
	t := &b.Term
	cond := t.Cond
	away := successor{t.Then.To, e.alloc.Edge(b, 0)}
	follow := successor{t.Else.To, e.alloc.Edge(b, 1)}
	if neg, ok := cond.Negate(); ok && e.better(follow, away, t.Unlikely) {
		cond, away, follow = neg, follow, away
	}
	var target any = e.target(away.to)
	if len(away.moves) > 0 {
		label := new(int)
		target = label
		pos := e.at
		e.late = append(e.late, func() {
			next := e.next
			e.at, e.next = pos, nil
			defer func() { e.next = next }()
			e.place(label)
			e.moves(away.moves)
			e.goTo(away.to)
		})
	}
	e.compareJump(cond, t.X, t.Y, target)
	e.moves(follow.moves)
	e.goTo(follow.to)
}

// better says whether to jump to x and go on with y, rather than the reverse.
func (e *emitter) better(x, y successor, unlikelyY bool) bool {
	if e.target(x.to) == e.next && len(x.moves) == 0 {
		return false // x follows for free
	}
	if e.target(y.to) == e.next && len(y.moves) == 0 {
		return true
	}
	if (len(x.moves) > 0) != (len(y.moves) > 0) {
		return len(y.moves) > 0 && !unlikelyY
	}
	return e.target(y.to) == e.next
}
