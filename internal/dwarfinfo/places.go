package dwarfinfo

import (
	"cmp"
	"debug/dwarf"
	"slices"
	"sort"
)

// Place is where the code of an address comes from.
type Place struct {
	Func string // as its symbol would be called, or as in the source if that is not told; "" if no entry tells
	File string // "" if no line tells
	Line int
}

// places is what At keeps of a unit.
type places struct {
	rows  []row
	files []*dwarf.LineFile
	funcs []span
}

// row is the line of the code from an address on, up to the next row. file is -1 where no code is.
type row struct {
	addr uint64
	file int32
	line int32
}

// span is a range of a function's code.
type span struct {
	low, high uint64
	entry     dwarf.Offset
}

// maxInlined bounds the functions that are inlined into each other.
const maxInlined = 256

// Bytes is about how much memory the information takes.
func (i *Info) Bytes() int { return i.bytes }

// At names the functions that the code at an address is of, the innermost inlined one first; the last one is that in whose code the others
// are. ok is false if nothing is known of the address.
func (i *Info) At(addr uint64) (out []Place, ok bool) {
	_ = protect(i.Path, func() error { // broken information is none
		for _, u := range i.units {
			if u.contains(addr) {
				if out = u.at(addr); out != nil {
					break
				}
			}
		}
		return nil
	})
	return out, len(out) > 0
}

func (u *Unit) at(addr uint64) []Place {
	if u.places == nil {
		u.places = &places{}
		u.readRows()
		u.body().readSpans(u.places)
		u.info.bytes += 16*cap(u.places.rows) + 24*cap(u.places.funcs)
	}
	chain := u.body().chain(u.places, addr)
	file, line := u.places.line(addr)
	if len(chain) == 0 && file == "" {
		return nil
	}
	if len(chain) == 0 {
		return []Place{{File: file, Line: line}}
	}
	// The line of the innermost function is that of the code, the line of each other that of the call within it.
	out := make([]Place, 0, len(chain))
	for k := len(chain) - 1; k >= 0; k-- {
		if file == "" {
			line = 0 // of no file
		}
		out = append(out, Place{Func: chain[k].name, File: file, Line: line})
		file, line = u.places.file(chain[k].callFile), chain[k].callLine
	}
	return out
}

// readRows reads the table of lines.
func (u *Unit) readRows() {
	r, err := u.src.data.LineReader(u.cu)
	if err != nil || r == nil {
		return
	}
	index := map[*dwarf.LineFile]int32{}
	var e dwarf.LineEntry
	for range maxRows {
		if r.Next(&e) != nil {
			break
		}
		at := int32(-1)
		if !e.EndSequence && e.File != nil {
			var known bool
			if at, known = index[e.File]; !known {
				at = int32(slices.Index(r.Files(), e.File))
				index[e.File] = at
			}
		}
		u.places.rows = append(u.places.rows, row{e.Address, at, int32(e.Line)})
	}
	u.places.files = r.Files()
	slices.SortStableFunc(u.places.rows, func(a, b row) int { return cmp.Compare(a.addr, b.addr) })
}

func (p *places) file(i int) string {
	if i < 0 || i >= len(p.files) || p.files[i] == nil {
		return ""
	}
	return p.files[i].Name
}

// line is the source line of an address. Of several rows for an address the last counts, unless it ends a sequence that another begins behind.
func (p *places) line(addr uint64) (string, int) {
	i := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].addr > addr }) - 1
	for i > 0 && p.rows[i].file < 0 && p.rows[i-1].addr == p.rows[i].addr {
		i--
	}
	if i < 0 || p.rows[i].file < 0 {
		return "", 0
	}
	return p.file(int(p.rows[i].file)), int(p.rows[i].line)
}

// readSpans finds where the functions of a unit are.
func (u *Unit) readSpans(p *places) {
	u.src.children(u.cu.Offset, func(e *dwarf.Entry) step {
		switch e.Tag {
		case dwarf.TagNamespace, dwarf.TagModule, dwarf.TagStructType, dwarf.TagClassType:
			return descend
		case dwarf.TagSubprogram:
			for _, r := range u.rangesOf(e) {
				p.funcs = append(p.funcs, span{r[0], r[1], e.Offset})
			}
		}
		return next
	})
	slices.SortFunc(p.funcs, func(a, b span) int { return cmp.Compare(a.low, b.low) })
}

// rangesOf is where the code of an entry is.
func (u *Unit) rangesOf(e *dwarf.Entry) [][2]uint64 {
	if u.skeleton != nil && e.Val(dwarf.AttrRanges) != nil {
		return nil // of a list in a split file, which debug/dwarf does not find
	}
	r, err := u.src.data.Ranges(e)
	if err != nil {
		return nil
	}
	return r
}

// call is a function in whose code an address is: the one with the code first, then those inlined.
type call struct {
	name               string
	callFile, callLine int // where it was inlined
}

func (u *Unit) chain(p *places, addr uint64) []call {
	i := sort.Search(len(p.funcs), func(i int) bool { return p.funcs[i].low > addr }) - 1
	if i < 0 || addr >= p.funcs[i].high {
		return nil
	}
	e := u.src.entry(p.funcs[i].entry)
	if e == nil {
		return nil
	}
	out := []call{{name: u.symbolName(e)}}
	for e != nil && len(out) < maxInlined {
		e = u.inner(e, addr)
		if e == nil {
			break
		}
		file, _ := e.Val(dwarf.AttrCallFile).(int64)
		line, _ := e.Val(dwarf.AttrCallLine).(int64)
		out = append(out, call{u.symbolName(e), int(file), int(line)})
	}
	return out
}

// symbolName is what a function is called by the linker, which tells apart those of C++ and Rust that have one name, or else by its source.
func (u *Unit) symbolName(e *dwarf.Entry) string {
	for _, attr := range []dwarf.Attr{dwarf.AttrLinkageName, dwarf.AttrName} {
		if name, _ := u.inherited(e, attr).(string); name != "" {
			return name
		}
	}
	return ""
}

// inner is the inlined function right within an entry that has the code at an address, nil if there is none.
func (u *Unit) inner(e *dwarf.Entry, addr uint64) (found *dwarf.Entry) {
	holds := func(e *dwarf.Entry) bool {
		return slices.ContainsFunc(u.rangesOf(e), func(r [2]uint64) bool { return addr >= r[0] && addr < r[1] })
	}
	u.src.children(e.Offset, func(e *dwarf.Entry) step {
		switch {
		case e.Tag == dwarf.TagInlinedSubroutine && holds(e):
			found = e
			return stop
		case e.Tag == dwarf.TagLexDwarfBlock && (e.Val(dwarf.AttrLowpc) == nil && e.Val(dwarf.AttrRanges) == nil || holds(e)):
			return descend
		}
		return next
	})
	return found
}
