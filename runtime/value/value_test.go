package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

func int64Bytes(list ...int64) []byte {
	var b []byte
	for _, n := range list {
		b = binary.NativeEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// tupleBytes lays out integers, strings and the bytes of inner tuples as a tuple.
func tupleBytes(t types.Tuple, elems ...any) []byte {
	b := make([]byte, t.Size())
	for i, e := range elems {
		at := b[t.Offset(i):]
		switch e := e.(type) {
		case int:
			copy(at[:t.Elems[i].Size()], int64Bytes(int64(e)))
		case string:
			copy(at, e)
		case []byte:
			copy(at, e)
		}
	}
	return b
}

// hist counts values as the programs do.
func hist(agg types.Agg, list ...int64) []byte {
	w := make([]uint64, layout.AggWords(agg))
	for _, v := range list {
		if agg.Kind == types.AggHist {
			w[layout.HistIndex(v, agg.Bits)]++
		} else {
			w[layout.LHistIndex(v, agg)]++
		}
	}
	var b []byte
	for _, n := range w {
		b = binary.NativeEndian.AppendUint64(b, n)
	}
	return b
}

func TestMergeAggregations(t *testing.T) {
	code := func(a types.Agg, v int64) uint64 { return uint64(v) ^ layout.ExtremeCode(a) }
	pair := func(a, b uint64) []byte { return int64Bytes(int64(a), int64(b)) }
	smin, umin := types.Agg{Kind: types.AggMin, Signed: true}, types.Agg{Kind: types.AggMin}
	smax, umax := types.Agg{Kind: types.AggMax, Signed: true}, types.Agg{Kind: types.AggMax}
	for _, c := range []struct {
		agg    types.Agg
		values [][]byte
		want   []byte
	}{
		{types.Agg{Kind: types.AggCount}, [][]byte{int64Bytes(1), int64Bytes(2), int64Bytes(0)}, int64Bytes(3)},
		{types.Agg{Kind: types.AggSum, Signed: true}, [][]byte{int64Bytes(-5, 1), int64Bytes(2, 1)}, int64Bytes(-3, 2)},
		{smin, [][]byte{pair(code(smin, -3), 1), pair(code(smin, 5), 1), pair(0, 0)}, int64Bytes(-3, 2)},
		{umin, [][]byte{pair(code(umin, -3), 1), pair(code(umin, 5), 1), pair(0, 0)}, int64Bytes(5, 2)},
		{smax, [][]byte{pair(code(smax, -3), 1), pair(code(smax, -5), 1), pair(0, 0)}, int64Bytes(-3, 2)},
		{umax, [][]byte{pair(code(umax, 3), 1), pair(code(umax, -5), 1)}, int64Bytes(-5, 2)},
		{umin, [][]byte{pair(0, 0), pair(0, 0)}, int64Bytes(0, 0)},
	} {
		got := layout.Merge(c.agg, c.values)
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v signed %v: got %d, want %d", c.agg.Kind, c.agg.Signed, got, c.want)
		}
	}
}

func TestAppendValue(t *testing.T) {
	enum := &types.Enum{Name: "e", Values: map[int64]string{2: "TWO"}}
	int32s, uint8s := types.Int{Bits: 32, Signed: true}, types.Int{Bits: 8}
	record := types.NewStruct("s", false, 16, 0, func() []types.Field {
		return []types.Field{
			{Name: "a", Type: int32s},
			{Name: "b", Type: uint8s, Offset: 4, BitOffset: 1, BitSize: 3},
			{Name: "c", Type: types.Int{Bits: 8, Signed: true}, Offset: 4, BitOffset: 4, BitSize: 4},
			{Name: "s", Type: types.String{Len: 3}, Offset: 5},
			{Name: "p", Type: types.Pointer{Elem: types.Void{}}, Offset: 8},
		}
	})
	inner := types.Tuple{Elems: []types.Type{int32s, types.String{Len: 4}}}
	env := &Env{Trailer: ".."}
	for _, c := range []struct {
		typ  types.Type
		mem  []byte
		want string
	}{
		{int32s, []byte{0xff, 0xff, 0xff, 0xff}, "-1"},
		{uint8s, []byte{0xff}, "255"},
		{types.Int{Bits: 16, Signed: true}, []byte{0, 0x80}, "-32768"},
		{types.Int{Bits: 32, Enum: enum}, []byte{2, 0, 0, 0}, "TWO"},
		{types.Int{Bits: 32, Enum: enum}, []byte{3, 0, 0, 0}, "3"},
		{types.Bool{}, []byte{1}, "true"},
		{types.Bool{}, []byte{0}, "false"},
		{types.String{Len: 4}, []byte("ab\x00x"), "ab"},
		{types.String{Len: 4}, []byte("abcd"), "abcd.."},
		{types.Pointer{Elem: types.Void{}}, int64Bytes(0x1234), "0x1234"},
		{types.Pointer{Elem: types.Void{}}, int64Bytes(0), "0x0"},
		{types.Symbol{}, int64Bytes(0x1234), "0x1234"},
		{types.Array{Elem: int32s, Len: 3}, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}, "[1,2,3]"},
		{types.Array{Elem: int32s}, nil, "[]"},
		{types.Tuple{Elems: []types.Type{uint8s, inner}},
			tupleBytes(types.Tuple{Elems: []types.Type{uint8s, inner}}, 7, tupleBytes(inner, 8, "abc")), "(7, (8, abc))"},
		{record, append([]byte{5, 0, 0, 0, 0xf6, 'x', 0, 0}, int64Bytes(255)...), "{ .a = 5, .b = 3, .c = -1, .s = x, .p = 0xff }"},
		{types.NewStruct("empty", false, 0, 0, nil), nil, "{}"},
		{types.Int{Bits: 64}, []byte{1}, "1"}, // a record that is too short
		{types.None{}, nil, "null"},
	} {
		if got := string(env.Codec(c.typ).AppendText(nil, c.mem)); got != c.want {
			t.Errorf("%s % x: %q, want %q", c.typ, c.mem, got, c.want)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	pair := types.Tuple{Elems: []types.Type{types.Int{Bits: 32, Signed: true}, types.String{Len: 4}}}
	list := &lang.Map{Name: "m", Key: pair, Value: types.Agg{Kind: types.AggStats, Signed: true}}
	got := (&Env{}).MapCodec(list, 1).Decode(Raw{Key: tupleBytes(pair, -1, "ab"), Value: int64Bytes(-7, 2)})
	want := Element{Key: Tuple{int64(-1), "ab"}, Value: Stats{2, int64(-3), int64(-7)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
	linear := types.Agg{Kind: types.AggLHist, Min: 0, Max: 20, Step: 10}
	h := (&Env{}).Codec(linear).Decode(hist(linear, -5, 15, 30))
	if !reflect.DeepEqual(h, Histogram{{math.MinInt64, 0, 1}, {0, 10, 0}, {10, 20, 1}, {20, math.MaxInt64, 1}}) {
		t.Errorf("histogram %v", h)
	}
	if h := (&Env{}).Codec(linear).Decode(hist(linear)); len(h.(Histogram)) != 0 {
		t.Errorf("empty histogram %v", h)
	}
}
