package scripts

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// i386Program is a program for 32-bit x86 that calls f(7, -3, 0x55) and ends.
func i386Program() []byte {
	code := []byte{
		0x6a, 0x55, 0x6a, 0xfd, 0x6a, 0x07, // push $0x55; push $-3; push $7
		0xe8, 12, 0, 0, 0, // call f
		0x83, 0xc4, 12, // add $12, %esp
		0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80, // exit(0)
		0xc3, // f: ret
	}
	const base, headers, f = 0x08048000, 52 + 32, 23
	names, strs := "\x00.symtab\x00.strtab\x00", "\x00f\x00"
	symAt := uint32(headers + len(code))
	strAt := symAt + 2*elf.Sym32Size
	nameAt := strAt + uint32(len(strs))
	sectAt := nameAt + uint32(len(names))
	var out bytes.Buffer
	put := func(v any) { _ = binary.Write(&out, binary.LittleEndian, v) }
	put(elf.Header32{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_386), Version: uint32(elf.EV_CURRENT), Entry: base + headers,
		Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1, Shoff: sectAt, Shentsize: 40, Shnum: 4, Shstrndx: 3,
	})
	put(elf.Prog32{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Filesz: symAt, Memsz: symAt, Align: 0x1000})
	put(code)
	put([]elf.Sym32{{}, {Name: 1, Value: base + headers + f, Size: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1}})
	out.WriteString(strs)
	out.WriteString(names)
	put([]elf.Section32{
		{},
		{Name: 1, Type: uint32(elf.SHT_SYMTAB), Off: symAt, Size: 2 * elf.Sym32Size, Link: 2, Info: 1, Entsize: elf.Sym32Size},
		{Name: 9, Type: uint32(elf.SHT_STRTAB), Off: strAt, Size: uint32(len(strs))},
		{Name: 9, Type: uint32(elf.SHT_STRTAB), Off: nameAt, Size: uint32(len(names))},
	})
	return out.Bytes()
}

// TestKernelI386 traces a 32-bit program, whose arguments lie on the stack.
func TestKernelI386(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "i386")
	if err := os.WriteFile(path, i386Program(), 0o700); err != nil {
		t.Fatal(err)
	}
	script := "uprobe:" + path + `:f { printf("%d %d %x %x\n", arg0, (int32)arg1, arg2, sarg2); }`
	tool := command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace")
	args := []string{"-e", script, "-c", path}
	err := exec.Command(path).Run()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("SKIPPED: this kernel runs no 32-bit programs")
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "7 -3 55 55\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
