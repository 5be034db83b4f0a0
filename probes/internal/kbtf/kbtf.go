// Package kbtf reads the kernel's type information (BTF, Documentation/bpf/btf.rst) one type at a time.
//
// A tracer starts for a script that needs a handful of the kernel's hundred thousand types. So a file is
// scanned once for the place and the name of every type, which takes a millisecond or two and eight bytes a type, and a type is
// decoded when it is asked for. Types that it refers to stay numbers until they are asked for in their turn.
//
// It imports internal/files.
package kbtf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/files"
)

// ID is the number of a type; 0 is void. Types of a module follow those of the kernel.
type ID uint32

// Kind is the kind of a type (BTF_KIND_* of include/uapi/linux/btf.h).
type Kind uint8

// The kinds.
const (
	KindInt Kind = iota + 1
	KindPtr
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindFwd
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunc
	KindFuncProto
	KindVar
	KindDataSec
	KindFloat
	KindDeclTag
	KindTypeTag
	KindEnum64
)

// ErrFormat is wrapped by errors about bytes that are not BTF, or broken BTF.
var ErrFormat = errors.New("malformed BTF")

// File is the types of the kernel or of one of its modules. It is not safe for use by several goroutines at once.
type File struct {
	base  *File // the kernel's types, for a module
	first ID    // number of the first type
	types blocks
	strs  blocks
	// Where each type lies in the section of types, and its kind: offset/4<<5 | kind. And the offset of its name.
	places, names []uint32
}

const (
	headerLen   = 24
	magic       = 0xeb9f
	kindBits    = 5
	typeAlign   = 4
	maxSection  = 1 << 27 / typeAlign * typeAlign // what an entry of places can hold
	maxString   = 4096                            // names are at most KSYM_NAME_LEN bytes, 512
	commonBytes = 12                              // struct btf_type
)

// Open reads the types of the kernel from a file such as /sys/kernel/btf/vmlinux, or those of a module, which
// build on base.
func Open(path string, base *File) (*File, error) {
	r, err := files.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	info, err := r.Stat()
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	f, err := open(r, info.Size(), base)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), r.Close())
	}
	return f, nil
}

// open maps the file (Linux 6.16 lets us; the pages are the kernel's own and cost nothing), or reads from it as long as the types
// are in use: sysfs gives a page at a time.
func open(r *os.File, size int64, base *File) (*File, error) {
	data, err := unix.Mmap(int(r.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return New(r, size, base)
	}
	f, err := load(bytes.NewReader(data), size, base, data)
	if err != nil {
		return nil, errors.Join(err, unix.Munmap(data))
	}
	runtime.AddCleanup(f, func(b []byte) { _ = unix.Munmap(b) }, data)
	return f, r.Close()
}

// New reads size bytes of BTF.
func New(r io.ReaderAt, size int64, base *File) (*File, error) { return load(r, size, base, nil) }

func load(r io.ReaderAt, size int64, base *File, mapped []byte) (*File, error) {
	f := &File{base: base, first: 1}
	if base != nil {
		f.first = base.End()
	}
	if err := f.header(r, size); err != nil {
		return nil, err
	}
	if mapped != nil {
		for _, b := range []*blocks{&f.types, &f.strs} {
			b.mapped = mapped[b.off:][:b.size:b.size]
		}
	}
	if err := f.scan(); err != nil {
		return nil, err
	}
	return f, nil
}

// header reads struct btf_header and finds the two sections.
func (f *File) header(r io.ReaderAt, size int64) error {
	var h [headerLen]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return fmt.Errorf("reading the BTF header: %w", err)
	}
	le := binary.LittleEndian
	switch m := le.Uint16(h[:]); {
	case m == magic>>8|magic&0xff<<8:
		return fmt.Errorf("%w: the types of a big-endian kernel", ErrFormat)
	case m != magic:
		return fmt.Errorf("%w: no magic number", ErrFormat)
	case h[2] != 1:
		return fmt.Errorf("%w: version %d", ErrFormat, h[2])
	}
	start := int64(le.Uint32(h[4:]))
	var err error
	if f.types, err = section(r, size, start+int64(le.Uint32(h[8:])), int64(le.Uint32(h[12:]))); err != nil {
		return err
	}
	f.strs, err = section(r, size, start+int64(le.Uint32(h[16:])), int64(le.Uint32(h[20:])))
	return err
}

func section(r io.ReaderAt, size, off, n int64) (blocks, error) {
	if off < headerLen || n > maxSection || off+n > size {
		return blocks{}, fmt.Errorf("%w: a section of %d bytes at %d in a file of %d", ErrFormat, n, off, size)
	}
	return blocks{r: r, off: off, size: n}, nil
}

// End is the number after the last type.
func (f *File) End() ID { return f.first + ID(len(f.places)) }

// scan notes the place and name of every type.
func (f *File) scan() error {
	n := int(f.types.size)
	f.places = make([]uint32, 0, n/20) // types have 21 to 25 bytes on average
	f.names = make([]uint32, 0, n/20)
	buf := make([]byte, scanChunk)
	var chunk []byte // the bytes from at
	for pos, at := 0, 0; pos < n; {
		if pos+commonBytes > at+len(chunk) {
			var err error
			if chunk, err = f.types.window(int64(pos), buf); err != nil {
				return err
			}
			if at = pos; len(chunk) < commonBytes {
				return fmt.Errorf("%w: type %d is cut off", ErrFormat, f.End())
			}
		}
		name := binary.LittleEndian.Uint32(chunk[pos-at:])
		info := binary.LittleEndian.Uint32(chunk[pos-at+4:])
		extra, ok := extraLen(info)
		if !ok || pos+commonBytes+extra > n {
			return fmt.Errorf("%w: type %d has kind %d and %d elements", ErrFormat, f.End(), kindOf(info), vlenOf(info))
		}
		f.places = append(f.places, uint32(pos)/typeAlign<<kindBits|uint32(kindOf(info)))
		f.names = append(f.names, name)
		pos += commonBytes + extra
	}
	return nil
}

func kindOf(info uint32) Kind { return Kind(info >> 24 & (1<<kindBits - 1)) }
func vlenOf(info uint32) int  { return int(info & 0xffff) }

// elementLen is the size of what follows a type, once or for each of its vlen elements.
var elementLen = [...]struct{ once, each int }{
	KindInt: {once: 4}, KindPtr: {}, KindArray: {once: 12}, KindStruct: {each: 12}, KindUnion: {each: 12}, KindEnum: {each: 8},
	KindFwd: {}, KindTypedef: {}, KindVolatile: {}, KindConst: {}, KindRestrict: {}, KindFunc: {}, KindFuncProto: {each: 8},
	KindVar: {once: 4}, KindDataSec: {each: 12}, KindFloat: {}, KindDeclTag: {once: 4}, KindTypeTag: {}, KindEnum64: {each: 12},
}

func extraLen(info uint32) (int, bool) {
	k := int(kindOf(info))
	if k == 0 || k >= len(elementLen) {
		return 0, false
	}
	return elementLen[k].once + elementLen[k].each*vlenOf(info), true
}
