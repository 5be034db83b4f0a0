package pass

import (
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/ir"
)

// Numbers says, by id, which values are numbers of which the verifier need not know anything: no address is made with them,
// no helper gets them, they are not returned, and they hold no pointer. A function with a loop has none: the verifier must see the loop end.
// pointers says which of these the verifier may take for pointers all the same.
func Numbers(f *ir.Func) (list, pointers []bool) {
	list, pointers = make([]bool, f.Values()), make([]bool, f.Values())
	if loops(f) {
		return list, pointers
	}
	n := &numbers{f: f, known: make([]bool, f.Values()), args: map[*ir.Value][]*ir.Value{}}
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			for i, a := range e.Args {
				p := e.To.Params[i]
				n.args[p] = append(n.args[p], a)
			}
		}
	}
	n.roots()
	n.limits()
	n.each(func(v *ir.Value) {
		list[v.ID] = !n.known[v.ID]
		pointers[v.ID] = list[v.ID] && n.pointer(v)
	})
	return list, pointers
}

// each calls do with all parameters and results.
func (n *numbers) each(do func(*ir.Value)) {
	for _, b := range n.f.Blocks {
		for _, p := range b.Params {
			do(p)
		}
		for _, v := range b.Values {
			if v.HasResult() {
				do(v)
			}
		}
	}
}

// loops says whether a way leads from some block back to it.
func loops(f *ir.Func) bool {
	succs, _ := graph(f)
	return slices.ContainsFunc(f.Blocks, func(b *ir.Block) bool { return reach(succs, map[int][]int{b.ID: nil})[b.ID] })
}

// numbers finds the other values: those that the verifier must know.
type numbers struct {
	f     *ir.Func
	known []bool                    // by id
	args  map[*ir.Value][]*ir.Value // what edges bring to block parameters
}

// roots notes what is used as an address or by the kernel, which wants 0 or 1 from callbacks.
func (n *numbers) roots() {
	for _, b := range n.f.Blocks {
		for _, v := range b.Values {
			switch v.Op {
			case ir.OpHelper, ir.OpKfunc:
				for i, a := range v.Args {
					if free, ok := anyNumber[asm.BuiltinFunc(v.Imm)]; v.Op == ir.OpKfunc || !ok || i != free {
						n.note(a)
					}
				}
			case ir.OpLoad, ir.OpAtomicAdd, ir.OpAtomicFetch, ir.OpXchg:
				n.note(v.Args[0])
			case ir.OpStore:
				n.note(v.Args[0])
				if v.Size == 8 && n.pointer(v.Args[1]) {
					n.note(v.Args[1]) // read back, it is to be a pointer again
				}
			}
		}
		if b.Term.Kind == ir.TermReturn {
			n.note(b.Term.X)
		}
	}
}

// limits notes the values that set limits to known ones in comparisons. One constant can be an operand of many instructions: that
// it is known says nothing about what else it is compared with.
func (n *numbers) limits() {
	for changed := true; changed; {
		changed = false
		compared := func(x, y *ir.Value) {
			if x.Op != ir.OpConst && y.Op != ir.OpConst && n.known[x.ID] != n.known[y.ID] {
				n.note(x)
				n.note(y)
				changed = true
			}
		}
		for _, b := range n.f.Blocks {
			for _, v := range b.Values {
				if v.Op == ir.OpCmp {
					compared(v.Args[0], v.Args[1])
				}
			}
			if t := &b.Term; t.Kind == ir.TermBranch {
				compared(t.X, t.Y)
			}
		}
	}
}

// note notes a value and all that it is computed from.
func (n *numbers) note(v *ir.Value) {
	if n.known[v.ID] {
		return
	}
	n.known[v.ID] = true
	for _, a := range n.args[v] {
		n.note(a)
	}
	switch v.Op {
	case ir.OpLoad, ir.OpCmp, ir.OpAtomicFetch, ir.OpXchg, ir.OpHelper, ir.OpKfunc, ir.OpScalar:
		return
	}
	if limited(v) {
		return
	}
	for _, a := range v.Args {
		n.note(a)
	}
}

// limited says that a value is small whatever it is computed from: a mask, or one bit of a number.
func limited(v *ir.Value) bool {
	switch v.Op {
	case ir.OpAnd:
		return v.Args[1].Op == ir.OpConst && v.Args[1].Imm >= 0
	case ir.OpLShr:
		return v.Args[1].IsConst(63)
	}
	return false
}

// mapMemory are the helpers whose result points to numbers, numberHelpers those whose result is one.
var (
	mapMemory     = []asm.BuiltinFunc{asm.FnMapLookupElem, asm.FnMapLookupPercpuElem, asm.FnRingbufReserve}
	numberHelpers = []asm.BuiltinFunc{
		asm.FnGetCurrentCgroupId, asm.FnGetCurrentPidTgid, asm.FnGetCurrentTask, asm.FnGetCurrentUidGid, asm.FnGetFuncIp,
		asm.FnGetPrandomU32, asm.FnGetSmpProcessorId, asm.FnJiffies64, asm.FnKtimeGetBootNs, asm.FnKtimeGetNs, asm.FnKtimeGetTaiNs,
		asm.FnProbeRead, asm.FnProbeReadStr, asm.FnProbeReadKernel, asm.FnProbeReadKernelStr, asm.FnProbeReadUser, asm.FnProbeReadUserStr,
	}
)

// anyNumber are the helpers to which one of the arguments may be any number: an address that is only tried, a count.
var anyNumber = map[asm.BuiltinFunc]int{
	asm.FnProbeRead: 2, asm.FnProbeReadStr: 2, asm.FnProbeReadKernel: 2, asm.FnProbeReadKernelStr: 2, asm.FnProbeReadUser: 2, asm.FnProbeReadUserStr: 2, asm.FnLoop: 0,
}

// pointer says whether a value may be a pointer to the verifier.
func (n *numbers) pointer(v *ir.Value) bool {
	return n.any(v, func(v *ir.Value) bool {
		switch v.Op {
		case ir.OpSlot, ir.OpCtx, ir.OpFP, ir.OpMapPtr, ir.OpMapValue, ir.OpFuncPtr, ir.OpKfunc, ir.OpParam:
			return true
		case ir.OpHelper:
			return !slices.Contains(numberHelpers, asm.BuiltinFunc(v.Imm))
		case ir.OpLoad:
			return v.Size == 8 && n.any(v.Args[0], func(v *ir.Value) bool {
				return v.Op != ir.OpMapValue && v.Op != ir.OpConst && !(v.Op == ir.OpHelper && slices.Contains(mapMemory, asm.BuiltinFunc(v.Imm)))
			})
		}
		return false
	})
}

// any says whether is holds for one of the values that v may be, or be the sum of.
func (n *numbers) any(v *ir.Value, is func(*ir.Value) bool) bool {
	seen := map[*ir.Value]bool{}
	var visit func(*ir.Value) bool
	visit = func(v *ir.Value) bool {
		from := v.Args
		switch {
		case seen[v]:
			return false
		case v.Op == ir.OpParam && len(n.args[v]) > 0:
			from = n.args[v]
		case v.Op != ir.OpAdd && v.Op != ir.OpSub:
			return is(v)
		}
		seen[v] = true
		return slices.ContainsFunc(from, visit)
	}
	return visit(v)
}
