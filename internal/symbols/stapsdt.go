package symbols

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
)

// StaticProbe is one place of a static probe (USDT), as a note of the section .note.stapsdt describes it. A probe that the
// compiler copied, by inlining for example, has a note for each of its places, and its arguments can lie elsewhere at each.
type StaticProbe struct {
	Provider, Name string
	Args           string // as the assembler wrote them: "-4@%edi 8@-16(%rbp)"
	Address        uint64 // virtual address of the instruction, as in the ELF file
	Semaphore      uint64 // where in the file the counter of those who trace lies; 0 if there is none
}

const (
	maxStaticNotes = 64 << 20 // bytes of notes; node has a few kilobytes of them
	stapsdtType    = 3        // NT_STAPSDT
	stapsdtName    = "stapsdt\x00"
	stapsdtBase    = ".stapsdt.base"
)

// StaticProbes reads the static probes of an executable or a library, in the order of the file.
func StaticProbes(path string) ([]StaticProbe, error) {
	return parseFile(path, (*elfFile).staticProbes)
}

// ParseStaticProbes reads the static probes of an ELF file whose content has at most size bytes.
func ParseStaticProbes(r io.ReaderAt, size int64) ([]StaticProbe, error) {
	return parseELF(r, size, (*elfFile).staticProbes)
}

func (f *elfFile) staticProbes() ([]StaticProbe, error) {
	if err := f.program(); err != nil {
		return nil, err
	}
	var out []StaticProbe
	for _, s := range f.Sections {
		if s.Name != ".note.stapsdt" || s.Type != elf.SHT_NOTE {
			continue
		}
		r, err := f.section(s)
		if err != nil {
			return nil, fmt.Errorf("%w: reading static probes: %w", ErrNotBinary, err)
		}
		if r.Size() > maxStaticNotes {
			return nil, fmt.Errorf("%w: section %s has %d bytes", ErrNotBinary, s.Name, r.Size())
		}
		data := make([]byte, r.Size())
		if _, err := io.ReadFull(r, data); err != nil {
			return nil, fmt.Errorf("%w: reading static probes: %w", ErrNotBinary, err)
		}
		out = f.staticNotes(out, data)
	}
	return out, nil
}

// staticNotes goes through a section of notes: sizes of the name and of the description, the type, and both, each padded to four bytes
// (elf(5)). A note that is not whole ends the list.
func (f *elfFile) staticNotes(out []StaticProbe, data []byte) []StaticProbe {
	const head, align = 12, 4
	base := uint64(0)
	if s := f.Section(stapsdtBase); s != nil {
		base = s.Addr
	}
	for len(data) >= head {
		nameLen, descLen := uint64(f.ByteOrder.Uint32(data)), uint64(f.ByteOrder.Uint32(data[4:]))
		typ := f.ByteOrder.Uint32(data[8:])
		data = data[head:]
		nameEnd := (nameLen + align - 1) / align * align
		if nameEnd+descLen > uint64(len(data)) {
			break
		}
		name, desc := data[:nameLen], data[nameEnd:nameEnd+descLen]
		data = data[min(uint64(len(data)), nameEnd+(descLen+align-1)/align*align):]
		if typ != stapsdtType || string(name) != stapsdtName {
			continue
		}
		if p, ok := f.staticProbe(desc, base); ok {
			out = append(out, p)
		}
	}
	return out
}

// staticProbe reads a description: three addresses (of the instruction, of the section .stapsdt.base when the file was linked, of the
// semaphore), and three strings. Prelinking moves code but not notes: the base section tells by how much.
func (f *elfFile) staticProbe(desc []byte, base uint64) (p StaticProbe, ok bool) {
	word := 8
	if f.Class == elf.ELFCLASS32 {
		word = 4
	}
	if len(desc) < 3*word {
		return p, false
	}
	var words [3]uint64
	for i := range words {
		if word == 8 {
			words[i] = f.ByteOrder.Uint64(desc[i*word:])
		} else {
			words[i] = uint64(f.ByteOrder.Uint32(desc[i*word:]))
		}
	}
	texts := bytes.SplitN(desc[3*word:], []byte{0}, 4)
	if len(texts) < 3 || len(texts[1]) == 0 {
		return p, false
	}
	moved := uint64(0)
	if base != 0 && words[1] != 0 {
		moved = base - words[1]
	}
	p = StaticProbe{Provider: string(texts[0]), Name: string(texts[1]), Args: string(texts[2]), Address: words[0] + moved}
	if words[2] != 0 {
		if p.Semaphore, ok = f.dataOffset(words[2] + moved); !ok {
			return p, false
		}
	}
	return p, true
}

// dataOffset is where in the file the data of a virtual address lies. What the file does not hold (.bss) has a place too, behind: the kernel
// looks for the page of the mapping.
func (f *elfFile) dataOffset(addr uint64) (uint64, bool) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}
