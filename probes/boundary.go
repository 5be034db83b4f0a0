package probes

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/gotrace/gotrace/internal/files"
)

// arm64InsnSize is the length of every arm64 instruction.
const arm64InsnSize = 4

// checkBoundary gives an error if it is sure that no instruction begins offset bytes into the code at addr, where one does. The
// kernel does not look: a breakpoint in the middle of an instruction makes another one of it, and the traced program goes astray.
func (b *Binary) checkBoundary(addr, offset uint64) error {
	if offset == 0 {
		return nil
	}
	if runtime.GOARCH == "arm64" {
		return boundaryError(offset, offset%arm64InsnSize == 0)
	}
	at, err := b.FileOffset(addr)
	if err != nil {
		return err
	}
	if _, err := b.FileOffset(addr + offset); err != nil {
		return err
	}
	if offset > maxDecoded {
		return fmt.Errorf("offset %d is too far into the function to see whether an instruction begins there%s", offset, unsafeHint)
	}
	f, err := files.OpenRegular(b.Path)
	if err != nil {
		return fmt.Errorf("reading the code: %w", err)
	}
	defer f.Close()
	code := make([]byte, offset+x86Longest)
	n, err := f.ReadAt(code, int64(at))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the code: %w", err)
	}
	return x86Boundary(code[:n], offset)
}

// maxDecoded is how many bytes of a function are decoded at most.
const maxDecoded = 16 << 20

// unsafeHint ends errors about probes that those may have who insist.
const unsafeHint = "; --unsafe attaches all the same"

// x86Boundary goes through the instructions up to offset. Past one that is not known nothing is sure.
func x86Boundary(code []byte, offset uint64) error {
	pos := uint64(0)
	for pos < offset && pos < uint64(len(code)) {
		n := x86Len(code[pos:])
		if n == 0 {
			return nil
		}
		pos += uint64(n)
	}
	return boundaryError(offset, pos == offset)
}

func boundaryError(offset uint64, ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("offset %d is in the middle of an instruction: a probe there would break the program", offset)
}

// enclosing is the function that an address lies in.
func (b *Binary) enclosing(addr uint64) (Symbol, bool) {
	for _, s := range b.symbols {
		if addr >= s.Address && addr-s.Address < s.Size {
			return s, true
		}
	}
	return Symbol{}, false
}
