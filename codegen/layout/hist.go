package layout

import (
	"math"
	"math/bits"

	"github.com/gotrace/gotrace/lang/types"
)

// A hist() with k bits has 2^k buckets for each power of two. The bucket of a value v is
//
//	0                       v < 0
//	1 + v                   0 <= v < 2^k
//	1 + (l-k+1)<<k + f      else, where l is the place of v's highest bit and f the k bits below it
//
// The programs in the kernel and the printer both follow these functions.

// HistMaxBits is the greatest number of bits that hist() takes.
const HistMaxBits = 5

// QuantileBits are the bits of the histogram that quantiles() keeps: the middle of a bucket is at most 1/128 from each value in it.
const QuantileBits = 6

// HistBuckets is the number of buckets of a hist() with the given bits.
func HistBuckets(k int) int { return (64-k)<<k + 1 }

// HistIndex is the bucket of v in a hist() with the given bits.
func HistIndex(v int64, k int) int {
	switch {
	case v < 0:
		return 0
	case v < 1<<k:
		return 1 + int(v)
	}
	shift := bits.Len64(uint64(v)) - 1 - k
	return 1 + (shift+1)<<k + int(v>>shift)&(1<<k-1)
}

// HistRange returns the values [lo, hi) of a bucket. hi is MaxInt64 for the last
// one, whose true end does not fit; lo is MinInt64 for the bucket of negative values.
func HistRange(index, k int) (lo, hi int64) {
	if index <= 0 {
		return math.MinInt64, 0
	}
	start := func(index int) int64 {
		n := index - 1
		if n < 2<<k {
			return int64(n)
		}
		shift := n>>k - 1
		if shift+k >= 63 {
			return math.MaxInt64
		}
		return int64(1<<k+n&(1<<k-1)) << shift
	}
	return start(index), start(index + 1)
}

// LHistBuckets is the number of buckets of an lhist(): one below Min, the
// steps between, and one for Max and above.
func LHistBuckets(a types.Agg) int { return int((a.Max-a.Min)/a.Step) + 2 }

// LHistRange returns the values [lo, hi) of a bucket of an lhist(); lo is MinInt64 for the first, hi MaxInt64 for the last.
func LHistRange(index int, a types.Agg) (lo, hi int64) {
	last := LHistBuckets(a) - 1
	lo, hi = a.Min+int64(index-1)*a.Step, a.Min+int64(index)*a.Step
	switch {
	case index <= 0:
		return math.MinInt64, a.Min
	case index >= last:
		return a.Min + int64(last-1)*a.Step, math.MaxInt64
	}
	return lo, hi
}

// LHistIndex is the bucket of v in an lhist().
func LHistIndex(v int64, a types.Agg) int {
	switch {
	case v < a.Min:
		return 0
	case v >= a.Max:
		return LHistBuckets(a) - 1
	}
	return 1 + int((v-a.Min)/a.Step)
}
