package symbols

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"

	"github.com/ulikunitz/xz"
)

// addHidden adds the symbols of a stripped binary that strip(1) leaves: those that Fedora and its kin put into .gnu_debugdata, a small ELF file
// compressed by xz, and the functions in the table by which Go's runtime walks stacks. What is broken adds nothing.
func (t *Table) addHidden(f *elfFile) {
	if s := f.Section(".gnu_debugdata"); s != nil {
		t.addMini(f, s)
	}
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		if s := f.Section(name); s != nil {
			t.addGo(f, s)
		}
	}
}

// maxMini bounds the file in .gnu_debugdata. That of the C library has some hundred kilobytes.
const maxMini = 64 << 20

func (t *Table) addMini(f *elfFile, s *elf.Section) {
	data, err := f.content(s, maxMini)
	if err != nil {
		return
	}
	r, err := xz.ReaderConfig{DictCap: maxMini, SingleStream: true}.NewReader(bytes.NewReader(data))
	if err != nil {
		return
	}
	mini, err := io.ReadAll(io.LimitReader(r, maxMini))
	if err != nil {
		return
	}
	if more, err := ReadTable(bytes.NewReader(mini), int64(len(mini))); err == nil {
		t.Merge(more)
	}
}

func (t *Table) addGo(f *elfFile, s *elf.Section) {
	data, err := f.content(s, maxTable)
	if err != nil {
		return
	}
	text, ok := goText(f, data)
	if !ok {
		return
	}
	tab, err := goTable(data, f.ByteOrder, text)
	if err != nil {
		return
	}
	var names strings.Builder
	names.WriteByte(0) // the name 0 is none
	for i := range tab.Funcs {
		fn := &tab.Funcs[i]
		if fn.Entry == 0 || fn.End < fn.Entry || names.Len() > maxTable {
			continue
		}
		t.syms = append(t.syms, tableSymbol{fn.Entry, uint32(min(fn.End-fn.Entry, 1<<32-1)), uint32(names.Len()), uint16(len(t.names)), 0})
		names.WriteString(fn.Name)
		names.WriteByte(0)
	}
	t.names = append(t.names, stringTable{text: []byte(names.String()), size: int64(names.Len())})
	t.bytes += names.Len()
}

// goText is where Go's code begins, which the table's addresses count from: as its head says, if the linker filled that in (struct
// pcHeader, runtime/symtab.go). A program that Go alone has linked has no other code before it.
func goText(f *elfFile, data []byte) (uint64, bool) {
	const textStart, goMagic20 = 24, 0xfffffff1
	if len(data) >= textStart+8 && f.ByteOrder.Uint32(data) == goMagic20 && data[7] == 8 {
		if n := f.ByteOrder.Uint64(data[textStart:]); n != 0 {
			return n, true
		}
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return 0, false
		}
	}
	s := f.Section(".text")
	if s == nil {
		return 0, false
	}
	return s.Addr, true
}
