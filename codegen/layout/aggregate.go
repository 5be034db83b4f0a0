package layout

import (
	"encoding/binary"

	"github.com/gotrace/gotrace/lang/types"
)

// ExtremeCode is what the words of min() and max() are XORed with: of two coded values the greater one, as unsigned
// numbers, is the one that counts, and 0, which fresh memory holds, loses against every other. So an update is one comparison, with no
// flag to look at, and values of several CPUs merge as the greatest.
func ExtremeCode(a types.Agg) uint64 {
	code := uint64(0)
	if a.Kind == types.AggMin {
		code = ^code
	}
	if a.Signed {
		code ^= 1 << 63
	}
	return code
}

// The words of an aggregation that is no histogram.
const (
	WordNumber = 0 // count; the sum of sum, avg and stats; the code of min and max
	WordSet    = 1 // sum, min, max: not 0 once updated
	WordCount  = 1 // avg, stats: how many numbers were added
)

// Word is the offset of a word in a value.
func Word(i int) int { return 8 * i }

// TakesGreatest says how word i of the values of several CPUs become one: by the greatest, as unsigned numbers, or by adding them.
func TakesGreatest(a types.Agg, i int) bool {
	return i == WordNumber && (a.Kind == types.AggMin || a.Kind == types.AggMax)
}

// Merge makes one value of those of several CPUs. It has the extreme itself in the place of min's and max's code, 0 where there is none.
func Merge(a types.Agg, values [][]byte) []byte {
	if a.Kind == types.AggTSeries {
		return mergeSeries(a, values)
	}
	merged := make([]byte, Word(AggWords(a)))
	for _, b := range values {
		for i := 0; Word(i+1) <= min(len(b), len(merged)); i++ {
			old, own := word(merged, i), word(b, i)
			switch {
			case own == 0: // most buckets
			case TakesGreatest(a, i):
				putWord(merged, i, max(old, own))
			default:
				putWord(merged, i, old+own)
			}
		}
	}
	switch {
	case !TakesGreatest(a, WordNumber):
	case word(merged, WordSet) == 0:
		putWord(merged, WordNumber, 0)
	default:
		putWord(merged, WordNumber, word(merged, WordNumber)^ExtremeCode(a))
	}
	return merged
}

// Number is what a merged value of an aggregation that is no histogram stands for: the count, the sum, the average or the extreme,
// 0 where nothing was counted. It is signed if the aggregation is.
func Number(a types.Agg, merged []byte) uint64 {
	n := word(merged, WordNumber)
	if a.Kind != types.AggAvg && a.Kind != types.AggStats {
		return n
	}
	return quotient(n, word(merged, WordCount), a.Signed)
}

// quotient is a sum divided by the number of its parts, 0 if there are none.
func quotient(sum, count uint64, signed bool) uint64 {
	switch {
	case count == 0:
		return 0
	case signed:
		return uint64(int64(sum) / int64(count))
	}
	return sum / count
}

func word(b []byte, i int) uint64       { return binary.NativeEndian.Uint64(b[Word(i):]) }
func putWord(b []byte, i int, w uint64) { binary.NativeEndian.PutUint64(b[Word(i):], w) }

// AggWords is the number of 8-byte words that an aggregation takes (see ValueLayout).
func AggWords(a types.Agg) int {
	switch a.Kind {
	case types.AggCount:
		return 1
	case types.AggHist, types.AggQuantiles:
		return HistBuckets(a.Bits)
	case types.AggTSeries:
		return a.Count * SeriesWords
	case types.AggLHist:
		return LHistBuckets(a)
	}
	return 2
}

// AggRoom is the number of words that the verifier must find a value to have: for histograms a few more than there are
// buckets, as it cannot follow the arithmetic of a bucket's number to its exact bound.
func AggRoom(a types.Agg) int {
	switch a.Kind {
	case types.AggHist:
		return HistBound(a.Bits) + 1
	case types.AggLHist:
		return LhistBound(a) + 1
	}
	return AggWords(a)
}

// Align8 is n rounded up to a multiple of 8.
func Align8(n int) int { return (n + 7) &^ 7 }

// CeilPow2 is the smallest power of two that is at least n.
func CeilPow2(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// HistBound is the greatest number of a bucket that the verifier holds possible: for it the cuts, of up to 32+16+8+4+2+1
// bits, and what is left of v have nothing to do with each other.
func HistBound(k int) int { return 1 + 63<<k + (2<<k - 1) }

// LhistBound is the same for lhist(): the mask of buckets.LHist.
func LhistBound(a types.Agg) int { return max(1+LhistMask(a), LHistBuckets(a)-1) }

// LhistMask has the bits of the greatest number of whole steps that a value in [Min, Max) can be above Min.
func LhistMask(a types.Agg) int { return CeilPow2(int((a.Max-1-a.Min)/a.Step)+1) - 1 }
