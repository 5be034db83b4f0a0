package eventformat

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

const sampleFormat = `name: made_up
ID: 42
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:char comm[16];	offset:8;	size:16;	signed:0;
	field:pid_t pid;	offset:24;	size:4;	signed:1;
	field:long prev_state;	offset:32;	size:8;	signed:1;
	field:const char * filename;	offset:40;	size:8;	signed:0;
	field:__data_loc char[] name;	offset:48;	size:4;	signed:0;
	field:__rel_loc char[] rel;	offset:52;	size:4;	signed:0;
	field:__data_loc u32[] words;	offset:56;	size:4;	signed:0;
	field:u8 mac[6];	offset:60;	size:6;	signed:0;
	field:bool ok;	offset:66;	size:1;	signed:0;
	field:u32 sums[(64 / 32)];	offset:68;	size:8;	signed:0;
	field:void *ptr;	offset:80;	size:8;	signed:0;
	field:const char **argv;	offset:88;	size:8;	signed:0;
	field:unsigned int flags;	offset:96;	size:4;	signed:0;
	field:struct odd odd;	offset:100;	size:12;	signed:0;

print fmt: "field: %s", REC->comm
`

func TestParse(t *testing.T) {
	fields, err := Parse(strings.NewReader(sampleFormat))
	if err != nil {
		t.Fatal(err)
	}
	i8, u8 := types.Int{Bits: 8, Signed: true}, types.Int{Bits: 8}
	want := []struct {
		decl  string
		field types.Field
	}{
		{"unsigned short common_type", types.Field{Name: "common_type", Type: types.Int{Bits: 16}}},
		{"int common_pid", types.Field{Name: "common_pid", Type: types.Int{Bits: 32, Signed: true}, Offset: 4}},
		{"char comm[16]", types.Field{Name: "comm", Type: types.Array{Elem: i8, Len: 16}, Offset: 8}},
		{"pid_t pid", types.Field{Name: "pid", Type: types.Int{Bits: 32, Signed: true}, Offset: 24}},
		{"long prev_state", types.Field{Name: "prev_state", Type: types.Int{Bits: 64, Signed: true}, Offset: 32}},
		{"const char * filename", types.Field{Name: "filename", Type: types.Pointer{Elem: i8}, Offset: 40}},
		{"__data_loc char[] name", types.Field{Name: "name", Type: types.String{Len: dataLocLen}, Offset: 48, DataLoc: true}},
		{"__rel_loc char[] rel", types.Field{Name: "rel", Type: types.String{Len: dataLocLen}, Offset: 52, RelLoc: true}},
		{"__data_loc u32[] words", types.Field{Name: "words", Type: types.Array{Elem: types.Int{Bits: 32}}, Offset: 56, DataLoc: true}},
		{"u8 mac[6]", types.Field{Name: "mac", Type: types.Array{Elem: u8, Len: 6}, Offset: 60}},
		{"bool ok", types.Field{Name: "ok", Type: types.Bool{}, Offset: 66}},
		{"u32 sums[(64 / 32)]", types.Field{Name: "sums", Type: types.Array{Elem: types.Int{Bits: 32}, Len: 2}, Offset: 68}},
		{"void *ptr", types.Field{Name: "ptr", Type: types.Pointer{Elem: types.Void{}}, Offset: 80}},
		{"const char **argv", types.Field{Name: "argv", Type: types.Pointer{Elem: types.Pointer{Elem: i8}}, Offset: 88}},
		{"unsigned int flags", types.Field{Name: "flags", Type: types.Int{Bits: 32}, Offset: 96}},
		{"struct odd odd", types.Field{Name: "odd", Type: types.Array{Elem: u8, Len: 12}, Offset: 100}},
	}
	if len(fields) != len(want) {
		t.Fatalf("%d fields, want %d", len(fields), len(want))
	}
	for i, w := range want {
		if got := fields[i].Arg(); fields[i].Decl != w.decl || !reflect.DeepEqual(got, w.field) {
			t.Errorf("%q is %+v, want %q %+v", fields[i].Decl, got, w.decl, w.field)
		}
		if fields[i].Common != (i < 2) {
			t.Errorf("%s: common is %v", fields[i].Decl, fields[i].Common)
		}
	}
}

func TestParseBroken(t *testing.T) {
	for _, line := range []string{
		"field:int x; offset:minus; size:4; signed:1;",
		"field:int x; offset:-1; size:4; signed:1;",
		"field:int x; offset:9999999; size:4; signed:1;",
		"field:; offset:0; size:4; signed:1;",
		"field:int x; offset",
	} {
		if f, err := Parse(strings.NewReader(line)); err == nil {
			t.Errorf("%q is taken for %+v", line, f)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sampleFormat)
	f.Add("field:__data_loc ][ x;offset:1;size:1;")
	f.Fuzz(func(_ *testing.T, text string) {
		fields, _ := Parse(strings.NewReader(text))
		for _, field := range fields {
			field.Arg()
		}
	})
}
