package lang

// cMember is a declared member of a struct or union.
type cMember struct {
	name    string // "" for an anonymous struct or union, or a bitfield that is only there for its room
	typ     Type
	align   int  // of the type, in bytes
	bits    int  // of a bitfield; -1 for other members
	packed  bool // attributes of the member
	aligned int
}

// cLayout lays out a struct or union as the System V ABI has it, which Linux follows on all its machines.
type cLayout struct {
	union  bool
	packed bool
	fields []Field
	bit    int // end of the last member, in bits from the start
	size   int // of a union, in bytes
	align  int
}

// add places the next member.
func (l *cLayout) add(m cMember) {
	align := max(m.align, 1)
	if l.packed || m.packed {
		align = 1
	}
	align = max(align, m.aligned)
	if l.union {
		l.bit = 0
	}
	f := Field{Name: m.name, Type: m.typ}
	if _, anonymous := m.typ.(*Struct); m.bits < 0 || anonymous {
		f.Offset = alignUp((l.bit+7)/8, align)
		l.bit = 8 * (f.Offset + m.typ.Size())
		l.fields = append(l.fields, f)
		l.align = max(l.align, align)
	} else if l.bitfield(&f, m, align) {
		l.fields = append(l.fields, f)
		l.align = max(l.align, align)
	}
	l.size = max(l.size, (l.bit+7)/8)
}

// bitfield places a bitfield: it never crosses a unit of its own type, unless it is packed. It says whether there is a field.
func (l *cLayout) bitfield(f *Field, m cMember, align int) bool {
	unit := 8 * m.typ.Size()
	if m.bits == 0 {
		l.bit = alignUp(l.bit, unit) // the next bitfield begins a new unit
		return false
	}
	if !l.packed && !m.packed && l.bit/unit != (l.bit+m.bits-1)/unit {
		l.bit = alignUp(l.bit, 8*align)
	}
	start := l.bit
	l.bit += m.bits
	if m.name == "" {
		return false
	}
	f.placeBits(start, m.bits)
	return true
}

// placeBits makes the field a bitfield of n bits from bit first of the struct. It is loaded by the smallest integer at its natural
// alignment that has all of them; where even eight bytes do not (packed structs), by one from the byte they begin in.
func (f *Field) placeBits(first, n int) {
	t, _ := f.Type.(Int)
	for t.Bits = 8; t.Bits < 64 && first/t.Bits != (first+n-1)/t.Bits; {
		t.Bits *= 2
	}
	f.Type, f.BitSize = t, n
	f.Offset = first / t.Bits * (t.Bits / 8)
	if first/t.Bits != (first+n-1)/t.Bits {
		f.Offset = first / 8
	}
	f.BitOffset = first - 8*f.Offset
}

// finish gives the size and the alignment of the whole.
func (l *cLayout) finish(aligned int) (size, align int) {
	align = max(l.align, aligned, 1)
	return alignUp(l.size, align), align
}

// alignOf is the alignment of a type in C, in bytes. For structs of the machine it is that of their members.
func (c *cTypes) alignOf(t Type) int {
	switch t := t.(type) {
	case Array:
		return c.alignOf(t.Elem)
	case *Struct:
		if a, ok := c.align[t]; ok {
			return max(a, 1)
		}
		a := 1
		for _, f := range t.Fields() {
			if f.Offset%max(c.alignOf(f.Type), 1) == 0 {
				a = max(a, c.alignOf(f.Type))
			}
		}
		c.align[t] = a
		return a
	case String:
		return 1
	}
	return t.Align()
}
