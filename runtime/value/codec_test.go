package value

import (
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/lang/types"
)

var (
	int32Type  = types.Int{Bits: 32, Signed: true}
	int64Type  = types.Int{Bits: 64, Signed: true}
	uint64Type = types.Int{Bits: 64}
	charType   = types.Int{Bits: 8, Signed: true}
	pairType   = types.Tuple{Elems: []types.Type{int32Type, types.String{Len: 8}}}
	stateType  = &types.Enum{Name: "state", Values: map[int64]string{1: "ON"}}
)

// point has an anonymous union with a bitfield in it, and an array of characters.
var point = types.NewStruct("point", false, 16, 0, func() []types.Field {
	inner := types.NewStruct("", true, 4, 0, func() []types.Field {
		return []types.Field{{Name: "x", Type: int32Type}, {Name: "low", Type: types.Int{Bits: 32}, BitSize: 4}}
	})
	return []types.Field{
		{Name: "id", Type: int32Type},
		{Name: "", Type: inner, Offset: 4},
		{Name: "name", Type: types.Array{Elem: charType, Len: 4}, Offset: 8},
	}
})

func pointBytes() []byte {
	return []byte{7, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 'a', '"', 0, 'z', 0, 0, 0, 0}
}

// samples has a value of each type, with what the codec makes of it.
var samples = []struct {
	typ        types.Type
	mem        []byte
	text, json string
	value      any
}{
	{int32Type, []byte{0xfe, 0xff, 0xff, 0xff}, "-2", "-2", int64(-2)},
	{uint64Type, int64Bytes(-1), "18446744073709551615", `"18446744073709551615"`, uint64(math.MaxUint64)},
	{int64Type, int64Bytes(math.MinInt64), "-9223372036854775808", "-9223372036854775808", int64(math.MinInt64)},
	{int64Type, int64Bytes(1<<53 + 1), "9007199254740993", `"9007199254740993"`, int64(1<<53 + 1)},
	{types.Int{Bits: 32, Enum: stateType}, int64Bytes(1), "ON", "1", Enum{1, "ON"}},
	{types.Int{Bits: 32, Enum: stateType}, int64Bytes(2), "2", "2", Enum{2, ""}},
	{types.Bool{}, []byte{1}, "true", "true", true},
	{types.String{Len: 16}, []byte("a\"\\\n\t\x01\xff\xc3\xa9\x00tail"), "a\"\\\n\t\x01\xffé", `"a\"\\\n\t\u0001` + "\ufffd" + `é"`, "a\"\\\n\t\x01\xffé"},
	{types.String{Len: 2}, []byte("ab"), "ab..", `"ab.."`, "ab.."},
	{types.Pointer{Elem: types.Void{}}, int64Bytes(50), "0x32", "50", Pointer(50)},
	{types.Symbol{}, int64Bytes(0x10), "kernel_function", `"kernel_function"`, Symbol{0x10, "kernel_function"}},
	{types.UserSymbol{}, int64Bytes(0x10, 7), "0x10", `"0x10"`, Symbol{0x10, ""}},
	{types.UserSymbol{}, int64Bytes(0x1234, 7), "main", `"main"`, Symbol{0x1234, "main"}},
	{types.Stack{User: true, Limit: 127}, int64Bytes(0), "\n", `"\n"`, Stack{User: true}},
	{types.Stack{User: true, Mode: types.StackPerf, Limit: 127}, int64Bytes(77), "\n\t1234 main+4 (/bin/a)\n\t10 0x10 ([unknown])\n",
		`"\n\t1234 main+4 (/bin/a)\n\t10 0x10 ([unknown])\n"`, fakeStack},
	{types.Stack{User: true, Limit: 1}, int64Bytes(77), "\n        main+4\n", `"\n        main+4\n"`, Stack{User: true, PID: 7, Frames: fakeStack.Frames[:1]}},
	{types.Stack{User: true, Mode: types.StackBuildID, Limit: 127}, int64Bytes(77), "\nabcd 0x1234\n10\n", `"\nabcd 0x1234\n10\n"`, fakeStack},
	{types.Stack{Mode: types.StackRaw, Limit: 127}, int64Bytes(78), "\nfff0\n", `"\nfff0\n"`, Stack{Frames: []Frame{{Addr: 0xfff0, Name: "kernel_function"}}}},
	{types.Stack{Mode: types.StackPerf, Limit: 127}, int64Bytes(78), "\n\tfff0 kernel_function+0\n", `"\n\tfff0 kernel_function+0\n"`, Stack{Frames: []Frame{{Addr: 0xfff0, Name: "kernel_function"}}}},
	{types.Stack{Limit: 127}, int64Bytes(types.StackLost), "\n        [no room for this stack]\n", `"\n        [no room for this stack]\n"`, Stack{Lost: true}},
	{types.Frames{Stack: types.Stack{User: true, Limit: 8}}, int64Bytes(0, 7|2<<32, 0, 0x1234, 0x10), "\n        main+4\n        0x10\n",
		`"\n        main+4\n        0x10\n"`, fakeStack},
	{types.Frames{Stack: types.Stack{User: true, Limit: 8}}, int64Bytes(0, 7|2000<<32, 0, 0x1234), // more than there are
		"\n        main+4\n" + strings.Repeat("        0x0\n", 7), `"\n        main+4\n` + strings.Repeat(`        0x0\n`, 7) + `"`,
		Stack{User: true, PID: 7, Frames: append([]Frame{fakeStack.Frames[0]}, make([]Frame, 7)...)}},
	{types.MAC{}, []byte{0x18, 0xc0, 0x4d, 8, 0x2e, 0xbb, 0, 0}, "18:C0:4D:08:2E:BB", `"18:C0:4D:08:2E:BB"`, MAC{0x18, 0xc0, 0x4d, 8, 0x2e, 0xbb}},
	{types.Buffer{Len: 8}, []byte("\x04\x00\x00\x00a\x00~\xff\x00\x00\x00\x00"), `a\x00~\xff`, `[97,0,126,-1]`, []byte("a\x00~\xff")},
	{types.Inet{}, append(int64Bytes(2), 127, 0, 0, 1), "127.0.0.1", `"127.0.0.1"`, netip.MustParseAddr("127.0.0.1")},
	{types.Inet{}, append(int64Bytes(10), netip.IPv6Loopback().AsSlice()...), "::1", `"::1"`, netip.IPv6Loopback()},
	{types.Inet{}, append(int64Bytes(10), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04"...), "::1.2.3.4", `"::1.2.3.4"`, netip.MustParseAddr("::102:304")},
	{types.Inet{}, append(int64Bytes(10), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04"...), "::ffff:1.2.3.4", `"::ffff:1.2.3.4"`, netip.MustParseAddr("::ffff:1.2.3.4")},
	{types.Inet{}, int64Bytes(7), "", `""`, netip.Addr{}},
	{types.CgroupPath{Filter: "nothing"}, int64Bytes(7), "", `""`, Cgroup{7, ""}},
	{types.User{}, int64Bytes(0), "root", `"root"`, User{0, "root"}},
	{types.User{}, int64Bytes(4000000000), "4000000000", `"4000000000"`, User{4000000000, ""}},
	{types.Timestamp{Format: "%Y"}, int64Bytes(0), "1970", `"1970"`, time.Unix(0, 0).UTC()},
	{types.Tuple{Elems: []types.Type{int32Type, pairType}}, tupleBytes(types.Tuple{Elems: []types.Type{int32Type, pairType}}, 1, tupleBytes(pairType, 2, "s")),
		"(1, (2, s))", `[1,[2,"s"]]`, Tuple{int64(1), Tuple{int64(2), "s"}}},
	{types.Array{Elem: int32Type, Len: 2}, []byte{1, 0, 0, 0, 2, 0, 0, 0}, "[1,2]", "[1,2]", []any{int64(1), int64(2)}},
	{types.Array{Elem: types.Int{Bits: 8}, Len: 4, Float: true}, []byte{0, 0, 0xc0, 0x3f}, "1.5", "1.5", 1.5},
	{types.Array{Elem: types.Int{Bits: 8}, Len: 4, Float: true}, []byte{0, 0, 0x80, 0x7f}, "+Inf", "null", math.Inf(1)},
	{point, pointBytes(), `{ .id = 7, .x = -2, .low = 14, .name = a" }`, `{"id": 7, "x": -2, "low": 14, "name": "a\""}`,
		Record{{"id", int64(7)}, {"x", int64(-2)}, {"low", uint64(14)}, {"name", `a"`}}},
	{types.Agg{Kind: types.AggCount}, int64Bytes(3), "3", "3", uint64(3)},
	{types.Agg{Kind: types.AggAvg, Signed: true}, int64Bytes(-7, 2), "-3", "-3", int64(-3)},
	{types.Agg{Kind: types.AggStats, Signed: true}, int64Bytes(-7, 2), "{ .count = 2, .average = -3, .total = -7 }",
		`{"count": 2, "average": -3, "total": -7}`, Stats{2, int64(-3), int64(-7)}},
	{types.Agg{Kind: types.AggHist}, hist(types.Agg{Kind: types.AggHist}, -1, 0), histRow("(..., 0)", 1) + histRow("[0]", 1),
		`[{"max": -1, "count": 1},{"min": 0, "max": 0, "count": 1}]`, Histogram{{math.MinInt64, 0, 1}, {0, 1, 1}}},
	{types.Agg{Kind: types.AggHist}, hist(types.Agg{Kind: types.AggHist}, math.MaxInt64), histRow("[4E, 8E)", 1),
		`[{"min": 4611686018427387904, "max": "9223372036854775807", "count": 1}]`, Histogram{{1 << 62, math.MaxInt64, 1}}},
	{linear, hist(linear, -5, 5, 10), histRow("(..., 0)", 1) + histRow("[0, 10)", 1) + histRow("[10, ...)", 1),
		`[{"max": -1, "count": 1},{"min": 0, "max": 9, "count": 1},{"min": 10, "count": 1}]`,
		Histogram{{math.MinInt64, 0, 1}, {0, 10, 1}, {10, math.MaxInt64, 1}}},
	{types.Agg{Kind: types.AggHist}, nil, "", "[]", Histogram{}},
	{types.None{}, nil, "null", "null", nil},
	{types.Void{}, nil, "null", "null", nil},
}

var linear = types.Agg{Kind: types.AggLHist, Max: 10, Step: 10}

func histRow(label string, n uint64) string { return string(appendHistRow(nil, label, n, n)) }

// fakeSymbols knows two stacks, and one address of a process.
type fakeSymbols struct{}

var fakeStack = Stack{User: true, PID: 7, Frames: []Frame{{Addr: 0x1234, Name: "main", Offset: 4, Module: "/bin/a"}, {Addr: 0x10}}}

func (fakeSymbols) Stack(id uint64) (Trace, bool) {
	switch id {
	case 77:
		return Trace{PID: 7, Addrs: []uint64{0x1234, 0x10}}, true
	case 78:
		return Trace{Addrs: []uint64{0xfff0}}, true
	}
	return Trace{}, false
}

func (fakeSymbols) Kernel(addr uint64) Frame { return Frame{Addr: addr, Name: "kernel_function"} }

func (fakeSymbols) User(pid uint32, addr uint64) Frame {
	if pid == 7 && addr == 0x1234 {
		return fakeStack.Frames[0]
	}
	return Frame{Addr: addr}
}

func (f fakeSymbols) Frames(t *Trace) (out []Frame) {
	for _, a := range t.Addrs {
		if t.User {
			out = append(out, f.User(t.PID, a))
		} else {
			out = append(out, f.Kernel(a))
		}
	}
	return out
}

func (fakeSymbols) BuildIDs(dst []byte, t *Trace) []byte { return append(dst, "abcd 0x1234\n10\n"...) }

func testEnv() *Env {
	return &Env{
		Symbols: fakeSymbols{},
		Clock:   &Clock{boot: time.Unix(0, 0), zone: time.UTC},
		Trailer: "..",
	}
}

func TestCodecs(t *testing.T) {
	env := testEnv()
	for _, s := range samples {
		c := env.Codec(s.typ)
		if got := string(c.AppendText(nil, s.mem)); got != s.text {
			t.Errorf("%s: text %q, want %q", s.typ, got, s.text)
		}
		if got := string(c.AppendJSON(nil, s.mem)); got != s.json {
			t.Errorf("%s: JSON %s, want %s", s.typ, got, s.json)
		}
		if got := c.Decode(s.mem); !reflect.DeepEqual(got, s.value) {
			t.Errorf("%s: value %#v, want %#v", s.typ, got, s.value)
		}
		if c.Compare(s.mem, s.mem) != 0 {
			t.Errorf("%s: a value does not equal itself", s.typ)
		}
	}
}

// Records that end too early give zeros.
func TestCodecsOfNothing(t *testing.T) {
	env := testEnv()
	for _, s := range samples {
		c := env.Codec(s.typ)
		c.AppendText(nil, nil)
		c.AppendJSON(nil, nil)
		c.Decode(nil)
		c.Compare(nil, s.mem)
	}
}

// Every kind of type has a codec, and a sample above.
func TestEveryKindHasACodec(t *testing.T) {
	sampled := map[types.Kind]bool{}
	for _, s := range samples {
		kind := types.KindOf(s.typ)
		sampled[kind] = true
		_, none := newCodec(testEnv(), s.typ, 1).(noneCodec)
		if wanted := kind == types.KindNone || kind == types.KindVoid; none != wanted {
			t.Errorf("newCodec has nothing for a %s", kind)
		}
	}
	for _, kind := range types.Kinds() {
		if !sampled[kind] {
			t.Errorf("no sample of a %s: does newCodec have it?", kind)
		}
	}
}

func TestSort(t *testing.T) {
	env := testEnv()
	for _, c := range []struct {
		typ  types.Type
		a, b []byte // in order
	}{
		{int32Type, int64Bytes(-1), int64Bytes(0)},
		{uint64Type, int64Bytes(1), int64Bytes(-1)},
		{types.String{Len: 4}, []byte("a\x00zz"), []byte("aa\x00\x00")},
		{pairType, tupleBytes(pairType, -1, "b"), tupleBytes(pairType, 0, "a")},
		{pairType, tupleBytes(pairType, 1, "a"), tupleBytes(pairType, 1, "b")},
		{types.Bool{}, []byte{0}, []byte{1}},
		{types.Pointer{Elem: types.Void{}}, int64Bytes(1), int64Bytes(-1)},
		{types.Agg{Kind: types.AggAvg}, int64Bytes(100, 50), int64Bytes(9, 3)},
		{linear, hist(linear, 5), hist(linear, -1, -1)},
	} {
		codec := env.Codec(c.typ)
		if codec.Compare(c.a, c.b) >= 0 || codec.Compare(c.b, c.a) <= 0 {
			t.Errorf("%s: % x is not before % x", c.typ, c.a, c.b)
		}
	}
}

func TestReadUsers(t *testing.T) {
	got := readUsers(strings.NewReader("root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/\n# no user\n:x:5::\nbad:x:y:0:\nshort:x:7\nu:x:4294967295:1:\n"))
	want := map[uint64]string{0: "root", 4294967295: "u"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// sharedStacks has stacks that lie in the same memory, as those of a session do for all who read it.
type sharedStacks struct {
	fakeSymbols
	addrs []uint64
}

func (s sharedStacks) Stack(id uint64) (Trace, bool) { return Trace{Addrs: s.addrs[:id]}, true }

// Stacks are sorted by their outermost frames, and stay as they are: a snapshot may sort the very stacks that the session prints.
func TestCompareSharedStacks(t *testing.T) {
	addrs := []uint64{1, 2, 1}
	env := &Env{Symbols: sharedStacks{addrs: addrs}}
	c := env.Codec(types.Stack{Limit: 127})
	if got := c.Compare(int64Bytes(3), int64Bytes(2)); got >= 0 {
		t.Errorf("1, 2, 1 and 1, 2 compare as %d, want the first to come first", got)
	}
	if !slices.Equal(addrs, []uint64{1, 2, 1}) {
		t.Errorf("comparing has left %v", addrs)
	}
}
