package symbols

import (
	"bytes"
	"debug/elf"
	"regexp"
	"slices"
	"strings"
)

// goCode is the code that the Go compiler made in a binary. It differs from C's in what matters to probes: arguments are in
// other registers, and the runtime walks and moves stacks, which must hold no return address but its own.
type goCode struct{ from, to uint64 }

// goSections are sections that only the Go linker makes. strip(1) leaves them.
var goSections = []string{".gopclntab", ".data.rel.ro.gopclntab", ".go.buildinfo"}

// goMagic begins the build information, at the start of the writable data (debug/buildinfo).
const (
	goMagic       = "\xff Go buildinf:"
	goMagicWindow = 64 << 10
)

// findGoCode finds Go's code in a binary, nil if there is none. Without symbols all of its code is taken for Go's.
func findGoCode(f *elfFile, b *Binary) *goCode {
	if !isGoBinary(f) {
		return nil
	}
	from, ok1 := b.Symbol("runtime.text")
	to, ok2 := b.Symbol("runtime.etext")
	if ok1 && ok2 && from.Address < to.Address {
		return &goCode{from.Address, to.Address}
	}
	return &goCode{0, ^uint64(0)}
}

func isGoBinary(f *elfFile) bool {
	for _, s := range f.Sections {
		if slices.Contains(goSections, s.Name) {
			return true
		}
	}
	if len(f.Sections) > 0 {
		return false
	}
	window := make([]byte, goMagicWindow)
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_W == 0 {
			continue
		}
		n, _ := f.r.ReadAt(window[:min(p.Filesz, goMagicWindow)], int64(p.Off)) // what could be read is looked at
		if bytes.Contains(window[:n], []byte(goMagic)) {
			return true
		}
	}
	return false
}

// clone is what C compilers append to the names of copies and parts of functions.
var clone = regexp.MustCompile(`\.(cold|part|constprop|isra|lto_priv|llvm|localalias)(\.\d+)*$`)

// IsGo says whether the function of a name at an address is Go's. "" is a function without a symbol. C code that the
// Go linker itself put in lies among Go's, but its names have no package.
func (b *Binary) IsGo(name string, addr uint64) bool {
	if b.goCode == nil || addr < b.goCode.from || addr >= b.goCode.to {
		return false
	}
	for clone.MatchString(name) {
		name = clone.ReplaceAllString(name, "")
	}
	return name == "" || strings.Contains(name, ".")
}

// Datum is where a symbol of data lies, and a word of it.
type Datum struct{ Address, Word uint64 }

// Words finds symbols of data by their names, and the word of each that lies off bytes into it, as it is in the file: 0 where it is not.
func (b *Binary) Words(names []string, off uint64) (map[string]Datum, error) {
	return parseFile(b.Path, func(f *elfFile) (map[string]Datum, error) {
		out := map[string]Datum{}
		err := f.eachSymbol(func(s elf.Symbol) {
			if slices.Contains(names, s.Name) && isDefined(s) {
				out[s.Name] = Datum{s.Value, f.word(s.Value + off)}
			}
		})
		return out, err
	})
}

// word is the word at a virtual address, 0 if the file has none.
func (f *elfFile) word(addr uint64) uint64 {
	var b [8]byte
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz && p.Filesz-(addr-p.Vaddr) >= uint64(len(b)) {
			if n, _ := f.r.ReadAt(b[:], int64(p.Off+addr-p.Vaddr)); n == len(b) {
				return f.ByteOrder.Uint64(b[:])
			}
		}
	}
	return 0
}
