package probes

import (
	"slices"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

func TestTaskStruct(t *testing.T) {
	e := needTypes(t)
	task := e.Kernel().Task()
	if task == nil || task.BTFID == 0 || task.Name != "task_struct" {
		t.Fatalf("%+v", task)
	}
	for name, want := range map[string]types.Type{
		"tgid": types.Int{Bits: 32, Signed: true},
		"comm": types.Array{Elem: types.Int{Bits: 8, Signed: true}, Len: 16},
	} {
		if f, ok := task.Field(name); !ok || f.Type != want {
			t.Errorf("%s is %v, want %v", name, f.Type, want)
		}
	}
	parent, ok := task.Field("real_parent")
	if p, isPtr := parent.Type.(types.Pointer); !ok || !isPtr || p.Elem != types.Type(task) {
		t.Errorf("real_parent is %v", parent.Type)
	}
	if e.Kernel().AtLeast(6, 2) && e.Kernel().Cast() == 0 {
		t.Error("no bpf_rdonly_cast")
	}
}

func TestType(t *testing.T) {
	e := needTypes(t)
	for _, tt := range []struct{ keyword, name, want string }{
		{"struct", "file", "struct file"},
		{"", "pid_t", "int32"},
		{"", "size_t", "uint64"},
		{"", "bool", "bool"},
		{"enum", "pid_type", "enum pid_type"},
		{"union", "file", ""},
		{"struct", "no_such_struct", ""},
		{"", "no_such_type", ""},
		{"class", "file", ""},
	} {
		for range 2 { // found, and remembered
			got, ok := e.Type(tt.keyword, tt.name)
			if ok != (tt.want != "") || ok && got.String() != tt.want {
				t.Errorf("%s %s is %v, want %q", tt.keyword, tt.name, got, tt.want)
			}
		}
	}
	if typ, n, ok := e.EnumConst("PIDTYPE_TGID"); !ok || n != 1 || typ.Enum == nil || typ.Enum.Values[1] != "PIDTYPE_TGID" {
		t.Errorf("PIDTYPE_TGID is %v %d", typ, n)
	}
	if _, _, ok := e.EnumConst("NO_SUCH_CONSTANT_X"); ok {
		t.Error("a constant that is not there")
	}
}

func TestNear(t *testing.T) {
	e := needTypes(t)
	for _, tt := range []struct{ kind, name, want string }{
		{"struct", "task_strukt", "task_struct"},
		{"", "pid_tt", "pid_t"},
	} {
		if got := e.Near(tt.kind, tt.name); !slices.Contains(got, tt.want) {
			t.Errorf("near %s %s are %v", tt.kind, tt.name, got)
		}
	}
	if got := e.Near("struct", "nothing_is_called_so"); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestAllStructs converts every struct and union of the kernel and checks where their fields lie.
func TestAllStructs(t *testing.T) {
	e := needTypes(t)
	types, err := e.vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	count, bitfields := 0, 0
	for id := kbtf.ID(1); id < types.file.End(); id++ {
		raw, err := types.file.Type(id)
		if err != nil {
			t.Fatal(err)
		}
		if raw.Kind != kbtf.KindStruct && raw.Kind != kbtf.KindUnion {
			continue
		}
		count++
		s := types.record(raw)
		members, err := raw.Members()
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range s.Fields() {
			m := members[i]
			if f.BitSize != 0 {
				bitfields++
			}
			if f.Offset*8+f.BitOffset != m.Offset || f.BitSize != m.Bits || f.BitOffset+f.BitSize > f.Type.Size()*8 {
				t.Errorf("%s.%s: %d bits from %d of the %d bytes at %d; want bit %d", s, m.Name, f.BitSize, f.BitOffset, f.Type.Size(), f.Offset, m.Offset)
			}
			if f.Offset+f.Type.Size() > s.Bytes {
				t.Errorf("%s.%s: %d bytes at %d of %d", s, m.Name, f.Type.Size(), f.Offset, s.Bytes)
			}
		}
	}
	if count < 1000 || bitfields < 100 {
		t.Errorf("%d structs, %d bitfields", count, bitfields)
	}
}
