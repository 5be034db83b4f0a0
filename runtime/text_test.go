package runtime

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
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

func intKey(n int64) []byte { return int64Bytes(n) }

func words(list ...int64) []uint64 {
	out := make([]uint64, len(list))
	for i, n := range list {
		out[i] = uint64(n)
	}
	return out
}

// mapText prints a map of copies of the entries.
func mapText(t *testing.T, m *lang.Map, entries []entry, top, div int64) string {
	t.Helper()
	var out bytes.Buffer
	p := &textPrinter{out: newOutput(&out, BufferLine), values: &values{}}
	if err := p.Map(p.values.newMapDump(m, append([]entry(nil), entries...), top, div)); err != nil {
		t.Fatal(err)
	}
	if err := p.out.close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrintMap(t *testing.T) {
	signed, unsigned := types.Int{Bits: 64, Signed: true}, types.Int{Bits: 64}
	counts := []entry{
		{key: intKey(7), words: words(3)}, {key: intKey(2), words: words(1)}, {key: intKey(9), words: words(20)}, {key: intKey(1), words: words(3)},
	}
	agg := func(k types.AggKind, signed bool) types.Agg { return types.Agg{Kind: k, Signed: signed} }
	pair := types.Tuple{Elems: []types.Type{types.Int{Bits: 32, Signed: true}, types.String{Len: 12}}}
	key := func(n int, s string) []byte { return tupleBytes(pair, n, s) }
	for _, c := range []struct {
		name     string
		m        lang.Map
		entries  []entry
		top, div int64
		want     string
	}{
		// As bpftrace 0.17 and 0.27 print them.
		{"scalar", lang.Map{Name: "x", Value: signed}, []entry{{value: int64Bytes(-5)}}, 0, 1, "@x: -5\n"},
		{"nameless", lang.Map{Value: unsigned}, []entry{{value: int64Bytes(-1)}}, 0, 1, "@: 18446744073709551615\n"},
		{"empty", lang.Map{Name: "x", Key: signed, Value: signed}, nil, 0, 1, ""},
		{"counts by value", lang.Map{Name: "x", Key: signed, Value: agg(types.AggCount, false)}, counts, 0, 1, "@x[2]: 1\n@x[1]: 3\n@x[7]: 3\n@x[9]: 20\n"},
		{"top", lang.Map{Name: "x", Key: signed, Value: agg(types.AggCount, false)}, counts, 2, 1, "@x[7]: 3\n@x[9]: 20\n"},
		{"div", lang.Map{Name: "x", Key: signed, Value: agg(types.AggCount, false)}, counts, 1, 10, "@x[9]: 2\n"},
		{"integers by value", lang.Map{Name: "x", Key: pair, Value: signed}, []entry{
			{key: key(2, "b"), value: int64Bytes(-3)}, {key: key(-1, "z"), value: int64Bytes(4)}, {key: key(-2, "a"), value: int64Bytes(4)},
		}, 0, 1, "@x[2, b]: -3\n@x[-2, a]: 4\n@x[-1, z]: 4\n"},
		{"strings by key", lang.Map{Name: "x", Key: pair, Value: types.String{Len: 8}}, []entry{
			{key: key(2, "b"), value: []byte("one\x00\xff\xff\xff\xff")}, {key: key(2, "a"), value: []byte("two\x00\x00\x00\x00\x00")}, {key: key(-1, "c"), value: make([]byte, 8)},
		}, 0, 1, "@x[-1, c]: \n@x[2, a]: two\n@x[2, b]: one\n"},
		{"sums", lang.Map{Name: "x", Key: signed, Value: agg(types.AggSum, true)}, []entry{
			{key: intKey(1), words: words(5, 1)}, {key: intKey(2), words: words(-5, 1)},
		}, 0, 1, "@x[2]: -5\n@x[1]: 5\n"},
		{"averages by average", lang.Map{Name: "x", Key: signed, Value: agg(types.AggAvg, true)}, []entry{
			{key: intKey(1), words: words(100, 50)}, {key: intKey(2), words: words(-7, 2)}, {key: intKey(3), words: words(0, 0)},
		}, 0, 1, "@x[2]: -3\n@x[3]: 0\n@x[1]: 2\n"},
		{"minimum", lang.Map{Name: "x", Value: agg(types.AggMin, true)}, []entry{{words: words(-9, 1)}}, 0, 1, "@x: -9\n"},
		// Statistics as bpftrace prints them since 0.24; 0.17 writes "count 3, average 2, total 7".
		{"stats", lang.Map{Name: "x", Value: agg(types.AggStats, true)}, []entry{{words: words(7, 3)}}, 0, 1, "@x: { .count = 3, .average = 2, .total = 7 }\n"},
		{"keyed stats", lang.Map{Name: "x", Key: signed, Value: agg(types.AggStats, true)}, []entry{
			{key: intKey(1), words: words(-10, 3)}, {key: intKey(5), words: words(-10, 1)},
		}, 0, 1, "@x[5]: { .count = 1, .average = -10, .total = -10 }\n@x[1]: { .count = 3, .average = -3, .total = -10 }\n"},
		{"div of a negative integer", lang.Map{Name: "x", Value: signed}, []entry{{value: int64Bytes(-15)}}, 0, 10, "@x: -1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mapText(t, &c.m, c.entries, c.top, c.div); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// hist counts values as the programs do.
func hist(agg types.Agg, list ...int64) []uint64 {
	w := make([]uint64, aggWords(agg))
	for _, v := range list {
		if agg.Kind == types.AggHist {
			w[layout.HistIndex(v, agg.Bits)]++
		} else {
			w[layout.LHistIndex(v, agg)]++
		}
	}
	return w
}

func bar(label string, count, width int) string {
	return fmt.Sprintf("%-16s%8d |%-52s|\n", label, count, strings.Repeat("@", width))
}

// The rows of hist and lhist are those that bpftrace 0.17 prints for the same values, but for the blank after the
// name and for [3], which it writes as [3, 4): there the text is 0.27's.
func TestPrintHistograms(t *testing.T) {
	log, fine := types.Agg{Kind: types.AggHist}, types.Agg{Kind: types.AggHist, Bits: 2}
	tens := types.Agg{Kind: types.AggLHist, Min: 0, Max: 100, Step: 10}
	kilos := types.Agg{Kind: types.AggLHist, Min: 0, Max: 10240, Step: 1024}
	ones := types.Agg{Kind: types.AggLHist, Min: -5, Max: 10, Step: 1}
	for _, c := range []struct {
		name string
		agg  types.Agg
		list []int64
		want string
	}{
		{"log", log, []int64{-5, 0, 1, 1, 2, 3, 3, 9}, "@h:\n" +
			bar("(..., 0)", 1, 17) + bar("[0]", 1, 17) + bar("[1]", 2, 34) + bar("[2, 4)", 3, 52) + bar("[4, 8)", 0, 0) + bar("[8, 16)", 1, 17) + "\n"},
		{"log, one bucket", log, []int64{1500}, "@h:\n" + bar("[1K, 2K)", 1, 52) + "\n"},
		{"log, great values", log, []int64{math.MaxInt64, 1 << 40, 1 << 40}, "@h:\n" + bar("[1T, 2T)", 2, 52) +
			bar("[2T, 4T)", 0, 0) + bar("[4T, 8T)", 0, 0) + bar("[8T, 16T)", 0, 0) + bar("[16T, 32T)", 0, 0) + bar("[32T, 64T)", 0, 0) +
			bar("[64T, 128T)", 0, 0) + bar("[128T, 256T)", 0, 0) + bar("[256T, 512T)", 0, 0) + bar("[512T, 1P)", 0, 0) + bar("[1P, 2P)", 0, 0) +
			bar("[2P, 4P)", 0, 0) + bar("[4P, 8P)", 0, 0) + bar("[8P, 16P)", 0, 0) + bar("[16P, 32P)", 0, 0) + bar("[32P, 64P)", 0, 0) +
			bar("[64P, 128P)", 0, 0) + bar("[128P, 256P)", 0, 0) + bar("[256P, 512P)", 0, 0) + bar("[512P, 1E)", 0, 0) + bar("[1E, 2E)", 0, 0) +
			bar("[2E, 4E)", 0, 0) + bar("[4E, 8E)", 1, 26) + "\n"},
		{"fine", fine, []int64{7, 8, 10, 11}, "@h:\n" + bar("[7]", 1, 26) + bar("[8, 10)", 1, 26) + bar("[10, 12)", 2, 52) + "\n"},
		{"fine, with units", fine, []int64{1024, 1300}, "@h:\n" + bar("[1024, 1280)", 1, 52) + bar("[1280, 1536)", 1, 52) + "\n"},
		{"linear", tens, []int64{-1, 5, 5, 25, 100, 1000}, "@h:\n" +
			bar("(..., 0)", 1, 26) + bar("[0, 10)", 2, 52) + bar("[10, 20)", 0, 0) + bar("[20, 30)", 1, 26) + bar("[30, 40)", 0, 0) + bar("[40, 50)", 0, 0) +
			bar("[50, 60)", 0, 0) + bar("[60, 70)", 0, 0) + bar("[70, 80)", 0, 0) + bar("[80, 90)", 0, 0) + bar("[90, 100)", 0, 0) + bar("[100, ...)", 2, 52) + "\n"},
		{"linear, one bucket", tens, []int64{50}, "@h:\n" + bar("[50, 60)", 1, 52) + "\n"},
		{"linear, above only", tens, []int64{500}, "@h:\n" + bar("[100, ...)", 1, 52) + "\n"},
		{"linear, units", kilos, []int64{3000, 5000}, "@h:\n" + bar("[2K, 3K)", 1, 52) + bar("[3K, 4K)", 0, 0) + bar("[4K, 5K)", 1, 52) + "\n"},
		{"linear, step 1", ones, []int64{3, -7}, "@h:\n" + bar("(..., -5)", 1, 52) + bar("[-5]", 0, 0) + bar("[-4]", 0, 0) + bar("[-3]", 0, 0) +
			bar("[-2]", 0, 0) + bar("[-1]", 0, 0) + bar("[0]", 0, 0) + bar("[1]", 0, 0) + bar("[2]", 0, 0) + bar("[3]", 1, 52) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &lang.Map{Name: "h", Value: c.agg}
			if got := mapText(t, m, []entry{{words: hist(c.agg, c.list...)}}, 0, 1); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// Keyed histograms come by how much they count, each with an empty line after it.
func TestPrintKeyedHistograms(t *testing.T) {
	agg := types.Agg{Kind: types.AggHist}
	m := &lang.Map{Name: "h", Key: types.String{Len: 8}, Value: agg}
	list := []entry{
		{key: []byte("b\x00\x00\x00\x00\x00\x00\x00"), words: hist(agg, 10, 20)},
		{key: []byte("a\x00\x00\x00\x00\x00\x00\x00"), words: hist(agg, 10)},
	}
	want := "@h[a]:\n" + bar("[8, 16)", 1, 52) + "\n@h[b]:\n" + bar("[8, 16)", 1, 52) + bar("[16, 32)", 1, 52) + "\n"
	if got := mapText(t, m, list, 0, 1); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := mapText(t, m, list, 1, 2); !strings.HasPrefix(got, "@h[b]:\n"+bar("[8, 16)", 0, 0)) {
		t.Errorf("top 1, div 2: got\n%s", got)
	}
}

func TestMergeAggregations(t *testing.T) {
	code := func(a types.Agg, v int64) uint64 { return uint64(v) ^ layout.ExtremeCode(a) }
	pair := func(a, b uint64) []byte { return int64Bytes(int64(a), int64(b)) }
	smin, umin := types.Agg{Kind: types.AggMin, Signed: true}, types.Agg{Kind: types.AggMin}
	smax, umax := types.Agg{Kind: types.AggMax, Signed: true}, types.Agg{Kind: types.AggMax}
	for _, c := range []struct {
		agg    types.Agg
		values [][]byte
		want   []uint64
	}{
		{types.Agg{Kind: types.AggCount}, [][]byte{int64Bytes(1), int64Bytes(2), int64Bytes(0)}, words(3)},
		{types.Agg{Kind: types.AggSum, Signed: true}, [][]byte{int64Bytes(-5, 1), int64Bytes(2, 1)}, words(-3, 2)},
		{smin, [][]byte{pair(code(smin, -3), 1), pair(code(smin, 5), 1), pair(0, 0)}, words(-3, 2)},
		{umin, [][]byte{pair(code(umin, -3), 1), pair(code(umin, 5), 1), pair(0, 0)}, words(5, 2)},
		{smax, [][]byte{pair(code(smax, -3), 1), pair(code(smax, -5), 1), pair(0, 0)}, words(-3, 2)},
		{umax, [][]byte{pair(code(umax, 3), 1), pair(code(umax, -5), 1)}, words(-5, 2)},
		{umin, [][]byte{pair(0, 0), pair(0, 0)}, words(0, 0)},
	} {
		got := mergeAgg(c.agg, c.values)
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
	v := &values{trailer: "..", syms: &kernelSymbols{path: "/nonexistent"}}
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
		if got := string(v.append(nil, c.typ, c.mem)); got != c.want {
			t.Errorf("%s % x: %q, want %q", c.typ, c.mem, got, c.want)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	pair := types.Tuple{Elems: []types.Type{types.Int{Bits: 32, Signed: true}, types.String{Len: 4}}}
	list := &lang.Map{Name: "m", Key: pair, Value: types.Agg{Kind: types.AggStats, Signed: true}}
	v := &values{}
	got := v.newMapDump(list, []entry{{key: tupleBytes(pair, -1, "ab"), words: words(-7, 2)}}, 0, 1).Elements()
	want := []Element{{Key: Tuple{int64(-1), "ab"}, Value: Stats{2, int64(-3), int64(-7)}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
	linear := types.Agg{Kind: types.AggLHist, Min: 0, Max: 20, Step: 10}
	h := decodeAgg(linear, hist(linear, -5, 15, 30))
	if !reflect.DeepEqual(h, Histogram{{math.MinInt64, 0, 1}, {0, 10, 0}, {10, 20, 1}, {20, math.MaxInt64, 1}}) {
		t.Errorf("histogram %v", h)
	}
	if h := decodeAgg(linear, hist(linear)); len(h.(Histogram)) != 0 {
		t.Errorf("empty histogram %v", h)
	}
}
