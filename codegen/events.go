package codegen

import (
	"slices"
	"strconv"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Flags of bpf_ringbuf_submit, from include/uapi/linux/bpf.h. A wake-up costs about ten times what a record does. Without a flag the
// kernel wakes the reader only for a record that finds the ring read to its end; the reader pauses
// after each batch, so that happens a few hundred times a second at most, however many records there are.
const (
	ringWakeIdle    = 0
	ringForceWakeup = 2
)

// record is an event while its code is made.
type record struct {
	ev    *layout.Event
	what  string          // for the message about lost records
	args  []ast.Expr      // parallel to ev.Fields
	early []*operand      // parallel: arguments evaluated before the record is reserved, nil for the others
	swap  *layout.MapSpec // the map that user space is to empty
	key   *place          // a map key that follows the header, ev.Size-layout.RecordHeader bytes of it; there are no arguments then
}

// newRecord lays out the record of a call with the given arguments.
func (l *lowerer) newRecord(c *ast.Call, ev *layout.Event, args []ast.Expr) *record {
	r := &record{ev: ev, what: c.Name, args: args, early: make([]*operand, len(args))}
	ev.Names = fieldNames(args)
	var fields []types.Type
	for _, e := range args {
		t := types.Value(l.typeOf(e))
		if stack, ok := t.(types.Stack); ok && isStack(e) {
			t = types.Frames{Stack: stack}
		}
		if types.InMemory(t) && !l.fits(t.Size()) {
			t = types.Int{Bits: 64}
		}
		fields = append(fields, t)
	}
	ev.Place(fields)
	return l.announce(c, r)
}

// announce adds the record's kind to the blueprint, once for all copies of an unrolled body.
func (l *lowerer) announce(c source.Node, r *record) *record {
	if old := l.events[c]; old != nil {
		r.ev = old
		return r
	}
	r.ev.Pos = c.Range().Pos
	l.events[c] = l.k.event(r.ev)
	return r
}

// send reserves the record, fills it and submits it. Arguments are written straight into the reserved memory. Only those that
// do more than compute a value come before, with all to the left of them: they happen even when the ring is full, and a reserved
// record must be submitted on every path through the program.
func (l *lowerer) send(r *record, flags int64) {
	m := l.mark()
	last := len(r.args) - 1
	for last >= 0 && (r.early[last] != nil || !effects.Has(r.args[last])) {
		last--
	}
	for i, e := range r.args[:last+1] {
		if _, isConst := l.constOf(e); !isConst && r.early[i] == nil {
			r.early[i] = l.evaluate(e, r.ev.Fields[i])
		}
	}
	pos, reads := l.b.Pos, l.copyReads()
	switch {
	case l.sendNumbers(r, flags):
	case l.sendCopy(r, flags):
	default:
		l.reserve(r.ev.Size, r.lost(), flags, func(rec *ir.Value) {
			l.fillRecord(r, bpf(rec, 0))
			l.b.Pos = pos
			if r.swap != nil {
				l.askSwap(r.swap)
			}
		})
		l.fn.reads = reads // what the arguments read was not read where the record was lost
	}
	l.b.Pos = pos
	l.release(m)
}

// lost is the site of a record for which there is no room.
func (r *record) lost() *layout.Site {
	return &layout.Site{Kind: layout.SiteLost, Pos: r.ev.Pos, What: r.what}
}

// reserve reserves a record, has it filled and submits it.
func (l *lowerer) reserve(size int, site *layout.Site, flags int64, fill func(rec *ir.Value)) {
	f := l.fn.fn
	lost, got, done := f.NewBlock("lost"), f.NewBlock("record"), f.NewBlock("sent")
	rec := l.b.Helper(int(asm.FnRingbufReserve), false, l.b.MapPtr(layout.MapEvents), l.b.Const(int64(size)), l.b.Const(0))
	l.b.BranchUnlikely(ir.Eq, rec, l.b.Const(0), lost, got)
	l.b.At(lost)
	l.countFailure(site)
	l.b.Jump(done)
	l.b.At(got)
	fill(rec)
	l.b.Helper(int(asm.FnRingbufSubmit), false, rec, l.b.Const(flags))
	l.b.Jump(done)
	l.b.At(done)
}

// fillRecord writes a record.
func (l *lowerer) fillRecord(r *record, to place) {
	l.b.Store(8, to.base, to.off, l.b.Const(int64(r.ev.ID)))
	if r.key != nil {
		l.copyBytes(to.at(layout.RecordHeader), *r.key, r.ev.Size-layout.RecordHeader)
	}
	for i := range r.args {
		l.fill(r, i, to)
	}
}

// sentNumbers is how many numbers a function gets that sends them, beside the record's kind and where a lost one is counted.
const sentNumbers = 3

// sendNumbers sends a record of a few numbers by a function for all places that do. It says whether it did.
func (l *lowerer) sendNumbers(r *record, flags int64) bool {
	if r.key != nil || r.swap != nil || len(r.args) > sentNumbers || slices.ContainsFunc(r.ev.Fields, types.InMemory) {
		return false
	}
	o := outline{what: "send", size: r.ev.Size, flags: flags}
	if !l.mayOutline(o) {
		return false
	}
	words := []*ir.Value{l.b.Const(int64(r.ev.ID))}
	for i, e := range r.args {
		if early := r.early[i]; early != nil {
			words = append(words, early.val)
		} else {
			words = append(words, l.numExpr(e))
		}
	}
	l.callOutline(o, nil, []*layout.Site{r.lost()}, words, func(_ mapKey, words []*ir.Value) *ir.Value {
		l.reserve(o.size, r.lost(), flags, func(rec *ir.Value) {
			for i, w := range words {
				l.b.Store(8, rec, 8*i, w)
			}
		})
		return nil
	})
	return true
}

// sendCopy makes a record in scratch memory, from where a function for all places sends it. It says whether it did.
func (l *lowerer) sendCopy(r *record, flags int64) bool {
	o := outline{what: "copy", size: r.ev.Size, flags: flags}
	if !l.k.kernel.AtLeast(5, 13) || r.ev.Size > maxObject || !l.mayOutline(o) {
		return false
	}
	pos := l.b.Pos
	to := l.scratchTemp(r.ev.Size)
	l.fillRecord(r, to)
	l.b.Pos = pos
	if r.swap != nil {
		l.askSwap(r.swap)
	}
	l.callOutline(o, nil, []*layout.Site{r.lost()}, []*ir.Value{l.addr(to)}, func(_ mapKey, args []*ir.Value) *ir.Value {
		rec := l.takeMemory(1, r.ev.Size)
		ret := l.b.Helper(int(asm.FnRingbufOutput), false, l.b.MapPtr(layout.MapEvents), rec, l.b.Const(int64(o.size)), l.b.Const(flags))
		l.countIf(ir.Ne, ret, r.lost())
		return nil
	})
	return true
}

// evaluate lowers an argument to a number, or to memory that keeps its value.
func (l *lowerer) evaluate(e ast.Expr, t types.Type) *operand {
	if !types.InMemory(t) {
		return &operand{typ: t, val: l.numExpr(e)}
	}
	p := l.temp("argument", layout.Align8(t.Size()))
	l.store(p, t, e, false)
	return &operand{typ: t, mem: p}
}

// fill writes argument i into the record.
func (l *lowerer) fill(r *record, i int, rec place) {
	at, t := rec.at(r.ev.Offs[i]), r.ev.Fields[i]
	m := l.mark()
	defer l.release(m)
	switch {
	case types.InMemory(t) && r.early[i] != nil:
		l.storeOperand(at, t, *r.early[i], false)
	case types.InMemory(t):
		l.store(at, t, r.args[i], false)
	case r.early[i] != nil:
		l.b.Store(8, at.base, at.off, r.early[i].val)
	default:
		l.b.Store(8, at.base, at.off, l.numExpr(r.args[i]))
	}
}

// fieldNames are the names by which Go programs know the arguments of an event: what an argument is made of, or else its place.
func fieldNames(args []ast.Expr) []string {
	out, used := make([]string, len(args)), map[string]bool{}
	for i, e := range args {
		name := ast.NameOf(e)
		if name == "" || used[name] {
			name = "arg" + strconv.Itoa(i)
		}
		used[name] = true
		out[i] = name
	}
	return out
}

// outputFuncs send something to user space.
var outputFuncs = map[string]callee{
	// printf(format, args…) prints text.
	"printf": func(l *lowerer, c *ast.Call) operand {
		if l.pinned() {
			l.seqPrintf(c)
			return nothing
		}
		ev := &layout.Event{Kind: layout.EventPrintf, Format: l.text(c.Args[0])}
		l.send(l.newRecord(c, ev, c.Args[1:]), ringWakeIdle)
		return nothing
	},
	// errorf and warnf are printf with a place; cat and system have user space do something with the text.
	"errorf": formatted(layout.EventErrorf),
	"warnf":  formatted(layout.EventWarnf),
	"cat":    formatted(layout.EventCat),
	"system": formatted(layout.EventSystem),
	// assert(condition, text) is errorf and exit.
	"assert": func(l *lowerer, c *ast.Call) operand { l.assert(c); return nothing },
	// join(strings) puts strings together.
	"join": func(l *lowerer, c *ast.Call) operand { l.joinStrings(c); return nothing },
	// unwatch(address) takes watchpoints away.
	"unwatch": func(l *lowerer, c *ast.Call) operand {
		l.send(l.newRecord(c, &layout.Event{Kind: layout.EventUnwatch}, c.Args), ringWakeIdle)
		return nothing
	},
	// debugf(format, args…) is the kernel's.
	"debugf": func(l *lowerer, c *ast.Call) operand { l.debugf(c); return nothing },
	// These are about the compilation alone.
	"assert_str": func(*lowerer, *ast.Call) operand { return nothing },
	"fail":       func(*lowerer, *ast.Call) operand { return nothing },
	// print(x) prints a value, an element of a map, or a whole map.
	"print": func(l *lowerer, c *ast.Call) operand { l.print(c); return nothing },
	// exit(code) ends the trace.
	"exit": func(l *lowerer, c *ast.Call) operand { l.exit(c); return nothing },
}

func (l *lowerer) print(c *ast.Call) {
	ref, ok := c.Args[0].(*ast.MapRef)
	switch {
	case ok && !ref.Indexed:
		ev := &layout.Event{Kind: layout.EventPrintMap, Map: l.mapOf(ref), Top: -1, Div: -1}
		for i, dst := range []*int64{&ev.Top, &ev.Div} {
			if len(c.Args) > i+1 {
				*dst = l.number(c.Args[i+1])
			}
		}
		l.send(l.newRecord(c, ev, nil), ringWakeIdle)
	case ok:
		l.printElem(c, ref)
	default:
		l.send(l.newRecord(c, &layout.Event{Kind: layout.EventPrint}, c.Args[:1]), ringWakeIdle)
	}
}

// printElem is print(@m[key]). Aggregations that are not one number, and all of them where the kernel cannot read
// another CPU's value or the map is kept twice, are left to user space.
func (l *lowerer) printElem(c *ast.Call, ref *ast.MapRef) {
	m := l.mapOf(ref)
	a, ok := m.Value.(types.Agg)
	if !ok || a.OneNumber() && l.k.kernel.AtLeast(5, 19) && l.k.Spec(m).Swap == 0 {
		l.send(l.newRecord(c, &layout.Event{Kind: layout.EventPrint}, c.Args[:1]), ringWakeIdle)
		return
	}
	mk := l.mark()
	key := l.keyPlace(m, ref.Keys)
	ev := &layout.Event{Kind: layout.EventPrintElem, Map: m, Names: []string{"key", m.Name}}
	ev.PlaceKey(l.k.Spec(m), a)
	l.send(l.announce(c, &record{ev: ev, what: c.Name, key: &key}), ringWakeIdle)
	l.release(mk)
}

// number is the value of a constant integer.
func (l *lowerer) number(e ast.Expr) int64 {
	c, ok := l.constOf(e)
	if !ok {
		l.fail(e, "", "the number must be a constant")
	}
	return int64(c.Int)
}

// formatted sends a format's values.
func formatted(kind layout.EventKind) callee {
	return func(l *lowerer, c *ast.Call) operand {
		l.send(l.newRecord(c, l.message(c, kind, l.text(c.Args[0])), c.Args[1:]), ringWakeIdle)
		return nothing
	}
}

// message is an event that knows the place of its call.
func (l *lowerer) message(c *ast.Call, kind layout.EventKind, format string) *layout.Event {
	return &layout.Event{Kind: kind, Format: format, Places: append([]source.Span{c.Span}, c.From...), Once: l.prog.Kind.Once}
}

// assert ends the run with an error unless a condition is true.
func (l *lowerer) assert(c *ast.Call) {
	good, bad := l.newJoin("good"), l.newJoin("bad")
	l.cond(c.Args[0], good, bad)
	l.land(bad)
	l.maybe(func() {
		l.b.Pos = c.Pos
		l.send(l.newRecord(c, l.message(c, layout.EventErrorf, "assert failed: %s"), c.Args[1:]), ringWakeIdle)
		code := l.b.Const(1)
		ev := &layout.Event{Kind: layout.EventExit, Names: []string{"code"}}
		ev.Place([]types.Type{int64Type})
		r := &record{ev: ev, what: c.Name, args: []ast.Expr{nil}, early: []*operand{{typ: int64Type, val: code}}}
		l.end(l.announce(c.Args[0], r), code)
	})
	l.land(good)
}

// exit tells user space, makes programs that start from now on do nothing, and ends this one. In an iterator it lets the others go on: it is called for
// each object, and scripts that say exit() there want to see all of them.
func (l *lowerer) exit(c *ast.Call) {
	code := l.b.Const(0)
	if len(c.Args) > 0 {
		code = l.numExpr(c.Args[0])
	}
	r := l.newRecord(c, &layout.Event{Kind: layout.EventExit}, c.Args)
	for i := range c.Args {
		r.early[i] = &operand{typ: r.ev.Fields[i], val: code}
	}
	l.end(r, code)
}

// end ends the run with the record of an exit().
func (l *lowerer) end(r *record, code *ir.Value) {
	if r.ev.AfterIter = l.prog.Kind.Nullable; !r.ev.AfterIter {
		l.k.usesGlo = true
		globals := l.b.MapValue(layout.MapGlobals, 0)
		l.b.Store(8, globals, layout.GlobalExitCode, code)
		l.b.Store(8, globals, layout.GlobalExiting, l.b.Const(layout.GlobalExit))
	}
	l.send(r, ringForceWakeup)
	l.leave()
}
