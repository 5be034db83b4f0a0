// Package stackhash makes the code that gives a stack its number.
package stackhash

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// blockWords is how many addresses are taken between two looks at whether there are more. The words behind the last one are zero.
const blockWords = 8

// Two odd numbers with bits all over, the first of them the golden ratio's.
const (
	factor = -0x61c8864680b583eb
	start  = 0x2545f4914f6cdd1d
)

// Hash appends the code that hashes the addresses at buf+off, size bytes of them at most limit words, which begin a series of whole
// blocks, and owner, which tells apart stacks with the same addresses. id is 64 bits of which no value below 2 occurs; check are 64
// other ones, so that two stacks with the same id can be told apart.
//
// The series is walked by straight code: before Linux 5.17 there are no loops that every verifier takes, and a call for each word would
// cost more than the word.
func Hash(b *ir.Builder, owner, size, buf *ir.Value, off, limit int) (id, check *ir.Value) {
	f := b.Func
	end := f.NewBlock("hashed")
	sum, sums := end.AddParam(), end.AddParam()
	h := mix(b, b.OpImm(ir.OpXor, owner, start), size)
	g := h
	blocks := (limit + blockWords - 1) / blockWords
	for i := range blocks {
		if i > 0 {
			more := f.NewBlock("frames")
			b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.ULe, X: size, Y: b.Const(int64(i * blockWords * 8)),
				Then: ir.Edge{To: end, Args: []*ir.Value{h, g}}, Else: ir.Edge{To: more}})
			b.At(more)
		}
		for j := range blockWords {
			h = mix(b, h, b.Load(8, buf, off+8*(i*blockWords+j)))
			g = b.Op(ir.OpAdd, b.OpImm(ir.OpMul, g, 3), h)
		}
	}
	b.Jump(end, h, g)
	b.At(end)
	return b.OpImm(ir.OpOr, sum, 2), sums
}

// mix adds a word to a hash.
func mix(b *ir.Builder, h, word *ir.Value) *ir.Value {
	h = b.OpImm(ir.OpMul, b.Op(ir.OpXor, h, word), factor)
	return b.Op(ir.OpXor, h, b.OpImm(ir.OpLShr, h, 29))
}
