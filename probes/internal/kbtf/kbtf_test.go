package kbtf

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

const vmlinux = "/sys/kernel/btf/vmlinux"

func kernel(tb testing.TB) *File {
	tb.Helper()
	return opened(tb, Open)
}

func opened(tb testing.TB, open func(string, *File) (*File, error)) *File {
	tb.Helper()
	if _, err := os.Stat(vmlinux); err != nil {
		tb.Skipf("SKIP: this kernel has no BTF: %v", err)
	}
	f, err := open(vmlinux, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// TestKernel compares every struct, union, enum, typedef and function of the running kernel with what package btf reads.
func TestKernel(t *testing.T) {
	t.Run("mapped", func(t *testing.T) { testKernel(t, kernel(t)) })
	t.Run("read", func(t *testing.T) { testKernel(t, opened(t, openUnmapped)) })
}

func openUnmapped(path string, base *File) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	return New(r, info.Size(), base)
}

func testKernel(t *testing.T, f *File) {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	bad := 0
	for id := ID(1); id < f.End(); id++ {
		got, err := f.Type(id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind == KindDeclTag {
			continue // these are not types for package btf
		}
		want, err := spec.TypeByID(btf.TypeID(id))
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != want.TypeName() && got.Kind != KindTypeTag || !same(t, f, got, want) {
			t.Errorf("type %d is %+v, want %v", id, got, want)
			if bad++; bad > 10 {
				t.FailNow()
			}
		}
	}
	if _, err := spec.TypeByID(btf.TypeID(f.End())); err == nil {
		t.Errorf("only %d types", f.End()-1)
	}
}

func same(t *testing.T, f *File, got *Type, want btf.Type) bool {
	t.Helper()
	switch want := want.(type) {
	case *btf.Int:
		return got.Kind == KindInt && got.Size == int(want.Size) && got.Encoding == uint8(want.Encoding)
	case *btf.Array:
		return got.Kind == KindArray && got.Len == int(want.Nelems)
	case *btf.Struct:
		return got.Kind == KindStruct && got.Size == int(want.Size) && sameMembers(t, f, got, want.Members)
	case *btf.Union:
		return got.Kind == KindUnion && got.Size == int(want.Size) && sameMembers(t, f, got, want.Members)
	case *btf.Enum:
		return got.Size == int(want.Size) && got.Flag == want.Signed && sameValues(t, got, want)
	case *btf.FuncProto:
		params, err := got.Params()
		if err != nil {
			t.Fatal(err)
		}
		return slices.EqualFunc(params, want.Params, func(a Param, b btf.FuncParam) bool { return a.Name == b.Name })
	}
	return true
}

func sameMembers(t *testing.T, f *File, got *Type, want []btf.Member) bool {
	t.Helper()
	members, err := got.Members()
	if err != nil {
		t.Fatal(err)
	}
	return slices.EqualFunc(members, want, func(a Member, b btf.Member) bool {
		if a.Type != 0 {
			if m, err := f.Type(a.Type); err != nil || m.Name != b.Type.TypeName() {
				return false
			}
		}
		return a.Name == b.Name && a.Offset == int(b.Offset) && a.Bits == int(b.BitfieldSize)
	})
}

func sameValues(t *testing.T, got *Type, want *btf.Enum) bool {
	t.Helper()
	values, err := got.Values()
	if err != nil {
		t.Fatal(err)
	}
	return slices.EqualFunc(values, want.Values, func(a Value, b btf.EnumValue) bool {
		v := uint64(a.Value)
		if got.Kind == KindEnum {
			v = uint64(uint32(a.Value))
			return a.Name == b.Name && uint32(v) == uint32(b.Value)
		}
		return a.Name == b.Name && v == b.Value
	})
}

func TestFind(t *testing.T) {
	f := kernel(t)
	for _, tt := range []struct {
		name string
		kind Kind
		want string
	}{
		{"task_struct", KindStruct, "struct task_struct"},
		{"pid_t", KindTypedef, "pid_t"},
		{"vfs_read", KindFunc, "vfs_read"},
		{"pid_type", KindEnum, "enum pid_type"},
	} {
		ids, err := f.Find(tt.name, tt.kind)
		if err != nil || len(ids) == 0 {
			t.Errorf("%s: found %v, %v", tt.name, ids, err)
			continue
		}
		if got := f.C(ids[0]); got != tt.want {
			t.Errorf("%s is %q, want %q", tt.name, got, tt.want)
		}
	}
	if ids, err := f.Find("no_such_type_at_all", KindStruct); err != nil || ids != nil {
		t.Errorf("a type that is not there: %v, %v", ids, err)
	}
	id, err := f.FindValue("PIDTYPE_TGID")
	if err != nil || f.C(id) != "enum pid_type" {
		t.Errorf("PIDTYPE_TGID is in %q, %v", f.C(id), err)
	}
	events, err := f.FindPrefix(KindTypedef, "btf_trace_")
	if err != nil || events["sched_switch"] == 0 || len(events) < 100 {
		t.Errorf("%d tracepoints, %v", len(events), err)
	}
}

// TestC checks how functions of the kernel are declared.
func TestC(t *testing.T) {
	f := kernel(t)
	for name, want := range map[string][]string{
		"vfs_read":          {"struct file *", "char *", "size_t", "loff_t *"},
		"kernel_execve":     {"const char *", "const char * const *", "const char * const *"},
		"_printk":           {"const char *", "void"},
		"smp_call_function": {"smp_call_func_t", "void *", "int"},
	} {
		ids, err := f.Find(name, KindFunc)
		if err != nil || len(ids) == 0 {
			t.Logf("this kernel has no %s: %v", name, err)
			continue
		}
		fn, err := f.Type(ids[0])
		if err != nil {
			t.Fatal(err)
		}
		params, err := fn.Params()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range params {
			got = append(got, f.C(p.Type))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s takes %q, want %q", name, got, want)
		}
	}
}

// made returns the BTF of a few types that package btf writes.
func made(tb testing.TB) []byte {
	tb.Helper()
	char := &btf.Int{Name: "char", Size: 1}
	inner := &btf.Struct{Name: "inner", Size: 8, Members: []btf.Member{
		{Name: "a", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, BitfieldSize: 3, Offset: 5},
		{Name: "b", Type: &btf.Pointer{Target: &btf.Const{Type: char}}, Offset: 32},
	}}
	proto := &btf.FuncProto{Return: char, Params: []btf.FuncParam{{Name: "x", Type: inner}, {Name: "y", Type: &btf.Array{Type: char, Index: char, Nelems: 4}}}}
	b, err := btf.NewBuilder([]btf.Type{
		inner,
		&btf.Typedef{Name: "fn_t", Type: &btf.Pointer{Target: proto}},
		&btf.Enum{Name: "e", Size: 4, Signed: true, Values: []btf.EnumValue{{Name: "minus", Value: ^uint64(0)}, {Name: "one", Value: 1}}},
		&btf.Enum{Name: "wide", Size: 8, Values: []btf.EnumValue{{Name: "big", Value: 1 << 40}}},
		&btf.Union{Name: "u", Size: 8, Members: []btf.Member{{Type: inner}}},
		&btf.Pointer{Target: proto}, &btf.Pointer{Target: &btf.Const{Type: &btf.Pointer{Target: char}}},
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestMade(t *testing.T) {
	raw := made(t)
	f, err := New(bytes.NewReader(raw), int64(len(raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for id := ID(1); id < f.End(); id++ {
		all = append(all, f.C(id))
	}
	for _, want := range []string{"struct inner", "fn_t", "char (*)(struct inner, char [4])", "char * const *", "enum wide", "union u"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not among %q", want, all)
		}
	}
	for name, want := range map[string]int64{"minus": -1, "one": 1, "big": 1 << 40} {
		id, err := f.FindValue(name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := f.Type(id)
		if err != nil {
			t.Fatal(err)
		}
		values, _ := e.Values()
		if !slices.Contains(values, Value{name, want}) {
			t.Errorf("%s is not %d: %v", name, want, values)
		}
	}
}

func TestBroken(t *testing.T) {
	raw := made(t)
	for n := range len(raw) {
		if _, err := New(bytes.NewReader(raw[:n]), int64(n), nil); err == nil {
			t.Errorf("%d bytes of %d are taken", n, len(raw))
		}
	}
	swapped := slices.Clone(raw)
	swapped[0], swapped[1] = raw[1], raw[0]
	if _, err := New(bytes.NewReader(swapped), int64(len(raw)), nil); !errors.Is(err, ErrFormat) {
		t.Errorf("big-endian BTF: %v", err)
	}
}

// FuzzNew decodes all of whatever is taken for BTF.
func FuzzNew(f *testing.F) {
	f.Add(made(f))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		b, err := New(bytes.NewReader(raw), int64(len(raw)), nil)
		if err != nil {
			return
		}
		for id := range b.End() {
			b.C(id)
			t, err := b.Type(id)
			if err != nil {
				continue
			}
			_, _ = t.Members()
			_, _ = t.Values()
			_, _ = t.Params()
			_, _ = b.Find(t.Name, t.Kind)
		}
		_, _ = b.FindValue("one")
		_, _ = b.FindPrefix(KindTypedef, "fn")
	})
}

func BenchmarkOpen(b *testing.B) {
	kernel(b)
	b.ReportAllocs()
	for b.Loop() {
		kernel(b)
	}
}

func BenchmarkFind(b *testing.B) {
	f := kernel(b)
	for b.Loop() {
		if _, err := f.Find("task_struct", KindStruct); err != nil {
			b.Fatal(err)
		}
	}
}
