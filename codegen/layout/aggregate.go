package layout

import (
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

// aggWords is the number of 8-byte words that an aggregation takes (see ValueLayout).
func AggWords(a types.Agg) int {
	switch a.Kind {
	case types.AggCount:
		return 1
	case types.AggHist:
		return HistBuckets(a.Bits)
	case types.AggLHist:
		return LHistBuckets(a)
	}
	return 2
}

// aggRoom is the number of words that the verifier must find a value to have: for histograms a few more than there are
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

func Align8(n int) int { return (n + 7) &^ 7 }

// ceilPow2 is the smallest power of two that is at least n.
func CeilPow2(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// histBound is the greatest number of a bucket that the verifier holds possible: for it the cuts, of up to 32+16+8+4+2+1
// bits, and what is left of v have nothing to do with each other.
func HistBound(k int) int { return 1 + 63<<k + (2<<k - 1) }

// lhistBound is the same for lhist(): the mask of lhistIndex.
func LhistBound(a types.Agg) int { return max(1+LhistMask(a), LHistBuckets(a)-1) }

// lhistMask has the bits of the greatest number of whole steps that a value in [Min, Max) can be above Min.
func LhistMask(a types.Agg) int { return CeilPow2(int((a.Max-1-a.Min)/a.Step)+1) - 1 }
