package dwarfinfo

import (
	"debug/dwarf"
	"encoding/binary"
	"path/filepath"
	"strings"

	"github.com/gotrace/gotrace/internal/symbols"
)

// Forms of GCC's and clang's split DWARF 4, and what DWARF 5 has in their place.
const (
	formGNUAddrIndex = 0x1f01
	formGNUStrIndex  = 0x1f02
	formStrx         = 0x1a
	formAddrx        = 0x1b
)

// strOffsetsHead is the head of .debug_str_offsets in DWARF 5: length, version, padding.
const strOffsetsHead = 8

// dwoName is the name of the file that a skeleton's unit was written to, "" if it is no skeleton.
func (u *Unit) dwoName() string {
	name, ok := u.cu.Val(attrDwoName).(string)
	if !ok {
		name, _ = u.cu.Val(attrGNUDwoName).(string)
	}
	return name
}

// splitUnit finds the unit that a skeleton stands for: in the .dwp file beside the program, else in its .dwo file. nil if it is no
// skeleton, or if there is none.
func (i *Info) splitUnit(u *Unit) *Unit {
	name := u.dwoName()
	if name == "" {
		return nil
	}
	if content := i.packaged(u); content != nil {
		if found := i.unitOf(content, u); found != nil {
			return found
		}
	}
	dir, _ := u.cu.Val(dwarf.AttrCompDir).(string)
	paths := []string{filepath.Join(dir, name), filepath.Join(filepath.Dir(i.Path), filepath.Base(name))}
	if filepath.IsAbs(name) {
		paths[0] = name
	}
	for _, d := range i.dirs {
		paths = append(paths, filepath.Join(d, filepath.Base(name)), filepath.Join(d, name))
	}
	for _, path := range paths {
		s, err := symbols.ReadSections(path, isDebugSection)
		if err != nil || len(s.Content[".debug_info.dwo"]) == 0 {
			continue
		}
		if found := i.unitOf(s.Content, u); found != nil {
			return found
		}
	}
	return nil
}

// unitOf reads a split unit. Its entries count addresses and strings from where the skeleton and the section's head say: the sections are cut so that
// these places are their beginnings.
func (i *Info) unitOf(content map[string][]byte, u *Unit) *Unit {
	cut := map[string][]byte{}
	for name, text := range content {
		cut[name] = text
	}
	if base := u.addrBase(); base >= 0 && base <= int64(len(u.src.addr)) {
		cut[".debug_addr.dwo"] = u.src.addr[base:]
	}
	offsets := cut[".debug_str_offsets.dwo"]
	if u.version >= 5 && len(offsets) >= strOffsetsHead {
		cut[".debug_str_offsets.dwo"] = offsets[strOffsetsHead:]
	}
	if u.version < 5 {
		cut[".debug_abbrev.dwo"] = standardForms(cut[".debug_abbrev.dwo"])
	}
	var found *Unit
	_ = protect(i.Path, func() error {
		src, err := newSource(cut, ".dwo")
		if err != nil {
			return err
		}
		units, err := i.unitsOf(src)
		if err == nil {
			err = i.readTypeUnits(cut, ".dwo")
		}
		for _, s := range units {
			if s.id == u.id || len(units) == 1 && s.id == 0 {
				s.skeleton, s.tried = u, true
				found = s
				break
			}
		}
		return err
	})
	return found
}

// standardForms puts DWARF 5's forms in the place of GNU's in a table of abbreviations. Both are written in as many bytes: a form is a number
// in groups of seven bits, and may have empty ones at its end.
func standardForms(table []byte) []byte {
	out := append([]byte{}, table...)
	pos := 0
	uleb := func() (v uint64, at int) {
		at = pos
		for shift := 0; pos < len(out); shift += 7 {
			b := out[pos]
			pos++
			if shift < 64 {
				v |= uint64(b&0x7f) << shift
			}
			if b&0x80 == 0 {
				break
			}
		}
		return v, at
	}
	for pos < len(out) {
		if code, _ := uleb(); code == 0 {
			continue // the end of a unit's table
		}
		uleb() // tag
		pos++  // children
		for pos < len(out) {
			attr, _ := uleb()
			form, at := uleb()
			switch form {
			case formGNUStrIndex:
				out[at], out[at+1] = formStrx|0x80, 0
			case formGNUAddrIndex:
				out[at], out[at+1] = formAddrx|0x80, 0
			}
			if attr == 0 && form == 0 {
				break
			}
		}
	}
	return out
}

// dwpFile is a package of split units.
type dwpFile struct {
	content map[string][]byte
	units   map[uint64]map[string][2]uint32 // by id: where each section's part lies, and its size
}

// packaged are the parts of a package that belong to a unit.
func (i *Info) packaged(u *Unit) map[string][]byte {
	if i.dwp == nil && !i.noDWP {
		i.dwp = i.openDWP()
		i.noDWP = i.dwp == nil
	}
	if i.dwp == nil {
		return nil
	}
	parts, ok := i.dwp.units[u.id]
	if !ok {
		return nil
	}
	out := map[string][]byte{".debug_str.dwo": i.dwp.content[".debug_str.dwo"]}
	for name, part := range parts {
		text := i.dwp.content[name]
		if uint64(part[0])+uint64(part[1]) > uint64(len(text)) {
			return nil
		}
		out[name] = text[part[0]:][:part[1]]
	}
	return out
}

func (i *Info) openDWP() *dwpFile {
	base := filepath.Base(i.Path)
	paths := []string{i.Path + ".dwp", strings.TrimSuffix(i.Path, ".debug") + ".dwp"}
	for _, d := range i.dirs {
		paths = append(paths, filepath.Join(d, base+".dwp"), d)
	}
	for _, path := range paths {
		s, err := symbols.ReadSections(path, isDebugSection)
		if err != nil || len(s.Content[".debug_cu_index"]) == 0 {
			continue
		}
		d := &dwpFile{content: s.Content}
		d.readIndex(s.Content[".debug_cu_index"])
		return d
	}
	return nil
}

// Sections of a package by their numbers in its index, those of the GNU format (version 2) and those of DWARF 5.
var (
	dwpSections2 = map[uint32]string{1: "info", 3: "abbrev", 4: "line", 5: "loc", 6: "str_offsets"}
	dwpSections5 = map[uint32]string{1: "info", 3: "abbrev", 4: "line", 5: "loclists", 6: "str_offsets", 8: "rnglists"}
)

// readIndex reads .debug_cu_index: a hash table of ids, a table of row numbers for its slots, and rows of offsets and of sizes with
// a column for each section (DWARF 5, section 7.3.5.3).
func (d *dwpFile) readIndex(b []byte) {
	const head, maxColumns = 16, 16
	order := binary.LittleEndian
	if len(b) < head {
		return
	}
	names := dwpSections5
	if order.Uint32(b) == 2 {
		names = dwpSections2
	}
	columns, rows, slots := uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[12:]))
	if columns > maxColumns || head+12*slots+4*columns*(1+2*rows) > uint64(len(b)) {
		return
	}
	ids, indexes := b[head:], b[head+8*slots:]
	table := indexes[4*slots:]
	cell := func(row, column uint64) uint32 { return order.Uint32(table[4*(row*columns+column):]) }
	d.units = map[uint64]map[string][2]uint32{}
	for slot := range slots {
		row := uint64(order.Uint32(indexes[4*slot:]))
		if row == 0 || row > rows {
			continue
		}
		parts := map[string][2]uint32{}
		for c := range columns {
			if name := names[cell(0, c)]; name != "" {
				parts[".debug_"+name+".dwo"] = [2]uint32{cell(row, c), cell(rows+row, c)}
			}
		}
		d.units[order.Uint64(ids[8*slot:])] = parts
	}
}
