package codegen

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// TestKernelAggregations compares every aggregation with the same computed in Go.
func TestKernelAggregations(t *testing.T) {
	s := inKernel(t, `
		rawtracepoint:sys_enter {
			$x = (int64)arg0;
			@n = count(); @sum = sum($x); @avg = avg($x); @stats = stats($x); @min = min($x); @max = max($x);
			@umin = min(arg0); @umax = max(arg0);
			@hist = hist($x); @hist3 = hist($x, 3); @hist5 = hist($x, 5); @lhist = lhist($x, -50, 1000, 7);
			@kn[1] = count(); @kmin[1] = min($x); @kmax[1] = max($x); @khist[1] = hist($x, 2); @klhist[1] = lhist($x, 0, 100, 10);
			@rn = (int64)@n; @rsum = (int64)@sum; @ravg = (int64)@avg; @rmin = (int64)@min; @rmax = (int64)@max;
			@rkn = (int64)@kn[1]; @rkmin = (int64)@kmin[1]; @rkmax = (int64)@kmax[1];
		}`)
	values := samples(rand.New(rand.NewPCG(7, 8)))
	want := map[string][]uint64{
		"@hist": make([]uint64, layout.HistBuckets(0)), "@hist3": make([]uint64, layout.HistBuckets(3)), "@hist5": make([]uint64, layout.HistBuckets(5)),
		"@khist": make([]uint64, layout.HistBuckets(2)),
	}
	l1, l2 := types.Agg{Min: -50, Max: 1000, Step: 7}, types.Agg{Min: 0, Max: 100, Step: 10}
	want["@lhist"], want["@klhist"] = make([]uint64, layout.LHistBuckets(l1)), make([]uint64, layout.LHistBuckets(l2))
	var sum int64
	lo, hi, ulo, uhi := values[0], values[0], uint64(values[0]), uint64(values[0])
	for _, x := range values {
		s.run(0, x)
		sum += x
		lo, hi, ulo, uhi = min(lo, x), max(hi, x), min(ulo, uint64(x)), max(uhi, uint64(x))
		want["@hist"][layout.HistIndex(x, 0)]++
		want["@hist3"][layout.HistIndex(x, 3)]++
		want["@hist5"][layout.HistIndex(x, 5)]++
		want["@khist"][layout.HistIndex(x, 2)]++
		want["@lhist"][layout.LHistIndex(x, l1)]++
		want["@klhist"][layout.LHistIndex(x, l2)]++
	}
	n := uint64(len(values))
	want["@n"], want["@kn"] = []uint64{n}, []uint64{n}
	want["@avg"], want["@stats"] = []uint64{uint64(sum), n}, []uint64{uint64(sum), n}
	for name, w := range want {
		got := s.sum(name, 1)
		for i := range w {
			if got[i] != w[i] {
				t.Errorf("%s: word %d is %d, want %d", name, i, got[i], w[i])
			}
		}
		for i := len(w); i < len(got); i++ {
			if got[i] != 0 {
				t.Errorf("%s: word %d, beyond the end, is %d", name, i, got[i])
			}
		}
	}
	for name, w := range map[string]uint64{"@min": uint64(lo), "@max": uint64(hi), "@umin": ulo, "@umax": uhi, "@kmin": uint64(lo), "@kmax": uint64(hi)} {
		if got := extremeOf(s, name); got != w {
			t.Errorf("%s is %d, want %d", name, got, w)
		}
	}
	for name, w := range map[string]int64{"@rn": int64(n), "@rsum": sum, "@ravg": sum / int64(n), "@rmin": lo, "@rmax": hi,
		"@rkn": int64(n), "@rkmin": lo, "@rkmax": hi} {
		if got := s.number(name, 0); got != w {
			t.Errorf("%s is %d, want %d", name, got, w)
		}
	}
	if f := s.failures(); len(f) > 0 {
		t.Errorf("failures: %v", f)
	}
}

// extremeOf merges and decodes a min() or max().
func extremeOf(s *session, name string) uint64 {
	s.t.Helper()
	best := uint64(0)
	for _, w := range s.words(name, 1) {
		best = max(best, w[0])
	}
	return best ^ layout.ExtremeCode(s.spec(name).Script.Value.(types.Agg))
}

// TestKernelContention runs two programs on all CPUs at once. Test runs of a program can be preempted by each other as
// uprobes can, so nothing may rely on a CPU of its own.
func TestKernelContention(t *testing.T) {
	s := inKernel(t, `
		rawtracepoint:sys_enter {
			@n = count(); @sum = sum(arg0); @hist = hist(arg0); @max = max(arg0); @min = min(arg0); @avg = avg(arg0);
			@kn[arg1] = count(); @kmax[1] = max(arg0);
			@up++; @kup[arg1]++; @kadd[1] += 3; $old = @ticket++; @seen[$old] = 1; $kold = @kticket[1]++; @kseen[$kold] = 1;
		}
		rawtracepoint:sys_exit {
			@n = count(); @sum = sum(arg0); @hist = hist(arg0); @max = max(arg0); @min = min(arg0); @avg = avg(arg0);
			@kn[arg1] = count(); @kmax[1] = max(arg0);
			@up++; @kup[arg1]++; @kadd[1] += 3; $old = @ticket++; @seen[$old] = 1; $kold = @kticket[1]++; @kseen[$kold] = 1;
		}`)
	const workers, rounds = 8, 250
	var wg sync.WaitGroup
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range rounds {
				s.run(w%2, int64(i), 1)
			}
		}()
	}
	wg.Wait()
	const n = workers * rounds
	for name, want := range map[string]int64{
		"@n": n, "@sum": workers * rounds * (rounds - 1) / 2, "@avg": workers * rounds * (rounds - 1) / 2,
		"@kn": n, "@up": n, "@kup": n, "@kadd": 3 * n, "@ticket": n, "@kticket": n,
	} {
		if got := s.number(name, 1); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	total := uint64(0)
	for _, w := range s.sum("@hist", 0) {
		total += w
	}
	if total != n {
		t.Errorf("the histogram has %d values, want %d", total, n)
	}
	for name, want := range map[string]uint64{"@max": rounds - 1, "@kmax": rounds - 1, "@min": 0} {
		if got := extremeOf(s, name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	for i := range int64(n) {
		s.words("@seen", i) // fails if two got the same ticket
		s.words("@kseen", i)
	}
	if f := s.failures(); len(f) > 0 {
		t.Errorf("failures: %v", f)
	}
}

// samples are numbers of every length.
func samples(r *rand.Rand) []int64 {
	out := []int64{0, 1, -1, math.MaxInt64, math.MinInt64}
	for n := range 64 {
		p := int64(1) << n
		out = append(out, p, p-1, p+1, -p, p+int64(r.Uint64()>>(64-n)))
	}
	return out
}
