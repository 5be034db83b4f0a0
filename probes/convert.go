package probes

import (
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

// convertDepth bounds chains of typedefs, arrays and pointers in broken BTF.
const convertDepth = 32

// convert gives the language's view of a type. What cannot be read is void.
func (k *kernelTypes) convert(id kbtf.ID) types.Type { return k.convertAt(id, 0) }

func (k *kernelTypes) convertAt(id kbtf.ID, depth int) types.Type {
	if k.kernel != nil && id < k.own {
		return k.kernel.convertAt(id, depth)
	}
	if id == 0 || depth > convertDepth {
		return types.Void{}
	}
	t, err := k.file.Type(id)
	if err != nil {
		return types.Void{}
	}
	switch t.Kind {
	case kbtf.KindTypedef, kbtf.KindConst, kbtf.KindVolatile, kbtf.KindRestrict, kbtf.KindTypeTag:
		return k.convertAt(t.Ref, depth+1)
	case kbtf.KindInt:
		return convertInt(t)
	case kbtf.KindEnum, kbtf.KindEnum64:
		return k.enum(t)
	case kbtf.KindPtr:
		p := types.Pointer{Elem: k.convertAt(t.Ref, depth+1)} // in the space of the struct it lies in
		if k.isTagged(t.Ref, "user") {
			p.Space = types.SpaceUser
		}
		return p
	case kbtf.KindArray:
		return types.Array{Elem: k.convertAt(t.Ref, depth+1), Len: t.Len}
	case kbtf.KindStruct, kbtf.KindUnion:
		return k.record(t)
	case kbtf.KindFloat:
		return types.Array{Elem: types.Int{Bits: 8}, Len: t.Size, Float: true}
	}
	return types.Void{} // functions, forward declarations
}

// pointsTo says whether a type is a pointer, perhaps by another name, to what carries a type tag.
func (k *kernelTypes) pointsTo(id kbtf.ID, tag string) bool {
	for range convertDepth {
		t, err := k.file.Type(id)
		if id == 0 || err != nil {
			return false
		}
		switch t.Kind {
		case kbtf.KindPtr:
			return k.isTagged(t.Ref, tag)
		case kbtf.KindTypedef, kbtf.KindConst, kbtf.KindVolatile, kbtf.KindRestrict:
		default:
			return false
		}
		id = t.Ref
	}
	return false
}

// isTagged says whether what a pointer points to carries __user or __rcu, as a type tag between qualifiers; kernels built by clang, or
// by gcc 16, have these.
func (k *kernelTypes) isTagged(id kbtf.ID, tag string) bool {
	for range convertDepth {
		t, err := k.file.Type(id)
		if id == 0 || err != nil {
			return false
		}
		switch t.Kind {
		case kbtf.KindTypeTag:
			if t.Name == tag {
				return true
			}
		case kbtf.KindConst, kbtf.KindVolatile, kbtf.KindRestrict:
		default:
			return false
		}
		id = t.Ref
	}
	return false
}

func convertInt(t *kbtf.Type) types.Type {
	if t.Encoding&kbtf.EncBool != 0 {
		return types.Bool{}
	}
	switch t.Size {
	case 1, 2, 4, 8:
		// Since 6.2 the kernel is built with -funsigned-char; characters are characters all the same.
		number := t.Size == 1 && t.Name != "char" && t.Encoding&kbtf.EncChar == 0 && t.Encoding&kbtf.EncSigned != 0
		return types.Int{Number: number, Bits: t.Size * 8, Signed: t.Encoding&(kbtf.EncSigned|kbtf.EncChar) != 0 || t.Name == "char"}
	case 16: // __int128
		return types.Array{Elem: types.Int{Bits: 64}, Len: 2}
	}
	return types.Array{Elem: types.Int{Bits: 8}, Len: t.Size}
}

// enum gives an enum's type with its constants.
func (k *kernelTypes) enum(t *kbtf.Type) types.Type {
	e, ok := k.enums[t.ID]
	if !ok {
		e = &types.Enum{Name: t.Name, Values: map[int64]string{}}
		values, err := t.Values()
		if err != nil {
			return types.Void{}
		}
		for _, v := range values {
			if _, ok := e.Values[v.Value]; !ok {
				e.Values[v.Value] = v.Name
			}
		}
		k.enums[t.ID] = e
	}
	switch t.Size {
	case 1, 2, 4, 8:
		return types.Int{Bits: t.Size * 8, Signed: t.Flag, Enum: e}
	}
	return types.Int{Bits: 32, Signed: t.Flag, Enum: e} // a forward declaration has no size
}

// record gives a struct or union, whose fields are read when they are first asked for.
func (k *kernelTypes) record(t *kbtf.Type) *types.Struct {
	if s, ok := k.structs[t.ID]; ok {
		return s
	}
	id := uint32(t.ID)
	if k.kernel != nil {
		id = 0 // the verifier takes types of a module only with its file descriptor
	}
	s := types.NewStruct(t.Name, t.Kind == kbtf.KindUnion, t.Size, id, func() []types.Field { return k.fields(t) })
	k.structs[t.ID] = s
	return s
}

// nullableLists end the names of the structs by which the verifier knows members that may be NULL though what they are in is trusted (since Linux
// 6.4, BTF_TYPE_SAFE_RCU_OR_NULL and BTF_TYPE_SAFE_TRUSTED_OR_NULL, kernel/bpf/verifier.c): struct sk_buff__safe_rcu_or_null has sk.
var nullableLists = []string{"__safe_rcu_or_null", "__safe_trusted_or_null"}

// mayBeNull are the members of a struct that the verifier takes for pointers that may be NULL, so that nothing can be loaded through them without a
// check. Kernels built by clang, or by gcc 16, say it with the type of each (__rcu), too.
func (k *kernelTypes) mayBeNull(name string) map[string]bool {
	if k.kernel != nil {
		return k.kernel.mayBeNull(name)
	}
	if k.nullable == nil {
		k.nullable = map[string]map[string]bool{}
		for _, list := range nullableLists {
			names, _ := k.file.Ending(list) // without them nothing is known to be refused
			for _, n := range names {
				k.addNullable(n, n+list)
			}
		}
	}
	return k.nullable[name]
}

// addNullable notes the members of a list of the verifier's.
func (k *kernelTypes) addNullable(name, list string) {
	id, err := k.find(list, kbtf.KindStruct)
	if err != nil || id == 0 {
		return
	}
	t, err := k.file.Type(id)
	if err != nil {
		return
	}
	members, err := t.Members()
	if err != nil {
		return
	}
	if k.nullable[name] == nil {
		k.nullable[name] = map[string]bool{}
	}
	for _, m := range members {
		k.nullable[name][m.Name] = true
	}
}

func (k *kernelTypes) fields(t *kbtf.Type) []types.Field {
	members, err := t.Members()
	if err != nil {
		return nil
	}
	nullable := k.mayBeNull(t.Name)
	out := make([]types.Field, 0, len(members))
	for _, m := range members {
		f := types.Field{Name: m.Name, Type: k.convert(m.Type), Offset: m.Offset / 8}
		f.MayBeNull = types.Is(f.Type, types.KindPointer) && (nullable[m.Name] || k.pointsTo(m.Type, "rcu"))
		if m.Bits > 0 {
			f.PlaceBits(m.Offset, m.Bits, t.Size)
		}
		out = append(out, f)
	}
	return out
}
