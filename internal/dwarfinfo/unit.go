package dwarfinfo

import (
	"debug/dwarf"
	"errors"
)

// Attributes and tags that debug/dwarf has no names for: those of GCC and clang for what DWARF 5 made a standard of.
const (
	attrDwoName     = dwarf.Attr(0x76)
	attrGNUDwoName  = dwarf.Attr(0x2130)
	attrGNUDwoID    = dwarf.Attr(0x2131)
	attrGNUAddrBase = dwarf.Attr(0x2133)
	attrLoclists    = dwarf.Attr(0x8c)
)

// Types of units of DWARF 5 (DW_UT_*).
const (
	utType       = 2
	utSkeleton   = 4
	utSplitType  = 6
	maxUnits     = 1 << 20
	dwarf64Mark  = 0xffffffff
	header64Skip = 12
)

// Unit is what the compiler made of one source file.
type Unit struct {
	info    *Info
	src     *source
	cu      *dwarf.Entry
	version int
	is64    bool
	id      uint64 // of the split unit that a skeleton stands for
	split   *Unit  // that unit
	tried   bool
	// skeleton is the unit in the program that stands for a split one.
	skeleton *Unit

	places  *places // nil until At asks
	ranges  [][2]uint64
	ranged  bool
	funcs   map[uint64]dwarf.Offset // by entry address
	inlined map[string]bool         // functions that have no code of their own
}

// header is the head of a unit.
type header struct {
	at, die, end int // of the head, the first entry, the next unit
	version      int
	kind         byte // DW_UT_*, 0 before DWARF 5
	is64         bool
	id           uint64 // of a skeleton, or the signature of a type
	typeOffset   uint64
}

var errTruncated = errors.New("a unit is cut short")

// headers reads the heads of all units of a section.
func (s *source) headers() ([]header, error) {
	var out []header
	for at := 0; at+4 <= len(s.info) && len(out) < maxUnits; {
		h, err := s.header(at)
		if err != nil {
			return nil, err
		}
		if h.version != 0 {
			out = append(out, h)
		}
		at = h.end
	}
	return out, nil
}

func (s *source) header(at int) (header, error) {
	h := header{at: at}
	b := s.info[at:]
	length, word, n := uint64(s.order.Uint32(b)), 4, 4
	if length == dwarf64Mark {
		if len(b) < header64Skip {
			return h, errTruncated
		}
		length, word, n, h.is64 = s.order.Uint64(b[4:]), 8, header64Skip, true
	}
	if length > uint64(len(b)-n) {
		return h, errTruncated
	}
	h.end = at + n + int(length)
	if length == 0 {
		return h, nil
	}
	b = b[n : n+int(length)]
	if len(b) < 2+1+1+word+8+word {
		b = append(append([]byte{}, b...), make([]byte, 32)...) // a short unit has less behind its head than a head can have
	}
	h.version = int(s.order.Uint16(b))
	size := 2 + word + 1
	if h.version >= 5 {
		h.kind = b[2]
		size = 2 + 1 + 1 + word
	} else if s.types {
		h.kind = utType
	}
	if h.kind != 0 {
		switch h.kind {
		case utSkeleton, utSkeleton + 1:
			h.id = s.order.Uint64(b[size:])
			size += 8
		case utType, utSplitType:
			h.id = s.order.Uint64(b[size:])
			if word == 8 {
				h.typeOffset = s.order.Uint64(b[size+8:])
			} else {
				h.typeOffset = uint64(s.order.Uint32(b[size+8:]))
			}
			size += 8 + word
		}
	}
	h.die = at + n + size
	return h, nil
}

// unitsOf are the units of a source that are no types.
func (i *Info) unitsOf(src *source) ([]*Unit, error) {
	heads, err := src.headers()
	if err != nil {
		return nil, err
	}
	var out []*Unit
	for _, h := range heads {
		if h.kind == utType || h.kind == utSplitType {
			i.sigs[h.id] = TypeID{src, dwarf.Offset(uint64(h.at) + h.typeOffset)}
			continue
		}
		e := src.entry(dwarf.Offset(h.die))
		if e == nil || e.Tag == dwarf.TagPartialUnit {
			continue
		}
		u := &Unit{info: i, src: src, cu: e, version: h.version, is64: h.is64, id: h.id}
		if id, ok := e.Val(attrGNUDwoID).(int64); ok {
			u.id = uint64(id)
		}
		out = append(out, u)
	}
	return out, nil
}

// Name is the source file, as it was given to the compiler.
func (u *Unit) Name() string {
	name, _ := u.cu.Val(dwarf.AttrName).(string)
	if name == "" {
		if b := u.body(); b != u {
			name, _ = b.cu.Val(dwarf.AttrName).(string)
		}
	}
	return name
}

// Languages (DW_LANG_*) that have conventions of their own.
const (
	langGo   = 0x16
	langRust = 0x1c
)

// language is what the unit was written in.
func (u *Unit) language() int64 {
	n, _ := u.cu.Val(dwarf.AttrLanguage).(int64)
	return n
}

// contains says whether the unit has code at an address. A unit that does not tell is asked.
func (u *Unit) contains(addr uint64) bool {
	if !u.ranged {
		u.ranged = true
		u.ranges, _ = u.src.data.Ranges(u.cu)
	}
	for _, r := range u.ranges {
		if addr >= r[0] && addr < r[1] {
			return true
		}
	}
	return len(u.ranges) == 0
}

// body is the unit with the entries: the split one of a skeleton, else the unit itself.
func (u *Unit) body() *Unit {
	if !u.tried {
		u.tried = true
		u.split = u.info.splitUnit(u)
	}
	if u.split != nil {
		return u.split
	}
	return u
}

// addrBase is where the addresses of a unit begin in .debug_addr.
func (u *Unit) addrBase() int64 {
	if n, ok := u.cu.Val(dwarf.AttrAddrBase).(int64); ok {
		return n
	}
	n, _ := u.cu.Val(attrGNUAddrBase).(int64)
	return n
}
