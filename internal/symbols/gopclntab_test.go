package symbols

import (
	"debug/elf"
	"encoding/binary"
	"testing"
)

// smallPclntab is a table of one function, main.f, of 16 bytes, in the form of Go 1.20 (runtime.pcHeader, runtime.funcTab).
func smallPclntab() []byte {
	le := binary.LittleEndian
	names, files := []byte("\x00main.f\x00"), []byte("\x00\x00\x00\x00\x00\x00\x00\x00")
	const head = 8 + 8*8
	functab := head + 8 + len(files) // names, padded to 8
	b := []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}
	for _, word := range []int{1, 1, 0x1000, head, head + 8, head + 8, functab, functab} {
		b = le.AppendUint64(b, uint64(word))
	}
	b = append(b, names...)
	b = append(b, files...)
	for _, word := range []uint32{0, 12, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} { // entry, where it is described; the end; the description
		b = le.AppendUint32(b, word)
	}
	return b
}

func TestGoFunctions(t *testing.T) {
	text := &elf.Section{SectionHeader: elf.SectionHeader{Addr: 0x1000, Size: 16}}
	got, err := readGoFunctions(smallPclntab(), binary.LittleEndian, text)
	if want := (Symbol{"main.f", 0x1000, 16, elf.STT_FUNC}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// A table that claims more functions than any program has, or is broken, is refused whoever reads it.
func TestBrokenGoTable(t *testing.T) {
	for _, count := range []uint64{maxGoFunctions + 1, 1 << 60} {
		data := smallPclntab()
		binary.LittleEndian.PutUint64(data[8:], count)
		if tab, err := goTable(data, binary.LittleEndian, 0x1000); err == nil {
			t.Errorf("%d functions: %d are read", count, len(tab.Funcs))
		}
	}
}

func FuzzGoFunctions(f *testing.F) {
	f.Add(smallPclntab())
	text := &elf.Section{SectionHeader: elf.SectionHeader{Addr: 0x1000, Size: 0x1000}}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := readGoFunctions(data, binary.LittleEndian, text)
		if err != nil && len(list) > 0 {
			t.Error("functions and an error")
		}
		for _, s := range list {
			if s.Name == "" || s.Size == 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}
