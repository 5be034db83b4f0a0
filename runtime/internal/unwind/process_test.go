package unwind

import (
	"debug/elf"
	"math"
	"slices"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/internal/ehframe"
	"github.com/gotrace/gotrace/internal/symbols"
)

// Ranges are replaced by what is mapped over them later, and neighbours that are alike are one.
func TestRanges(t *testing.T) {
	tables := &Tables{dirty: map[*process]bool{}}
	p := &process{pid: 1}
	add := func(start, end uint64, path string) {
		tables.add(p, &mapping{Mapping: symbols.Mapping{Start: start, End: end, Path: path}})
	}
	add(0x5000, 0x9000, "")
	add(0x9000, 0xa000, "") // grows it
	add(0x1000, 0x2000, "[uprobes]")
	add(0x6000, 0x7000, "[uprobes]")    // within another
	add(0x7800, 0x7800, "")             // nothing
	add(1<<62, 1<<62+0x1000, "[other]") // no address of a process
	want := []entry{
		{0, 0, layout.UnwindNothing}, {0x1000, 0, layout.UnwindReturn}, {0x2000, 0, layout.UnwindNothing},
		{0x5000, 0, layout.UnwindFrames}, {0x6000, 0, layout.UnwindReturn}, {0x7000, 0, layout.UnwindFrames}, {0xa000, 0, layout.UnwindNothing},
	}
	if got := p.entries(); !slices.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	add(0, 0x20000, "")
	if got := p.entries(); !slices.Equal(got, []entry{{0, 0, layout.UnwindNothing}, {0, 0, layout.UnwindFrames}, {0x20000, 0, layout.UnwindNothing}}) {
		t.Errorf("%v", got)
	}
}

// A file of more rows than one tree has is several ranges. Wherever it is mapped, an address less the bias is that of a row.
func TestTrees(t *testing.T) {
	frames, err := symbols.ReadFrames(symbolsOf(t))
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	f := &file{frames: frames, trees: []tree{{0, 10}, {0x2000, 11}, {0x5000, 12}}}
	tables := &Tables{dirty: map[*process]bool{}}
	offset, first := codeOf(t, frames)
	for _, size := range []uint64{0x1000, 0x3000, 0x100000} {
		p := &process{}
		const at = 0x7f00_1234_5000
		tables.add(p, &mapping{Mapping: symbols.Mapping{Start: at, End: at + size, Offset: offset, Path: "/file"}, file: f})
		end := uint64(at)
		for _, c := range p.ranges {
			if c.start != end {
				t.Errorf("%#x: a gap before %#x", size, c.start)
			}
			end = c.end
			for _, addr := range []uint64{c.start, c.end - 1} {
				pc := uint32(addr) - c.bias
				if uint64(pc) != addr-at+first {
					t.Errorf("%#x is row %#x, want %#x", addr, pc, addr-at+first)
				}
				want := uint32(10)
				for _, tr := range f.trees {
					if pc >= tr.pc {
						want = tr.node
					}
				}
				if c.node != want {
					t.Errorf("%#x is in tree %d, want %d", pc, c.node, want)
				}
			}
		}
		if end != at+size {
			t.Errorf("%#x: the ranges end at %#x", size, end)
		}
	}
}

// symbolsOf is an ELF file with .eh_frame: the code that the kernel maps into every process.
func symbolsOf(t *testing.T) (*reader, int64) {
	data := symbols.VDSO()
	if data == nil {
		t.Skip("SKIPPED: no vdso")
	}
	return &reader{data}, int64(len(data))
}

type reader struct{ data []byte }

func (r *reader) ReadAt(p []byte, off int64) (int, error) { return copy(p, r.data[off:]), nil }

// codeOf is where code lies in the file, and which row it has.
func codeOf(t *testing.T, frames *symbols.Frames) (offset, first uint64) {
	r, _ := symbolsOf(t)
	f, err := elf.NewFile(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			return p.Off, p.Vaddr - frames.Base
		}
	}
	t.Skip("SKIPPED: no code")
	return 0, 0
}

func TestValues(t *testing.T) {
	var v rowsValue
	v.put([]ehframe.Row{{PC: 7, Rule: 9}})
	if v[0] != 7 || v[4] != 9 || v[8] != math.MaxUint8 || v[len(v)-8] != math.MaxUint8 || v[len(v)-1] != 0 {
		t.Errorf("% x", v[:32])
	}
}

func TestNodes(t *testing.T) {
	var n nodes
	a, ok := n.take(10)
	if !ok || a[0] != layout.UnwindFirst || n.left() != layout.UnwindMaxRows-10 {
		t.Fatalf("%v, %d left", a, n.left())
	}
	n.give(a[:4])
	b, ok := n.take(6)
	if !ok || n.left() != layout.UnwindMaxRows-12 {
		t.Errorf("%v, %d left", b, n.left())
	}
	all := append(slices.Clone(a[4:]), b...)
	slices.Sort(all)
	if len(slices.Compact(all)) != 12 {
		t.Errorf("numbers are given twice: %v, %v", a, b)
	}
	if _, ok := n.take(n.left() + 1); ok {
		t.Error("more than there are")
	}
}
