package symbols

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"sort"
)

// Symbol is a function of a binary.
type Symbol struct {
	Name    string
	Address uint64 // virtual address, as in the ELF file
	Size    uint64 // bytes; 0 if it is not known
	Type    elf.SymType
}

// maxTable bounds a table of symbols or of their names. The largest programs have tens of megabytes.
const maxTable = 256 << 20

// eachSymbol reads the symbols that a file has and those that it offers to others, in pieces: the tables are large.
func (f *elfFile) eachSymbol(visit func(elf.Symbol)) error {
	for _, s := range f.Sections {
		if s.Type != elf.SHT_SYMTAB && s.Type != elf.SHT_DYNSYM {
			continue
		}
		if err := f.readSymbols(s, visit); err != nil {
			return fmt.Errorf("%w: reading symbols: %w", ErrNotBinary, err)
		}
	}
	return nil
}

func (f *elfFile) readSymbols(table *elf.Section, visit func(elf.Symbol)) error {
	if int(table.Link) >= len(f.Sections) {
		return fmt.Errorf("section %s has no names", table.Name)
	}
	names, err := f.section(f.Sections[table.Link])
	if err != nil {
		return err
	}
	strs := make([]byte, names.Size())
	if _, err := io.ReadFull(names, strs); err != nil {
		return fmt.Errorf("names of section %s: %w", table.Name, err)
	}
	return f.eachRecord(table, func(name uint32, s elf.Symbol) {
		if int64(name) < int64(len(strs)) {
			text, _, _ := bytes.Cut(strs[name:], []byte{0})
			s.Name = string(text)
		}
		visit(s)
	})
}

// eachRecord reads a table of symbols, whose names are offsets in another section.
func (f *elfFile) eachRecord(table *elf.Section, visit func(name uint32, s elf.Symbol)) error {
	syms, err := f.section(table)
	if err != nil {
		return err
	}
	size, decode := elf.Sym64Size, f.symbol64
	if f.Class == elf.ELFCLASS32 {
		size, decode = elf.Sym32Size, f.symbol32
	}
	r := bufio.NewReaderSize(syms, readAhead)
	raw := make([]byte, size)
	for range syms.Size() / int64(size) {
		if _, err := io.ReadFull(r, raw); err != nil {
			return fmt.Errorf("section %s: %w", table.Name, err)
		}
		name, s := decode(raw)
		visit(name, s)
	}
	return nil
}

// section is the content of a section. Sections of symbols are never compressed.
func (f *elfFile) section(s *elf.Section) (*io.SectionReader, error) {
	if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, fmt.Errorf("section %s is compressed, or has no content", s.Name)
	}
	if s.FileSize > maxTable || int64(s.FileSize) > f.size {
		return nil, fmt.Errorf("section %s has %d bytes, the file %d", s.Name, s.FileSize, f.size)
	}
	return io.NewSectionReader(f.r, int64(s.Offset), int64(s.FileSize)), nil
}

// symbol64 is struct Elf64_Sym: name, info, other, section, value, size.
func (f *elfFile) symbol64(b []byte) (name uint32, s elf.Symbol) {
	o := f.ByteOrder
	return o.Uint32(b), elf.Symbol{Info: b[4], Section: elf.SectionIndex(o.Uint16(b[6:])), Value: o.Uint64(b[8:]), Size: o.Uint64(b[16:])}
}

// symbol32 is struct Elf32_Sym: name, value, size, info, other, section.
func (f *elfFile) symbol32(b []byte) (name uint32, s elf.Symbol) {
	o := f.ByteOrder
	return o.Uint32(b), elf.Symbol{Value: uint64(o.Uint32(b[4:])), Size: uint64(o.Uint32(b[8:])), Info: b[12], Section: elf.SectionIndex(o.Uint16(b[14:]))}
}

// isFunction says whether a symbol is a function that the file defines.
func isFunction(s elf.Symbol) bool {
	t := elf.ST_TYPE(s.Info)
	return (t == elf.STT_FUNC || t == elf.STT_GNU_IFUNC) && isDefined(s)
}

func isDefined(s elf.Symbol) bool { return s.Section != elf.SHN_UNDEF && s.Value != 0 && s.Name != "" }

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

// Other finds a symbol that is not known to be a function: code whose symbol has no type, as in assembly, or data. The
// tables are read again, because few scripts ask for one.
func (b *Binary) Other(name string) (Symbol, bool) {
	find := func(f *elfFile) (Symbol, error) {
		var found Symbol
		err := f.eachSymbol(func(s elf.Symbol) {
			if s.Name == name && isDefined(s) && found.Name == "" {
				found = Symbol{s.Name, s.Value, s.Size, elf.ST_TYPE(s.Info)}
			}
		})
		return found, err
	}
	s, err := parseFile(b.Path, find)
	return s, err == nil && s.Name != ""
}
