// Package dwarfargs says what the arguments of functions of programs are and where they lie: types of the language and locations, made of
// debugging information and of the rules of an architecture by which functions are called. It imports internal/dwarfinfo, lang/types and lang/location.
package dwarfargs

import (
	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// Reader makes types and locations of one program's debugging information.
type Reader struct {
	Info *dwarfinfo.Info
	Arch string // GOARCH
	// Go says how interfaces of a Go program are shown as text; nil: as their two words.
	Go   *types.GoInterface
	conv *location.Convention

	structs map[dwarfinfo.TypeID]*types.Struct
	enums   map[dwarfinfo.TypeID]*types.Enum
}

// New returns a reader for an architecture, amd64 or arm64.
func New(info *dwarfinfo.Info, arch string) *Reader {
	return &Reader{
		Info: info, Arch: arch, conv: location.Of(arch, false),
		structs: map[dwarfinfo.TypeID]*types.Struct{}, enums: map[dwarfinfo.TypeID]*types.Enum{},
	}
}

// maxDepth bounds chains of typedefs, arrays and pointers.
const maxDepth = 32

// maxBytes bounds what an array claims to take.
const maxBytes = 1 << 40

// Value gives the type of a value in a register or on the stack of the process, to whose memory pointers lead.
func (r *Reader) Value(id dwarfinfo.TypeID) types.Type {
	t := r.Type(id)
	if p, ok := t.(types.Pointer); ok {
		p.Space = types.SpaceUser
		return p
	}
	return t
}

// Type gives the language's view of a type. What cannot be read is void.
func (r *Reader) Type(id dwarfinfo.TypeID) types.Type { return r.typeAt(id, 0) }

func (r *Reader) typeAt(id dwarfinfo.TypeID, depth int) types.Type {
	if depth > maxDepth {
		return types.Void{}
	}
	t := r.Info.Plain(id)
	switch t.Kind {
	case dwarfinfo.KindInt, dwarfinfo.KindChar:
		return intType(t)
	case dwarfinfo.KindBool:
		if t.Size == 1 {
			return types.Bool{}
		}
		return intType(t)
	case dwarfinfo.KindFloat:
		return types.Array{Elem: types.Int{Bits: 8}, Len: t.Size, Float: true}
	case dwarfinfo.KindPointer, dwarfinfo.KindReference:
		return types.Pointer{Elem: r.typeAt(t.Elem, depth+1)} // in the space of what it lies in
	case dwarfinfo.KindStruct, dwarfinfo.KindUnion:
		return r.record(t)
	case dwarfinfo.KindEnum:
		return r.enum(t)
	case dwarfinfo.KindArray:
		elem := r.typeAt(t.Elem, depth+1)
		dims := t.Dims()
		for i := len(dims) - 1; i >= 0; i-- {
			elem = types.Array{Elem: elem, Len: min(dims[i], maxBytes/max(elem.Size(), 1))}
		}
		return elem
	case dwarfinfo.KindVoid, dwarfinfo.KindTypedef, dwarfinfo.KindQualifier, dwarfinfo.KindFunc:
	}
	return types.Void{}
}

func intType(t *dwarfinfo.Type) types.Type {
	switch t.Size {
	case 1, 2, 4, 8:
		// `char` is text, whatever its sign; `signed char` is a number.
		char := t.Kind == dwarfinfo.KindChar && t.Size == 1 && t.Name == "char"
		return types.Int{Bits: t.Size * 8, Signed: t.Signed || char, Number: t.Size == 1 && t.Signed && !char}
	case 16: // __int128
		return types.Array{Elem: types.Int{Bits: 64}, Len: 2}
	}
	return types.Array{Elem: types.Int{Bits: 8}, Len: t.Size}
}

// enum gives an enum's type with its constants.
func (r *Reader) enum(t *dwarfinfo.Type) types.Type {
	bits, signed := 8*r.Info.SizeOf(t.ID), false
	e, ok := r.enums[t.ID]
	if !ok {
		e = &types.Enum{Name: t.Name, Values: map[int64]string{}}
		for _, c := range r.Info.Enumerators(t) {
			if _, ok := e.Values[c.Value]; !ok {
				e.Values[c.Value] = c.Name
			}
		}
		r.enums[t.ID] = e
	}
	for v := range e.Values {
		signed = signed || v < 0
	}
	switch bits {
	case 8, 16, 32, 64:
		return types.Int{Bits: bits, Signed: signed, Enum: e}
	}
	return types.Int{Bits: 32, Signed: signed, Enum: e}
}

// record gives a struct, union or class, whose members are read when they are first asked for. Of one that is only declared the definition
// is looked for in the other units.
func (r *Reader) record(t *dwarfinfo.Type) *types.Struct {
	if s, ok := r.structs[t.ID]; ok {
		return s
	}
	full := t
	if t.Declared {
		keyword := "struct"
		if t.Kind == dwarfinfo.KindUnion {
			keyword = "union"
		}
		if id, ok := r.Info.FindType(keyword, t.Name); ok {
			full = r.Info.Type(id)
		}
	}
	s := types.NewStruct(full.Name, full.Kind == dwarfinfo.KindUnion, full.Size, 0, func() []types.Field { return r.fields(full) })
	s.Text = full.GoKind == goString
	if r.Go != nil && (full.Name == "runtime.iface" || full.Name == "runtime.eface") {
		s.Text, s.Go = true, &types.GoInterface{Methods: full.Name == "runtime.iface", Types: r.Go.Types, Texts: r.Go.Texts}
	}
	r.structs[t.ID] = s
	return s
}

func (r *Reader) fields(t *dwarfinfo.Type) []types.Field {
	members := r.Info.Members(t)
	out := make([]types.Field, 0, len(members))
	for _, m := range members {
		f := types.Field{Name: m.Name, Type: r.Type(m.Type), Offset: m.Offset}
		if m.Bits > 0 {
			f.PlaceBits(m.BitOffset, m.Bits, t.Size)
		}
		out = append(out, f)
	}
	return out
}

// Find finds a type that the program defines by keyword and name.
func (r *Reader) Find(keyword, name string) (types.Type, bool) {
	id, ok := r.Info.FindType(keyword, name)
	if !ok {
		return nil, false
	}
	return r.Type(id), true
}
