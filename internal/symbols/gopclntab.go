package symbols

import (
	"debug/buildinfo"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What bounds the table of a Go program's functions: that of the largest programs has some tens of megabytes, and some hundred thousand functions.
const (
	maxPclntab     = 256 << 20
	maxGoFunctions = 4 << 20
)

// goFunctions are the functions of a Go program that was stripped of its symbols: its runtime needs a table of them.
func (f *elfFile) goFunctions() ([]Symbol, error) {
	var table, text *elf.Section
	for _, s := range f.Sections {
		switch {
		case s.Name == ".text":
			text = s
		case s.Type != elf.SHT_NOBITS && slices.Contains(goSections, s.Name) && strings.HasSuffix(s.Name, "pclntab"):
			table = s
		}
	}
	if table == nil || text == nil {
		return nil, nil
	}
	data, err := f.content(table, maxPclntab)
	if err != nil {
		return nil, err
	}
	return readGoFunctions(data, f.ByteOrder, text)
}

// readGoFunctions reads the table of a program whose code is the section text.
func readGoFunctions(data []byte, order binary.ByteOrder, text *elf.Section) ([]Symbol, error) {
	start := text.Addr
	// The head of the table says where the code begins (runtime.pcHeader, until Go 1.25), which is not the section's beginning in programs with C.
	const header, textAt = 32, 24
	if len(data) >= header && data[7] == 8 {
		if at := order.Uint64(data[textAt:]); at > text.Addr && at < text.Addr+text.Size {
			start = at
		}
	}
	t, err := goTable(data, order, start)
	if err != nil {
		return nil, err
	}
	var out []Symbol
	for i := range t.Funcs {
		fn := &t.Funcs[i]
		if fn.Sym != nil && fn.Name != "" && fn.End > fn.Entry {
			out = append(out, Symbol{fn.Name, fn.Entry, fn.End - fn.Entry, elf.STT_FUNC})
		}
	}
	return out, nil
}

// goTable reads the table of the functions of a program whose code begins at start. debug/gosym makes some hundred bytes of each function that the
// table claims to have, and does not promise to survive every broken one.
func goTable(data []byte, order binary.ByteOrder, start uint64) (t *gosym.Table, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("table of Go's functions: broken: %v", p)
		}
	}()
	const wordAt, countAt, header, entry = 7, 8, 16, 8 // bytes; an entry has at least an address and a number
	if len(data) < header {
		return nil, errors.New("table of Go's functions: it ends in its header")
	}
	count := order.Uint64(data[countAt:])
	if data[wordAt] == 4 {
		count = uint64(order.Uint32(data[countAt:]))
	}
	switch { // NewTable makes room for so many before it reads them
	case count > uint64(len(data)/entry):
		return nil, errors.New("table of Go's functions: it has not so many as it says")
	case count > maxGoFunctions:
		return nil, fmt.Errorf("table of Go's functions: more than %d", maxGoFunctions)
	}
	return gosym.NewTable(nil, gosym.NewLineTable(data, start))
}

// IsGoProgram says whether the Go linker made the binary.
func (b *Binary) IsGoProgram() bool { return b.goCode != nil }

// GoVersion is the minor version of Go that the binary was built with, 21 for Go 1.21; 0 if it does not tell.
func (b *Binary) GoVersion() int {
	info, err := buildinfo.ReadFile(b.Path)
	if err != nil {
		return 0
	}
	return minorVersion(info.GoVersion)
}

// minorVersion reads "go1.21.3", "go1.27-devel_abc" and the like.
func minorVersion(text string) int {
	_, text, ok := strings.Cut(text, "go1.")
	if !ok {
		return 0
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		text = text[:end]
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// GoNamed are the functions of a Go program that a name means: generic ones are meant by their names without the types that they were made for, with or
// without "[...]" in their place.
func (b *Binary) GoNamed(name string) []Symbol {
	if b.goCode == nil {
		return nil
	}
	plain := withoutTypes(name)
	if strings.Contains(name, "[") && !strings.Contains(name, "[...]") {
		return nil // one that is written whole is found by its name
	}
	var out []Symbol
	for _, s := range b.symbols {
		if strings.HasPrefix(s.Name, plain[:min(4, len(plain))]) && strings.Contains(s.Name, "[") && withoutTypes(s.Name) == plain {
			out = append(out, s)
		}
	}
	return out
}

// withoutTypes takes what is in brackets out of a name.
func withoutTypes(name string) string {
	var b strings.Builder
	depth := 0
	for _, r := range name {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}
