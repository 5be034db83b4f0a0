package codegen

import (
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
)

// A string is searched eight places at a time. A word of the haystack of which no byte is the first one of the needle is
// passed over; else the needle is compared at each of the eight places, by words again. Haystack and needle are copied to
// scratch memory, where words may be read at any address and there is room behind the end. The words are the
// iterations of bpf_loop; where there are few of them, and on kernels without it, they follow each other in the program.

// search is a strstr() or strcontains() while its code is made.
type search struct {
	l      *lowerer
	hay    int    // of the scratch frame: where the haystack is
	words  int    // a power of two: the most words of places
	text   string // the needle if it is constant
	needle int    // of the scratch frame: where it is if not
	room   int    // a power of two: the most bytes of it
	state  int    // of the scratch frame: the words below
}

// What the parts of a search share, in the scratch frame.
const (
	searchEnd   = 0  // how many places there are
	searchFound = 8  // the place, -1 if none is found
	searchFirst = 16 // the first bytes of the needle, up to eight
	searchMask  = 24 // which bytes of a word these are
	searchSize  = 32 // the number of its bytes
	searchAt    = 40 // the place at which all of it is compared
	searchOther = 48 // not 0 if it is another there
	searchState = 56
)

// searchInline is the most words that follow each other in the program where the kernel has loops.
const searchInline = 4

// search is the place at which a string begins in another, -1 if it is not in it.
func (l *lowerer) search(c *ast.Call) *ir.Value {
	m := l.mark()
	defer l.release(m)
	s := &search{l: l}
	size := l.textRoom(c.Args[0])
	k, isConst := l.constOf(c.Args[1])
	if isConst {
		s.text, _, _ = strings.Cut(*k.Str, "\x00")
		if s.text == "" {
			return l.b.Const(0)
		}
	} else {
		s.room = layout.CeilPow2(l.textRoom(c.Args[1]))
	}
	s.words = layout.CeilPow2((size + 7) / 8)
	s.state = l.scratchTemp(searchState).off
	hay := l.scratchTemp(8*s.words + max(len(s.text), s.room) + 16)
	s.hay = hay.off
	length := l.textLength(l.readText(hay, size, c.Args[0]), size)
	end := l.fn.fn.NewBlock("searched")
	found := end.AddParam()
	n := l.b.Const(int64(len(s.text)))
	if !isConst {
		n = s.readNeedle(c.Args[1], end)
	}
	l.b.Pos = c.Pos
	fits := l.fn.fn.NewBlock("fits")
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.ULt, X: length, Y: n,
		Then: ir.Edge{To: end, Args: []*ir.Value{l.b.Const(-1)}}, Else: ir.Edge{To: fits}})
	l.b.At(fits)
	places := l.b.OpImm(ir.OpAdd, l.b.Op(ir.OpSub, length, n), 1)
	switch {
	case l.k.kernel.AtLeast(5, 17) && (s.words > searchInline || s.room > 8):
		s.loop(places, end)
	case s.room > 8:
		l.needs(c, 5, 17, "a search for a string that is not constant", "bpf_loop", "")
		l.b.Jump(end, l.b.Const(-1))
	default:
		s.inline(places, end)
	}
	l.b.At(end)
	return found
}

// at is the address of a word of the shared state.
func (s *search) load(word int) *ir.Value { return s.l.b.Load(8, s.l.scratchBase(), s.state+word) }

func (s *search) store(word int, v *ir.Value) {
	s.l.b.Store(8, s.l.scratchBase(), s.state+word, v)
}

// readNeedle copies a needle that is not constant, and returns its length. An empty one is found at 0.
func (s *search) readNeedle(e ast.Expr, end *ir.Block) *ir.Value {
	l := s.l
	size := l.textRoom(e)
	p := l.scratchTemp(s.room + 16)
	s.needle = p.off
	n := l.textLength(l.readText(p, size, e), size)
	l.b.Store(8, l.b.Op(ir.OpAdd, l.addr(p), n), 0, l.b.Const(0)) // the rest of its last word
	some, short, on := l.fn.fn.NewBlock("needle"), l.fn.fn.NewBlock("short"), l.fn.fn.NewBlock("mask")
	mask := on.AddParam()
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: n, Y: l.b.Const(0),
		Then: ir.Edge{To: end, Args: []*ir.Value{l.b.Const(0)}}, Else: ir.Edge{To: some}})
	l.b.At(some)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.UGe, X: n, Y: l.b.Const(8),
		Then: ir.Edge{To: on, Args: []*ir.Value{l.b.Const(-1)}}, Else: ir.Edge{To: short}})
	l.b.At(short)
	bits := l.b.Op(ir.OpShl, l.b.Const(1), l.b.OpImm(ir.OpShl, n, 3))
	l.b.Jump(on, l.b.OpImm(ir.OpAdd, bits, -1))
	l.b.At(on)
	s.store(searchMask, mask)
	s.store(searchFirst, l.b.Load(8, p.base, p.off))
	s.store(searchSize, n)
	return n
}

// inline looks at the words one after the other.
func (s *search) inline(places *ir.Value, end *ir.Block) {
	l := s.l
	match := l.fn.fn.NewBlock("match")
	at := match.AddParam()
	none := l.b.Const(-1)
	for i := range s.words {
		next := l.fn.fn.NewBlock("word")
		l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.UGt, X: places, Y: l.b.Const(int64(8 * i)),
			Then: ir.Edge{To: next}, Else: ir.Edge{To: end, Args: []*ir.Value{none}}})
		l.b.At(next)
		s.word(l.scratchBase(), 8*i, nil, "", func(k int) { l.b.Jump(match, l.b.Const(int64(8*i+k))) })
	}
	l.b.Jump(end, none)
	l.b.At(match)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.ULt, X: at, Y: places,
		Then: ir.Edge{To: end, Args: []*ir.Value{at}}, Else: ir.Edge{To: end, Args: []*ir.Value{l.b.Const(-1)}}})
}

// loop looks at a word in each iteration.
func (s *search) loop(places *ir.Value, end *ir.Block) {
	l := s.l
	s.store(searchEnd, places)
	s.store(searchFound, l.b.Const(-1))
	reads := l.fn.reads
	inner := ""
	if s.room > 8 {
		inner = s.comparison()
	}
	name := l.callback(2, 1, func(params []*ir.Value) {
		i := l.b.OpImm(ir.OpShl, l.b.OpImm(ir.OpAnd, params[0], int64(s.words-1)), 3)
		addr := l.b.Op(ir.OpAdd, l.scratchBase(), i)
		s.word(addr, 0, func() *ir.Value { return i }, inner, func(k int) {
			at := l.b.OpImm(ir.OpAdd, i, int64(k))
			inside, stop := l.fn.fn.NewBlock("inside"), l.fn.fn.NewBlock("stop")
			l.b.Branch(ir.ULt, at, s.load(searchEnd), inside, stop)
			l.b.At(inside)
			s.store(searchFound, at)
			l.b.Jump(stop)
			l.b.At(stop)
			l.b.Return(l.b.Const(loopStop))
		})
	})
	l.fn.reads = reads // the loop changes no map
	n := l.b.OpImm(ir.OpLShr, l.b.OpImm(ir.OpAdd, places, 7), 3)
	l.payFor(s.words / searchShare)
	l.b.Helper(int(asm.FnLoop), false, n, l.b.FuncPtr(name), l.envAddr(), l.b.Const(0))
	l.b.Jump(end, s.load(searchFound))
}

// searchShare is how many words cost about as much as an iteration of a loop of the script.
const searchShare = 16

// Words of which each byte has its lowest or its highest bit set.
const (
	repeated = 0x0101010101010101
	highBits = repeated<<7 - 1<<64
)

// word looks at the eight places from off on, of which first is the number of the first. inner compares long needles; found goes on
// with the place at which the needle begins, and leaves.
func (s *search) word(base *ir.Value, off int, first func() *ir.Value, inner string, found func(k int)) {
	l := s.l
	if s.room == 0 {
		s.candidates(base, off, l.b.Const(repeated*int64(s.text[0])), func(k int, next *ir.Block) {
			s.constant(base, off+k, next)
			found(k)
		})
		return
	}
	begin, mask := s.load(searchFirst), s.load(searchMask)
	splat := l.b.OpImm(ir.OpMul, l.b.OpImm(ir.OpAnd, begin, 0xff), repeated)
	s.candidates(base, off, splat, func(k int, next *ir.Block) {
		same := l.fn.fn.NewBlock("same")
		w := l.b.Op(ir.OpAnd, l.b.Load(8, base, s.hay+off+k), mask)
		l.b.Branch(ir.Eq, w, begin, same, next)
		l.b.At(same)
		if inner != "" {
			s.compareRest(l.b.OpImm(ir.OpAdd, first(), int64(k)), inner, next)
		}
		found(k)
	})
}

// candidates passes over a word without the byte that splat has eight times, and else tries the eight places. try leaves
// for the block that it is given if the needle is not there.
func (s *search) candidates(base *ir.Value, off int, splat *ir.Value, try func(k int, next *ir.Block)) {
	l := s.l
	some, end := l.fn.fn.NewBlock("some"), l.fn.fn.NewBlock("passed")
	// A byte of x is 0 where the word has that of the needle; the highest bit of the lowest such byte is then set in what follows, and
	// none is set if there is no such byte.
	x := l.b.Op(ir.OpXor, l.b.Load(8, base, s.hay+off), splat)
	low := l.b.Op(ir.OpAnd, l.b.Op(ir.OpSub, x, l.b.Const(repeated)), l.b.OpImm(ir.OpXor, x, -1))
	l.b.Branch(ir.Eq, l.b.Op(ir.OpAnd, low, l.b.Const(highBits)), l.b.Const(0), end, some)
	l.b.At(some)
	for k := range 8 {
		next := end
		if k < 7 {
			next = l.fn.fn.NewBlock("place")
		}
		try(k, next)
		l.b.At(next)
	}
}

// constant leaves for other unless the needle is at an offset of the haystack. Its last bytes are compared with some that are before them.
func (s *search) constant(base *ir.Value, off int, other *ir.Block) {
	l := s.l
	n := len(s.text)
	size := 8
	for size > n {
		size /= 2
	}
	for at := 0; at < n; at += size {
		at = min(at, n-size)
		same := l.fn.fn.NewBlock("same")
		l.b.Branch(ir.Eq, l.b.Load(size, base, s.hay+off+at), l.b.Const(word([]byte(s.text[at:at+size]))), same, other)
		l.b.At(same)
	}
}

// compareRest compares a needle of more than eight bytes, from the ninth on, and leaves for other if it is not at a place.
func (s *search) compareRest(at *ir.Value, inner string, other *ir.Block) {
	l := s.l
	long, same := l.fn.fn.NewBlock("long"), l.fn.fn.NewBlock("whole")
	n := s.load(searchSize)
	l.b.Branch(ir.UGt, n, l.b.Const(8), long, same)
	l.b.At(long)
	s.store(searchAt, at)
	s.store(searchOther, l.b.Const(0))
	count := l.b.OpImm(ir.OpLShr, l.b.OpImm(ir.OpAdd, n, -1), 3)
	l.b.Helper(int(asm.FnLoop), false, count, l.b.FuncPtr(inner), l.envAddr(), l.b.Const(0))
	l.b.Branch(ir.Eq, s.load(searchOther), l.b.Const(0), same, other)
	l.b.At(same)
}

// comparison is the function that compares a word of the needle, from the second on; the last one ends with the needle.
func (s *search) comparison() (name string) {
	l := s.l
	return l.callback(2, 1, func(params []*ir.Value) {
		off := l.b.OpImm(ir.OpShl, l.b.OpImm(ir.OpAdd, l.b.Ext(params[0], 32, false), 1), 3)
		last := l.b.OpImm(ir.OpAdd, s.load(searchSize), -8)
		end := l.fn.fn.NewBlock("offset")
		o := end.AddParam()
		l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.UGt, X: off, Y: last,
			Then: ir.Edge{To: end, Args: []*ir.Value{last}}, Else: ir.Edge{To: end, Args: []*ir.Value{off}}})
		l.b.At(end)
		o = l.b.OpImm(ir.OpAnd, o, int64(s.room-1))
		at := l.b.OpImm(ir.OpAnd, s.load(searchAt), int64(8*s.words-1))
		mine := l.b.Load(8, l.b.Op(ir.OpAdd, l.scratchBase(), o), s.needle)
		base := l.b.Op(ir.OpAdd, l.b.Op(ir.OpAdd, l.scratchBase(), at), o)
		same, other := l.fn.fn.NewBlock("same"), l.fn.fn.NewBlock("other")
		l.b.Branch(ir.Eq, l.b.Load(8, base, s.hay), mine, same, other)
		l.b.At(other)
		s.store(searchOther, l.b.Const(1))
		l.b.Return(l.b.Const(loopStop))
		l.b.At(same)
	})
}
