package probes

import (
	"fmt"
	"os"

	"github.com/gotrace/gotrace/lang"
)

// kernelTypes turns the kernel's BTF into the language's types, each when it is first asked for.
type kernelTypes struct {
	btf     *rawBTF
	err     error
	loaded  bool
	structs map[uint32]*lang.Struct
}

// vmlinuxBTF is where the kernel shows its types.
const vmlinuxBTF = "/sys/kernel/btf/vmlinux"

// load opens vmlinux BTF once. It stays open as long as the process.
func (k *kernelTypes) load() (*rawBTF, error) {
	if k.loaded {
		return k.btf, k.err
	}
	k.loaded = true
	k.structs = map[uint32]*lang.Struct{}
	f, err := os.Open(vmlinuxBTF)
	if err == nil {
		k.btf, err = openBTF(f)
	}
	if err != nil {
		k.err = fmt.Errorf("reading the kernel's types (BTF): %w", err)
	}
	return k.btf, k.err
}

// loadKernelFacts fills what lang.Kernel tells of the kernel's types.
func (e *Env) loadKernelFacts(k *lang.Kernel) {
	b, err := e.types.load()
	if err != nil {
		return
	}
	if t, ok := e.Type("struct", "task_struct"); ok {
		k.TaskStruct, _ = t.(*lang.Struct)
	}
	if !k.AtLeast(6, 2) {
		return // bpf_rdonly_cast is of 6.2
	}
	if ids := b.find("bpf_rdonly_cast", kindFunc); len(ids) > 0 {
		k.RdonlyCast = ids[0]
	}
}

// keywordKinds are the kinds of types that a word in C begins; "" are typedefs and base types.
var keywordKinds = map[string][]int{
	"struct": {kindStruct}, "union": {kindUnion}, "enum": {kindEnum, kindEnum64}, "": {kindTypedef, kindInt},
}

// Type finds a type of the kernel.
func (e *Env) Type(keyword, name string) (lang.Type, bool) {
	b, err := e.types.load()
	if err != nil {
		return nil, false
	}
	ids := b.find(name, keywordKinds[keyword]...)
	if len(ids) == 0 {
		return nil, false
	}
	return e.types.convert(ids[0]), true
}

// convertDepth bounds chains of typedefs, arrays and pointers in broken BTF.
const convertDepth = 32

func (k *kernelTypes) convert(id uint32) lang.Type { return k.convertAt(id, 0) }

func (k *kernelTypes) convertAt(id uint32, depth int) lang.Type {
	t, ok := k.btf.typ(id)
	if !ok || depth > convertDepth {
		return lang.Void{}
	}
	switch t.kind {
	case kindInt:
		return k.convertInt(t)
	case kindEnum, kindEnum64:
		return k.convertEnum(t)
	case kindPtr:
		p := lang.Pointer{Elem: k.convertAt(t.size, depth+1)} // in the space of the struct it lies in
		if k.userTag(t.size) {
			p.Space = lang.SpaceUser
		}
		return p
	case kindArray:
		return lang.Array{Elem: k.convertAt(t.u32(0), depth+1), Len: int(t.u32(2))}
	case kindStruct, kindUnion:
		return k.convertStruct(t)
	case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
		return k.convertAt(t.size, depth+1)
	}
	return lang.Void{} // functions, forward declarations, floats
}

// userTag says whether what a pointer points to is tagged __user; kernels built by clang have these tags.
func (k *kernelTypes) userTag(id uint32) bool {
	for range convertDepth {
		t, ok := k.btf.typ(id)
		if !ok {
			return false
		}
		switch t.kind {
		case kindTypeTag:
			if k.btf.str(t.name) == "user" {
				return true
			}
		case kindVolatile, kindConst, kindRestrict:
		default:
			return false
		}
		id = t.size
	}
	return false
}

// Encodings of an integer (BTF_INT_ENCODING).
const (
	intSigned = 1 << 0
	intChar   = 1 << 1
	intBool   = 1 << 2
)

func (k *kernelTypes) convertInt(t rawType) lang.Type {
	encoding := t.u32(0) >> 24 & 0xf
	switch {
	case encoding&intBool != 0:
		return lang.Bool{}
	case t.size != 1 && t.size != 2 && t.size != 4 && t.size != 8:
		return lang.Array{Elem: lang.Int{Bits: 8}, Len: int(min(t.size, maxName))} // __int128
	}
	// The kernel is built with -funsigned-char since 6.2; characters are characters all the same.
	isSigned := encoding&(intSigned|intChar) != 0 || t.size == 1 && k.btf.str(t.name) == "char"
	return lang.Int{Bits: int(t.size) * 8, Signed: isSigned}
}

func (k *kernelTypes) convertEnum(t rawType) lang.Type {
	e := &lang.Enum{Name: k.btf.str(t.name), Values: make(map[int64]string, t.vlen)}
	enumValues(t, func(name uint32, v int64) {
		if _, ok := e.Values[v]; !ok {
			e.Values[v] = k.btf.str(name)
		}
	})
	size := int(t.size)
	if size != 1 && size != 2 && size != 4 && size != 8 {
		size = 4
	}
	return lang.Int{Bits: size * 8, Signed: t.flag, Enum: e}
}

// enumValues calls f with the constants of an enum.
func enumValues(t rawType, f func(name uint32, v int64)) {
	for i := range t.vlen {
		switch {
		case t.kind == kindEnum64:
			f(t.u32(3*i), int64(uint64(t.u32(3*i+1))|uint64(t.u32(3*i+2))<<32))
		case t.flag:
			f(t.u32(2*i), int64(int32(t.u32(2*i+1))))
		default:
			f(t.u32(2*i), int64(t.u32(2*i+1)))
		}
	}
}

func (k *kernelTypes) convertStruct(t rawType) *lang.Struct {
	if s, ok := k.structs[t.id]; ok {
		return s
	}
	s := lang.NewStruct(k.btf.str(t.name), t.kind == kindUnion, int(t.size), t.id, func() []lang.Field { return k.fields(t) })
	k.structs[t.id] = s
	return s
}

func (k *kernelTypes) fields(t rawType) []lang.Field {
	out := make([]lang.Field, 0, t.vlen)
	for i := range t.vlen {
		bit, bits := t.u32(3*i+2), uint32(0)
		if t.flag { // the offset's upper byte is the size of a bitfield
			bit, bits = bit&0xffffff, bit>>24
		}
		f := lang.Field{Name: k.btf.str(t.u32(3 * i)), Type: k.convert(t.u32(3*i + 1)), Offset: int(bit / 8)}
		if bits > 0 && bits <= 64 {
			placeBitfield(&f, int(bit), int(bits))
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
	b, err := e.types.load()
	if err != nil {
		return lang.Int{}, 0, false
	}
	off := b.nameOffset(name)
	if off == 0 {
		return lang.Int{}, 0, false
	}
	var found uint32
	id := uint32(0)
	err = b.walk(func(_ int64, data []byte) {
		id++
		kind, vlen := kindOf(data)
		if kind != kindEnum && kind != kindEnum64 || found != 0 {
			return
		}
		enumValues(rawType{kind: kind, vlen: vlen, data: data[typeHeader:]}, func(n uint32, _ int64) {
			if n == off {
				found = id
			}
		})
	})
	t, ok := b.typ(found)
	if err != nil || !ok {
		return lang.Int{}, 0, false
	}
	typ, value := e.types.convertEnum(t).(lang.Int), int64(0)
	enumValues(t, func(n uint32, v int64) {
		if n == off {
			value = v
		}
	})
	return typ, value, true
}

// Near returns names near to one that was not found: of a "struct", "union" or "enum", or, for
// "field:NAME", of a field of struct NAME.
func (e *Env) Near(kind, name string) []string {
	if s, ok := cutPrefix(kind, "field:"); ok {
		return e.nearFields(s, name)
	}
	b, err := e.types.load()
	if err != nil {
		return nil
	}
	var names []string
	if b.allNames(func(n string) { names = append(names, n) }, keywordKinds[kind]...) != nil {
		return nil
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
