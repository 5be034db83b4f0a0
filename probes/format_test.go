package probes

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
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

func TestParseFormat(t *testing.T) {
	fields, err := ParseFormat(strings.NewReader(sampleFormat))
	if err != nil {
		t.Fatal(err)
	}
	i8, u8 := lang.Int{Bits: 8, Signed: true}, lang.Int{Bits: 8}
	want := []struct {
		decl  string
		field lang.Field
	}{
		{"unsigned short common_type", lang.Field{Name: "common_type", Type: lang.Int{Bits: 16}}},
		{"int common_pid", lang.Field{Name: "common_pid", Type: lang.Int{Bits: 32, Signed: true}, Offset: 4}},
		{"char comm[16]", lang.Field{Name: "comm", Type: lang.Array{Elem: i8, Len: 16}, Offset: 8}},
		{"pid_t pid", lang.Field{Name: "pid", Type: lang.Int{Bits: 32, Signed: true}, Offset: 24}},
		{"long prev_state", lang.Field{Name: "prev_state", Type: lang.Int{Bits: 64, Signed: true}, Offset: 32}},
		{"const char * filename", lang.Field{Name: "filename", Type: lang.Pointer{Elem: i8}, Offset: 40}},
		{"__data_loc char[] name", lang.Field{Name: "name", Type: lang.String{Len: dataLocLen}, Offset: 48, DataLoc: true}},
		{"__rel_loc char[] rel", lang.Field{Name: "rel", Type: lang.String{Len: dataLocLen}, Offset: 52, RelLoc: true}},
		{"__data_loc u32[] words", lang.Field{Name: "words", Type: lang.Array{Elem: lang.Int{Bits: 32}}, Offset: 56, DataLoc: true}},
		{"u8 mac[6]", lang.Field{Name: "mac", Type: lang.Array{Elem: u8, Len: 6}, Offset: 60}},
		{"bool ok", lang.Field{Name: "ok", Type: lang.Bool{}, Offset: 66}},
		{"u32 sums[(64 / 32)]", lang.Field{Name: "sums", Type: lang.Array{Elem: lang.Int{Bits: 32}, Len: 2}, Offset: 68}},
		{"void *ptr", lang.Field{Name: "ptr", Type: lang.Pointer{Elem: lang.Void{}}, Offset: 80}},
		{"const char **argv", lang.Field{Name: "argv", Type: lang.Pointer{Elem: lang.Pointer{Elem: i8}}, Offset: 88}},
		{"unsigned int flags", lang.Field{Name: "flags", Type: lang.Int{Bits: 32}, Offset: 96}},
		{"struct odd odd", lang.Field{Name: "odd", Type: lang.Array{Elem: u8, Len: 12}, Offset: 100}},
	}
	if len(fields) != len(want) {
		t.Fatalf("%d fields, want %d", len(fields), len(want))
	}
	for i, w := range want {
		if got := fields[i].Field(); fields[i].Decl != w.decl || !reflect.DeepEqual(got, w.field) {
			t.Errorf("%q is %+v, want %q %+v", fields[i].Decl, got, w.decl, w.field)
		}
		if fields[i].Common != (i < 2) {
			t.Errorf("%s: common is %v", fields[i].Decl, fields[i].Common)
		}
	}
}

func TestParseFormatBroken(t *testing.T) {
	for _, line := range []string{
		"field:int x; offset:minus; size:4; signed:1;",
		"field:int x; offset:-1; size:4; signed:1;",
		"field:int x; offset:9999999; size:4; signed:1;",
		"field:; offset:0; size:4; signed:1;",
		"field:int x; offset",
	} {
		if f, err := ParseFormat(strings.NewReader(line)); err == nil {
			t.Errorf("%q is taken for %+v", line, f)
		}
	}
}

func FuzzParseFormat(f *testing.F) {
	f.Add(sampleFormat)
	f.Add("field:__data_loc ][ x;offset:1;size:1;")
	f.Fuzz(func(_ *testing.T, text string) {
		fields, _ := ParseFormat(strings.NewReader(text))
		for _, field := range fields {
			field.Field()
		}
	})
}
