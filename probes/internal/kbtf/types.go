package kbtf

import (
	"encoding/binary"
	"fmt"
)

// Type is one type as it stands in the file.
type Type struct {
	ID   ID
	Kind Kind
	Name string // "" for one without a name
	// Size is the size in bytes of ints, floats, structs, unions and enums.
	Size int
	// Ref is the type that a pointer, typedef, qualifier or function refers to, what a function prototype
	// returns, and what an array has.
	Ref ID
	// Flag: an enum is signed; a forward declaration is of a union.
	Flag bool
	// Len is the number of an array's elements.
	Len int
	// Encoding of an int: EncSigned, EncChar, EncBool or 0.
	Encoding uint8

	file  *File
	vlen  int
	extra int64
}

// Encodings of ints (BTF_INT_*).
const (
	EncSigned = 1
	EncChar   = 2
	EncBool   = 4
)

// Member is a member of a struct or union.
type Member struct {
	Name   string
	Type   ID
	Offset int // in bits
	Bits   int // of a bitfield, else 0
}

// Param is a parameter of a function.
type Param struct {
	Name string
	Type ID
}

// Value is a constant of an enum: Value is sign-extended if the enum is signed.
type Value struct {
	Name  string
	Value int64
}

// Type decodes a type. Number 0, void, is an error.
func (f *File) Type(id ID) (*Type, error) {
	if f.base != nil && id < f.first {
		return f.base.Type(id)
	}
	if id < f.first || id >= f.End() {
		return nil, fmt.Errorf("%w: there is no type %d", ErrFormat, id)
	}
	pos := int64(f.places[id-f.first]>>kindBits) * typeAlign
	b, err := f.types.bytes(pos, commonBytes)
	if err != nil {
		return nil, err
	}
	info, third := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	t := &Type{ID: id, Kind: kindOf(info), Flag: info>>31 == 1, file: f, vlen: vlenOf(info), extra: pos + commonBytes}
	if t.Name, err = f.text(binary.LittleEndian.Uint32(b)); err != nil {
		return nil, err
	}
	return t, t.complete(third)
}

// complete reads what depends on the kind. third is the field that is a size or a type.
func (t *Type) complete(third uint32) error {
	switch t.Kind {
	case KindStruct, KindUnion, KindEnum, KindEnum64, KindFloat, KindDataSec:
		t.Size = int(third)
	case KindInt:
		t.Size = int(third)
		b, err := t.file.types.bytes(t.extra, 4)
		if err != nil {
			return err
		}
		t.Encoding = b[3] & 0xf
	case KindArray:
		b, err := t.file.types.bytes(t.extra, 12)
		if err != nil {
			return err
		}
		t.Ref = ID(binary.LittleEndian.Uint32(b))
		t.Len = int(binary.LittleEndian.Uint32(b[8:]))
	default:
		t.Ref = ID(third)
	}
	return nil
}

// text returns a name by its offset; those of a module follow the kernel's.
func (f *File) text(off uint32) (string, error) {
	if off == 0 {
		return "", nil
	}
	pos := int64(off)
	if f.base != nil {
		if pos < f.base.strs.size {
			return f.base.text(off)
		}
		pos -= f.base.strs.size
	}
	return f.strs.text(pos)
}

// elements calls visit with the bytes of each element.
func (t *Type) elements(visit func(b []byte) error) error {
	size := elementLen[t.Kind].each
	all, err := t.file.types.bytes(t.extra, size*t.vlen)
	if err != nil {
		return err
	}
	for i := range t.vlen {
		if err := visit(all[i*size:][:size]); err != nil {
			return fmt.Errorf("element %d of type %d: %w", i, t.ID, err)
		}
	}
	return nil
}

// Members returns the members of a struct or union.
func (t *Type) Members() ([]Member, error) {
	if t.Kind != KindStruct && t.Kind != KindUnion {
		return nil, nil
	}
	out := make([]Member, 0, t.vlen)
	err := t.elements(func(b []byte) error {
		m, err := t.member(b)
		out = append(out, m)
		return err
	})
	return out, err
}

func (t *Type) member(b []byte) (Member, error) {
	name, err := t.file.text(binary.LittleEndian.Uint32(b))
	if err != nil {
		return Member{}, err
	}
	m := Member{Name: name, Type: ID(binary.LittleEndian.Uint32(b[4:])), Offset: int(binary.LittleEndian.Uint32(b[8:]))}
	if t.Flag {
		m.Bits = m.Offset >> 24
		m.Offset &= 1<<24 - 1
	}
	return m, nil
}

// Params returns the parameters of a function or a function prototype. A last one without name and type is `...`.
func (t *Type) Params() ([]Param, error) {
	if t.Kind == KindFunc {
		proto, err := t.file.Type(t.Ref)
		if err != nil || proto.Kind != KindFuncProto { // nothing else belongs there
			return nil, err
		}
		return proto.Params()
	}
	if t.Kind != KindFuncProto {
		return nil, nil
	}
	out := make([]Param, 0, t.vlen)
	err := t.elements(func(b []byte) error {
		name, err := t.file.text(binary.LittleEndian.Uint32(b))
		out = append(out, Param{Name: name, Type: ID(binary.LittleEndian.Uint32(b[4:]))})
		return err
	})
	return out, err
}

// Values returns the constants of an enum.
func (t *Type) Values() ([]Value, error) {
	if t.Kind != KindEnum && t.Kind != KindEnum64 {
		return nil, nil
	}
	out := make([]Value, 0, t.vlen)
	err := t.elements(func(b []byte) error {
		name, err := t.file.text(binary.LittleEndian.Uint32(b))
		out = append(out, Value{Name: name, Value: t.value(b)})
		return err
	})
	return out, err
}

// value decodes struct btf_enum or btf_enum64.
func (t *Type) value(b []byte) int64 {
	low := binary.LittleEndian.Uint32(b[4:])
	switch {
	case t.Kind == KindEnum64:
		return int64(uint64(binary.LittleEndian.Uint32(b[8:]))<<32 | uint64(low))
	case t.Flag:
		return int64(int32(low))
	}
	return int64(low)
}
