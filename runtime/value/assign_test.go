package value

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

type named string

type pair struct {
	PID  int32
	Comm string
}

type cPoint struct {
	ID    uint8
	Other int `gotrace:"x"`
	Name  string
}

func TestAssign(t *testing.T) {
	at := time.Unix(5, 0)
	for _, c := range []struct {
		value any
		want  any // also the type to fill
	}{
		{int64(-5), int8(-5)}, {int64(5), uint16(5)}, {uint64(math.MaxUint64), uint64(math.MaxUint64)}, {uint64(7), 7}, {uint64(7), 7.0},
		{true, true}, {true, uint8(1)}, {"text", "text"}, {"text", []byte("text")}, {"text", named("text")},
		{Pointer(16), uintptr(16)}, {Pointer(16), uint64(16)}, {Symbol{16, "f"}, "f"}, {Symbol{16, ""}, "0x10"}, {Symbol{16, "f"}, uint64(16)},
		{Symbol{16, "f"}, Symbol{16, "f"}}, {Enum{2, "TWO"}, "TWO"}, {Enum{3, ""}, "3"}, {Enum{2, "TWO"}, 2}, {1.5, float32(1.5)}, {at, at},
		{Tuple{int64(4), "bash"}, pair{4, "bash"}}, {Tuple{int64(4), int64(5)}, []int{4, 5}}, {Tuple{int64(4), int64(5)}, [2]int{4, 5}},
		{Tuple{Tuple{int64(4), "bash"}, uint64(9)}, struct {
			Who pair
			N   uint64
		}{pair{4, "bash"}, 9}},
		{Record{{"id", int64(7)}, {"x", int64(-2)}, {"name", "a"}, {"more", true}}, cPoint{7, -2, "a"}},
		{Record{{"a_b", int64(7)}}, map[string]int{"a_b": 7}}, {Record{{"a_b", int64(7)}}, struct{ AB int }{7}},
		{Stats{2, int64(-3), int64(-7)}, struct{ Count, Average, Total int }{2, -3, -7}},
		{[]any{int64(1), int64(2)}, []uint8{1, 2}}, {[]any{[]any{"a"}}, [][]string{{"a"}}},
		{Histogram{{1, 2, 3}}, []Bucket{{1, 2, 3}}}, {Histogram{{1, 2, 3}}, []struct{ Lo, Count int }{{1, 3}}},
	} {
		dst := reflect.New(reflect.TypeOf(c.want))
		if err := Assign(dst.Interface(), c.value); err != nil {
			t.Errorf("%#v to %T: %v", c.value, c.want, err)
		} else if got := dst.Elem().Interface(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v to %T: %#v", c.value, c.want, got)
		}
		var v any
		if err := Assign(&v, c.value); err != nil || !reflect.DeepEqual(v, c.value) {
			t.Errorf("%#v to any: %#v, %v", c.value, v, err)
		}
	}
}

func TestAssignMistakes(t *testing.T) {
	for _, c := range []struct {
		value any
		dst   any
		says  string
	}{
		{int64(300), new(uint8), "uint8 does not take the number 300"},
		{int64(-1), new(uint64), "uint64 does not take the number -1"},
		{uint64(math.MaxUint64), new(int64), "int64 does not take the number 18446744073709551615"},
		{"x", new(int), `int does not take the string "x"`},
		{int64(1), new(string), "string does not take the number 1"},
		{nil, new(string), "string does not take a value that is not there"},
		{Tuple{int64(1)}, new(pair), "value.pair has 2 fields for a tuple of 1 elements"},
		{Tuple{int64(1), int64(2)}, new(pair), "field Comm: string does not take the number 2"},
		{Record{{"id", int64(1)}}, new(cPoint), "nothing has the name of field Other of value.cPoint: there are id"},
		{[]any{int64(1)}, new([2]int), "[2]int does not take an array of 1 elements"},
		{Histogram{{1, 2, 3}}, new(int), "int does not take a histogram"},
		{int64(1), pair{}, "a value is stored where a pointer points to, not in a value.pair"},
		{int64(1), (*int)(nil), "a pointer"},
		{int64(1), nil, "a pointer"},
	} {
		if err := Assign(c.dst, c.value); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%#v to %T: error %v, want %q", c.value, c.dst, err, c.says)
		}
	}
}

func TestAssignFields(t *testing.T) {
	names, values := []string{"comm", "pid"}, []any{"bash", int64(4)}
	var p pair
	if err := AssignFields(&p, names, values); err != nil || p != (pair{4, "bash"}) {
		t.Errorf("%+v, %v", p, err)
	}
	var list []any
	if err := AssignFields(&list, names, values); err != nil || !reflect.DeepEqual(list, values) {
		t.Errorf("%v, %v", list, err)
	}
	var n int
	if err := AssignFields(&n, names[1:], values[1:]); err != nil || n != 4 {
		t.Errorf("%d, %v", n, err)
	}
	if err := AssignFields(p, names, values); err == nil {
		t.Error("no error for what is no pointer")
	}
}

func TestAssignMap(t *testing.T) {
	keyed := &lang.Map{Name: "m", Key: pairType, Value: types.Agg{Kind: types.AggCount}}
	elems := []Raw{{tupleBytes(pairType, 2, "b"), int64Bytes(1)}, {tupleBytes(pairType, 1, "a"), int64Bytes(5)}}
	codec := testEnv().MapCodec(keyed, 1)
	for _, want := range []any{
		map[pair]uint64{{2, "b"}: 1, {1, "a"}: 5},
		[]Element{{Tuple{int64(2), "b"}, uint64(1)}, {Tuple{int64(1), "a"}, uint64(5)}},
		[]struct {
			Key   pair
			Value int
		}{{pair{2, "b"}, 1}, {pair{1, "a"}, 5}},
	} {
		dst := reflect.New(reflect.TypeOf(want))
		if err := codec.AssignMap(dst.Interface(), elems); err != nil {
			t.Errorf("%T: %v", want, err)
		} else if got := dst.Elem().Interface(); !reflect.DeepEqual(got, want) {
			t.Errorf("%T: %#v", want, got)
		}
	}
	for _, bad := range []any{new(int), new(map[string]uint64), new(map[any]uint64), new(map[pair]string), new([]pair), map[pair]uint64{}} {
		if err := codec.AssignMap(bad, elems); err == nil {
			t.Errorf("no error for %T", bad)
		}
	}
	single := testEnv().MapCodec(&lang.Map{Name: "m", Value: linear}, 1)
	buckets := []Bucket{{1, 2, 3}}
	if err := single.AssignMap(&buckets, nil); err != nil || len(buckets) != 1 {
		t.Errorf("a map that was never set: %v, %v", buckets, err)
	}
	if err := single.AssignMap(&buckets, []Raw{{nil, hist(linear, 5)}}); err != nil || !reflect.DeepEqual(buckets, []Bucket{{0, 10, 1}}) {
		t.Errorf("a histogram: %v, %v", buckets, err)
	}
}
