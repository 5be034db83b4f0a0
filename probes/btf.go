package probes

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/lang"
)

// kernelTypes turns the kernel's BTF into the language's types, each struct when it is first asked for.
type kernelTypes struct {
	spec    *btf.Spec
	err     error
	loaded  bool
	structs map[btf.Type]*lang.Struct
}

// load reads vmlinux BTF once.
func (k *kernelTypes) load() (*btf.Spec, error) {
	if !k.loaded {
		k.loaded = true
		k.structs = map[btf.Type]*lang.Struct{}
		if k.spec, k.err = btf.LoadKernelSpec(); k.err != nil {
			k.err = fmt.Errorf("reading the kernel's types (BTF): %w", k.err)
		}
	}
	return k.spec, k.err
}

// loadKernelFacts fills what lang.Kernel tells of the kernel's types.
func (e *Env) loadKernelFacts(k *lang.Kernel) {
	spec, err := e.types.load()
	if err != nil {
		return
	}
	if t, ok := e.Type("struct", "task_struct"); ok {
		k.TaskStruct, _ = t.(*lang.Struct)
	}
	var fn *btf.Func
	if spec.TypeByName("bpf_rdonly_cast", &fn) == nil {
		if id, err := spec.TypeID(fn); err == nil {
			k.RdonlyCast = uint32(id)
		}
	}
}

// Type finds a type of the kernel.
func (e *Env) Type(keyword, name string) (lang.Type, bool) {
	spec, err := e.types.load()
	if err != nil {
		return nil, false
	}
	all, err := spec.AnyTypesByName(name)
	if err != nil {
		return nil, false
	}
	for _, t := range all {
		if keywordOf(t) == keyword {
			return e.types.convert(t), true
		}
	}
	return nil, false
}

// keywordOf is the word before a type's name in C.
func keywordOf(t btf.Type) string {
	switch t.(type) {
	case *btf.Struct:
		return "struct"
	case *btf.Union:
		return "union"
	case *btf.Enum:
		return "enum"
	case *btf.Typedef, *btf.Int, *btf.Float:
		return ""
	}
	return "?"
}

// convertDepth bounds chains of typedefs, arrays and pointers in broken BTF.
const convertDepth = 32

func (k *kernelTypes) convert(t btf.Type) lang.Type { return k.convertAt(t, 0) }

func (k *kernelTypes) convertAt(t btf.Type, depth int) lang.Type {
	if depth > convertDepth {
		return lang.Void{}
	}
	user := hasUserTag(t)
	t = btf.UnderlyingType(t)
	switch t := t.(type) {
	case *btf.Int:
		return convertInt(t)
	case *btf.Enum:
		return convertEnum(t)
	case *btf.Pointer:
		p := lang.Pointer{Elem: k.convertAt(t.Target, depth+1)} // in the space of the struct it lies in
		if user || hasUserTag(t.Target) {
			p.Space = lang.SpaceUser
		}
		return p
	case *btf.Array:
		return lang.Array{Elem: k.convertAt(t.Type, depth+1), Len: int(t.Nelems)}
	case *btf.Struct:
		return k.convertStruct(t, t.Name, false, int(t.Size), t.Members)
	case *btf.Union:
		return k.convertStruct(t, t.Name, true, int(t.Size), t.Members)
	}
	return lang.Void{} // void, functions, forward declarations, floats
}

// hasUserTag says whether a type carries __user as a BTF type tag; kernels built by clang have these.
func hasUserTag(t btf.Type) bool {
	for range convertDepth {
		switch x := t.(type) {
		case *btf.TypeTag:
			if x.Value == "user" {
				return true
			}
			t = x.Type
		case *btf.Const:
			t = x.Type
		case *btf.Volatile:
			t = x.Type
		case *btf.Restrict:
			t = x.Type
		default:
			return false
		}
	}
	return false
}

func convertInt(t *btf.Int) lang.Type {
	if t.Encoding == btf.Bool {
		return lang.Bool{}
	}
	bits := int(t.Size) * 8
	if bits > 64 {
		return lang.Array{Elem: lang.Int{Bits: 64}, Len: bits / 64} // __int128
	}
	// The kernel is built with -funsigned-char since 6.2; characters are characters all the same.
	return lang.Int{Bits: bits, Signed: t.Encoding == btf.Signed || t.Encoding == btf.Char || t.Name == "char"}
}

func convertEnum(t *btf.Enum) lang.Type {
	e := &lang.Enum{Name: t.Name, Values: make(map[int64]string, len(t.Values))}
	for _, v := range t.Values {
		if _, ok := e.Values[int64(v.Value)]; !ok {
			e.Values[int64(v.Value)] = v.Name
		}
	}
	return lang.Int{Bits: int(t.Size) * 8, Signed: t.Signed, Enum: e}
}

func (k *kernelTypes) convertStruct(t btf.Type, name string, union bool, size int, members []btf.Member) *lang.Struct {
	if s, ok := k.structs[t]; ok {
		return s
	}
	var id uint32
	if n, err := k.spec.TypeID(t); err == nil {
		id = uint32(n)
	}
	s := lang.NewStruct(name, union, size, id, func() []lang.Field { return k.fields(members) })
	k.structs[t] = s
	return s
}

func (k *kernelTypes) fields(members []btf.Member) []lang.Field {
	out := make([]lang.Field, 0, len(members))
	for _, m := range members {
		f := lang.Field{Name: m.Name, Type: k.convert(m.Type), Offset: int(m.Offset.Bytes())}
		if m.BitfieldSize > 0 {
			placeBitfield(&f, int(m.Offset), int(m.BitfieldSize))
		}
		out = append(out, f)
	}
	return out
}

// placeBitfield chooses the bytes to load for a bitfield: those of its type at their natural alignment, or the next wider ones
// if it lies across two of them (packed structs).
func placeBitfield(f *lang.Field, bit, size int) {
	t, ok := f.Type.(lang.Int)
	if !ok {
		t = lang.Int{Bits: f.Type.Size() * 8}
	}
	for t.Bits < 64 && bit/t.Bits != (bit+size-1)/t.Bits {
		t.Bits *= 2
	}
	f.Type = t
	f.Offset = bit / t.Bits * (t.Bits / 8)
	f.BitOffset, f.BitSize = bit-f.Offset*8, size
}

// EnumConst finds an enumeration constant of the kernel.
func (e *Env) EnumConst(name string) (lang.Int, int64, bool) {
	spec, err := e.types.load()
	if err != nil {
		return lang.Int{}, 0, false
	}
	for t := range spec.All() {
		enum, ok := t.(*btf.Enum)
		if !ok {
			continue
		}
		for _, v := range enum.Values {
			if v.Name == name {
				return convertEnum(enum).(lang.Int), int64(v.Value), true
			}
		}
	}
	return lang.Int{}, 0, false
}

// Near returns names near to one that was not found: of a "struct", "union" or "enum", or, for
// "field:NAME", of a field of struct NAME.
func (e *Env) Near(kind, name string) []string {
	if s, ok := cutPrefix(kind, "field:"); ok {
		return e.nearFields(s, name)
	}
	spec, err := e.types.load()
	if err != nil {
		return nil
	}
	var names []string
	for t := range spec.All() {
		if t.TypeName() != "" && keywordOf(t) == kind {
			names = append(names, t.TypeName())
		}
	}
	return nearest(name, names)
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

func (e *Env) nearFields(structName, name string) []string {
	t, ok := e.Type("struct", structName)
	if !ok {
		return nil
	}
	s, ok := t.(*lang.Struct)
	if !ok {
		return nil
	}
	var names []string
	for _, f := range s.Fields() {
		names = append(names, f.Name)
	}
	return nearest(name, names)
}

// errNoBTF is what features that need the kernel's types say without them.
var errNoBTF = errors.New("the kernel has no type information (CONFIG_DEBUG_INFO_BTF, /sys/kernel/btf/vmlinux)")
