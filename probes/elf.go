package probes

import (
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
)

// Symbol is a function of a binary.
type Symbol struct {
	Name    string
	Address uint64 // virtual address, as in the ELF file
	Size    uint64 // bytes; 0 if it is not known
}

// Binary is what uprobes need to know of an ELF file: its functions and where they lie in it.
type Binary struct {
	Path    string
	symbols []Symbol // by name, then by address
	code    []elf.ProgHeader
	buildID string // in hexadecimal, "" if it has none
}

// OpenBinary reads an executable or a shared library. Where it was stripped, its functions come from its debug file, which
// is found by its build id.
func OpenBinary(path string) (*Binary, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := ParseBinary(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b.Path = path
	if debug, err := b.debugFile(); err == nil {
		b.symbols = uniqueSymbols(append(b.symbols, debug.symbols...))
	}
	return b, nil
}

// debugFile reads the file that distributions install a binary's symbols in.
func (b *Binary) debugFile() (*Binary, error) {
	if len(b.buildID) < 3 {
		return nil, os.ErrNotExist
	}
	f, err := os.Open(filepath.Join("/usr/lib/debug/.build-id", b.buildID[:2], b.buildID[2:]+".debug"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ParseBinary(f, info.Size())
}

// ErrNotBinary is wrapped by errors about files that are not ELF executables or libraries of this machine.
var ErrNotBinary = errors.New("not an ELF executable or shared library")

// hints name what files begin with that are taken for binaries.
var hints = []struct{ magic, what string }{
	{"#!", "a script; probe its interpreter"},
	{"\x1f\x8b", "compressed by gzip"},
	{"BZh", "compressed by bzip2"},
	{"\xfd7zXZ", "compressed by xz"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd"},
	{"PK", "a ZIP archive"},
	{"!<arch>", "a static library"},
}

// ParseBinary reads an ELF file of size bytes.
func ParseBinary(r io.ReaderAt, size int64) (b *Binary, err error) {
	// debug/elf does not promise to survive every broken file (go.dev/issue/33121 and others): a panic
	// of its is a broken file, not a mistake of ours, and this is the only place where it is called.
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("%w: broken: %v", ErrNotBinary, p)
		}
	}()
	var magic [8]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return nil, fmt.Errorf("%w: too short", ErrNotBinary)
	}
	for _, h := range hints {
		if string(magic[:len(h.magic)]) == h.magic {
			return nil, fmt.Errorf("%w but %s", ErrNotBinary, h.what)
		}
	}
	if string(magic[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return nil, ErrNotBinary
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBinary, err)
	}
	defer f.Close()
	if err := checkSections(f, size); err != nil {
		return nil, err
	}
	return readBinary(f)
}

// checkSections refuses sections of symbols and strings that are larger than the file, or compressed, which no linker makes:
// debug/elf makes room for what they say they have.
func checkSections(f *elf.File, size int64) error {
	for _, s := range f.Sections {
		switch s.Type {
		case elf.SHT_SYMTAB, elf.SHT_DYNSYM, elf.SHT_STRTAB:
			if s.FileSize > uint64(size) || s.Flags&elf.SHF_COMPRESSED != 0 {
				return fmt.Errorf("%w: broken: section %s has %d bytes, the file %d", ErrNotBinary, s.Name, s.FileSize, size)
			}
		}
	}
	return nil
}

func readBinary(f *elf.File) (*Binary, error) {
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return nil, fmt.Errorf("%w but %v", ErrNotBinary, f.Type)
	}
	b := &Binary{buildID: buildID(f)}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			b.code = append(b.code, p.ProgHeader)
		}
	}
	for _, read := range []func() ([]elf.Symbol, error){f.Symbols, f.DynamicSymbols} {
		syms, err := read()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return nil, fmt.Errorf("reading symbols: %w", err)
		}
		for _, s := range syms {
			if isFunction(s) {
				b.symbols = append(b.symbols, Symbol{s.Name, s.Value, s.Size})
			}
		}
	}
	b.symbols = uniqueSymbols(b.symbols)
	return b, nil
}

// isFunction says whether a symbol is a function that the file defines.
func isFunction(s elf.Symbol) bool {
	t := elf.ST_TYPE(s.Info)
	return (t == elf.STT_FUNC || t == elf.STT_GNU_IFUNC) && s.Section != elf.SHN_UNDEF && s.Value != 0 && s.Name != ""
}

// uniqueSymbols sorts symbols and leaves one of each name: the first by address.
func uniqueSymbols(all []Symbol) []Symbol {
	sort.Slice(all, func(i, j int) bool {
		if all[i].Name != all[j].Name {
			return all[i].Name < all[j].Name
		}
		return all[i].Address < all[j].Address
	})
	out := all[:0]
	for i, s := range all {
		if i == 0 || s.Name != all[i-1].Name {
			out = append(out, s)
		}
	}
	return out
}

// maxNotes bounds what is read of a section of notes.
const maxNotes = 4096

// buildID finds the NT_GNU_BUILD_ID note: u32 length of the name, of the data, type; "GNU\0"; the data.
func buildID(f *elf.File) string {
	s := f.Section(".note.gnu.build-id")
	if s == nil || s.Size > maxNotes || s.Type != elf.SHT_NOTE {
		return ""
	}
	data, err := s.Data()
	if err != nil || len(data) < 16 || string(data[12:16]) != "GNU\x00" {
		return ""
	}
	n := f.ByteOrder.Uint32(data[4:])
	return hex.EncodeToString(data[16:][:min(int(n), len(data)-16)])
}

// Functions returns the functions, sorted by name.
func (b *Binary) Functions() []Symbol { return b.symbols }

// Symbol finds a function by name.
func (b *Binary) Symbol(name string) (Symbol, bool) {
	i := sort.Search(len(b.symbols), func(i int) bool { return b.symbols[i].Name >= name })
	if i < len(b.symbols) && b.symbols[i].Name == name {
		return b.symbols[i], true
	}
	return Symbol{}, false
}

// FileOffset is where in the file the code of a virtual address lies.
func (b *Binary) FileOffset(addr uint64) (uint64, error) {
	for _, p := range b.code {
		if addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, nil
		}
	}
	return 0, fmt.Errorf("address %#x is not in the code of %s", addr, b.Path)
}
