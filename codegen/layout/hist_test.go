package layout

import (
	"math"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

func TestHistIndex(t *testing.T) {
	for _, c := range []struct {
		v    int64
		bits int
		want int
	}{
		{-1, 0, 0}, {math.MinInt64, 3, 0},
		{0, 0, 1}, {1, 0, 2}, {2, 0, 3}, {3, 0, 3}, {4, 0, 4}, {1023, 0, 11}, {1024, 0, 12},
		{math.MaxInt64, 0, 64},
		{0, 2, 1}, {3, 2, 4}, {4, 2, 5}, {7, 2, 8}, {8, 2, 9}, {9, 2, 9}, {10, 2, 10}, {225, 2, 28},
		{math.MaxInt64, 5, HistBuckets(5) - 1},
	} {
		if got := HistIndex(c.v, c.bits); got != c.want {
			t.Errorf("HistIndex(%d, %d) = %d, want %d", c.v, c.bits, got, c.want)
		}
	}
}

// The ranges of the buckets follow each other without a gap, and both ends of each range fall into it.
func TestHistRange(t *testing.T) {
	for k := 0; k <= HistMaxBits; k++ {
		next := int64(math.MinInt64)
		for i := range HistBuckets(k) {
			lo, hi := HistRange(i, k)
			if lo != next || hi <= lo {
				t.Fatalf("bits %d: bucket %d is [%d, %d), want it to start at %d", k, i, lo, hi, next)
			}
			if HistIndex(lo, k) != i || HistIndex(hi-1, k) != i {
				t.Fatalf("bits %d: bucket %d is [%d, %d), which fall into %d and %d", k, i, lo, hi, HistIndex(lo, k), HistIndex(hi-1, k))
			}
			next = hi
		}
		if next != math.MaxInt64 {
			t.Errorf("bits %d: the last bucket ends at %d", k, next)
		}
	}
}

func TestLHistIndex(t *testing.T) {
	a := types.Agg{Kind: types.AggLHist, Min: -10, Max: 25, Step: 10}
	if n := LHistBuckets(a); n != 5 {
		t.Errorf("LHistBuckets = %d, want 5", n)
	}
	for v, want := range map[int64]int{-11: 0, -10: 1, -1: 1, 0: 2, 19: 3, 20: 4, 25: 4, 1000: 4} {
		if got := LHistIndex(v, a); got != want {
			t.Errorf("LHistIndex(%d) = %d, want %d", v, got, want)
		}
	}
}
