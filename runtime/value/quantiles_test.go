package value

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

var quantileType = types.Agg{Kind: types.AggQuantiles, Signed: true, Bits: layout.QuantileBits}

// counted is what a program on one CPU makes of values.
func counted(values []int64) []byte {
	b := make([]byte, aggSize(quantileType))
	for _, v := range values {
		w := b[layout.Word(layout.HistIndex(v, quantileType.Bits)):]
		binary.NativeEndian.PutUint64(w, word(w)+1)
	}
	return b
}

// Every quantile of random values, over all sizes of numbers and spread over CPUs, is at most 1 % off the true one.
func TestQuantiles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		values := make([]int64, 1+rnd.IntN(3000))
		size := 1 + rnd.IntN(63)
		for i := range values {
			values[i] = rnd.Int64() >> (63 - size) >> rnd.IntN(size)
		}
		half := rnd.IntN(len(values) + 1)
		b := Merge(quantileType, [][]byte{counted(values[:half]), counted(nil), counted(values[half:])})
		q := (&Env{}).Codec(quantileType).Decode(b).(Quantiles)
		if q.Count != uint64(len(values)) {
			t.Fatalf("%d values, want %d", q.Count, len(values))
		}
		slices.Sort(values)
		for i, got := range []int64{q.P50, q.P90, q.P99, q.P999, q.Max} {
			rank := (len(values)*int(quantileNames[i].thousand) + 999) / 1000
			want := values[max(rank, 1)-1]
			if off := math.Abs(float64(got) - float64(want)); off > float64(want)/100 {
				t.Errorf("%s of %d values is %d, want %d", quantileNames[i].name, len(values), got, want)
			}
		}
	}
}

// Values below 0 are counted, and no number is made up for them.
func TestQuantilesBelowZero(t *testing.T) {
	q := (&Env{}).Codec(quantileType).Decode(counted([]int64{-5, -1, math.MinInt64, 8})).(Quantiles)
	if q.P50 != -1 || q.Max != 8 || q.Count != 4 || len(q.Buckets) != 2 {
		t.Errorf("%+v", q)
	}
	if q := (&Env{}).Codec(quantileType).Decode(nil).(Quantiles); q.Count != 0 || q.P50 != 0 || q.Max != 0 || q.Buckets != nil {
		t.Errorf("of nothing: %+v", q)
	}
}

// div divides the quantiles, and neither how many there are nor the buckets.
func TestQuantilesDivided(t *testing.T) {
	c := (&Env{}).divided(quantileType, 10)
	want := `{"count": 1, "p50": 10, "p90": 10, "p99": 10, "p99.9": 10, "max": 10, "buckets": [{"min": 100, "max": 100, "count": 1}]}`
	if got := string(c.AppendJSON(nil, counted([]int64{100}))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
