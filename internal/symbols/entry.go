package symbols

import (
	"debug/elf"
	"fmt"
	"os"
)

// EntryOffset is where in an executable file its first instruction lies.
func EntryOffset(f *os.File) (uint64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return parseELF(f, contentSize(info), func(f *elfFile) (uint64, error) {
		if err := f.program(); err != nil {
			return 0, err
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && f.Entry >= p.Vaddr && f.Entry-p.Vaddr < p.Filesz {
				return f.Entry - p.Vaddr + p.Off, nil
			}
		}
		return 0, fmt.Errorf("its entry %#x is nowhere in it", f.Entry)
	})
}
