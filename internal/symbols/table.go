package symbols

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
)

// Table names the code of an ELF file by address. It holds 24 bytes a symbol; the names of files with very many are read when they are
// asked for.
type Table struct {
	BuildID  string // in hexadecimal, "" if there is none
	Stripped bool   // it has only the symbols that it offers to others
	syms     []tableSymbol
	code     []elf.ProgHeader // the parts that are loaded
	names    []stringTable
	bytes    int // what it keeps in memory
}

// tableSymbol is a symbol of code.
type tableSymbol struct {
	addr  uint64
	size  uint32
	name  uint32 // in its table of names
	table uint16
	rank  uint8 // of several at an address the one of the lowest rank counts
}

// stringTable is a table of names: in memory, or in the file.
type stringTable struct {
	text []byte
	file io.ReaderAt
	off  int64
	size int64
}

// namesInMemory is the largest table of names that is kept in memory.
const namesInMemory = 8 << 20

// maxSymbolName bounds a name. Those of C++ templates have some thousand characters.
const maxSymbolName = 64 << 10

func (s *stringTable) at(i uint32) string {
	text := s.text
	if text == nil {
		text = make([]byte, min(maxSymbolName, max(0, s.size-int64(i))))
		n, _ := s.file.ReadAt(text, s.off+int64(i)) // a name that cannot be read is cut
		text, i = text[:n], 0
	}
	if int64(i) >= int64(len(text)) {
		return ""
	}
	text = text[i:]
	if n := bytes.IndexByte(text[:min(len(text), maxSymbolName)], 0); n >= 0 {
		text = text[:n]
	}
	return string(text)
}

// ReadTable reads the symbols of a file. It keeps r if the file has very many.
func ReadTable(r io.ReaderAt, size int64) (*Table, error) {
	return parseELF(r, size, parseTable)
}

// OpenTable is ReadTable of an open file.
func OpenTable(f *os.File) (*Table, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadTable(f, contentSize(info))
}

func parseTable(f *elfFile) (*Table, error) {
	t := &Table{BuildID: buildID(f.File), Stripped: f.SectionByType(elf.SHT_SYMTAB) == nil}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			t.code = append(t.code, p.ProgHeader)
		}
	}
	err := t.addAll(f)
	if t.Stripped {
		t.addHidden(f)
	}
	t.sort()
	return t, err
}

// addAll adds the symbols of all tables of a file.
func (t *Table) addAll(f *elfFile) error {
	for _, s := range f.Sections {
		if s.Type != elf.SHT_SYMTAB && s.Type != elf.SHT_DYNSYM {
			continue
		}
		if err := t.add(f, s); err != nil {
			return fmt.Errorf("%w: reading symbols: %w", ErrNotBinary, err)
		}
	}
	return nil
}

func (t *Table) add(f *elfFile, section *elf.Section) error {
	if int(section.Link) >= len(f.Sections) {
		return fmt.Errorf("section %s has no names", section.Name)
	}
	names, err := f.section(f.Sections[section.Link])
	if err != nil {
		return err
	}
	st := stringTable{file: f.r, off: int64(f.Sections[section.Link].Offset), size: names.Size()}
	if st.size <= namesInMemory {
		st.text = make([]byte, st.size)
		if _, err := io.ReadFull(names, st.text); err != nil {
			return fmt.Errorf("names of section %s: %w", section.Name, err)
		}
		st.file = nil
		t.bytes += len(st.text)
	}
	err = f.eachRecord(section, func(name uint32, s elf.Symbol) {
		if rank, ok := t.rank(f, s, name, &st); ok {
			t.syms = append(t.syms, tableSymbol{s.Value, uint32(min(s.Size, 1<<32-1)), name, uint16(len(t.names)), rank})
		}
	})
	if err != nil {
		return err
	}
	t.names = append(t.names, st)
	return nil
}

// rank says whether a symbol is one of code, and how good its name is: functions before labels of assembly, names that others can use
// before those that only the file knows.
func (t *Table) rank(f *elfFile, s elf.Symbol, name uint32, names *stringTable) (rank uint8, ok bool) {
	if s.Section == elf.SHN_UNDEF || s.Value == 0 || name == 0 {
		return 0, false
	}
	switch elf.ST_TYPE(s.Info) {
	case elf.STT_FUNC, elf.STT_GNU_IFUNC:
	case elf.STT_NOTYPE:
		// Labels of assembly in code. Those of the assembler's own and of ARM's ("$x") name nothing.
		if int(s.Section) >= len(f.Sections) || f.Sections[s.Section].Flags&elf.SHF_EXECINSTR == 0 {
			return 0, false
		}
		if text := names.at(name); text == "" || strings.HasPrefix(text, ".L") || strings.HasPrefix(text, "$") {
			return 0, false
		}
		rank = 4
	default:
		return 0, false
	}
	switch elf.ST_BIND(s.Info) {
	case elf.STB_GLOBAL:
	case elf.STB_WEAK:
		rank++
	default:
		rank += 2
	}
	return rank, true
}

// sort puts the symbols in order and leaves one of each address.
func (t *Table) sort() {
	slices.SortStableFunc(t.syms, func(a, b tableSymbol) int {
		return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(a.rank, b.rank), cmp.Compare(b.size, a.size))
	})
	t.syms = slices.Clip(slices.CompactFunc(t.syms, func(a, b tableSymbol) bool { return a.addr == b.addr }))
	t.bytes += 24 * len(t.syms)
}

// Merge adds the symbols of another table of the same code, such as that of a separate file with symbols.
func (t *Table) Merge(other *Table) {
	for _, s := range other.syms {
		s.table += uint16(len(t.names))
		t.syms = append(t.syms, s)
	}
	t.names = append(t.names, other.names...)
	t.bytes = other.bytes - 24*len(other.syms) + t.bytes - 24*(len(t.syms)-len(other.syms))
	t.sort()
}

// Bytes is about how much memory the table takes.
func (t *Table) Bytes() int { return t.bytes }

// KeepsFile says that names are read from the file, which must stay open.
func (t *Table) KeepsFile() bool {
	return slices.ContainsFunc(t.names, func(s stringTable) bool { return s.file != nil })
}

// Len is how many symbols there are.
func (t *Table) Len() int { return len(t.syms) }

// Address is the virtual address, as in the file, of what lies at an offset of it.
func (t *Table) Address(offset uint64) (addr uint64, ok bool) {
	for _, p := range t.code {
		if offset >= p.Off && offset-p.Off < p.Filesz {
			return offset - p.Off + p.Vaddr, true
		}
	}
	return 0, false
}

// enclosing is how many symbols before an address are looked at for one that holds it: a small one may lie within a large one.
const enclosing = 16

// Find names the function that holds an address of the file, and says where it begins.
func (t *Table) Find(addr uint64) (name string, start uint64, ok bool) {
	i := sort.Search(len(t.syms), func(i int) bool { return t.syms[i].addr > addr })
	for j := i - 1; j >= 0 && j >= i-enclosing; j-- {
		s := &t.syms[j]
		// One whose size nobody knows reaches to the next one.
		if addr-s.addr < uint64(s.size) || s.size == 0 && j == i-1 {
			return t.names[s.table].at(s.name), s.addr, true
		}
	}
	return "", 0, false
}
