package ir

import (
	"fmt"
)

// opInfo is what the passes need to know of an operation.
type opInfo struct {
	name   string
	args   int  // number of arguments, -1: any
	effect bool // done for what it changes: never dropped, never moved
	result bool
	// same: equal arguments give equal results at any time, so that equal operations can be merged.
	same bool
	// remat: cheaper to do again than to keep in a register.
	remat bool
}

var ops = [...]opInfo{
	OpInvalid:     {name: "invalid"},
	OpParam:       {name: "param", result: true},
	OpConst:       {name: "const", result: true, same: true, remat: true},
	OpAdd:         {name: "add", args: 2, result: true, same: true},
	OpSub:         {name: "sub", args: 2, result: true, same: true},
	OpMul:         {name: "mul", args: 2, result: true, same: true},
	OpUDiv:        {name: "udiv", args: 2, result: true, same: true},
	OpSDiv:        {name: "sdiv", args: 2, result: true, same: true},
	OpUMod:        {name: "umod", args: 2, result: true, same: true},
	OpSMod:        {name: "smod", args: 2, result: true, same: true},
	OpAnd:         {name: "and", args: 2, result: true, same: true},
	OpOr:          {name: "or", args: 2, result: true, same: true},
	OpXor:         {name: "xor", args: 2, result: true, same: true},
	OpShl:         {name: "shl", args: 2, result: true, same: true},
	OpLShr:        {name: "lshr", args: 2, result: true, same: true},
	OpAShr:        {name: "ashr", args: 2, result: true, same: true},
	OpNeg:         {name: "neg", args: 1, result: true, same: true},
	OpZext:        {name: "zext", args: 1, result: true, same: true},
	OpSext:        {name: "sext", args: 1, result: true, same: true},
	OpBswap:       {name: "bswap", args: 1, result: true, same: true},
	OpCmp:         {name: "cmp", args: 2, result: true, same: true},
	OpLoad:        {name: "load", args: 1, result: true},
	OpStore:       {name: "store", args: 2, effect: true},
	OpAtomicAdd:   {name: "atomic_add", args: 2, effect: true},
	OpAtomicFetch: {name: "atomic_fetch", args: 2, effect: true, result: true},
	OpXchg:        {name: "xchg", args: 2, effect: true, result: true},
	OpSlot:        {name: "slot", result: true, same: true, remat: true},
	OpCtx:         {name: "ctx", result: true, same: true},
	OpMapPtr:      {name: "map_ptr", result: true, same: true, remat: true},
	OpMapValue:    {name: "map_value", result: true, same: true, remat: true},
	OpFuncPtr:     {name: "func_ptr", result: true, same: true, remat: true},
	OpCall:        {name: "call", args: -1, effect: true, result: true},
	OpGlobal:      {name: "global", args: -1, effect: true, result: true},
	OpHelper:      {name: "helper", args: -1, effect: true, result: true},
	OpKfunc:       {name: "kfunc", args: -1, effect: true, result: true},
	OpScalar:      {name: "scalar", args: 1, result: true, same: true},
}

func (op Op) String() string {
	if int(op) < len(ops) && ops[op].name != "" {
		return ops[op].name
	}
	return fmt.Sprintf("op(%d)", op)
}

// HasEffect says that the value must stay even if nobody uses its result.
func (v *Value) HasEffect() bool { return ops[v.Op].effect && !v.Pure }

// Mergeable says that an equal value computed before can stand for this one.
func (v *Value) Mergeable() bool { return ops[v.Op].same || v.Pure }

// HasResult says that the value can be an argument.
func (v *Value) HasResult() bool { return ops[v.Op].result }

// Remat says that the value is cheaper to compute again than to keep.
func (v *Value) Remat() bool { return ops[v.Op].remat }

// IsCall says that the value calls the kernel, or another function: r0 to r5 are lost.
func (v *Value) IsCall() bool {
	return v.Op == OpHelper || v.Op == OpKfunc || v.Op == OpCall || v.Op == OpGlobal
}

// Refers says that the value refers to the function Sym of the program.
func (v *Value) Refers() bool { return v.Op == OpFuncPtr || v.Op == OpCall || v.Op == OpGlobal }

// IsConst says that the value is the constant n.
func (v *Value) IsConst(n int64) bool { return v.Op == OpConst && v.Imm == n }

var condNames = [...]string{Eq: "eq", Ne: "ne", ULt: "ult", ULe: "ule", UGt: "ugt", UGe: "uge",
	SLt: "slt", SLe: "sle", SGt: "sgt", SGe: "sge", Set: "set"}

func (c Cond) valid() bool { return c != 0 && int(c) < len(condNames) }

func (c Cond) String() string {
	if c.valid() {
		return condNames[c]
	}
	return fmt.Sprintf("cond(%d)", c)
}

var negated = [...]Cond{Eq: Ne, Ne: Eq, ULt: UGe, ULe: UGt, UGt: ULe, UGe: ULt, SLt: SGe, SLe: SGt, SGt: SLe, SGe: SLt}

// Negate is the comparison that holds where c does not. Set has none: ok is false.
func (c Cond) Negate() (n Cond, ok bool) {
	if int(c) < len(negated) {
		n = negated[c]
	}
	return n, n != 0
}

var swapped = [...]Cond{Eq: Eq, Ne: Ne, ULt: UGt, ULe: UGe, UGt: ULt, UGe: ULe, SLt: SGt, SLe: SGe, SGt: SLt, SGe: SLe, Set: Set}

// Swap is the comparison with its operands exchanged.
func (c Cond) Swap() Cond { return swapped[c] }

// Holds says whether x c y.
func (c Cond) Holds(x, y int64) bool {
	switch c {
	case Eq:
		return x == y
	case Ne:
		return x != y
	case ULt:
		return uint64(x) < uint64(y)
	case ULe:
		return uint64(x) <= uint64(y)
	case UGt:
		return uint64(x) > uint64(y)
	case UGe:
		return uint64(x) >= uint64(y)
	case SLt:
		return x < y
	case SLe:
		return x <= y
	case SGt:
		return x > y
	case SGe:
		return x >= y
	case Set:
		return x&y != 0
	}
	return false
}

// Edges returns the edges out of a block, one for each successor.
func (b *Block) Edges() []*Edge {
	switch b.Term.Kind {
	case TermJump:
		return []*Edge{&b.Term.Then}
	case TermBranch:
		return []*Edge{&b.Term.Then, &b.Term.Else}
	}
	return nil
}

// Operands calls f with each value that the terminator uses, edge arguments included.
func (t *Term) Operands(f func(*Value)) {
	if t.X != nil {
		f(t.X)
	}
	if t.Y != nil {
		f(t.Y)
	}
	for _, e := range []*Edge{&t.Then, &t.Else} {
		for _, a := range e.Args {
			f(a)
		}
	}
}

// Values counts the values made so far: ids are below it.
func (f *Func) Values() int { return f.nextValue }

// BlockIDs counts the blocks made so far: ids are below it.
func (f *Func) BlockIDs() int { return f.nextBlock }
