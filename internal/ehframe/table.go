package ehframe

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Section is the content of .eh_frame.
type Section struct {
	Data    []byte
	Address uint64 // virtual, as in the file
	Base    uint64 // the lowest virtual address of the file's code: rows count from here
}

// Bounds of a table. The largest programs (browsers) have some million rows.
const (
	MaxSection = 128 << 20 // bytes of .eh_frame
	MaxRows    = 2 << 20
)

// Errors about sections that are too large.
var (
	ErrTooLarge = fmt.Errorf("its description for unwinding has more than %d rows", MaxRows)
	errSection  = fmt.Errorf("its .eh_frame has more than %d bytes", MaxSection)
)

// smallGap is up to how many bytes between two functions are padding: no row says that nothing is known there.
const smallGap = 64

// cie is what functions have in common.
type cie struct {
	codeAlign uint64
	dataAlign int64
	encoding  uint8
	augmented bool
	signal    bool
	start     state
	bad       bool // something in it has no meaning: its functions have no rules
}

// function is an FDE, with rows[first:last].
type function struct {
	start, end  uint64
	first, last int
}

// builder makes a table.
type builder struct {
	section Section
	cies    map[int]*cie
	rows    []Row
	funcs   []function
	stack   []state
}

// Build makes the table of a section: the first row is at 0, each row is another rule than the one before it, and addresses rise.
func Build(s Section) ([]Row, error) {
	if len(s.Data) > MaxSection {
		return nil, errSection
	}
	b := &builder{section: s, cies: map[int]*cie{}}
	if err := b.entries(); err != nil {
		return nil, err
	}
	rows := b.table()
	if len(rows) < 2 {
		return nil, ErrNoFrames
	}
	return rows, nil
}

// entries reads the section from its beginning. What is read up to an error counts.
func (b *builder) entries() error {
	r := reader{data: b.section.Data}
	for r.err == nil && r.left() >= 4 {
		begin := r.at
		size := uint64(r.u32())
		if size == math.MaxUint32 {
			size = r.u64()
		}
		if size == 0 { // the end, but for files that linkers made of several
			continue
		}
		at := r.at
		body := r.take(size)
		if r.err != nil || len(body) < 4 {
			return nil // the section ends in the middle of an entry
		}
		e := reader{data: body}
		id := e.u32()
		entry := b.section.Address + uint64(at)
		if id == 0 {
			b.cies[begin] = b.readCIE(&e, entry)
			continue
		}
		// The number is the distance from where it stands to the CIE.
		if c := b.cies[at-int(id)]; c != nil && !c.bad {
			if err := b.readFDE(&e, c, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// readCIE reads a CIE behind its id.
func (b *builder) readCIE(r *reader, address uint64) *cie {
	c := &cie{bad: true}
	version := r.u8()
	augmentation := r.text()
	if version != 1 && version != 3 {
		return c
	}
	if strings.HasPrefix(augmentation, "eh") { // of GCC 2
		return c
	}
	c.codeAlign, c.dataAlign = r.uleb(), r.sleb()
	ra := uint64(0)
	if version == 1 {
		ra = uint64(r.u8())
	} else {
		ra = r.uleb()
	}
	if r.err != nil || ra != regRA {
		return c
	}
	if rest, ok := strings.CutPrefix(augmentation, "z"); ok {
		c.augmented = true
		data := reader{data: r.take(r.uleb())}
		for _, letter := range rest {
			switch letter {
			case 'R':
				c.encoding = data.u8()
			case 'P':
				if enc := data.u8(); enc != peOmit {
					data.value(enc)
				}
			case 'L':
				data.u8()
			case 'S':
				c.signal = true
			case 'B', 'G': // marks of ARM
			default:
				return c
			}
		}
		if data.err != nil {
			return c
		}
	} else if augmentation != "" {
		return c
	}
	m := machine{cie: c, state: state{kind: Unsupported}}
	c.start.ra = saved{where: same}
	m.run(&reader{data: r.take(uint64(r.left()))}, address+uint64(r.at))
	c.start, c.bad = m.state, m.broken
	return c
}

// readFDE reads an FDE behind its pointer to the CIE.
func (b *builder) readFDE(r *reader, c *cie, address uint64) error {
	start := r.address(c.encoding, address)
	size := r.value(c.encoding)
	if c.augmented {
		r.take(r.uleb())
	}
	if r.err != nil || start < b.section.Base || size == 0 || start+size < start || start+size-b.section.Base >= math.MaxUint32 {
		return nil
	}
	f := function{start: start, end: start + size, first: len(b.rows)}
	emit := func(pc uint64, s *state) {
		if pc >= f.end || pc < f.start {
			return
		}
		rule := s.rule(c.signal)
		if n := len(b.rows); n > f.first && b.rows[n-1].Rule == rule {
			return
		}
		b.rows = append(b.rows, Row{uint32(pc - b.section.Base), rule})
	}
	m := machine{cie: c, state: c.start, pc: start, emit: emit, stack: b.stack[:0]}
	code := reader{data: r.data[r.at:]}
	m.run(&code, address+uint64(r.at))
	if m.broken {
		m.state.kind, m.state.ra = Unsupported, saved{where: elsewhere}
	}
	emit(m.pc, &m.state)
	b.stack = m.stack
	if f.last = len(b.rows); f.last > f.first {
		b.funcs = append(b.funcs, f)
	}
	if len(b.rows) > MaxRows {
		return ErrTooLarge
	}
	return nil
}

// ErrNoFrames says that a file has no .eh_frame, or one without functions.
var ErrNoFrames = errors.New("no description for unwinding")

// table puts the functions in order. Of two that overlap the one that begins first counts.
func (b *builder) table() []Row {
	slices.SortStableFunc(b.funcs, func(x, y function) int { return cmp.Compare(x.start, y.start) })
	base := b.section.Base
	out := make([]Row, 1, len(b.rows)+len(b.funcs)/8+2) // the first row is None, at 0
	add := func(pc uint64, rule Rule) {
		at := uint32(pc - base)
		last := &out[len(out)-1]
		switch {
		case last.Rule == rule:
		case last.PC == at:
			last.Rule = rule
			if n := len(out); n > 1 && out[n-2].Rule == rule {
				out = out[:n-1]
			}
		default:
			out = append(out, Row{at, rule})
		}
	}
	end := base
	for i, f := range b.funcs {
		if f.start < end {
			continue
		}
		if i > 0 && f.start-end > smallGap {
			add(end, Rule(None))
		}
		for _, row := range b.rows[f.first:f.last] {
			add(base+uint64(row.PC), row.Rule)
		}
		end = f.end
	}
	if len(b.funcs) > 0 {
		add(end, Rule(None))
	}
	return slices.Clip(out)
}
