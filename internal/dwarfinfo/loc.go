package dwarfinfo

import (
	"debug/dwarf"
)

// opPlusUconst is DW_OP_plus_uconst.
const opPlusUconst = 0x23

// uleb reads an unsigned number in groups of seven bits, and says how many bytes it has; 0 if it does not end.
func uleb(b []byte) (v uint64, n int) {
	for i, c := range b {
		if i < 10 {
			v |= uint64(c&0x7f) << (7 * i)
		}
		if c&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

// locList is the offset of a list of locations that an attribute refers to, -1 if there is none.
func (u *Unit) locList(f *dwarf.Field) int64 {
	v, ok := f.Val.(int64)
	if !ok || v < 0 {
		return -1
	}
	if f.Class != dwarf.ClassLocList {
		return v
	}
	// DW_FORM_loclistx: an index into a table of offsets, which are from the table on. That of a split unit follows the section's head.
	base, ok := u.cu.Val(attrLoclists).(int64)
	word := int64(4)
	if u.is64 {
		word = 8
	}
	if !ok {
		base = 12
		if u.is64 {
			base = 20
		}
	}
	if base < 0 || v > int64(len(u.src.locList)) {
		return -1
	}
	at := base + v*word
	if at < 0 || at+word > int64(len(u.src.locList)) {
		return -1
	}
	if u.is64 {
		return base + int64(u.src.order.Uint64(u.src.locList[at:]))
	}
	return base + int64(u.src.order.Uint32(u.src.locList[at:]))
}

// Location is the expression (DWARF 5, section 2.5) that says where a parameter lies when the program is at an address. The result is
// nil if the compiler says nothing of it there. whole is true where one expression serves the whole function: such one may count on what
// the function's first instructions do.
func (f *Func) Location(p *Param, pc uint64) (expr []byte, whole bool) {
	switch {
	case p.loc != nil:
		return p.loc, true
	case p.list < 0:
		return nil, false
	}
	_ = protect(f.unit.info.Path, func() error {
		if f.unit.version >= 5 {
			expr = f.unit.inLocLists(p.list, pc)
		} else {
			expr = f.unit.inLoc(p.list, pc)
		}
		return nil
	})
	return expr, false
}

// FrameBase is the expression of the function's frame base, from which others count.
func (f *Func) FrameBase() []byte { return f.frameBase }

// addr is an address of the table that split and newer units refer to by numbers.
func (u *Unit) addr(index uint64) (uint64, bool) {
	base, table := u.addrBase(), u.src.addr
	if index > uint64(len(table)) || base < 0 || base > int64(len(table)) {
		return 0, false
	}
	at := base + int64(index)*8
	if at+8 > int64(len(table)) {
		return 0, false
	}
	return u.src.order.Uint64(table[at:]), true
}

// base is the address that lists of locations count from: that of the unit.
func (u *Unit) base() uint64 {
	cu := u.cu
	if u.skeleton != nil {
		cu = u.skeleton.cu
	}
	low, _ := cu.Val(dwarf.AttrLowpc).(uint64)
	return low
}

// maxLocs bounds the entries of a list.
const maxLocs = 1 << 16

// Entries of .debug_loclists (DW_LLE_*).
const (
	lleEnd = iota
	lleBaseAddressx
	lleStartxEndx
	lleStartxLength
	lleOffsetPair
	lleDefault
	lleBaseAddress
	lleStartEnd
	lleStartLength
	lleViewPair
)

// locReader reads a list. Past the end, bad is set and numbers are 0.
type locReader struct {
	u   *Unit
	b   []byte
	bad bool
}

func (r *locReader) uleb() uint64 {
	v, n := uleb(r.b)
	if n == 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *locReader) fixed(n int) uint64 {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return 0
	}
	var v uint64
	switch n {
	case 1:
		v = uint64(r.b[0])
	case 2:
		v = uint64(r.u.src.order.Uint16(r.b))
	case 4:
		v = uint64(r.u.src.order.Uint32(r.b))
	case 8:
		v = r.u.src.order.Uint64(r.b)
	}
	r.b = r.b[n:]
	return v
}

func (r *locReader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *locReader) addrx() uint64 {
	a, ok := r.u.addr(r.uleb())
	r.bad = r.bad || !ok
	return a
}

// inLocLists finds an address in a list of DWARF 5.
func (u *Unit) inLocLists(at int64, pc uint64) []byte {
	if at >= int64(len(u.src.locList)) {
		return nil
	}
	r := &locReader{u: u, b: u.src.locList[at:]}
	base := u.base()
	var other []byte
	for range maxLocs {
		var from, to uint64
		switch r.fixed(1) {
		case lleBaseAddressx:
			base = r.addrx()
			continue
		case lleBaseAddress:
			base = r.fixed(8)
			continue
		case lleViewPair:
			r.uleb()
			r.uleb()
			continue
		case lleStartxEndx:
			from = r.addrx()
			to = r.addrx()
		case lleStartxLength:
			from = r.addrx()
			to = from + r.uleb()
		case lleOffsetPair:
			from = base + r.uleb()
			to = base + r.uleb()
		case lleDefault:
			other = r.bytes(r.uleb())
			continue
		case lleStartEnd:
			from = r.fixed(8)
			to = r.fixed(8)
		case lleStartLength:
			from = r.fixed(8)
			to = from + r.uleb()
		default:
			return other
		}
		expr := r.bytes(r.uleb())
		if r.bad {
			return nil
		}
		if pc >= from && pc < to {
			return expr
		}
	}
	return other
}

// inLoc finds an address in a list of .debug_loc: pairs of offsets from a base, each with an expression. Split units of GCC have the entries of
// DWARF 5's draft there.
func (u *Unit) inLoc(at int64, pc uint64) []byte {
	if at >= int64(len(u.src.loc)) {
		return nil
	}
	r := &locReader{u: u, b: u.src.loc[at:]}
	base := u.base()
	for range maxLocs {
		var from, to uint64
		if u.skeleton != nil {
			switch r.fixed(1) {
			case 1: // a base address
				base = r.addrx()
				continue
			case 2:
				from = r.addrx()
				to = r.addrx()
			case 3:
				from = r.addrx()
				to = from + r.fixed(4)
			default:
				return nil
			}
		} else {
			from, to = r.fixed(8), r.fixed(8)
			switch {
			case from == 0 && to == 0:
				return nil
			case from == ^uint64(0):
				base = to
				continue
			}
			from, to = from+base, to+base
		}
		expr := r.bytes(r.fixed(2))
		if r.bad {
			return nil
		}
		if pc >= from && pc < to {
			return expr
		}
	}
	return nil
}
