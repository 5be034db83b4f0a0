// Package ir is the intermediate form between the checked script and eBPF: functions of
// basic blocks in static single assignment form, with block parameters in the place of phi nodes.
//
// Every value is 64 bits wide in a virtual register. Memory is explicit: stack slots, the
// context, map values, ring buffer records and kernel objects are addresses that Load and Store use.
package ir

import (
	"github.com/gotrace/gotrace/lang/source"
)

// Op is an operation.
type Op uint8

// The operations. "args" are Value.Args, "imm" is Value.Imm.
const (
	OpInvalid Op = iota

	OpParam // a block's parameter
	OpConst // imm

	// Arithmetic on args[0], args[1]. With W32 the low 32 bits are computed and the result is zero-extended.
	OpAdd
	OpSub
	OpMul
	OpUDiv // x/0 is 0, as eBPF has it
	OpSDiv // truncated, as C; x/0 is 0; MinInt64/-1 is MinInt64
	OpUMod // x%0 is x
	OpSMod // sign of the dividend, as C; x%0 is x
	OpAnd
	OpOr
	OpXor
	OpShl // count taken modulo 64 (32 with W32), as eBPF does
	OpLShr
	OpAShr
	OpNeg // -args[0]

	OpZext  // args[0] cut to imm bits (8, 16, 32), zero-extended
	OpSext  // args[0] cut to imm bits (8, 16, 32), sign-extended
	OpBswap // byte order of the low imm bits (16, 32, 64) of args[0] reversed, zero-extended
	OpCmp   // 1 if args[0] Cond args[1], else 0

	// Memory. Size is 1, 2, 4 or 8 bytes; the address is args[0]+Off.
	OpLoad        // zero-extended
	OpStore       // args[1]
	OpAtomicAdd   // memory += args[1]; no result
	OpAtomicFetch // as OpAtomicAdd, the result is the old value
	OpXchg        // memory = args[1]; the result is the old value

	OpSlot     // address of Slot
	OpCtx      // the program's context (only in the main function)
	OpMapPtr   // the map Sym, as helpers take it
	OpMapValue // address Off bytes into the single value of the array map Sym
	OpFuncPtr  // the function Sym, as bpf_loop and bpf_for_each_map_elem take it
	OpCall     // call of the program's function Sym with args (at most five)
	OpGlobal   // the same for one that the verifier checks by itself (see Func.Global)
	OpHelper   // call of the helper number imm with args (at most five)
	OpKfunc    // call of the kernel function whose BTF id is imm; Pure says that equal calls give equal results

	// OpScalar is args[0], a pointer the verifier knows the type of, as a plain number:
	// the verifier forbids most arithmetic on typed pointers. Emitted as two swaps of the bytes, after which it only knows that it is a number.
	OpScalar
)

// Cond is a comparison.
type Cond uint8

// The comparisons: equality, unsigned and signed order, and Set (x & y != 0).
const (
	Eq Cond = iota + 1
	Ne
	ULt
	ULe
	UGt
	UGe
	SLt
	SLe
	SGt
	SGe
	Set
)

// Value is the result of an operation, or an operation done for its effect.
type Value struct {
	ID   int
	Op   Op
	Args []*Value
	Imm  int64
	Off  int32 // OpLoad, OpStore, atomics, OpMapValue, OpSlot
	Size uint8 // memory access in bytes
	Cond Cond
	W32  bool
	Pure bool // OpHelper, OpKfunc: equal calls in one run give equal results, and there is no other effect
	Slot *Slot
	Sym  string      // map or function
	Pos  *source.Pos // nil for what no place of the script asked for

	Block *Block
}

// Slot is a piece of the function's stack frame. Size is in bytes and rounded up to 8 by the stack pass.
// Slots whose lifetimes never meet may share memory.
type Slot struct {
	ID   int
	Size int
	Name string // for the text form
}

// Edge is a jump to a block with the values of its parameters.
type Edge struct {
	To   *Block
	Args []*Value
}

// TermKind is how a block ends.
type TermKind uint8

// The kinds of terminators.
const (
	TermNone   TermKind = iota
	TermJump            // Then
	TermBranch          // X Cond Y ? Then : Else
	TermReturn          // X
)

// Term ends a block.
type Term struct {
	Kind       TermKind
	Cond       Cond
	X, Y       *Value
	Then, Else Edge
	// Unlikely says that Then is a cold path (a failure), to be laid out after the rest.
	Unlikely bool
	Pos      *source.Pos // as Value.Pos
}

// Block is a straight run of values.
type Block struct {
	ID     int
	Name   string // for the text form: "then", "loop", …
	Params []*Value
	Values []*Value
	Term   Term
	Func   *Func
}

// Func is a function. Blocks[0] is the entry. The main function has no parameters (it has OpCtx); a callback's entry
// block has the parameters that the kernel passes.
type Func struct {
	Name   string
	Params int // 0 for the main function
	Blocks []*Block
	Slots  []*Slot
	// Global, if set, says that the verifier checks the function once, and not anew for each call: it has BTF's linkage "global". Of its
	// parameters only this is known there: each is any number, or a pointer, which may be NULL, to so many bytes that can be read and written.
	// What it returns is a number, of which the callers know nothing.
	Global []int // by parameter: the bytes that it points to, 0 for numbers

	nextValue, nextBlock int
}

// Program is the main function and the callbacks it uses.
type Program struct {
	Name  string
	Funcs []*Func // Funcs[0] is the main function
}
