package ir

import (
	"github.com/gotrace/gotrace/lang/source"
)

// NewFunc returns an empty function with an entry block of params parameters.
func NewFunc(name string, params int) *Func {
	f := &Func{Name: name, Params: params}
	entry := f.NewBlock("entry")
	for range params {
		entry.AddParam()
	}
	return f
}

// NewBlock appends an empty block.
func (f *Func) NewBlock(name string) *Block {
	b := &Block{ID: f.nextBlock, Name: name, Func: f}
	f.nextBlock++
	f.Blocks = append(f.Blocks, b)
	return b
}

// NewSlot adds a stack slot of size bytes, aligned to 8.
func (f *Func) NewSlot(name string, size int) *Slot {
	s := &Slot{ID: len(f.Slots), Size: size, Name: name}
	f.Slots = append(f.Slots, s)
	return s
}

// NewValue returns a value that belongs to no block yet.
func (f *Func) NewValue(op Op, args ...*Value) *Value {
	v := &Value{ID: f.nextValue, Op: op, Args: args}
	f.nextValue++
	return v
}

// Compact numbers the values anew without gaps, in the order they had: what is kept for each value by its id takes no
// more room than there are values left.
func (f *Func) Compact() {
	ids := make([]int, f.nextValue)
	f.each(func(v *Value) { ids[v.ID] = 1 })
	next := 0
	for id, used := range ids {
		ids[id] = next
		next += used
	}
	f.each(func(v *Value) { v.ID = ids[v.ID] })
	f.nextValue = next
}

// each calls do with all parameters and values.
func (f *Func) each(do func(*Value)) {
	for _, b := range f.Blocks {
		for _, p := range b.Params {
			do(p)
		}
		for _, v := range b.Values {
			do(v)
		}
	}
}

// AddParam adds a parameter to a block. Each edge to it needs one more argument.
func (b *Block) AddParam() *Value {
	v := b.Func.NewValue(OpParam)
	v.Block = b
	b.Params = append(b.Params, v)
	return v
}

// Builder appends values to a current block.
type Builder struct {
	Func  *Func
	Block *Block // nil after a terminator: what follows is unreachable until At
	Pos   source.Pos

	place  *source.Pos      // Pos, shared by the values that are made there
	consts map[int64]*Value // by number
	pures  map[int64]*pure  // by helper
}

// NewBuilder returns a builder at the function's entry.
func NewBuilder(f *Func) *Builder { return &Builder{Func: f, Block: f.Blocks[0]} }

// At moves to the end of a block.
func (b *Builder) At(blk *Block) { b.Block = blk }

func (b *Builder) add(v *Value) *Value {
	if b.Block == nil {
		// Code after return, break or exit: it goes to a block nobody jumps to, which the first pass removes.
		b.Block = b.Func.NewBlock("dead")
	}
	v.Pos = b.at()
	v.Block = b.Block
	b.Block.Values = append(b.Block.Values, v)
	return v
}

// at is Pos: the same pointer for all that is made at one place.
func (b *Builder) at() *source.Pos {
	if b.place == nil || *b.place != b.Pos {
		pos := b.Pos
		b.place = &pos
	}
	return b.place
}

// Op appends an operation with plain arguments.
func (b *Builder) Op(op Op, args ...*Value) *Value { return b.add(b.Func.NewValue(op, args...)) }

// Const is a constant. All uses of a number share one, at the function's entry: a third of what scripts are made of are constants.
func (b *Builder) Const(n int64) *Value {
	v := b.consts[n]
	if v == nil {
		v = b.Func.NewValue(OpConst)
		v.Imm, v.Pos, v.Block = n, b.at(), b.Func.Blocks[0]
		v.Block.Values = append(v.Block.Values, v)
		if b.consts == nil {
			b.consts = map[int64]*Value{}
		}
		b.consts[n] = v
	}
	return v
}

// OpImm appends x op n.
func (b *Builder) OpImm(op Op, x *Value, n int64) *Value { return b.Op(op, x, b.Const(n)) }

// Ext appends a cut to bits, zero- or sign-extended. 64 bits need none.
func (b *Builder) Ext(x *Value, bits int, signed bool) *Value {
	if bits >= 64 {
		return x
	}
	op := OpZext
	if signed {
		op = OpSext
	}
	v := b.Func.NewValue(op, x)
	v.Imm = int64(bits)
	return b.add(v)
}

// Cmp appends a comparison with result 0 or 1.
func (b *Builder) Cmp(c Cond, x, y *Value) *Value {
	v := b.Func.NewValue(OpCmp, x, y)
	v.Cond = c
	return b.add(v)
}

// reach splits the offset of a memory operation: what exceeds the 16 bits that an instruction has is added to the base.
func (b *Builder) reach(base *Value, off int) (*Value, int) {
	if off == int(int16(off)) {
		return base, off
	}
	const low = 1<<15 - 1
	return b.OpImm(OpAdd, base, int64(off&^low)), off & low
}

// Load appends a zero-extending load of size bytes from base+off.
func (b *Builder) Load(size int, base *Value, off int) *Value {
	base, off = b.reach(base, off)
	v := b.Func.NewValue(OpLoad, base)
	v.Size, v.Off = uint8(size), int32(off)
	return b.add(v)
}

// Store appends a store of the low size bytes of x at base+off.
func (b *Builder) Store(size int, base *Value, off int, x *Value) {
	base, off = b.reach(base, off)
	v := b.Func.NewValue(OpStore, base, x)
	v.Size, v.Off = uint8(size), int32(off)
	b.add(v)
}

// Atomic appends OpAtomicAdd, OpAtomicFetch or OpXchg.
func (b *Builder) Atomic(op Op, size int, base *Value, off int, x *Value) *Value {
	base, off = b.reach(base, off)
	v := b.Func.NewValue(op, base, x)
	v.Size, v.Off = uint8(size), int32(off)
	return b.add(v)
}

// SlotAddr appends the address of byte off of a slot.
func (b *Builder) SlotAddr(s *Slot, off int) *Value {
	v := b.Func.NewValue(OpSlot)
	v.Slot, v.Off = s, int32(off)
	return b.add(v)
}

// Ctx appends the context pointer.
func (b *Builder) Ctx() *Value { return b.Op(OpCtx) }

// MapPtr appends a reference to a map.
func (b *Builder) MapPtr(name string) *Value {
	v := b.Func.NewValue(OpMapPtr)
	v.Sym = name
	return b.add(v)
}

// MapValue appends the address of byte off of the value of a single-element array map.
func (b *Builder) MapValue(name string, off int) *Value {
	v := b.Func.NewValue(OpMapValue)
	v.Sym, v.Off = name, int32(off)
	return b.add(v)
}

// FuncPtr appends a reference to a callback.
func (b *Builder) FuncPtr(name string) *Value {
	v := b.Func.NewValue(OpFuncPtr)
	v.Sym = name
	return b.add(v)
}

// Call appends a call of another function of the program.
func (b *Builder) Call(name string, args ...*Value) *Value {
	v := b.Func.NewValue(OpCall, args...)
	v.Sym = name
	return b.add(v)
}

// Global appends a call of another function of the program that the verifier checks by itself.
func (b *Builder) Global(name string, args ...*Value) *Value {
	v := b.Func.NewValue(OpGlobal, args...)
	v.Sym = name
	return b.add(v)
}

// pure is a pure helper without arguments.
type pure struct {
	calls int
	entry *Value // at the function's entry, nil if it is called where its result is asked for
}

// manyPure is from how many calls of a pure helper without arguments on one at the function's entry stands for them. On branches each would be a
// call of its own, and the kernel moves the whole program for each call that it puts in line (do_misc_fixups, kernel/bpf/verifier.c).
const manyPure = 64

// Helper appends a helper call. Pure ones may be merged and dropped.
func (b *Builder) Helper(id int, isPure bool, args ...*Value) *Value {
	if isPure && len(args) == 0 {
		if v := b.atEntry(int64(id)); v != nil {
			return v
		}
	}
	v := b.Func.NewValue(OpHelper, args...)
	v.Imm, v.Pure = int64(id), isPure
	return b.add(v)
}

// atEntry is the call of a pure helper at the function's entry, nil if there are not many.
func (b *Builder) atEntry(id int64) *Value {
	p := b.pures[id]
	if p == nil {
		if b.pures == nil {
			b.pures = map[int64]*pure{}
		}
		p = &pure{}
		b.pures[id] = p
	}
	if p.calls++; p.calls == manyPure {
		v := b.Func.NewValue(OpHelper)
		v.Imm, v.Pure, v.Pos, v.Block = id, true, b.at(), b.Func.Blocks[0]
		v.Block.Values = append(v.Block.Values, v)
		p.entry = v
	}
	return p.entry
}

// Kfunc appends a call of the kernel function with the given BTF id.
func (b *Builder) Kfunc(id uint32, pure bool, args ...*Value) *Value {
	v := b.Func.NewValue(OpKfunc, args...)
	v.Imm, v.Pure = int64(id), pure
	return b.add(v)
}

// Jump ends the block.
func (b *Builder) Jump(to *Block, args ...*Value) {
	b.Term(Term{Kind: TermJump, Then: Edge{to, args}})
}

// Branch ends the block: to then if x cond y, else to els. Neither block may have parameters;
// use Term for edges with arguments.
func (b *Builder) Branch(cond Cond, x, y *Value, then, els *Block) {
	b.Term(Term{Kind: TermBranch, Cond: cond, X: x, Y: y, Then: Edge{To: then}, Else: Edge{To: els}})
}

// BranchUnlikely is Branch for failures: then is a cold path.
func (b *Builder) BranchUnlikely(cond Cond, x, y *Value, then, els *Block) {
	b.Term(Term{Kind: TermBranch, Cond: cond, X: x, Y: y, Then: Edge{To: then}, Else: Edge{To: els}, Unlikely: true})
}

// Return ends the block with the program's or callback's result.
func (b *Builder) Return(x *Value) { b.Term(Term{Kind: TermReturn, X: x}) }

// Term ends the block in the general form, with arguments on its edges.
func (b *Builder) Term(t Term) {
	if b.Block == nil {
		return
	}
	t.Pos = b.at()
	b.Block.Term = t
	b.Block = nil
}
