package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// seriesBytes lays out intervals by their numbers, as Merge leaves them.
func seriesBytes(t types.Agg, values map[uint64]int64) []byte {
	b := make([]byte, aggSize(t))
	for n, v := range values {
		of := b[layout.Word(layout.SeriesWords*int(n%uint64(t.Count))):]
		binary.NativeEndian.PutUint64(of[layout.Word(layout.SeriesEpoch):], n+1)
		binary.NativeEndian.PutUint64(of[layout.Word(layout.SeriesNumber):], uint64(v))
	}
	return b
}

// Every series ends with the newest interval of the map, and begins with its own first one that is still in reach.
func TestSeriesEndTogether(t *testing.T) {
	typ := types.Agg{Kind: types.AggTSeries, Signed: true, Count: 4, Every: int64(time.Second)}
	env := &Env{Clock: &Clock{zone: time.UTC}}
	codec := &MapCodec{Keyed: true, Key: env.Codec(types.String{Len: 8}), Value: env.Codec(typ)}
	elems := []Raw{
		{Key: []byte("b\x00"), Value: seriesBytes(typ, map[uint64]int64{100: 1, 102: -3})},
		{Key: []byte("old\x00"), Value: seriesBytes(typ, map[uint64]int64{90: 7})},
		{Key: []byte("a\x00"), Value: seriesBytes(typ, map[uint64]int64{102: 2, 103: 4})},
	}
	codec.Sort(elems)
	got := ""
	for _, e := range elems {
		for _, p := range codec.Value.Decode(e.Value).(Series) {
			got += fmt.Sprintf("%s %d %v, ", codec.AppendKey(nil, e.Key), p.Start.Unix(), p.Value)
		}
	}
	if want := "a 102 2, a 103 4, b 100 1, b 101 <nil>, b 102 -3, b 103 <nil>, "; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if text := string(codec.Value.AppendText(nil, elems[2].Value)); text != "<no data>" {
		t.Errorf("%s has %q", elems[2].Key, text)
	}
}

// Extreme values are drawn inside of the picture.
func TestSeriesExtremes(t *testing.T) {
	for _, signed := range []bool{true, false} {
		typ := types.Agg{Kind: types.AggTSeries, Signed: signed, Count: 3, Every: 1}
		env := &Env{Clock: &Clock{zone: time.UTC}}
		for _, list := range [][]int64{
			{math.MinInt64, math.MaxInt64, 0}, {0, 0, 0}, {-1, -1, -1}, {math.MinInt64, math.MinInt64, math.MinInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64},
		} {
			values := map[uint64]int64{}
			for i, v := range list {
				values[uint64(1000+i)] = v
			}
			text := env.Codec(typ).AppendText(nil, seriesBytes(typ, values))
			if n := len(text); n < 5*60 || n > 7*120 {
				t.Errorf("%v, signed %v:\n%s", list, signed, text)
			}
		}
	}
}
