package output

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/value"
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

// mapText prints a map of copies of the elements.
func mapText(t *testing.T, m *lang.Map, elems []value.Raw, top int, div int64) string {
	t.Helper()
	codec := (&value.Env{}).MapCodec(m, div)
	elems = append([]value.Raw(nil), elems...)
	codec.Sort(elems)
	if top > 0 {
		elems = elems[len(elems)-top:]
	}
	var out bytes.Buffer
	text := NewText(&out, nil, TextOptions{})
	if err := text.Event(&Map{Name: m.Name, Codec: codec, Elements: elems}); err != nil {
		t.Fatal(err)
	}
	if err := text.Drain(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrintMap(t *testing.T) {
	signed, unsigned := types.Int{Bits: 64, Signed: true}, types.Int{Bits: 64}
	counts := []value.Raw{
		{Key: intKey(7), Value: int64Bytes(3)}, {Key: intKey(2), Value: int64Bytes(1)}, {Key: intKey(9), Value: int64Bytes(20)}, {Key: intKey(1), Value: int64Bytes(3)},
	}
	agg := func(k types.AggKind, signed bool) types.Agg { return types.Agg{Kind: k, Signed: signed} }
	pair := types.Tuple{Elems: []types.Type{types.Int{Bits: 32, Signed: true}, types.String{Len: 12}}}
	key := func(n int, s string) []byte { return tupleBytes(pair, n, s) }
	for _, c := range []struct {
		name    string
		m       lang.Map
		entries []value.Raw
		top     int
		div     int64
		want    string
	}{
		// As bpftrace 0.17 and 0.27 print them.
		{"scalar", lang.Map{Name: "x", Value: signed}, []value.Raw{{Value: int64Bytes(-5)}}, 0, 1, "@x: -5\n"},
		{"nameless", lang.Map{Value: unsigned}, []value.Raw{{Value: int64Bytes(-1)}}, 0, 1, "@: 18446744073709551615\n"},
		{"empty", lang.Map{Name: "x", Key: signed, Value: signed}, nil, 0, 1, ""},
		{"counts by value", lang.Map{Name: "x", Key: signed, Value: agg(types.AggCount, false)}, counts, 0, 1, "@x[2]: 1\n@x[1]: 3\n@x[7]: 3\n@x[9]: 20\n"},
		{"top", lang.Map{Name: "x", Key: signed, Value: agg(types.AggCount, false)}, counts, 2, 1, "@x[7]: 3\n@x[9]: 20\n"},
		{"div", lang.Map{Name: "x", Key: signed, Value: agg(types.AggCount, false)}, counts, 1, 10, "@x[9]: 2\n"},
		{"integers by value", lang.Map{Name: "x", Key: pair, Value: signed}, []value.Raw{
			{Key: key(2, "b"), Value: int64Bytes(-3)}, {Key: key(-1, "z"), Value: int64Bytes(4)}, {Key: key(-2, "a"), Value: int64Bytes(4)},
		}, 0, 1, "@x[2, b]: -3\n@x[-2, a]: 4\n@x[-1, z]: 4\n"},
		{"strings by key", lang.Map{Name: "x", Key: pair, Value: types.String{Len: 8}}, []value.Raw{
			{Key: key(2, "b"), Value: []byte("one\x00\xff\xff\xff\xff")}, {Key: key(2, "a"), Value: []byte("two\x00\x00\x00\x00\x00")}, {Key: key(-1, "c"), Value: make([]byte, 8)},
		}, 0, 1, "@x[-1, c]: \n@x[2, a]: two\n@x[2, b]: one\n"},
		{"sums", lang.Map{Name: "x", Key: signed, Value: agg(types.AggSum, true)}, []value.Raw{
			{Key: intKey(1), Value: int64Bytes(5, 1)}, {Key: intKey(2), Value: int64Bytes(-5, 1)},
		}, 0, 1, "@x[2]: -5\n@x[1]: 5\n"},
		{"averages by average", lang.Map{Name: "x", Key: signed, Value: agg(types.AggAvg, true)}, []value.Raw{
			{Key: intKey(1), Value: int64Bytes(100, 50)}, {Key: intKey(2), Value: int64Bytes(-7, 2)}, {Key: intKey(3), Value: int64Bytes(0, 0)},
		}, 0, 1, "@x[2]: -3\n@x[3]: 0\n@x[1]: 2\n"},
		{"minimum", lang.Map{Name: "x", Value: agg(types.AggMin, true)}, []value.Raw{{Value: int64Bytes(-9, 1)}}, 0, 1, "@x: -9\n"},
		// Statistics as bpftrace prints them since 0.24; 0.17 writes "count 3, average 2, total 7".
		{"stats", lang.Map{Name: "x", Value: agg(types.AggStats, true)}, []value.Raw{{Value: int64Bytes(7, 3)}}, 0, 1, "@x: { .count = 3, .average = 2, .total = 7 }\n"},
		{"keyed stats", lang.Map{Name: "x", Key: signed, Value: agg(types.AggStats, true)}, []value.Raw{
			{Key: intKey(1), Value: int64Bytes(-10, 3)}, {Key: intKey(5), Value: int64Bytes(-10, 1)},
		}, 0, 1, "@x[5]: { .count = 1, .average = -10, .total = -10 }\n@x[1]: { .count = 3, .average = -3, .total = -10 }\n"},
		{"div of a negative integer", lang.Map{Name: "x", Value: signed}, []value.Raw{{Value: int64Bytes(-15)}}, 0, 10, "@x: -1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mapText(t, &c.m, c.entries, c.top, c.div); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
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
			if got := mapText(t, m, []value.Raw{{Value: hist(c.agg, c.list...)}}, 0, 1); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// Keyed histograms come by how much they count, each with an empty line after it.
func TestPrintKeyedHistograms(t *testing.T) {
	agg := types.Agg{Kind: types.AggHist}
	m := &lang.Map{Name: "h", Key: types.String{Len: 8}, Value: agg}
	list := []value.Raw{
		{Key: []byte("b\x00\x00\x00\x00\x00\x00\x00"), Value: hist(agg, 10, 20)},
		{Key: []byte("a\x00\x00\x00\x00\x00\x00\x00"), Value: hist(agg, 10)},
	}
	want := "@h[a]:\n" + bar("[8, 16)", 1, 52) + "\n@h[b]:\n" + bar("[8, 16)", 1, 52) + bar("[16, 32)", 1, 52) + "\n"
	if got := mapText(t, m, list, 0, 1); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := mapText(t, m, list, 1, 2); !strings.HasPrefix(got, "@h[b]:\n"+bar("[8, 16)", 0, 0)) {
		t.Errorf("top 1, div 2: got\n%s", got)
	}
}

// largest keeps the size of the largest write.
type largest struct{ most, total int }

func (l *largest) Write(b []byte) (int, error) {
	l.most, l.total = max(l.most, len(b)), l.total+len(b)
	return len(b), nil
}

// A large map is not text as a whole at any time.
func TestLargeMapInPieces(t *testing.T) {
	var out largest
	text := NewText(&out, nil, TextOptions{})
	env := &value.Env{}
	codec := env.MapCodec(&lang.Map{Key: types.TypeUint64, Value: types.TypeUint64}, 1)
	m := &Map{Name: "m", Codec: codec}
	for i := range uint64(100_000) {
		m.Elements = append(m.Elements, value.Raw{Key: binary.NativeEndian.AppendUint64(nil, i), Value: binary.NativeEndian.AppendUint64(nil, i)})
	}
	if err := text.Event(m); err != nil {
		t.Fatal(err)
	}
	if err := text.Drain(); err != nil {
		t.Fatal(err)
	}
	if out.most > 2*outputBuffer || out.total < 1_000_000 {
		t.Errorf("the largest write has %d bytes of %d", out.most, out.total)
	}
}
