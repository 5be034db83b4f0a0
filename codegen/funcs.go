package codegen

import (
	"strings"

	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Functions of the script become functions of the program (BPF-to-BPF calls) where they are called more than once and do more than
// return a value; others are put where they are called. A function gets the address of the environment, as callbacks do, and up to
// four numbers in registers. Objects are copied to the homes of its parameters, and its result to a place of its own in scratch memory.

// maxFrames is how many functions can be active at a time: MAX_CALL_FRAMES (include/linux/bpf_verifier.h).
const maxFrames = 8

// maxRegs is how many arguments a function gets in registers beside the environment's address: R2 to R5.
const maxRegs = 4

// subprogram is a function of the script in one program.
type subprogram struct {
	f      *ast.Func
	result types.Type // none for void
	params []*lang.Variable
	locals []*lang.Variable // that lie in memory: they are cleared when it is called
	inline bool
	name   string // in the IR, once it is lowered
	stops  bool   // it can end the run, or all loops
	words  []int  // places in the environment of arguments for which there is no register
	room   int    // where in scratch memory an object goes that it returns
}

// activation is a function of the script that is being lowered: what return leaves.
type activation struct {
	sub   *subprogram
	level *function // the IR function that it is in; callbacks of its loops are others
	exit  *join
	room  int // where in scratch memory an object goes that it returns
	word  int // place in the environment of a number that is returned within a loop, 0 if none is
}

// callFunc calls a function of the script.
func (l *lowerer) callFunc(c *ast.Call, f *ast.Func) operand {
	sub := l.subprogram(f)
	if !sub.inline {
		return l.realCall(c, sub, l.arguments(c, sub))
	}
	room := 0
	if types.InMemory(sub.result) {
		room = l.scratchTemp(sub.result.Size()).off // it lives on behind the call; loops reach it, too
	}
	return l.inlineCall(sub, l.arguments(c, sub), room)
}

// arguments evaluates the arguments of a call, numbers as the parameters' types have them. All are evaluated before one is
// handed over: an argument can contain another call of the same function.
func (l *lowerer) arguments(c *ast.Call, sub *subprogram) []operand {
	args := make([]operand, len(c.Args))
	for i, e := range c.Args {
		t := sub.params[i].Type
		o := l.expr(e)
		switch {
		case !types.InMemory(t):
			o = operand{typ: t, val: l.convert(l.num(o), o.typ, t)}
		case o.lit == nil && effectsIn(c.Args[i+1:]):
			o = l.copied(o)
		}
		args[i] = o
	}
	return args
}

// bind gives a parameter its argument.
func (l *lowerer) bind(v *lang.Variable, o operand) {
	if types.InMemory(v.Type) {
		l.storeOperand(l.varPlace(v), v.Type, o, l.padded[v])
		return
	}
	l.putVar(v, o.val)
}

// inlineCall puts a function's body where it is called.
func (l *lowerer) inlineCall(sub *subprogram, args []operand, room int) operand {
	if l.fn.active != nil && !l.mayInline(sub) {
		return l.resultOf(sub, room, nil)
	}
	for i, v := range sub.params {
		l.bind(v, args[i])
	}
	a := &activation{sub: sub, level: l.fn, exit: l.newJoin("returned"), room: room}
	outer, loop := l.fn.active, l.fn.loop
	l.fn.active, l.fn.loop = a, nil
	v := l.funcBody(a)
	l.fn.active, l.fn.loop = outer, loop
	return l.resultOf(sub, room, v)
}

// mayInline counts the statements of a function that is put into another one, which each level of calls can double. It says whether there is room.
func (l *lowerer) mayInline(sub *subprogram) bool {
	l.inlined += max(len(sub.f.Body.Stmts), 1)
	if l.inlined > effects.MaxUnrolled || l.fn.fn.Values() > maxUnrolledValues {
		l.failHere("call less in one another, or nest functions less deep than the kernel calls: 8 with the probe and its loops",
			"functions put where they are called give more than %d statements", effects.MaxUnrolled)
	}
	return l.err == nil
}

// funcBody lowers the body of a function up to the place behind it, and gives the number that it returns.
func (l *lowerer) funcBody(a *activation) *ir.Value {
	l.clearLocals(a.sub)
	l.block(a.sub.f.Body)
	l.jumpResult(a, nil)
	if v := l.land(a.exit); len(v) > 0 {
		return v[0]
	}
	return nil
}

// resultOf is what a call gives: the number v, or the object in the room for it.
func (l *lowerer) resultOf(sub *subprogram, room int, v *ir.Value) operand {
	switch {
	case types.Is(sub.result, types.KindNone):
		return nothing
	case types.InMemory(sub.result):
		p := bpf(l.scratchBase(), room)
		p.exact = true
		return operand{typ: sub.result, mem: p}
	case v == nil: // it never returns
		v = l.b.Const(0)
	}
	return operand{typ: sub.result, val: v}
}

// clearLocals sets the variables of a function to zero that lie in memory, where an earlier call left its values.
func (l *lowerer) clearLocals(sub *subprogram) {
	for _, v := range sub.locals {
		if types.InMemory(v.Type) {
			l.zero(l.varPlace(v), v.Type.Size())
		} else {
			l.putVar(v, l.b.Const(0))
		}
	}
}

// jumpResult goes to the end of a function with the number v; nil is 0.
func (l *lowerer) jumpResult(a *activation, v *ir.Value) {
	switch {
	case l.b.Block == nil:
	case types.Is(a.sub.result, types.KindNone), types.InMemory(a.sub.result):
		l.jump(a.exit)
	case v == nil:
		l.jump(a.exit, l.b.Const(0))
	default:
		l.jump(a.exit, v)
	}
}

// returnFrom is a return statement in a function of the script. Within a loop it stops the loop, and the code behind that goes on.
func (l *lowerer) returnFrom(a *activation, e ast.Expr) {
	var v *ir.Value
	switch t := a.sub.result; {
	case e == nil:
	case types.Is(t, types.KindNone):
		l.effect(e)
	case types.InMemory(t):
		o := l.copied(l.expr(e)) // it may be in the room of the result
		l.storeOperand(bpf(l.scratchBase(), a.room), t, o, true)
	default:
		v = l.convert(l.numExpr(e), l.typeOf(e), t)
	}
	switch {
	case l.b.Block == nil:
		return
	case a.level == l.fn:
		l.jumpResult(a, v)
		return
	case a.word == 0:
		a.word = l.envAlloc(8)
	}
	if v != nil {
		l.b.Store(8, l.fn.env, a.word, v)
	}
	l.setStop(stopCall)
	l.b.Return(l.b.Const(loopStop))
}

// afterReturn goes to the end of a function if a loop of it, of which stop says why it ended, has returned.
func (l *lowerer) afterReturn(stop *ir.Value) {
	a := l.fn.active
	if a == nil || a.level != l.fn || a.word == 0 {
		return
	}
	returned, on := l.fn.fn.NewBlock("return"), l.fn.fn.NewBlock("on")
	l.b.Branch(ir.Eq, stop, l.b.Const(stopCall), returned, on)
	l.b.At(returned)
	l.setStop(stopNot)
	l.jumpResult(a, l.b.Load(8, l.envAddr(), a.word))
	l.b.At(on)
}

// realCall calls a function of the program.
func (l *lowerer) realCall(n source.Node, sub *subprogram, args []operand) operand {
	if sub.name == "" {
		l.lowerFunc(sub)
	}
	l.b.Pos = n.Range().Pos
	regs := []*ir.Value{l.envAddr()}
	words := sub.words
	for i, v := range sub.params {
		switch {
		case types.InMemory(v.Type):
			l.bind(v, args[i])
		case len(regs) <= maxRegs:
			regs = append(regs, args[i].val)
		default:
			l.b.Store(8, l.envAddr(), words[0], args[i].val)
			words = words[1:]
		}
	}
	v := l.b.Call(sub.name, regs...)
	l.fn.reads = nil // it may have changed any map
	if sub.stops {
		l.afterLoop()
	}
	o := l.resultOf(sub, sub.room, v)
	if o.val == nil && o.mem.base != nil {
		o = l.copied(o) // the next call puts its result there
	}
	return o
}

// lowerFunc makes a function of the program. Its temporaries have scratch memory of their own: it is called from places where others are in use.
func (l *lowerer) lowerFunc(sub *subprogram) {
	name, _, _ := strings.Cut(sub.f.Name, "#") // one of a builtin's name: see package macro
	sub.name = l.out.Name + "_fn_" + name
	l.envAlloc(0)
	l.ownScratch()
	if types.InMemory(sub.result) {
		sub.room = l.scratchTemp(sub.result.Size()).off
	}
	numbers := 0
	for _, v := range sub.params {
		if !types.InMemory(v.Type) {
			numbers++
		}
	}
	for range max(0, numbers-maxRegs) {
		sub.words = append(sub.words, l.envAlloc(8))
	}
	f := ir.NewFunc(sub.name, 1+min(numbers, maxRegs))
	l.addFunc(f)
	saved, builder, pos, stops := l.fn, l.b, l.b.Pos, l.stops
	l.enter(f, f.Blocks[0].Params[0])
	l.fn.active = &activation{sub: sub, level: l.fn, exit: l.newJoin("returned"), room: sub.room}
	l.stops = false
	l.takeParams(sub, f.Blocks[0].Params[1:])
	v := l.funcBody(l.fn.active)
	if l.b.Block != nil {
		if v == nil {
			v = l.b.Const(0)
		}
		l.b.Return(v)
	}
	sub.stops = l.stops
	l.fn, l.b, l.stops = saved, builder, stops || sub.stops
	l.b.Pos = pos
	l.ownScratch()
}

// addFunc adds a function to the program.
func (l *lowerer) addFunc(f *ir.Func) {
	if len(l.ir.Funcs) == maxFuncs {
		l.oneTooMany = l.b.Pos
	}
	l.ir.Funcs = append(l.ir.Funcs, f)
}

// ownScratch keeps all scratch memory that was used so far from being used again.
func (l *lowerer) ownScratch() {
	l.scratch.size = l.scratch.top
	l.scratch.floor = l.scratch.top
}

// takeParams gives the parameters that are numbers their values, which the caller has put in registers and in the environment.
func (l *lowerer) takeParams(sub *subprogram, regs []*ir.Value) {
	words := sub.words
	for _, v := range sub.params {
		switch {
		case types.InMemory(v.Type):
		case len(regs) > 0:
			l.putVar(v, regs[0])
			regs = regs[1:]
		default:
			l.putVar(v, l.b.Load(8, l.fn.env, words[0]))
			words = words[1:]
		}
	}
}

// subprogram is what is known of a function of the script in this program.
func (l *lowerer) subprogram(f *ast.Func) *subprogram {
	if sub := l.subs[f]; sub != nil {
		return sub
	}
	if l.subs == nil {
		l.subs = map[*ast.Func]*subprogram{}
		l.deep = 1+l.height(l.prog.Parts()[:l.ownParts()]...) > maxFrames
	}
	sub := &subprogram{f: f, result: l.prog.Results[f]}
	sub.inline = l.deep || l.thrift >= thriftMost || l.calls(f) < 2 || isSimple(f)
	params := map[*lang.Variable]bool{}
	for _, p := range f.Params {
		v := l.prog.Vars[p.Var]
		sub.params = append(sub.params, v)
		params[v] = true
	}
	for _, v := range l.prog.Variables() {
		if v.Func == f && !params[v] && v.Type != nil && (types.InMemory(v.Type) || l.inMemory(v)) {
			sub.locals = append(sub.locals, v)
		}
	}
	l.subs[f] = sub
	return sub
}

// ownParts is how many of the parts of a program are the probe's own.
func (l *lowerer) ownParts() int { return len(l.prog.Parts()) - len(l.prog.Funcs) }

// isSimple says whether a function is shorter than its call.
func isSimple(f *ast.Func) bool {
	if len(f.Body.Stmts) > 1 {
		return false
	}
	simple := true
	ast.Inspect(f.Body, func(n source.Node) bool {
		switch n.(type) {
		case *ast.While, *ast.ForRange, *ast.ForMap, *ast.Unroll, *ast.BlockExpr:
			simple = false
		}
		return simple
	})
	return simple
}

// calls counts the calls of a function in a program, those in unrolled bodies as several.
func (l *lowerer) calls(f *ast.Func) int {
	n := 0
	for _, part := range l.prog.Parts() {
		ast.Inspect(part, func(node source.Node) bool {
			switch node := node.(type) {
			case *ast.Call:
				if node.Name == f.Name {
					n++
				}
			case *ast.Unroll:
				n++ // perhaps of this one
			}
			return true
		})
	}
	return n
}

// height is how many functions can be active in parts of a script, callbacks of loops and functions of the script, if all are real ones.
func (l *lowerer) height(parts ...source.Node) int {
	most := 0
	for _, part := range parts {
		ast.Inspect(part, func(n source.Node) bool {
			body := source.Node(nil)
			switch n := n.(type) {
			case *ast.While:
				body = n.Body
			case *ast.ForRange:
				body = n.Body
			case *ast.ForMap:
				body = n.Body
			case *ast.Call:
				if f := l.prog.Callee(n); f != nil {
					most = max(most, 1+l.funcHeight(f))
				}
			}
			if body != nil {
				most = max(most, 1+l.height(body))
			}
			return true
		})
	}
	return most
}

// funcHeight is height for the body of a function, which is looked at once, however often it is called.
func (l *lowerer) funcHeight(f *ast.Func) int {
	if h, known := l.heights[f]; known {
		return h
	}
	if l.heights == nil {
		l.heights = map[*ast.Func]int{}
	}
	h := l.height(f.Body)
	l.heights[f] = h
	return h
}
