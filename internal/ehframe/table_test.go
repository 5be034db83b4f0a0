package ehframe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// Addresses of the sections that tests make.
const (
	testSection = 0x9000
	testBase    = 0x1000
)

// section makes an .eh_frame.
type section struct{ bytes.Buffer }

func (s *section) entry(id func(at int) uint32, body []byte) (begin int) {
	for (len(body)+4)%8 != 4 {
		body = append(body, cfaNop)
	}
	begin = s.Len()
	le := binary.LittleEndian
	s.Write(le.AppendUint32(nil, uint32(len(body)+4)))
	s.Write(le.AppendUint32(nil, id(s.Len())))
	s.Write(body)
	return begin
}

// cie adds a CIE with addresses relative to where they stand, as compilers write it.
func (s *section) cie(augmentation string, code ...byte) int {
	body := append([]byte{1}, augmentation...)
	body = append(body, 0, 1, 0x78, regRA) // code alignment 1, data alignment -8
	if augmentation != "" {
		body = append(body, 1, pePCRel|peS4)
	}
	return s.entry(func(int) uint32 { return 0 }, append(body, code...))
}

func (s *section) fde(cie int, start uint64, size uint32, code ...byte) {
	at := s.Len() + 8
	body := binary.LittleEndian.AppendUint32(nil, uint32(start-(testSection+uint64(at))))
	body = binary.LittleEndian.AppendUint32(body, size)
	body = append(body, 0) // no augmentation
	s.entry(func(at int) uint32 { return uint32(at - cie) }, append(body, code...))
}

func (s *section) build(t *testing.T) []Row {
	t.Helper()
	rows, err := Build(Section{Data: s.Bytes(), Address: testSection, Base: testBase})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// usual is what the CIE of compiled code says: CFA is rsp+8, the return address at CFA-8.
var usual = []byte{cfaDefCFA, regRSP, 8, cfaOffset | regRA, 1}

func want(pc uint32, k Kind, cfa, rbp int64) Row { return Row{pc, newRule(k, cfa, rbp)} }

func TestBuild(t *testing.T) {
	for name, c := range map[string]struct {
		code []byte
		rows []Row
	}{
		"nothing": {nil, []Row{want(0, StackBased, 8, 0)}},
		"frame pointer": {
			[]byte{cfaAdvance | 1, cfaDefOffset, 16, cfaOffset | regRBP, 2, cfaAdvance | 3, cfaDefRegister, regRBP, cfaAdvance | 20, cfaDefCFA, regRSP, 8},
			[]Row{want(0, StackBased, 8, 0), want(1, StackBased, 16, -16), want(4, FrameBased, 16, -16), want(24, StackBased, 8, -16)},
		},
		"pushes and pops": {
			[]byte{cfaAdvance | 2, cfaDefOffset, 16, cfaOffset | 12, 2, cfaAdvance | 1, cfaDefOffset, 24, cfaOffset | regRBP, 3, cfaRemember,
				cfaAdvance1, 40, cfaRestore | regRBP, cfaDefOffset, 8, cfaAdvance | 1, cfaRestoreState},
			[]Row{want(0, StackBased, 8, 0), want(2, StackBased, 16, 0), want(3, StackBased, 24, -24), want(43, StackBased, 8, 0), want(44, StackBased, 24, -24)},
		},
		"large frame":                 {[]byte{cfaAdvance2, 0, 1, cfaDefOffset, 0x90, 0x80, 0x0f}, []Row{want(0, StackBased, 8, 0), want(256, StackBased, 245776, 0)}},
		"too large a frame":           {[]byte{cfaAdvance | 1, cfaDefOffset, 0x80, 0x80, 0x80, 1}, []Row{want(0, StackBased, 8, 0), {1, Rule(Unsupported)}}},
		"odd frame":                   {[]byte{cfaAdvance | 1, cfaDefOffset, 12}, []Row{want(0, StackBased, 8, 0), {1, Rule(Unsupported)}}},
		"another register":            {[]byte{cfaAdvance | 1, cfaDefCFA, 10, 0}, []Row{want(0, StackBased, 8, 0), {1, Rule(Unsupported)}}},
		"outermost":                   {[]byte{cfaUndefined, regRA}, []Row{{0, Rule(End)}}},
		"frame pointer in a register": {[]byte{cfaRegister, regRBP, 12}, []Row{{0, Rule(Unsupported)}}},
		"plt": {
			append([]byte{cfaDefOffset, 16, cfaAdvance | 6, cfaDefOffset, 24, cfaAdvance | 10, cfaDefExpression, 11},
				0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22),
			[]Row{want(0, StackBased, 16, 0), want(6, StackBased, 24, 0), want(16, PLT, 8, 11*8)},
		},
		"another expression": {[]byte{cfaDefExpression, 2, 0x77, 8}, []Row{{0, Rule(Unsupported)}}},
		"aligned stack": {
			[]byte{cfaAdvance | 5, cfaDefCFA, 10, 0, cfaAdvance | 8, cfaExpression, regRBP, 2, 0x76, 0, cfaAdvance | 3, cfaDefExpression, 3, 0x76, 0x78, opDeref},
			[]Row{want(0, StackBased, 8, 0), {5, Rule(Unsupported)}, want(16, Deref, -8, 0)},
		},
		"no such instruction":    {[]byte{cfaAdvance | 4, 0x3f}, []Row{want(0, StackBased, 8, 0), {4, Rule(Unsupported)}}},
		"nothing was remembered": {[]byte{cfaAdvance | 4, cfaRestoreState}, []Row{want(0, StackBased, 8, 0), {4, Rule(Unsupported)}}},
		"backwards":              {[]byte{cfaAdvance | 4, cfaSetLoc, 0, 0x80, 0xff, 0xff}, []Row{want(0, StackBased, 8, 0), {4, Rule(Unsupported)}}},
	} {
		t.Run(name, func(t *testing.T) {
			var s section
			s.fde(s.cie("zR", usual...), 0x2000, 0x400, c.code...)
			rows := []Row{{0, Rule(None)}}
			for _, r := range c.rows {
				rows = append(rows, Row{r.PC + 0x2000 - testBase, r.Rule})
			}
			rows = append(rows, Row{0x2400 - testBase, Rule(None)})
			if got := s.build(t); !slices.Equal(got, rows) {
				t.Errorf("%v\nwant %v", got, rows)
			}
		})
	}
}

// Functions need not be in order, nor next to each other.
func TestOrder(t *testing.T) {
	var s section
	c := s.cie("zR", usual...)
	signal := s.cie("zRS", usual...)
	s.fde(c, 0x3000, 0x10, cfaDefOffset, 16)
	s.fde(c, 0x2000, 0x10)
	s.fde(c, 0x2018, 8, cfaDefOffset, 32)  // only padding lies before it
	s.fde(signal, 0x2020, 8)               // and nothing before this
	s.fde(c, 0x2024, 8, cfaDefOffset, 64)  // it overlaps the one before
	s.fde(c, 0x0800, 8)                    // before the file's first address
	s.fde(c, 0x3010, 0, cfaDefOffset, 128) // empty
	rows := []Row{
		{0, Rule(None)}, want(0x1000, StackBased, 8, 0), want(0x1018, StackBased, 32, 0), {0x1020, Rule(Signal)}, {0x1028, Rule(None)},
		want(0x2000, StackBased, 16, 0), {0x2010, Rule(None)},
	}
	if got := s.build(t); !slices.Equal(got, rows) {
		t.Errorf("%v\nwant %v", got, rows)
	}
}

func TestNoFrames(t *testing.T) {
	var s section
	s.fde(s.cie("eh", usual...), 0x2000, 8)
	for _, data := range [][]byte{nil, {0, 0, 0, 0}, s.Bytes(), bytes.Repeat([]byte{0xff}, 40)} {
		if rows, err := Build(Section{Data: data, Address: testSection}); !errors.Is(err, ErrNoFrames) {
			t.Errorf("%v, %v", rows, err)
		}
	}
}

// A rule gives back what it was made of.
func TestRule(t *testing.T) {
	for _, cfa := range []int64{-8, 0, 8, 4096, 262136, -262144} {
		for _, rbp := range []int64{0, -16, -24, 16376, -16384} {
			r := newRule(FrameBased, cfa, rbp)
			if r.Kind() != FrameBased || int64(r.CFA()) != cfa || int64(r.FramePointer()) != rbp {
				t.Errorf("%d, %d: %v", cfa, rbp, r)
			}
		}
	}
	for _, r := range []Rule{newRule(StackBased, 262144, 0), newRule(StackBased, 4, 0), newRule(StackBased, 8, 16384), newRule(StackBased, 8, -3)} {
		if r != Rule(Unsupported) {
			t.Error(r)
		}
	}
}

func FuzzBuild(f *testing.F) {
	var s section
	c := s.cie("zR", usual...)
	s.fde(c, 0x2000, 0x100, cfaAdvance|1, cfaDefOffset, 16, cfaOffset|regRBP, 2, cfaRemember, cfaAdvance1, 4, cfaRestoreState)
	s.fde(s.cie("zRS", usual...), 0x2100, 0x10)
	s.fde(c, 0x3000, 0x100, cfaDefExpression, 3, 0x76, 0x78, opDeref)
	f.Add(s.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := Build(Section{Data: data, Address: testSection, Base: testBase})
		if err != nil {
			return
		}
		if rows[0].PC != 0 {
			t.Error("the first row is not at 0")
		}
		for i := 1; i < len(rows); i++ {
			if rows[i].PC <= rows[i-1].PC || rows[i].Rule == rows[i-1].Rule {
				t.Fatalf("row %d of %v", i, rows)
			}
		}
	})
}
