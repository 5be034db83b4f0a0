package layout

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

var (
	intType   = types.Int{Bits: 64, Signed: true}
	byteType  = types.Int{Bits: 8}
	tupleType = types.Tuple{Elems: []types.Type{byteType, intType, types.String{Len: 10}}}
)

// Every field begins at a multiple of 8 behind the one before, and the record ends behind the last.
func TestPlace(t *testing.T) {
	for _, fields := range [][]types.Type{
		nil,
		{byteType, intType},
		{types.String{Len: 1}, byteType, types.String{Len: 64}, intType},
		{tupleType, types.Array{Elem: byteType, Len: 3}, types.Bool{}},
	} {
		e := &Event{}
		e.Place(fields)
		end := RecordHeader
		for i, typ := range fields {
			if e.Offs[i] != end || end%8 != 0 {
				t.Errorf("%v: field %d is at %d, want %d", fields, i, e.Offs[i], end)
			}
			if size := FieldSize(typ); size < typ.Size() || size < 8 || size%8 != 0 {
				t.Errorf("%v has %d bytes of %d", typ, size, typ.Size())
			}
			end += FieldSize(typ)
		}
		if e.Size != end {
			t.Errorf("%v: the record has %d bytes, want %d", fields, e.Size, end)
		}
	}
}

func TestPlaceKey(t *testing.T) {
	m := &lang.Map{Name: "m", Key: tupleType}
	e := &Event{}
	e.PlaceKey(&MapSpec{Script: m, KeySize: KeySize(m.Key)}, types.Agg{Kind: types.AggStats})
	if want := []int{RecordHeader, -1}; !slices.Equal(e.Offs, want) || e.Size != RecordHeader+32 {
		t.Errorf("offsets %v and %d bytes, want %v and %d", e.Offs, e.Size, want, RecordHeader+32)
	}
}

// What a program writes first, the id in a word of 64 bits, is what RecordID reads.
func TestRecordID(t *testing.T) {
	rec := binary.NativeEndian.AppendUint64(nil, 300)
	if id, ok := RecordID(rec); !ok || id != 300 {
		t.Errorf("the id is %d, %v", id, ok)
	}
	if _, ok := RecordID(rec[:RecordHeader-1]); ok {
		t.Error("a record of 7 bytes has an id")
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		field, text string
		cut         bool
	}{
		{"abc\x00", "abc", false},
		{"\x00bc\x00", "", false},
		{"ab\x00x", "ab", false},
		{"abcd", "abcd", true},
		{"", "", false},
	} {
		if text, cut := Text([]byte(tt.field)); string(text) != tt.text || cut != tt.cut {
			t.Errorf("%q holds %q, cut %v; want %q, %v", tt.field, text, cut, tt.text, tt.cut)
		}
	}
}

// A key is in one of two maps, by its string, and is the same when it is read back.
func TestShortKey(t *testing.T) {
	key := types.Tuple{Elems: []types.Type{intType, types.String{Len: 200}}}
	size, ok := ShortKeySize(key)
	if !ok || size != 8+ShortString {
		t.Fatalf("short keys have %d bytes, %v", size, ok)
	}
	s := &MapSpec{KeySize: KeySize(key), Short: &MapSpec{KeySize: size, IsShort: true}}
	for n, short := range map[int]bool{0: true, ShortString - 1: true, ShortString: true, ShortString + 1: false, 199: false} {
		whole := make([]byte, s.KeySize)
		whole[0] = 7
		copy(whole[8:], bytes.Repeat([]byte("x"), n))
		k, ok := s.ShortKey(whole)
		if ok != short {
			t.Errorf("the key of a string of %d: short %v, want %v", n, ok, short)
		}
		if ok && !bytes.Equal(s.WholeKey(k), whole) {
			t.Errorf("the key of a string of %d is read back as %q", n, s.WholeKey(k))
		}
	}
	if _, ok := (&MapSpec{KeySize: 8}).ShortKey(make([]byte, 8)); ok {
		t.Error("a map that is not kept as two has short keys")
	}
}

func TestLongString(t *testing.T) {
	for _, tt := range []struct {
		key types.Type
		off int
		ok  bool
	}{
		{intType, 0, false},
		{types.String{Len: 2 * ShortString}, 0, false},
		{types.String{Len: 2*ShortString + 1}, 0, true},
		{types.Tuple{}, 0, false},
		{types.Tuple{Elems: []types.Type{types.String{Len: 500}, intType}}, 0, false}, // not at the end
		{types.Tuple{Elems: []types.Type{intType, types.String{Len: 500}}}, 8, true},
	} {
		if off, _, ok := LongString(tt.key); ok != tt.ok || ok && off != tt.off {
			t.Errorf("%v has a long string at %d: %v", tt.key, off, ok)
		}
	}
}
