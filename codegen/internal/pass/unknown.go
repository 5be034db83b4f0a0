package pass

import (
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// UnknownScalars says, by id, which values may be unknown scalars: numbers of whose range the verifier need not know anything. No
// address is made with them, no helper gets them, they are not returned, and they hold no pointer. A function with a loop has
// none: the verifier must see the loop end. pointers says which of these the verifier may take for pointers all the same.
func UnknownScalars(f *ir.Func) (list, pointers []bool) {
	list, pointers = make([]bool, f.Values()), make([]bool, f.Values())
	if loops(f) {
		return list, pointers
	}
	n := &scalars{f: f, known: make([]bool, f.Values()), args: edgeArguments(f)}
	n.findPointers()
	n.findPeers()
	n.roots()
	n.each(func(v *ir.Value) {
		list[v.ID] = !n.known[v.ID]
		pointers[v.ID] = list[v.ID] && n.pointers[v.ID]
	})
	return list, pointers
}

// each calls do with all parameters and results.
func (n *scalars) each(do func(*ir.Value)) {
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

// loops says whether a path leads from some block back to it.
func loops(f *ir.Func) bool {
	num := make([]int, f.BlockIDs())
	rpo := reversePostorder(f)
	for i, b := range rpo {
		num[b.ID] = i
	}
	return slices.ContainsFunc(rpo, func(b *ir.Block) bool {
		return slices.ContainsFunc(b.Edges(), func(e *ir.Edge) bool { return num[e.To.ID] <= num[b.ID] })
	})
}

// scalars finds the other values: those that the verifier must know.
type scalars struct {
	f     *ir.Func
	known []bool                    // by id
	args  map[*ir.Value][]*ir.Value // what edges bring to block parameters
	peers map[*ir.Value][]*ir.Value // what values are compared with
	// pointers, by id, may be pointers to the verifier; objects may be addresses of memory that can hold pointers.
	pointers, objects []bool
	made              []*ir.Value // what is made of each value, by id: made[first[id]:first[id+1]]
	first             []int32
}

// roots notes what is used as an address or by the kernel, which wants 0 or 1 from callbacks.
func (n *scalars) roots() {
	for _, b := range n.f.Blocks {
		for _, v := range b.Values {
			switch v.Op {
			case ir.OpCall:
				for _, a := range v.Args {
					n.note(a)
				}
			case ir.OpGlobal: // any number will do for one
				for _, a := range v.Args {
					if n.pointers[a.ID] {
						n.note(a)
					}
				}
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
				if v.Size == 8 && n.pointers[v.Args[1].ID] {
					n.note(v.Args[1]) // read back, it is to be a pointer again
				}
			}
		}
		if b.Term.Kind == ir.TermReturn {
			n.note(b.Term.X)
		}
	}
}

// findPeers finds what is compared: a comparison with a known value sets limits to the other, so that both are known. One
// constant can be an operand of many instructions: that it is known says nothing about what else it is compared with.
func (n *scalars) findPeers() {
	n.peers = map[*ir.Value][]*ir.Value{}
	compared := func(x, y *ir.Value) {
		if x.Op != ir.OpConst && y.Op != ir.OpConst {
			n.peers[x] = append(n.peers[x], y)
			n.peers[y] = append(n.peers[y], x)
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

// note notes a value, all that it is computed from, and all that is compared with these.
func (n *scalars) note(v *ir.Value) {
	work := []*ir.Value{v}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		if n.known[v.ID] {
			continue
		}
		n.known[v.ID] = true
		work = append(append(work, n.args[v]...), n.peers[v]...)
		switch v.Op {
		case ir.OpLoad, ir.OpCmp, ir.OpAtomicFetch, ir.OpXchg, ir.OpHelper, ir.OpKfunc, ir.OpCall, ir.OpGlobal, ir.OpScalar:
		default:
			if !limited(v) {
				work = append(work, v.Args...)
			}
		}
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

// findPointers finds what may be a pointer to the verifier.
func (n *scalars) findPointers() {
	n.findMade()
	n.objects = n.spread(func(v *ir.Value) bool {
		return v.Op != ir.OpMapValue && v.Op != ir.OpConst && !(v.Op == ir.OpHelper && slices.Contains(mapMemory, asm.BuiltinFunc(v.Imm)))
	})
	n.pointers = n.spread(func(v *ir.Value) bool {
		switch v.Op {
		case ir.OpSlot, ir.OpCtx, ir.OpMapPtr, ir.OpMapValue, ir.OpFuncPtr, ir.OpKfunc, ir.OpParam:
			return true
		case ir.OpGlobal:
			return false
		case ir.OpHelper:
			return !slices.Contains(numberHelpers, asm.BuiltinFunc(v.Imm))
		case ir.OpLoad:
			return v.Size == 8 && n.objects[v.Args[0].ID]
		}
		return false
	})
}

// madeOf are the values that v may be, or be the sum of.
func (n *scalars) madeOf(v *ir.Value) []*ir.Value {
	if v.Op == ir.OpAdd || v.Op == ir.OpSub {
		return v.Args
	}
	return n.args[v]
}

// findMade turns madeOf round.
func (n *scalars) findMade() {
	n.first = make([]int32, n.f.Values()+2) // one ahead, so that filling moves each to its place
	n.each(func(v *ir.Value) {
		for _, x := range n.madeOf(v) {
			n.first[x.ID+2]++
		}
	})
	for i := 1; i < len(n.first); i++ {
		n.first[i] += n.first[i-1]
	}
	n.made = make([]*ir.Value, n.first[len(n.first)-1])
	n.each(func(v *ir.Value) {
		for _, x := range n.madeOf(v) {
			n.made[n.first[x.ID+1]] = v
			n.first[x.ID+1]++
		}
	})
}

// spread says, by id, for which values is holds for one of those that they may be, or be the sum of.
func (n *scalars) spread(is func(*ir.Value) bool) []bool {
	found := make([]bool, n.f.Values())
	var work []*ir.Value
	n.each(func(v *ir.Value) {
		if len(n.madeOf(v)) == 0 && is(v) {
			work = append(work, v)
		}
	})
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		if !found[v.ID] {
			found[v.ID] = true
			work = append(work, n.made[n.first[v.ID]:n.first[v.ID+1]]...)
		}
	}
	return found
}
