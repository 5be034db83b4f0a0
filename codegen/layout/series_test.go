package layout

import (
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

// interval is what a CPU has in the place of an interval.
type interval struct{ epoch, number, meta int64 }

func series(list ...interval) []byte {
	b := make([]byte, Word(SeriesWords*len(list)))
	for i, of := range list {
		for j, w := range []int64{SeriesEpoch: of.epoch, SeriesNumber: of.number, SeriesMeta: of.meta} {
			putWord(b, SeriesWords*i+j, uint64(w))
		}
	}
	return b
}

// What CPUs have of the same interval becomes one value; what one of them has of an older interval in the same place does not count.
func TestMergeSeries(t *testing.T) {
	const hole = -1 << 60 // nothing is expected
	code := func(of types.AggKind, n int64) int64 {
		return n ^ int64(ExtremeCode(types.Agg{Kind: of, Signed: true}))
	}
	for _, tt := range []struct {
		of   types.AggKind
		cpus [][]byte
		want []int64
	}{
		{0, [][]byte{series(interval{5, 10, 100}, interval{6, 1, 1}), series(interval{5, 20, 99}, interval{4, 9, 999})}, []int64{10, 1}},
		{0, [][]byte{series(interval{5, 10, 100}), series(interval{5, 20, 101})}, []int64{20}},
		{0, [][]byte{series(interval{}, interval{1, 0, 0}), series(interval{}, interval{})}, []int64{hole, 0}},
		{types.AggSum, [][]byte{series(interval{5, -10, 1}), series(interval{5, 3, 2}), series(interval{4, 100, 1})}, []int64{-7}},
		{types.AggAvg, [][]byte{series(interval{5, -10, 1}), series(interval{5, 1, 2})}, []int64{-3}},
		{types.AggMin, [][]byte{series(interval{5, code(types.AggMin, 4), 0}), series(interval{5, code(types.AggMin, -3), 0}), series(interval{3, code(types.AggMin, -9), 0})}, []int64{-3}},
		{types.AggMax, [][]byte{series(interval{5, code(types.AggMax, -4), 0}), series(interval{5, code(types.AggMax, -3), 0})}, []int64{-3}},
		{types.AggMax, [][]byte{series(interval{}), series(interval{})}, []int64{hole}},
	} {
		a := types.Agg{Kind: types.AggTSeries, Signed: true, Count: len(tt.want), Of: tt.of}
		merged := Merge(a, tt.cpus)
		for i, want := range tt.want {
			n, epoch := int64(word(merged, SeriesWords*i+SeriesNumber)), word(merged, SeriesWords*i+SeriesEpoch)
			if (epoch == 0) != (want == hole) || want != hole && n != want {
				t.Errorf("%s of %d CPUs: interval %d has %d, epoch %d, want %d", tt.of, len(tt.cpus), i, n, epoch, want)
			}
		}
	}
}
