package ctypes

import (
	"github.com/gotrace/gotrace/lang/types"
)

// cMember is a declared member of a struct or union.
type cMember struct {
	at    CToken
	name  string // "" for an anonymous struct or union, or a bitfield that is only there for its room
	typ   types.Type
	align int // of the type, in bytes
	bits  int // of a bitfield; -1 for other members
	attrs cAttrs
}

// cLayout lays out a struct or union as the System V ABI has it, which Linux follows on all its machines.
type cLayout struct {
	union     bool
	packed    bool
	limit     int  // the largest alignment of members that #pragma pack allows, 0 for any
	anonAlign bool // bitfields without a name count for the alignment of the whole (arm64: AAPCS64)
	fields    []types.Field
	bit       int // end of the last member, in bits from the start
	size      int // in bytes
	align     int
}

// add places the next member.
func (l *cLayout) add(m cMember) error {
	packed := l.packed || m.attrs.packed
	align := max(m.align, 1)
	if packed {
		align = 1
	}
	align = max(align, m.attrs.aligned)
	if l.limit > 0 {
		align = min(align, l.limit)
	}
	if l.union {
		l.bit = 0
	}
	f := types.Field{Name: m.name, Type: m.typ}
	if m.bits >= 0 {
		if err := l.bitfield(f, m, align, packed); err != nil {
			return err
		}
	} else {
		f.Offset = types.AlignUp((l.bit+7)/8, align)
		l.bit = 8 * (f.Offset + m.typ.Size())
		l.fields = append(l.fields, f)
		l.align = max(l.align, align)
	}
	if l.size = max(l.size, (l.bit+7)/8); l.size > maxObject {
		return CErrorf(m.at, "a struct cannot have more than %d bytes", maxObject)
	}
	return nil
}

// bitfield places a bitfield: unless it is packed, it never takes more units of its type's alignment than its type does.
func (l *cLayout) bitfield(f types.Field, m cMember, align int, packed bool) error {
	if l.limit > 0 {
		// #pragma pack counts here in place of packed, and bitfields follow each other without room in between.
		align, packed = min(max(m.align, m.attrs.aligned), l.limit), true
	}
	if m.name != "" || l.anonAlign {
		l.align = max(l.align, align)
	}
	size, unit := 8*m.typ.Size(), 8*align
	if m.bits == 0 {
		l.bit = types.AlignUp(l.bit, max(8*m.align, 8*m.attrs.aligned)) // the next bitfield begins a new unit
		return nil
	}
	if n := m.attrs.aligned; n > 0 {
		if l.limit > 0 {
			n = min(n, l.limit)
		}
		l.bit = types.AlignUp(l.bit, 8*n)
	}
	if !packed && (l.bit%unit+m.bits+unit-1)/unit > max(size/unit, 1) {
		l.bit = types.AlignUp(l.bit, unit)
	}
	start := l.bit
	l.bit += m.bits
	if m.name == "" {
		return nil
	}
	if start%8+m.bits > 64 {
		return CErrorf(m.at, "a bitfield across nine bytes is not supported")
	}
	f.Offset, f.BitOffset, f.BitSize = 0, start, m.bits // finish chooses the bytes
	l.fields = append(l.fields, f)
	return nil
}

// finish gives the size and the alignment of the whole.
func (l *cLayout) finish(aligned int) (size, align int) {
	align = max(l.align, aligned, 1)
	size = types.AlignUp(l.size, align)
	for i := range l.fields {
		if f := &l.fields[i]; f.BitSize > 0 {
			f.PlaceBits(f.BitOffset, f.BitSize, size)
		}
	}
	return size, align
}

// alignOf is the alignment of a type in C, in bytes. For structs of the machine it is that of their members.
func (c *Types) alignOf(t types.Type) int {
	switch t := t.(type) {
	case types.Array:
		if t.Float {
			return t.Len
		}
		return c.alignOf(t.Elem)
	case *types.Struct:
		if done, own := c.complete[t]; own && !done {
			return 1
		}
		if a, ok := c.align[t]; ok {
			return max(a, 1)
		}
		a := 1
		for _, f := range t.Fields() {
			if n := max(c.alignOf(f.Type), 1); f.Offset%n == 0 && t.Bytes%n == 0 {
				a = max(a, n)
			}
		}
		c.align[t] = a
		return a
	case types.String:
		return 1
	}
	return t.Align()
}
