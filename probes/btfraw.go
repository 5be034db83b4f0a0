package probes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// rawBTF reads BTF (Documentation/bpf/btf.rst) piece by piece. A kernel's is five megabytes with a hundred
// thousand types, of which a script needs a handful: reading all of it, as a general library does, would take
// most of gotrace's start-up time and memory. What is kept is the place and the name of every type.
type rawBTF struct {
	r     io.ReaderAt
	types section
	strs  section
	at    []uint32 // by type id: offset in the types section; [0] is void
	names []uint32 // by type id: offset of the name in the strings section
	cache map[uint32]string
}

// section is a part of the file.
type section struct{ off, size int64 }

// Kinds of types, from include/uapi/linux/btf.h.
const (
	kindInt = iota + 1
	kindPtr
	kindArray
	kindStruct
	kindUnion
	kindEnum
	kindFwd
	kindTypedef
	kindVolatile
	kindConst
	kindRestrict
	kindFunc
	kindFuncProto
	kindVar
	kindDatasec
	kindFloat
	kindDeclTag
	kindTypeTag
	kindEnum64
)

// extraSize is what follows the 12 bytes every type begins with: fixed bytes, and bytes for each of its vlen members.
var extraSize = [...]struct{ fixed, each int }{
	kindInt: {4, 0}, kindArray: {12, 0}, kindStruct: {0, 12}, kindUnion: {0, 12}, kindEnum: {0, 8},
	kindFuncProto: {0, 8}, kindVar: {4, 0}, kindDatasec: {0, 12}, kindDeclTag: {4, 0}, kindEnum64: {0, 12},
}

var errBadBTF = errors.New("bad BTF")

const (
	btfMagic   = 0xeb9f
	btfHeader  = 24
	typeHeader = 12
	// maxBTF bounds what a broken header can make us read; the largest kernels have some ten megabytes.
	maxBTF = 256 << 20
	chunk  = 64 << 10
	// averageType is a little less than the average size of a type, in bytes.
	averageType = 24
)

// openBTF reads the header and indexes the types.
func openBTF(r io.ReaderAt) (*rawBTF, error) {
	var h [btfHeader]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return nil, fmt.Errorf("reading the BTF header: %w", err)
	}
	le := binary.LittleEndian
	if le.Uint16(h[:]) != btfMagic {
		return nil, fmt.Errorf("%w: no magic number", errBadBTF)
	}
	base := int64(le.Uint32(h[4:]))
	b := &rawBTF{r: r, cache: map[uint32]string{},
		types: section{base + int64(le.Uint32(h[8:])), int64(le.Uint32(h[12:]))},
		strs:  section{base + int64(le.Uint32(h[16:])), int64(le.Uint32(h[20:]))},
	}
	if b.types.size > maxBTF || b.strs.size > maxBTF || base < btfHeader {
		return nil, fmt.Errorf("%w: sections of %d and %d bytes", errBadBTF, b.types.size, b.strs.size)
	}
	return b, b.index()
}

// index notes where each type begins.
func (b *rawBTF) index() error {
	guess := int(min(b.types.size/averageType, 1<<20))
	b.at, b.names = make([]uint32, 1, guess), make([]uint32, 1, guess)
	return b.walk(func(off int64, t []byte) {
		b.at = append(b.at, uint32(off))
		b.names = append(b.names, binary.LittleEndian.Uint32(t))
	})
}

// walk calls f with every type: its offset in the section, and its bytes, which are good until f returns.
func (b *rawBTF) walk(f func(off int64, t []byte)) error {
	buf := make([]byte, chunk)
	from, to := 0, 0 // what of buf is read and not yet walked
	off, next := int64(0), int64(0)
	for off < b.types.size {
		size := typeSize(buf[from:to])
		switch {
		case size < 0:
			return fmt.Errorf("%w: unknown kind of type at %d", errBadBTF, off)
		case size > 0 && size <= to-from:
			f(off, buf[from:from+size])
			off += int64(size)
			from += size
			continue
		case next == b.types.size:
			return fmt.Errorf("%w: the last type is cut off", errBadBTF)
		case size > len(buf): // an enum or a function with thousands of members
			buf = append(make([]byte, 0, size), buf[from:to]...)[:size]
			from, to = 0, to-from
		default:
			to = copy(buf, buf[from:to])
			from = 0
		}
		n := int(min(int64(len(buf)-to), b.types.size-next))
		if err := b.read(buf[to:to+n], b.types, next); err != nil {
			return err
		}
		to += n
		next += int64(n)
	}
	return nil
}

// typeSize is the size of the type that data begins with: 0 if there are too few bytes to tell, negative if it
// is of no known kind.
func typeSize(data []byte) int {
	if len(data) < typeHeader {
		return 0
	}
	kind, n := kindOf(data)
	if kind < kindInt || kind > kindEnum64 {
		return -1
	}
	if kind >= len(extraSize) {
		return typeHeader
	}
	return typeHeader + extraSize[kind].fixed + n*extraSize[kind].each
}

// kindOf is the kind of a type and the number of its members.
func kindOf(t []byte) (kind, vlen int) {
	info := binary.LittleEndian.Uint32(t[4:])
	return int(info >> 24 & 0x1f), int(info & 0xffff)
}

// read fills buf from an offset of a section.
func (b *rawBTF) read(buf []byte, s section, off int64) error {
	if off < 0 || off+int64(len(buf)) > s.size {
		return fmt.Errorf("%w: %d bytes at %d of %d", errBadBTF, len(buf), off, s.size)
	}
	if _, err := b.r.ReadAt(buf, s.off+off); err != nil {
		return fmt.Errorf("reading BTF: %w", err)
	}
	return nil
}

// rawType is one type.
type rawType struct {
	id   uint32
	kind int
	flag bool   // kind_flag: bitfields, signed enums, …
	size uint32 // size in bytes, or the id of the type this one refers to
	name uint32
	data []byte // what follows the header
	vlen int
}

// typ reads a type by its id. ok is false for void and ids that do not exist.
func (b *rawBTF) typ(id uint32) (rawType, bool) {
	if id == 0 || int64(id) >= int64(len(b.at)) {
		return rawType{}, false
	}
	end := b.types.size
	if int(id)+1 < len(b.at) {
		end = int64(b.at[id+1])
	}
	buf := make([]byte, end-int64(b.at[id]))
	if b.read(buf, b.types, int64(b.at[id])) != nil || len(buf) < typeHeader {
		return rawType{}, false
	}
	t := rawType{id: id, name: b.names[id], size: binary.LittleEndian.Uint32(buf[8:]), data: buf[typeHeader:]}
	t.kind, t.vlen = kindOf(buf)
	t.flag = buf[7]&0x80 != 0
	return t, true
}

// u32 is word i of what follows a type's header.
func (t rawType) u32(i int) uint32 {
	if 4*i+4 > len(t.data) {
		return 0
	}
	return binary.LittleEndian.Uint32(t.data[4*i:])
}

// maxName bounds names; the kernel's are shorter than KSYM_NAME_LEN.
const maxName = 512

// str is the string at an offset of the strings section.
func (b *rawBTF) str(off uint32) string {
	if off == 0 {
		return ""
	}
	if s, ok := b.cache[off]; ok {
		return s
	}
	buf := make([]byte, min(maxName, max(b.strs.size-int64(off), 0)))
	if b.read(buf[:min(len(buf), 64)], b.strs, int64(off)) != nil {
		return ""
	}
	head := buf[:min(len(buf), 64)]
	if bytes.IndexByte(head, 0) < 0 {
		head = buf
		if b.read(head, b.strs, int64(off)) != nil {
			return ""
		}
	}
	s, _, _ := bytes.Cut(head, []byte{0})
	b.cache[off] = string(s)
	return b.cache[off]
}

// nameOffset finds a name in the strings section, where every string is once. 0 if it is not there.
func (b *rawBTF) nameOffset(name string) uint32 {
	if name == "" || len(name) >= maxName {
		return 0
	}
	want := append(append([]byte{0}, name...), 0)
	buf := make([]byte, chunk+len(want))
	for off := int64(0); off < b.strs.size; off += chunk {
		part := buf[:min(int64(len(buf)), b.strs.size-off)]
		if b.read(part, b.strs, off) != nil {
			return 0
		}
		if i := bytes.Index(part, want); i >= 0 {
			return uint32(off) + uint32(i) + 1
		}
	}
	return 0
}

// find returns the ids of the types of a name and one of the kinds.
func (b *rawBTF) find(name string, kinds ...int) []uint32 {
	off := b.nameOffset(name)
	if off == 0 {
		return nil
	}
	var out []uint32
	for id, n := range b.names {
		if n != off {
			continue
		}
		t, ok := b.typ(uint32(id))
		for _, k := range kinds {
			if ok && t.kind == k {
				out = append(out, uint32(id))
			}
		}
	}
	return out
}

// allNames calls f with the id, kind and name of every type of one of the kinds that has one. It reads
// all of the strings at once: it is for lists and near names.
func (b *rawBTF) allNames(f func(name string), kinds ...int) error {
	strs := make([]byte, b.strs.size)
	if err := b.read(strs, b.strs, 0); err != nil {
		return err
	}
	wanted := map[int]bool{}
	for _, k := range kinds {
		wanted[k] = true
	}
	return b.walk(func(_ int64, t []byte) {
		kind, _ := kindOf(t)
		off := binary.LittleEndian.Uint32(t)
		if !wanted[kind] || off == 0 || int64(off) >= int64(len(strs)) {
			return
		}
		if s, _, ok := bytes.Cut(strs[off:], []byte{0}); ok {
			f(string(s))
		}
	})
}
