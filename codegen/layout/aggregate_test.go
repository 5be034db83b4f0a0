package layout

import (
	"math"
	"syscall"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

// update is what a program does to the words of a value; see ValueLayout.
func update(a types.Agg, b []byte, v int64) {
	add := func(i int, n uint64) { putWord(b, i, word(b, i)+n) }
	switch a.Kind {
	case types.AggCount:
		add(WordNumber, 1)
	case types.AggSum:
		add(WordNumber, uint64(v))
		putWord(b, WordSet, 1)
	case types.AggAvg, types.AggStats:
		add(WordNumber, uint64(v))
		add(WordCount, 1)
	case types.AggMin, types.AggMax:
		putWord(b, WordNumber, max(word(b, WordNumber), uint64(v)^ExtremeCode(a)))
		putWord(b, WordSet, 1)
	case types.AggHist:
		add(HistIndex(v, a.Bits), 1)
	case types.AggLHist:
		add(LHistIndex(v, a), 1)
	}
}

// merged writes values, on each CPU some of them, and merges what the CPUs have.
func merged(a types.Agg, perCPU ...[]int64) []byte {
	var values [][]byte
	for _, list := range perCPU {
		b := make([]byte, Word(AggWords(a)))
		for _, v := range list {
			update(a, b, v)
		}
		values = append(values, b)
	}
	return Merge(a, values)
}

// What programs write on several CPUs is what the reader makes of it.
func TestMerge(t *testing.T) {
	const lo, hi = math.MinInt64, math.MaxInt64
	for _, tt := range []struct {
		kind   types.AggKind
		signed bool
		perCPU [][]int64
		want   int64
	}{
		{types.AggCount, false, [][]int64{{1, 1}, {}, {1}}, 3},
		{types.AggSum, true, [][]int64{{5, -7}, {1}}, -1},
		{types.AggAvg, true, [][]int64{{-9}, {}, {2}}, -3},
		{types.AggAvg, false, [][]int64{{10}, {3}}, 6},
		{types.AggAvg, true, [][]int64{{}, {}}, 0},
		{types.AggStats, true, [][]int64{{10, 20}, {30}}, 20},
		{types.AggMin, true, [][]int64{{5}, {-3, 7}, {}}, -3},
		{types.AggMin, true, [][]int64{{hi}, {}}, hi},
		{types.AggMin, true, [][]int64{{0}, {lo}}, lo},
		{types.AggMin, false, [][]int64{{-1}, {3}}, 3}, // -1 is the greatest unsigned number
		{types.AggMin, false, [][]int64{{0}, {3}}, 0},
		{types.AggMax, true, [][]int64{{-5}, {-3, -7}, {}}, -3},
		{types.AggMax, true, [][]int64{{lo}, {}}, lo},
		{types.AggMax, true, [][]int64{{0}, {hi}}, hi},
		{types.AggMax, false, [][]int64{{-1}, {3}}, -1},
		{types.AggMax, true, [][]int64{{}, {}}, 0},
		{types.AggMin, true, nil, 0},
	} {
		a := types.Agg{Kind: tt.kind, Signed: tt.signed}
		if got := int64(Number(a, merged(a, tt.perCPU...))); got != tt.want {
			t.Errorf("%s of %v, signed %v, is %d, want %d", tt.kind, tt.perCPU, tt.signed, got, tt.want)
		}
	}
}

// Buckets of several CPUs are added.
func TestMergeBuckets(t *testing.T) {
	for _, a := range []types.Agg{
		{Kind: types.AggHist, Bits: 2},
		{Kind: types.AggLHist, Min: -10, Max: 25, Step: 10},
	} {
		b := merged(a, []int64{-100, 3, 3}, nil, []int64{3, math.MaxInt64})
		var sum, of3 uint64
		for i := range AggWords(a) {
			lo, hi := HistRange(i, a.Bits)
			if a.Kind == types.AggLHist {
				lo, hi = LHistRange(i, a)
			}
			sum += word(b, i)
			if lo <= 3 && 3 < hi {
				of3 += word(b, i)
			}
		}
		if sum != 5 || of3 != 3 {
			t.Errorf("%s has %d values, %d in the bucket of 3; want 5 and 3", a.Kind, sum, of3)
		}
	}
}

// A value is as long as the verifier must find it to be.
func TestAggRoom(t *testing.T) {
	for _, a := range []types.Agg{
		{Kind: types.AggCount}, {Kind: types.AggStats}, {Kind: types.AggHist}, {Kind: types.AggHist, Bits: HistMaxBits},
		{Kind: types.AggLHist, Max: 10, Step: 10}, {Kind: types.AggLHist, Min: -7, Max: 1000, Step: 3},
	} {
		if AggRoom(a) < AggWords(a) {
			t.Errorf("%+v has room for %d of %d words", a, AggRoom(a), AggWords(a))
		}
	}
}

func TestPerCPU(t *testing.T) {
	v := PerCPU(16, 72)
	if v.Stride != 128 || v.CPU(3) != 384 || v.Shared() {
		t.Errorf("%+v", v)
	}
	for half, want := range map[int]int{0: 8, 512: 4} {
		if s := (&MapSpec{ValueSize: 1024, Half: half, Layout: v}); s.CPUs() != want {
			t.Errorf("half %d: %d CPUs, want %d", half, s.CPUs(), want)
		}
	}
}

func TestGlobal(t *testing.T) {
	v, size := Global(24)
	mem := make([]byte, size)
	if v.WasSet(mem) || !v.Shared() {
		t.Errorf("%+v was set from the beginning", v)
	}
	if v.Set(mem); !v.WasSet(mem) {
		t.Error("it was not set")
	}
	for i, b := range mem[:v.Size] {
		if b != 0 {
			t.Errorf("Set writes byte %d of the value", i)
		}
	}
}

// The words of MapGlobals do not overlap.
func TestGlobals(t *testing.T) {
	used := map[int]bool{}
	offs := []int{GlobalStartNS, GlobalExiting, GlobalExitCode, GlobalTAI, GlobalZero}
	for n := 1; n <= 3; n++ {
		offs = append(offs, SwapOffset(n)+SwapInUse, SwapOffset(n)+SwapAsked)
	}
	for _, off := range offs {
		if used[off] || off%8 != 0 || off+8 > GlobalsSize(3) {
			t.Errorf("a word at %d of %d", off, GlobalsSize(3))
		}
		used[off] = true
	}
}

// The errors of updates that are told apart have counters of their own, within those of the site.
func TestErrorCounter(t *testing.T) {
	site := &Site{Kind: SiteMapUpdate, At: 16}
	if site.End() != 16+8*site.Counters() || (&Site{Kind: SiteRead}).End() != 8 {
		t.Error("failure counters have 8 bytes each")
	}
	used := map[int]syscall.Errno{}
	for _, errno := range []syscall.Errno{0, syscall.E2BIG, syscall.ENOMEM, syscall.EBUSY, syscall.EEXIST, syscall.EDEADLK} {
		n := ErrorCounter(int(errno))
		if other, ok := used[n]; ok || n < 0 || n >= site.Counters() {
			t.Errorf("%v has counter %d of %d, which %v has, too", errno, n, site.Counters(), other)
		}
		used[n] = errno
		// Before Linux 6.4 the result is an int in a register of 64 bits.
		if low := ErrorCounter(-int(uint32(-int32(errno)))); low != n {
			t.Errorf("%v as a number of 32 bits has counter %d, want %d", errno, low, n)
		}
	}
}
