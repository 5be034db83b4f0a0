package codegen

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/mapplan"
	"github.com/gotrace/gotrace/codegen/internal/stackhash"
	"github.com/gotrace/gotrace/codegen/internal/unwind"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// stackVars are stacks as variables.
var stackVars = map[string]variable{
	"kstack":    func(l *lowerer, n source.Node, t types.Type) operand { return l.stack(n, t.(types.Stack)) },
	"ustack":    func(l *lowerer, n source.Node, t types.Type) operand { return l.stack(n, t.(types.Stack)) },
	"dw_ustack": func(l *lowerer, n source.Node, t types.Type) operand { return l.stack(n, t.(types.Stack)) },
}

// stackFuncs are stacks with arguments, and addresses that are shown by name.
var stackFuncs = map[string]callee{
	"kstack":    func(l *lowerer, c *ast.Call) operand { return l.stack(c, l.typeOf(c).(types.Stack)) },
	"ustack":    func(l *lowerer, c *ast.Call) operand { return l.stack(c, l.typeOf(c).(types.Stack)) },
	"dw_ustack": func(l *lowerer, c *ast.Call) operand { return l.stack(c, l.typeOf(c).(types.Stack)) },
	"ksym": func(l *lowerer, c *ast.Call) operand {
		return operand{typ: types.Symbol{}, val: l.numExpr(c.Args[0])}
	},
	// kaddr(name) is a constant, which the checker has found.
	"kaddr": func(l *lowerer, c *ast.Call) operand { return operand{typ: l.typeOf(c), val: l.b.Const(0)} },
	// uaddr(name) is as far from the probed place in the process as in the binary, wherever that lies in memory.
	"uaddr": func(l *lowerer, c *ast.Call) operand {
		distance, _, err := l.k.env.SymbolFrom(&l.prog.Targets[0], l.text(c.Args[0]))
		if err != nil {
			l.fail(c, "", "%v", err)
		}
		if l.prog.Kind.Return { // the registers are those of the place that it returns to
			l.needs(c, 6, 6, "uaddr() in a "+l.prog.Kind.Name, "bpf_get_func_ip of user functions", "use it in the uprobe")
		}
		return operand{typ: l.typeOf(c), val: l.b.OpImm(ir.OpAdd, l.funcIP(c), distance)}
	},
	"usym": func(l *lowerer, c *ast.Call) operand { return l.userSymbol(l.numExpr(c.Args[0])) },
}

// userSymbol is an address of the current process, as a value.
func (l *lowerer) userSymbol(addr *ir.Value) operand {
	p := l.temp("usym", types.UserSymbol{}.Size())
	l.b.Store(8, p.base, p.off, addr)
	l.b.Store(8, p.base, p.off+8, l.pid())
	return operand{typ: types.UserSymbol{}, mem: p}
}

// Flags of bpf_get_stack, from include/uapi/linux/bpf.h.
const userStack = 1 << 8

// eexist is the error of an insertion where there is an element already.
const eexist = -17

// getStack reads a stack of at most so many frames into memory of types.FramesSize(limit) bytes. The helper clears what it does not
// fill, of the words that it is given. The result is their size in bytes: 0 or an error if there are none, as of the user stack of
// a thread of the kernel.
func (l *lowerer) getStack(t types.Stack, to place) *ir.Value {
	addrs := to.at(types.FramesHeader)
	for end := types.FramesSize(t.Limit) - types.FramesHeader; end > 8*t.Limit; end -= 8 {
		l.b.Store(8, addrs.base, addrs.off+end-8, l.b.Const(0))
	}
	flags := int64(0)
	if t.User {
		flags = userStack
	}
	return l.b.Helper(int(asm.FnGetStack), false, l.ctx(), l.addr(addrs), l.b.Const(int64(8*t.Limit)), l.b.Const(flags))
}

// isStack says that an expression reads a stack, rather than a number of one.
func isStack(e ast.Expr) bool { return stackVars[builtinName(e)] != nil }

// builtinName is the name of the builtin that an expression is, "" if it is none.
func builtinName(n source.Node) string {
	switch e := n.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.Call:
		return e.Name
	}
	return ""
}

// readStack is getStack, by tables where the script asks for that: then to must be scratch memory.
func (l *lowerer) readStack(n source.Node, t types.Stack, to place) *ir.Value {
	if !l.unwinds(n, t) {
		return l.getStack(t, to)
	}
	return l.unwind(t, to)
}

// unwinds says whether a stack is followed by tables rather than by frame pointers.
func (l *lowerer) unwinds(n source.Node, t types.Stack) bool {
	cfg, k := l.k.checked.Config.UserUnwind, l.k.kernel
	name := builtinName(n)
	switch {
	case !t.User || name != "dw_ustack" && cfg == lang.UnwindFramePointer:
		return false
	case name != "dw_ustack" && cfg == lang.UnwindAuto:
		_, typed := l.currentTask()
		return typed && k.Arch == "amd64" && k.AtLeast(5, 17)
	}
	need := builtin.Find("dw_ustack").Kernel
	if name != "dw_ustack" {
		name = fmt.Sprintf("%s by unwinding tables (user_unwind = %s)", name, cfg)
	}
	if k.Arch != "amd64" {
		l.fail(n, need.Hint, "%s needs the tables of x86-64 programs: there are none on %s", name, k.Arch)
		return false
	}
	if !l.needsOf(n, name, need) {
		return false
	}
	if _, typed := l.currentTask(); !typed {
		l.fail(n, need.Hint, "%s needs a kernel with BTF", name)
		return false
	}
	return true
}

// unwind is getStack by the tables of the functions' frames. Where nothing is known of the process, user space is asked to look at it, and the
// stack is that of the frame pointers.
func (l *lowerer) unwind(t types.Stack, to place) *ir.Value {
	l.k.needUnwind()
	l.payFor(t.Limit)
	m := l.mark()
	defer l.release(m)
	addrs, room := to.at(types.FramesHeader), types.FramesRoom(t.Limit)
	w := unwind.Walk{B: l.b, State: l.scratchTemp(unwind.StateSize).off, Frames: addrs.off, Room: room, Notes: l.returnNotes()}
	f := l.fn.fn
	end, other, unknown := f.NewBlock("stack"), f.NewBlock("by_kernel"), f.NewBlock("unknown")
	size := end.AddParam()
	l.zero(addrs, 8*room)
	task, _ := l.currentTask()
	pid := l.pid()
	w.Base = l.scratchBase()
	w.Start(l.b.Helper(int(asm.FnTaskPtRegs), false, task.val), pid, other, unknown)
	name := l.callback(2, 1, func([]*ir.Value) {
		frame := w
		frame.B, frame.Base = l.b, l.scratchBase()
		frame.Frame()
	})
	l.b.Helper(int(asm.FnLoop), false, l.b.Const(int64(t.Limit)), l.b.FuncPtr(name), l.envAddr(), l.b.Const(0))
	l.countStops(w.Stop())
	l.b.Jump(end, l.b.OpImm(ir.OpShl, w.Count(), 3))

	l.b.At(unknown)
	l.countFailure(&layout.Site{Kind: layout.SiteUnwindNew, Pos: l.b.Pos})
	l.askProcess(pid)
	l.b.Jump(other)
	l.b.At(other)
	l.b.Jump(end, l.getStack(t, to))
	l.b.At(end)
	return size
}

// returnNotes is where the kernel notes the returns that are probed, nil if its types do not say that.
func (l *lowerer) returnNotes() *unwind.Notes {
	n, s := &unwind.Notes{}, l.k.kernel.Task()
	for _, f := range []struct {
		name string
		off  *int
		into bool
	}{
		{"utask", &n.UserTask, true}, {"return_instances", &n.First, true},
		{"stack", &n.Stack, false}, {"orig_ret_vaddr", &n.Address, false}, {"next", &n.Next, false},
	} {
		field, ok := s.Field(f.name)
		if !ok {
			return nil
		}
		*f.off = field.Offset
		if !f.into {
			continue
		}
		p, ok := field.Type.(types.Pointer)
		if !ok {
			return nil
		}
		if s, ok = p.Elem.(*types.Struct); !ok {
			return nil
		}
	}
	return n
}

// countStops counts a stack that ends too early, by the reason.
func (l *lowerer) countStops(why *ir.Value) {
	f := l.fn.fn
	end, early := f.NewBlock("whole"), f.NewBlock("early")
	l.b.BranchUnlikely(ir.Ne, why, l.b.Const(0), early, end)
	l.b.At(early)
	for i := layout.UnwindStopUnknown; i < layout.UnwindStops; i++ {
		is, not := f.NewBlock("reason"), f.NewBlock("other")
		l.b.Branch(ir.Eq, why, l.b.Const(int64(i)), is, not)
		l.b.At(is)
		l.countFailure(&layout.Site{Kind: layout.SiteUnwindStop, Pos: l.b.Pos, Why: i})
		l.b.Jump(end)
		l.b.At(not)
	}
	l.b.Jump(end)
	l.b.At(end)
}

// askProcess asks user space for the tables of a process, unless it was asked for the last time by the same process of those that share a
// place in MapUnwindAsked.
func (l *lowerer) askProcess(pid *ir.Value) {
	ev := l.k.processEvent()
	f := l.fn.fn
	ask, got, done := f.NewBlock("ask"), f.NewBlock("record"), f.NewBlock("asked")
	place := l.b.OpImm(ir.OpShl, l.b.OpImm(ir.OpAnd, pid, layout.UnwindAsked-1), 2)
	asked := l.b.Op(ir.OpAdd, l.b.MapValue(layout.MapUnwindAsked, 0), place)
	l.b.Branch(ir.Eq, l.b.Load(4, asked, 0), pid, done, ask)
	l.b.At(ask)
	rec := l.b.Helper(int(asm.FnRingbufReserve), false, l.b.MapPtr(layout.MapEvents), l.b.Const(int64(ev.Size)), l.b.Const(0))
	l.b.BranchUnlikely(ir.Eq, rec, l.b.Const(0), done, got)
	l.b.At(got)
	l.b.Store(4, asked, 0, pid)
	l.b.Store(8, rec, 0, l.b.Const(int64(ev.ID)))
	l.b.Store(8, rec, layout.RecordHeader, pid)
	l.b.Helper(int(asm.FnRingbufSubmit), false, rec, l.b.Const(ringWakeIdle))
	l.b.Jump(done)
	l.b.At(done)
}

// processEvent is the record that askProcess sends.
func (k *compiler) processEvent() *layout.Event {
	if k.newProcess == nil {
		ev := &layout.Event{Kind: layout.EventProcess, Names: []string{"pid"}}
		ev.Place([]types.Type{types.TypeUint64})
		k.newProcess = k.event(ev)
	}
	return k.newProcess
}

// needUnwind makes the maps of the tables, if they are not there.
func (k *compiler) needUnwind() {
	if k.ByName[layout.MapUnwindRanges] != nil {
		return
	}
	hash := func(name string, key, value, entries int) {
		k.Add(&layout.MapSpec{Name: name, Type: ebpf.Hash, KeySize: key, ValueSize: value, MaxEntries: entries, Flags: mapplan.FlagNoPrealloc})
	}
	hash(layout.MapUnwindRanges, 8, layout.UnwindRanges*layout.UnwindRangeSize, layout.UnwindMaxRanges)
	hash(layout.MapUnwindRows, 4, layout.UnwindRows*layout.UnwindRowSize, layout.UnwindMaxRows)
	k.Add(&layout.MapSpec{Name: layout.MapUnwindAsked, Type: ebpf.Array, KeySize: 4,
		ValueSize: layout.UnwindAsked * layout.UnwindAskedSize, MaxEntries: 1, Flags: mapplan.FlagMmapable})
}

// storeFrames reads a stack straight into a record: a script that only prints stacks may run for months, and no store would hold them.
func (l *lowerer) storeFrames(dst place, n source.Node, t types.Frames) {
	l.b.Pos = n.Range().Pos
	zero := l.b.Const(0)
	var size *ir.Value
	if l.unwinds(n, t.Stack) { // callbacks do not reach the record
		m := l.mark()
		frames := l.scratchTemp(t.Size())
		size = l.unwind(t.Stack, frames)
		l.copyBytes(dst.at(types.FramesHeader), frames.at(types.FramesHeader), t.Size()-types.FramesHeader)
		l.release(m)
	} else {
		size = l.getStack(t.Stack, dst)
	}
	l.b.Store(8, dst.base, dst.off+types.FramesCheck, zero)
	l.b.Store(8, dst.base, dst.off+types.FramesTime, zero)
	l.b.Store(4, dst.base, dst.off+types.FramesPID, l.owner(t.Stack))
	failed := l.b.OpImm(ir.OpAShr, size, 63) // all bits of an error, none of a size
	count := l.b.Op(ir.OpAnd, l.b.OpImm(ir.OpLShr, size, 3), l.b.OpImm(ir.OpXor, failed, -1))
	l.b.Store(4, dst.base, dst.off+types.FramesCount, count)
}

// owner is what user stacks differ in that have the same addresses: the process.
func (l *lowerer) owner(t types.Stack) *ir.Value {
	if t.User {
		return l.pid()
	}
	return l.b.Const(0)
}

// stack reads a stack and gives it its number: that under which its addresses are in MapStacks, where they are put if they are not there.
func (l *lowerer) stack(at source.Node, t types.Stack) operand {
	l.b.Pos = at.Range().Pos
	size := l.k.needStacks().ValueSize
	m := l.mark()
	defer l.release(m)
	f := l.fn.fn
	frames, key := l.scratchTemp(size), l.temp("stack", 8)
	some, end := f.NewBlock("frames"), f.NewBlock("stack")
	id := end.AddParam()
	n := l.readStack(at, t, frames)
	none := l.b.Const(types.StackEmpty)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLe, X: n, Y: l.b.Const(0),
		Then: ir.Edge{To: end, Args: []*ir.Value{none}}, Else: ir.Edge{To: some}})
	l.b.At(some)
	owner := l.owner(t)
	hash, check := stackhash.Hash(l.b, owner, n, l.addr(frames.at(types.FramesHeader)), 0, t.Limit)
	l.b.Store(8, key.base, key.off, hash)
	found := l.b.Helper(int(asm.FnMapLookupElem), false, l.b.MapPtr(layout.MapStacks), l.addr(key))
	known, fresh := f.NewBlock("known"), f.NewBlock("new")
	l.b.BranchUnlikely(ir.Eq, found, l.b.Const(0), fresh, known)

	l.b.At(known)
	other := f.NewBlock("other")
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: l.b.Load(8, found, types.FramesCheck), Y: check,
		Then: ir.Edge{To: end, Args: []*ir.Value{hash}}, Else: ir.Edge{To: other}})
	l.b.At(other)
	l.countFailure(&layout.Site{Kind: layout.SiteStackHash, Pos: l.b.Pos})
	l.b.Jump(end, l.b.Const(types.StackLost))

	l.b.At(fresh)
	l.b.Store(8, frames.base, frames.off+types.FramesCheck, check)
	l.b.Store(4, frames.base, frames.off+types.FramesPID, owner)
	l.b.Store(4, frames.base, frames.off+types.FramesCount, l.b.OpImm(ir.OpLShr, n, 3))
	l.b.Store(8, frames.base, frames.off+types.FramesTime, l.b.Helper(int(asm.FnKtimeGetNs), false))
	ret := l.b.Helper(int(asm.FnMapUpdateElem), false, l.b.MapPtr(layout.MapStacks), l.addr(key), l.addr(frames), l.b.Const(updateNoExist))
	stored, failed := f.NewBlock("stored"), f.NewBlock("failed")
	l.b.BranchUnlikely(ir.Ne, ret, l.b.Const(0), failed, stored)
	l.b.At(failed)
	lost := f.NewBlock("lost")
	// Before Linux 6.4 the result is an int in a register of 64 bits.
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: l.b.Ext(ret, 32, true), Y: l.b.Const(eexist), // another CPU was first
		Then: ir.Edge{To: end, Args: []*ir.Value{hash}}, Else: ir.Edge{To: lost}})
	l.b.At(lost)
	l.countError(ret, &layout.Site{Kind: layout.SiteStackAdd, Pos: l.b.Pos, Limit: l.k.stackEntries()})
	l.b.Jump(end, l.b.Const(types.StackLost))
	l.b.At(stored)
	if t.User {
		l.announceStack(hash, owner)
	}
	l.b.Jump(end, hash)
	l.b.At(end)
	return operand{typ: t, val: id}
}

// announceStack tells user space of a user stack that is new, so that it looks where the files of its process are mapped before that
// ends. If the ring is full the process is looked at later: that is no loss that is worth a word.
func (l *lowerer) announceStack(id, pid *ir.Value) {
	ev := l.k.stackEvent()
	f := l.fn.fn
	got, done := f.NewBlock("record"), f.NewBlock("told")
	rec := l.b.Helper(int(asm.FnRingbufReserve), false, l.b.MapPtr(layout.MapEvents), l.b.Const(int64(ev.Size)), l.b.Const(0))
	l.b.BranchUnlikely(ir.Eq, rec, l.b.Const(0), done, got)
	l.b.At(got)
	l.b.Store(8, rec, 0, l.b.Const(int64(ev.ID)))
	l.b.Store(8, rec, layout.RecordHeader, id)
	l.b.Store(8, rec, layout.RecordHeader+8, pid)
	l.b.Helper(int(asm.FnRingbufSubmit), false, rec, l.b.Const(ringWakeIdle))
	l.b.Jump(done)
	l.b.At(done)
}

// stackEvent is the record that announceStack sends.
func (k *compiler) stackEvent() *layout.Event {
	if k.newStack == nil {
		ev := &layout.Event{Kind: layout.EventStack, Names: []string{"id", "pid"}}
		ev.Place([]types.Type{types.TypeUint64, types.TypeUint64})
		k.newStack = k.event(ev)
	}
	return k.newStack
}

// stackEntries is how many different stacks MapStacks holds: a map's key may have two.
func (k *compiler) stackEntries() int { return 2 * k.checked.Config.MaxMapKeys }

// stacksPrealloc is the largest MapStacks, in bytes, that gets its memory when it is made. See mapplan's preallocMax.
const stacksPrealloc = 16 << 20

// needStacks makes MapStacks, if it is not there: with room for the largest stacks of all programs.
func (k *compiler) needStacks() *layout.MapSpec {
	if m := k.ByName[layout.MapStacks]; m != nil {
		return m
	}
	frames := 0
	for _, p := range k.checked.Progs {
		for _, t := range p.Types {
			if stack, ok := t.(types.Stack); ok {
				frames = max(frames, stack.Limit)
			}
		}
	}
	m := &layout.MapSpec{Name: layout.MapStacks, Type: ebpf.Hash, KeySize: 8, ValueSize: types.FramesSize(frames), MaxEntries: k.stackEntries()}
	if m.ValueSize*m.MaxEntries > stacksPrealloc && k.kernel.AtLeast(6, 1) {
		m.Flags = mapplan.FlagNoPrealloc
	}
	return k.Add(m)
}

// storedStack looks up the addresses of a stack. The code goes on where they are; what it leaves there jumps to none.
func (l *lowerer) storedStack(id *ir.Value, none *ir.Block, args ...*ir.Value) *ir.Value {
	m := l.mark()
	key := l.temp("stack", 8)
	l.b.Store(8, key.base, key.off, id)
	v := l.b.Helper(int(asm.FnMapLookupElem), false, l.b.MapPtr(layout.MapStacks), l.addr(key))
	l.release(m)
	there := l.fn.fn.NewBlock("stored")
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: l.b.Const(0),
		Then: ir.Edge{To: none, Args: args}, Else: ir.Edge{To: there}})
	l.b.At(there)
	return v
}

// stackLen is len(stack).
func (l *lowerer) stackLen(c *ast.Call) *ir.Value {
	id := l.numExpr(c.Args[0])
	l.b.Pos = c.Pos
	l.k.needStacks()
	end := l.fn.fn.NewBlock("length")
	n := end.AddParam()
	v := l.storedStack(id, end, l.b.Const(0))
	l.b.Jump(end, l.b.Load(4, v, types.FramesCount))
	l.b.At(end)
	return n
}

// frameAt is stack[i]: an index that the stack does not have is counted and gives 0.
func (l *lowerer) frameAt(e *ast.Index, x operand, t types.Stack) operand {
	id, i := l.num(x), l.numExpr(e.I)
	l.b.Pos = e.Pos
	l.k.needStacks()
	f := l.fn.fn
	in, out, end := f.NewBlock("inside"), f.NewBlock("outside"), f.NewBlock("frame")
	addr := end.AddParam()
	v := l.storedStack(id, out)
	l.b.BranchUnlikely(ir.UGe, i, l.b.Load(4, v, types.FramesCount), out, in)
	l.b.At(out)
	l.countFailure(&layout.Site{Kind: layout.SiteIndex, Pos: e.Pos, What: "stack"})
	l.b.Jump(end, l.b.Const(0))
	l.b.At(in)
	// The verifier knows no more of the index than the mask says.
	off := l.b.OpImm(ir.OpShl, l.b.OpImm(ir.OpAnd, i, int64(types.FramesRoom(t.Limit)-1)), 3)
	l.b.Jump(end, l.b.Load(8, l.b.Op(ir.OpAdd, v, off), types.FramesHeader))
	l.b.At(end)
	return operand{typ: types.TypeUint64, val: addr}
}
