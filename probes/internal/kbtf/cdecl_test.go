package kbtf

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// fileOf reads the BTF of types.
func fileOf(t *testing.T, all ...btf.Type) *File {
	t.Helper()
	b, err := btf.NewBuilder(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(bytes.NewReader(raw), int64(len(raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func definition(t *testing.T, f *File, name string) (string, error) {
	t.Helper()
	ids, err := f.Find(name, KindStruct, KindUnion, KindEnum, KindEnum64)
	if err != nil || len(ids) == 0 {
		t.Fatalf("no %s: %v", name, err)
	}
	return f.Definition(ids[0])
}

func TestDefinition(t *testing.T) {
	char, u32 := &btf.Int{Name: "char", Size: 1}, &btf.Int{Name: "unsigned int", Size: 4}
	long := &btf.Int{Name: "long unsigned int", Size: 8}
	path := &btf.Struct{Name: "path", Size: 16}
	path.Members = []btf.Member{{Name: "next", Type: &btf.Pointer{Target: path}}, {Name: "name", Type: &btf.Pointer{Target: &btf.Const{Type: char}}, Offset: 64}}
	kinds := &btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "ONE", Value: 1}}}
	deep := &btf.Union{Size: 8, Members: []btf.Member{
		{Name: "key", Type: long},
		{Type: &btf.Struct{Size: 8, Members: []btf.Member{{Name: "lo", Type: u32}, {Name: "hi", Type: u32, Offset: 32}}}},
	}}
	callback := &btf.FuncProto{Return: &btf.Pointer{Target: path}, Params: []btf.FuncParam{{Name: "p", Type: &btf.Pointer{Target: path}}, {Name: "n", Type: &btf.Typedef{Name: "size_t", Type: long}}}}
	f := fileOf(t, path,
		&btf.Struct{Name: "all", Size: 128, Members: []btf.Member{
			{Name: "bit", Type: u32, BitfieldSize: 1}, {Name: "bits", Type: u32, BitfieldSize: 7, Offset: 1},
			{Type: deep, Offset: 64},
			{Name: "named", Type: &btf.Array{Type: deep, Index: u32, Nelems: 2}, Offset: 128},
			{Name: "kind", Type: kinds, Offset: 256},
			{Name: "call", Type: &btf.Pointer{Target: callback}, Offset: 320},
			{Name: "grid", Type: &btf.Array{Type: &btf.Array{Type: char, Index: u32, Nelems: 3}, Index: u32, Nelems: 2}, Offset: 384},
			{Name: "row", Type: &btf.Pointer{Target: &btf.Array{Type: u32, Index: u32, Nelems: 4}}, Offset: 448},
			{Name: "rest", Type: &btf.Array{Type: char, Index: u32}, Offset: 512},
			{Name: "fixed", Type: &btf.Const{Type: &btf.Pointer{Target: &btf.Volatile{Type: char}}}, Offset: 576},
			{Name: "fwd", Type: &btf.Pointer{Target: &btf.Fwd{Name: "later", Kind: btf.FwdUnion}}, Offset: 640},
		}},
		&btf.Union{Name: "value", Size: 8, Members: []btf.Member{{Name: "n", Type: long}, {Name: "p", Type: &btf.Pointer{Target: &btf.Void{}}}}},
		&btf.Enum{Name: "sign", Size: 4, Signed: true, Values: []btf.EnumValue{{Name: "MINUS", Value: ^uint64(0)}, {Name: "NONE"}}},
		&btf.Enum{Name: "wide", Size: 8, Values: []btf.EnumValue{{Name: "TOP", Value: 1 << 63}}},
		&btf.Enum{Name: "deep", Size: 8, Signed: true, Values: []btf.EnumValue{{Name: "LOW", Value: 1 << 63}}},
		&btf.Struct{Name: "nothing"},
	)
	for name, want := range map[string]string{
		"path":    "struct path {\n\tstruct path *next;\n\tconst char *name;\n}",
		"value":   "union value {\n\tlong unsigned int n;\n\tvoid *p;\n}",
		"sign":    "enum sign {\n\tMINUS = -1,\n\tNONE = 0,\n}",
		"wide":    "enum wide {\n\tTOP = 9223372036854775808ULL,\n}",
		"deep":    "enum deep {\n\tLOW = -9223372036854775808LL,\n}",
		"nothing": "struct nothing {\n}",
		"all": `struct all {
	unsigned int bit: 1;
	unsigned int bits: 7;
	union {
		long unsigned int key;
		struct {
			unsigned int lo;
			unsigned int hi;
		};
	};
	union {
		long unsigned int key;
		struct {
			unsigned int lo;
			unsigned int hi;
		};
	} named[2];
	enum {
		ONE = 1,
	} kind;
	struct path * (*call)(struct path *, size_t);
	char grid[2][3];
	unsigned int (*row)[4];
	char rest[0];
	volatile char * const fixed;
	union later *fwd;
}`,
	} {
		if got, err := definition(t, f, name); err != nil || got != want {
			t.Errorf("%s is\n%s\n%v; want\n%s", name, got, err, want)
		}
	}
}

// Anonymous types within each other, twice in each, would be written out two to the power of their depth times.
func TestDefinitionBounded(t *testing.T) {
	inner := &btf.Struct{Size: 1}
	for range 24 {
		inner = &btf.Struct{Size: 1, Members: []btf.Member{{Type: inner}, {Type: inner}}}
	}
	f := fileOf(t, &btf.Struct{Name: "bomb", Size: 1, Members: []btf.Member{{Type: inner}}})
	if text, err := definition(t, f, "bomb"); !errors.Is(err, ErrFormat) {
		t.Errorf("%d bytes, %v; want an error", len(text), err)
	}
}
