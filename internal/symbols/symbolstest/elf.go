// Package symbolstest has ELF files for tests. It imports nothing of gotrace.
package symbolstest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// ELF is a library with a function "fn" at 0x1010, made by hand: a header, one segment of code at 0x1000, sections of symbols, strings and a build id.
func ELF() []byte {
	var out bytes.Buffer
	const (
		headers = 64
		code    = 0x40 // file offset of the code
		codeLen = 0x80
	)
	names := "\x00.symtab\x00.strtab\x00.shstrtab\x00.note.gnu.build-id\x00"
	strs := "\x00fn\x00undefined\x00"
	note := []byte{4, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 1, 2, 3, 4, 5, 6, 7, 8}
	symAt := uint64(code + codeLen)
	syms := []elf.Sym64{{}, {Name: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: 0x1010, Size: 8},
		{Name: 4, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)}}
	strAt := symAt + uint64(len(syms)*elf.Sym64Size)
	nameAt := strAt + uint64(len(strs))
	noteAt := nameAt + uint64(len(names))
	progAt := noteAt + uint64(len(note))
	sectAt := progAt + 56
	index := func(name string) uint32 { return uint32(bytes.Index([]byte(names), []byte("\x00"+name+"\x00")) + 1) }

	put := func(v any) { _ = binary.Write(&out, binary.LittleEndian, v) }
	put(elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Ehsize: headers,
		Phoff: progAt, Phentsize: 56, Phnum: 1, Shoff: sectAt, Shentsize: 64, Shnum: 5, Shstrndx: 3,
	})
	put(make([]byte, codeLen))
	put(syms)
	out.WriteString(strs)
	out.WriteString(names)
	out.Write(note)
	put(elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_X | elf.PF_R), Off: code, Vaddr: 0x1000, Filesz: codeLen, Memsz: codeLen})
	put([]elf.Section64{
		{},
		{Name: index(".symtab"), Type: uint32(elf.SHT_SYMTAB), Off: symAt, Size: uint64(len(syms) * elf.Sym64Size), Link: 2, Entsize: elf.Sym64Size},
		{Name: index(".strtab"), Type: uint32(elf.SHT_STRTAB), Off: strAt, Size: uint64(len(strs))},
		{Name: index(".shstrtab"), Type: uint32(elf.SHT_STRTAB), Off: nameAt, Size: uint64(len(names))},
		{Name: index(".note.gnu.build-id"), Type: uint32(elf.SHT_NOTE), Off: noteAt, Size: uint64(len(note))},
	})
	return out.Bytes()
}

// CProgram has a function and its twin in a position-independent and a fixed executable and a library.
const CProgram = `
#include <stdio.h>
int shown(int n) { return n * 2; }
static int hidden(int n) { return n * 3; }
int main(int argc, char **argv) { return shown(argc) + hidden(argc) == 5 ? 0 : 1; }
`
