package codegen

import (
	"slices"
	"sort"
	"strings"

	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
)

// current is the value that a scalar variable has at this point of the program.
type current struct {
	val   *ir.Value
	typed bool // a pointer whose type the verifier knows
}

// join is a block that several places jump to. What the variables are there is found when it is landed on.
type join struct {
	blk   *ir.Block
	edges []joinEdge
}

type joinEdge struct {
	from  *ir.Block
	vars  map[*lang.Variable]current
	reads map[string]*ir.Value
	extra []*ir.Value
}

func (l *lowerer) newJoin(name string) *join {
	return &join{blk: l.fn.fn.NewBlock(name)}
}

// jump ends the current block with a jump to j. Extra values become parameters of its block.
func (l *lowerer) jump(j *join, extra ...*ir.Value) {
	from := l.b.Block
	if from == nil {
		return // unreachable
	}
	l.b.Jump(j.blk)
	j.edges = append(j.edges, joinEdge{from: from, vars: l.copyVars(), reads: l.copyReads(), extra: extra})
}

// land moves to the join's block, merging the variables of all places that jump there. It returns the
// parameters for the extra values. If nobody jumps there, what follows is unreachable.
func (l *lowerer) land(j *join) []*ir.Value {
	l.b.Block = nil
	if len(j.edges) == 0 {
		l.dropBlock(j.blk)
		return nil
	}
	l.b.At(j.blk)
	l.fn.vars = map[*lang.Variable]current{}
	for _, v := range j.variables() {
		l.fn.vars[v] = l.merge(j, v)
	}
	l.fn.reads = j.commonReads()
	extras := make([]*ir.Value, len(j.edges[0].extra))
	for i := range extras {
		extras[i] = j.param(func(e joinEdge) *ir.Value { return e.extra[i] })
	}
	return extras
}

// dropBlock removes a block that was made and never used.
func (l *lowerer) dropBlock(b *ir.Block) {
	f := l.fn.fn
	for i, x := range slices.Backward(f.Blocks) { // it is one of the last
		if x == b {
			f.Blocks = slices.Delete(f.Blocks, i, i+1)
			return
		}
	}
}

// variables returns every variable with a value on some edge, in order of declaration.
func (j *join) variables() []*lang.Variable {
	seen := map[*lang.Variable]bool{}
	var out []*lang.Variable
	for _, e := range j.edges {
		for v := range e.vars {
			if !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	sort.Slice(out, func(a, b int) bool { return out[a].ID < out[b].ID })
	return out
}

// merge gives a variable's value at a join. On edges where it has none yet it is 0.
func (l *lowerer) merge(j *join, v *lang.Variable) current {
	first, same := j.edges[0].vars[v], true
	for _, e := range j.edges[1:] {
		same = same && e.vars[v] == first
	}
	if same {
		return first
	}
	p := j.param(func(e joinEdge) *ir.Value {
		c := e.vars[v]
		switch {
		case c.val == nil:
			return appendTo(e.from, ir.OpConst)
		case c.typed:
			return appendTo(e.from, ir.OpScalar, c.val)
		}
		return c.val
	})
	return current{val: p}
}

// param adds a parameter to the join's block; arg gives its value on each edge.
func (j *join) param(arg func(joinEdge) *ir.Value) *ir.Value {
	p := j.blk.AddParam()
	for _, e := range j.edges {
		e.from.Term.Then.Args = append(e.from.Term.Then.Args, arg(e))
	}
	return p
}

// appendTo adds an operation at the end of a block that already has its terminator.
func appendTo(b *ir.Block, op ir.Op, args ...*ir.Value) *ir.Value {
	v := b.Func.NewValue(op, args...)
	v.Block = b
	v.Pos = b.Term.Pos
	b.Values = append(b.Values, v)
	return v
}

func (l *lowerer) copyVars() map[*lang.Variable]current {
	c := make(map[*lang.Variable]current, len(l.fn.vars))
	for k, v := range l.fn.vars {
		c[k] = v
	}
	return c
}

// branch ends the current block: to yes if x c y, else to no.
func (l *lowerer) branch(c ir.Cond, x, y *ir.Value, yes, no *join) {
	if l.b.Block == nil {
		return
	}
	t, f := l.fn.fn.NewBlock("t"), l.fn.fn.NewBlock("f")
	l.b.Branch(c, x, y, t, f)
	vars := l.copyVars()
	l.b.At(t)
	l.jump(yes)
	l.fn.vars = vars
	l.b.At(f)
	l.jump(no)
}

// cond branches on the truth of an expression, evaluating && and || from left to right and only as far as needed.
func (l *lowerer) cond(e ast.Expr, yes, no *join) {
	if l.b.Block == nil {
		return
	}
	l.b.Pos = e.Range().Pos
	if c, ok := l.constOf(e); ok {
		if c.Int != 0 || c.Str != nil && !strings.HasPrefix(*c.Str+"\x00", "\x00") {
			l.jump(yes)
		} else {
			l.jump(no)
		}
		return
	}
	switch e := e.(type) {
	case *ast.Unary:
		if e.Op == "!" {
			l.cond(e.X, no, yes)
			return
		}
	case *ast.Binary:
		if l.condBinary(e, yes, no) {
			return
		}
	}
	l.branch(ir.Ne, l.numExpr(e), l.b.Const(0), yes, no)
}

// condBinary handles the operators that are branches themselves.
func (l *lowerer) condBinary(e *ast.Binary, yes, no *join) bool {
	switch e.Op {
	case "&&", "||":
		rhs := l.newJoin("rhs")
		if e.Op == "&&" {
			l.cond(e.X, rhs, no)
		} else {
			l.cond(e.X, yes, rhs)
		}
		l.land(rhs)
		l.cond(e.Y, yes, no)
		return true
	}
	if !isComparison(e.Op) {
		return false
	}
	if types.InMemory(l.typeOf(e.X)) {
		if e.Op == "!=" {
			yes, no = no, yes
		}
		l.equalMemory(e, yes, no)
		return true
	}
	c, x, y := l.compareNumbers(e)
	l.branch(c, x, y, yes, no)
	return true
}

// enter begins a function. Callbacks get the address of the environment.
func (l *lowerer) enter(f *ir.Func, env *ir.Value) {
	fn := &function{parent: l.fn, fn: f, env: env, vars: map[*lang.Variable]current{}}
	l.fn = fn
	l.b = ir.NewBuilder(f)
	l.b.Pos = l.prog.Probe.Pos
	if env == nil {
		fn.body = f.NewBlock("body")
		fn.exit = f.NewBlock("exit")
		l.b.At(fn.body)
	}
}

// leave ends the program's run here. In a callback that takes two steps: the callback says so
// in the environment and stops its loop, and the code after the loop leaves in its turn.
func (l *lowerer) leave() {
	if l.b.Block == nil {
		return
	}
	if l.fn.parent == nil {
		l.b.Jump(l.fn.exit)
		return
	}
	l.stops = true
	l.setStop(stopRun)
	l.b.Return(l.b.Const(loopStop))
}

// finish writes the exit block of the main function.
func (l *lowerer) finish() {
	l.b.At(l.fn.exit)
	l.giveFrame()
	l.b.Return(l.b.Const(0))
}

// guardExit makes the program do nothing once exit() was called. END runs all the same.
func (l *lowerer) guardExit() {
	if !l.k.bp.Stoppable || l.prog.Kind.Once {
		return
	}
	l.k.usesGlo = true
	gone, on := l.fn.fn.NewBlock("gone"), l.fn.fn.NewBlock("on")
	exiting := l.b.Load(8, l.b.MapValue(layout.MapGlobals, 0), layout.GlobalExiting)
	l.b.BranchUnlikely(ir.Ne, exiting, l.b.Const(0), gone, on)
	l.b.At(gone)
	l.leave()
	l.b.At(on)
}

// filterPID leaves unless the current process is that of -p. Perf events and uprobes are
// attached to the process alone, so that they need no filter; intervals belong to no process.
func (l *lowerer) filterPID() {
	if l.k.pid == 0 || l.prog.Kind.Once || l.prog.Kind.User || l.prog.Kind.Timed || l.prog.Kind.Context == builtin.CtxPerf || l.prog.Kind.Nullable {
		return
	}
	other, ours := l.fn.fn.NewBlock("otherpid"), l.fn.fn.NewBlock("ourpid")
	l.b.BranchUnlikely(ir.Ne, l.pid(), l.b.Const(int64(l.k.pid)), other, ours)
	l.b.At(other)
	l.leave()
	l.b.At(ours)
}

// filterNull leaves where an iterator has no object: the kernel calls its program once more behind the last one. The object is the last pointer to
// a struct among its arguments.
func (l *lowerer) filterNull() {
	if !l.prog.Kind.Nullable || l.prog.Args == nil {
		return
	}
	at := -1
	for _, f := range l.prog.Args.Fields() {
		if p, ok := f.Type.(types.Pointer); ok && types.Is(p.Elem, types.KindStruct) {
			at = f.Offset
		}
	}
	if at < 0 {
		return
	}
	none, some := l.fn.fn.NewBlock("noobject"), l.fn.fn.NewBlock("object")
	l.b.BranchUnlikely(ir.Eq, l.ctxNumber(at), l.b.Const(0), none, some)
	l.b.At(none)
	l.leave()
	l.b.At(some)
}

// filter leaves unless the probe's filter is true.
func (l *lowerer) filter() {
	if l.prog.Probe.Filter == nil {
		return
	}
	yes, no := l.newJoin("pass"), l.newJoin("miss")
	m := l.mark()
	l.cond(l.prog.Probe.Filter, yes, no)
	l.release(m)
	l.land(no)
	l.leave()
	l.land(yes)
}

// equalMemory branches on the equality of two strings, tuples or arrays.
func (l *lowerer) equalMemory(e *ast.Binary, yes, no *join) {
	for _, side := range [][2]ast.Expr{{e.X, e.Y}, {e.Y, e.X}} {
		if c, ok := l.constOf(side[1]); ok && c.Str != nil {
			l.equalLiteral(side[0], *c.Str, yes, no)
			return
		}
	}
	t := l.typeOf(e.X)
	if o := l.typeOf(e.Y); o.Size() > t.Size() {
		t = o
	}
	if !l.fits(t.Size()) {
		l.jump(no)
		return
	}
	m := l.mark()
	x := l.expr(e.X)
	if effects.Has(e.Y) {
		x = l.copied(x) // the right side may change it
	}
	if types.Is(t, types.KindString) {
		p := l.exactOperand(x, t) // here, so that a failed read is told at its place
		p.exact = true
		x = operand{typ: t, mem: p}
	}
	l.equalValues(x, l.expr(e.Y), no)
	l.release(m)
	l.jump(yes)
}

// equalValues branches to no if two values differ. Those of tuples are compared as values by themselves are: numbers by what they are
// worth, strings up to their NUL.
func (l *lowerer) equalValues(x, y operand, no *join) {
	if l.b.Block == nil {
		return
	}
	tx, ty := x.typ, y.typ
	if t, ok := tx.(types.Tuple); ok {
		x, y = l.inTuple(x), l.inTuple(y)
		for i := range t.Elems {
			m := l.mark()
			other := ty.(types.Tuple)
			l.equalValues(l.element(x, t, i), l.element(y, other, t.In(other, i)), no)
			l.release(m)
		}
		return
	}
	if !types.InMemory(tx) {
		t := types.CommonType(tx, ty)
		same := l.newJoin("same")
		l.branch(ir.Ne, l.convert(l.num(x), tx, t), l.convert(l.num(y), ty, t), no, same)
		l.land(same)
		return
	}
	t := tx
	if ty.Size() > t.Size() {
		t = ty
	}
	px, py := l.exactOperand(x, t), l.exactOperand(y, t)
	l.equalWords(t.Size(), []place{px, py}, no, func(size, off int) (*ir.Value, *ir.Value) {
		return l.b.Load(size, px.base, px.off+off), l.b.Load(size, py.base, py.off+off)
	})
}

// inTuple is a tuple that has a place; one that is nowhere is all zeros.
func (l *lowerer) inTuple(o operand) operand {
	if o.mem.base == nil {
		o.mem = l.exactOperand(o, o.typ)
	}
	return o
}

// equalWords branches to no at the first of size bytes in which two things differ. from are the places that words reads.
func (l *lowerer) equalWords(size int, from []place, no *join, words func(size, off int) (x, y *ir.Value)) {
	for off := 0; off < size; {
		var offs []int
		for _, p := range from {
			if p.space == types.SpaceBPF { // it may be the stack; the kernel's memory can be read at any address
				offs = append(offs, p.off+off)
			}
		}
		w := wordAt(size-off, offs...)
		x, y := words(w, off)
		next := l.newJoin("same")
		l.branch(ir.Ne, x, y, no, next)
		l.land(next)
		off += w
	}
}

// equalLiteral compares a string with a constant, eight bytes at a time. Of str(x) no more is read than it takes.
func (l *lowerer) equalLiteral(x ast.Expr, lit string, yes, no *join) {
	m := l.mark()
	defer l.release(m)
	n := len(lit) + 1 // the NUL is compared too
	field := l.typeOf(x).Size()
	var p place
	if c, ok := x.(*ast.Call); ok && c.Name == "str" && len(c.Args) == 1 && n <= field {
		// One byte more than the literal and its NUL tells a longer string from an equal one.
		size := min((n+1+7)&^7, max(field, 8))
		p = l.temp("name", size)
		src, space := l.strSource(c)
		l.readStr(p, size, src, space, false, &layout.Site{Kind: layout.SiteRead, Pos: c.Pos, What: "str"})
	} else {
		o := l.expr(x)
		if o.lit != nil {
			if *o.lit == lit {
				l.jump(yes)
			} else {
				l.jump(no)
			}
			return
		}
		if n > field && types.Is(o.typ, types.KindString) {
			l.jump(no) // too long to be equal
			return
		}
		switch {
		case !l.wordsReadable(o.mem) || o.mem.number:
			o = l.materialize(o)
		case o.mem.typed:
			l.checkTyped(o.mem)
		}
		p = o.mem
		n = min(n, field-boolInt(p.chars)) // the last byte of the string is not in the array
	}
	buf := append([]byte(lit), 0)
	l.equalWords(n, []place{p}, no, func(size, off int) (*ir.Value, *ir.Value) {
		return l.b.Load(size, p.base, p.off+off), l.b.Const(word(buf[off : off+size]))
	})
	l.jump(yes)
}
