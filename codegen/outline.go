package codegen

import (
	"fmt"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// In a program with very many statements most are calls: what updates or reads an element of a map, or sends a record of numbers, is a function of the
// program for each map and operation, and not code at each place. The kernel moves all instructions behind a look-up whenever it
// puts one in line (do_misc_fixups, kernel/bpf/verifier.c), so that the time to load a program grows with the square of the number of
// look-ups: two thousand `@a[N]++` took seconds. The functions are global ones (ir.Func.Global), which the verifier checks once, and not at each call: their
// branches do not count among those that it follows in a row. They get a key, numbers, and where failures at the place of the call are counted.

const (
	// outlineFrom is how many such statements of a program have their code where they stand, which is faster by the nanoseconds of a call.
	outlineFrom = 64
	// maxOutlines is how many functions are made of them: a program has maxFuncs, and each loop is one.
	maxOutlines = 64
)

// outline is what one of these functions does: equal ones are one function.
type outline struct {
	what  string
	m     *lang.Map
	arg   types.Int // what type the number is that it gets, where that makes a difference
	size  int
	flags int64
}

// outliner makes the functions of a program.
type outliner struct {
	sites int                // places that can be calls
	names map[outline]string // in the IR
	masks []*ir.Value        // of the places of counters: see counters
	deep  bool               // with one more function too many would be active at a time
}

// numberType is the type of a number for an outline.
func numberType(t types.Type) types.Int {
	if i, ok := t.(types.Int); ok {
		return i
	}
	return types.Int{Bits: 64, Signed: true}
}

// outlining says whether what can be a call is one, here.
func (l *lowerer) outlining() bool {
	return l.outlines.sites > outlineFrom && !l.k.whole && !l.outlines.deep && l.thrift < thriftMost && !l.fn.alone
}

// mayOutline counts a place, and says whether it is to call the function o, with the key of o.m if it has one.
func (l *lowerer) mayOutline(o outline) bool {
	if l.outlines.sites++; l.outlines.sites == outlineFrom+1 {
		l.outlines.deep = 2+l.height(l.prog.Parts()[:l.ownParts()]...) > maxFrames
	}
	if !l.outlining() || o.m != nil && !l.passesKey(o.m) {
		return false
	}
	return l.outlines.names[o] != "" || len(l.outlines.names) < maxOutlines
}

// passesKey says whether a global function can be given a key of a map. Before Linux 5.13 such a function has numbers only, before 6.2 the
// key must lie on its own stack (map_key_value_types, kernel/bpf/verifier.c).
func (l *lowerer) passesKey(m *lang.Map) bool {
	s := l.k.Spec(m)
	switch {
	case m.Key == nil || isNumberKey(m.Key):
		return true
	case s.Short != nil || !l.k.kernel.AtLeast(5, 13):
		return false
	}
	return s.KeySize <= stackObjectMax || l.k.kernel.AtLeast(6, 2)
}

// isNumberKey says whether a key is one number.
func isNumberKey(t types.Type) bool {
	switch t.(type) {
	case types.Tuple, types.String, types.Buffer, types.Inet, *types.Struct, types.Array, types.UserSymbol:
		return false
	}
	return true
}

// callOutline calls the function o with a key, if it is not nil, the places of the counters of sites, which are those of the current place, and numbers.
// body is the function's code, with its own key and numbers, and gives what it returns, nil for nothing.
func (l *lowerer) callOutline(o outline, key *mapKey, sites []*layout.Site, args []*ir.Value, body func(key mapKey, args []*ir.Value) *ir.Value) *ir.Value {
	name := l.outlines.names[o]
	if name == "" {
		name = l.outlineFunc(key, sites, len(args), body)
		if l.outlines.names == nil {
			l.outlines.names = map[outline]string{}
		}
		l.outlines.names[o] = name
	}
	var regs []*ir.Value
	if key != nil {
		regs = append(regs, l.keyArgument(*key))
	}
	for _, s := range sites {
		regs = append(regs, l.b.Const(int64(l.k.site(s).At/8)))
	}
	return l.b.Global(name, append(regs, args...)...)
}

// keyArgument is a key as a function gets it: the number itself, or the address.
func (l *lowerer) keyArgument(key mapKey) *ir.Value {
	switch {
	case key.num != nil:
		return key.num
	case isNumberKey(key.m.Key):
		return l.b.Load(8, key.mem.base, key.mem.off)
	}
	return l.addr(key.mem)
}

// outlineFunc makes a function for callOutline.
func (l *lowerer) outlineFunc(key *mapKey, sites []*layout.Site, args int, body func(key mapKey, args []*ir.Value) *ir.Value) (name string) {
	params := len(sites) + args
	if key != nil {
		params++
	}
	name = fmt.Sprintf("%s_sub%d", l.out.Name, len(l.ir.Funcs))
	f := ir.NewFunc(name, params)
	f.Global = make([]int, params)
	l.addFunc(f)
	saved, builder := l.fn, l.b
	l.fn = &function{parent: saved, fn: f, alone: true, sites: map[layout.SiteKind]*ir.Value{}}
	l.b = ir.NewBuilder(f)
	l.b.Pos = builder.Pos
	given := f.Blocks[0].Params
	var own mapKey
	if key != nil {
		own = l.takeKey(key.m, given[0])
		given = given[1:]
	}
	for i, s := range sites {
		l.fn.sites[s.Kind] = given[i]
	}
	v := body(own, given[len(sites):])
	if v == nil {
		v = l.b.Const(0)
	}
	l.b.Return(v)
	l.fn, l.b = saved, builder
	return name
}

// takeKey is the key that a function got as its first parameter.
func (l *lowerer) takeKey(m *lang.Map, param *ir.Value) mapKey {
	s := l.k.Spec(m)
	if isNumberKey(m.Key) {
		p := l.temp("key", 8)
		l.b.Store(8, p.base, p.off, param)
		return mapKey{m: m, mem: p, kmap: l.kernelMap(s)}
	}
	p := bpf(l.takeMemory(0, s.KeySize), 0)
	if !l.k.kernel.AtLeast(6, 2) {
		own := l.temp("key", s.KeySize)
		l.copyBytes(own, p, s.KeySize)
		p = own
	}
	return mapKey{m: m, mem: p, kmap: l.kernelMap(s)}
}

// takeMemory is the i-th parameter of the function, which points to so many bytes.
func (l *lowerer) takeMemory(i, size int) *ir.Value {
	l.fn.fn.Global[i] = size
	param := l.fn.fn.Blocks[0].Params[i]
	none, some := l.fn.fn.NewBlock("null"), l.fn.fn.NewBlock("memory")
	l.b.BranchUnlikely(ir.Eq, param, l.b.Const(0), none, some) // it never is; the verifier wants to see that
	l.b.At(none)
	l.b.Return(l.b.Const(0))
	l.b.At(some)
	return param
}

// placed is a key that lies in memory.
func (l *lowerer) placed(key mapKey) mapKey {
	if key.num != nil {
		p := l.temp("key", 8)
		l.b.Store(8, p.base, p.off, key.num)
		key = mapKey{m: key.m, mem: p, kmap: l.kernelMap(l.k.Spec(key.m))}
	}
	return key
}

// counters is the address of the counters of a site, or of the site of its kind whose place the function was given. The verifier must see that that one is within
// MapFailures: a mask says so, whose bits are known when all of the program is.
func (l *lowerer) counters(s *layout.Site) *ir.Value {
	if !l.fn.alone {
		return l.b.MapValue(layout.MapFailures, l.k.site(s).At)
	}
	at := l.fn.sites[s.Kind]
	if at == nil {
		l.failHere("", "internal: a function for many places counts a failure of kind %d", s.Kind)
		return l.b.MapValue(layout.MapFailures, 0)
	}
	mask := l.fn.fn.NewValue(ir.OpConst)
	mask.Block = l.fn.fn.Blocks[0]
	mask.Block.Values = append(mask.Block.Values, mask)
	l.outlines.masks = append(l.outlines.masks, mask)
	at = l.b.OpImm(ir.OpShl, l.b.Op(ir.OpAnd, at, mask), 3)
	return l.b.Op(ir.OpAdd, l.b.MapValue(layout.MapFailures, 0), at)
}

// finishOutlines sets the masks of the places of counters, and makes MapFailures as large as they allow.
func (l *lowerer) finishOutlines() {
	if len(l.outlines.masks) == 0 {
		return
	}
	n := layout.CeilPow2(l.k.failuresSize() / 8)
	for _, m := range l.outlines.masks {
		m.Imm = int64(n - 1)
	}
	l.k.failuresRoom = max(l.k.failuresRoom, 8*n+layout.ErrorMask)
}
