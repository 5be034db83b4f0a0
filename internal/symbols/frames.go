package symbols

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
)

// Frames is the description of a file's code for unwinding.
type Frames struct {
	Data    []byte // of .eh_frame
	Address uint64 // where it lies in memory, as in the file
	Base    uint64 // the lowest virtual address that is loaded
	loads   []elf.ProgHeader
}

// ErrNoFrames is the error of files without an .eh_frame, such as Go's.
var ErrNoFrames = errors.New("there is no .eh_frame")

// maxFrames bounds .eh_frame. Those of browsers have some ten megabytes.
const maxFrames = 128 << 20

// ReadFrames reads the .eh_frame of a file of x86-64 code.
func ReadFrames(r io.ReaderAt, size int64) (*Frames, error) { return parseELF(r, size, parseFrames) }

// OpenFrames is ReadFrames of an open file.
func OpenFrames(f *os.File) (*Frames, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadFrames(f, contentSize(info))
}

func parseFrames(f *elfFile) (*Frames, error) {
	if err := f.program(); err != nil {
		return nil, err
	}
	if f.Machine != elf.EM_X86_64 {
		return nil, fmt.Errorf("%w: it is for %v", ErrNoFrames, f.Machine)
	}
	u := &Frames{Base: ^uint64(0)}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			u.loads = append(u.loads, p.ProgHeader)
			u.Base = min(u.Base, p.Vaddr)
		}
	}
	s := f.Section(".eh_frame")
	if s == nil || s.Flags&(elf.SHF_ALLOC|elf.SHF_COMPRESSED) != elf.SHF_ALLOC || len(u.loads) == 0 {
		return nil, ErrNoFrames
	}
	var err error
	u.Address = s.Addr
	u.Data, err = f.content(s, maxFrames)
	return u, err
}

// Virtual is the virtual address, as in the file, of the code that is mapped from an offset of it. A mapping begins at a page, the code that
// it is of need not.
func (u *Frames) Virtual(offset uint64) (addr uint64, ok bool) {
	for _, p := range u.loads {
		if p.Flags&elf.PF_X != 0 && offset >= p.Off&^(pageSize-1) && offset < p.Off+p.Filesz {
			return p.Vaddr - p.Off + offset, true
		}
	}
	return 0, false
}

// pageSize is that of x86-64.
const pageSize = 4096
