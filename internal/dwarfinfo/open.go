package dwarfinfo

import (
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/gotrace/gotrace/internal/symbols"
)

// ErrNone says that a file has no debugging information, and that none was found for it.
var ErrNone = errors.New("no debugging information (DWARF): build it with -g, or install or name (--debuginfo) its debug file")

// Info is the debugging information of one program or library.
type Info struct {
	Path  string // of the file that the information was found in
	dirs  []string
	units []*Unit
	dwp   *dwpFile
	noDWP bool

	types map[string]TypeID // by keyword and name, once they are asked for
	sigs  map[uint64]TypeID // type units by their signature
	bytes int               // what it keeps in memory
	// signatures is how many of them are being followed.
	signatures int
}

// isDebugSection says whether a section's content is read. Those of a split unit end with ".dwo".
func isDebugSection(name string) bool { return strings.HasPrefix(name, ".debug_") }

// Open finds the debugging information of a program or library. dirs are where the user says that debug files are.
func Open(path string, dirs []string) (*Info, error) {
	s, err := symbols.ReadSections(path, isDebugSection)
	if err != nil {
		return nil, err
	}
	var why error
	if !hasInfo(s) {
		if s, why = debugFile(s, dirs); s == nil {
			if why != nil {
				return nil, why
			}
			return nil, fmt.Errorf("%s: %w", path, ErrNone)
		}
	}
	return New(s, dirs)
}

// New takes the sections of a file with debugging information.
func New(s *symbols.Sections, dirs []string) (*Info, error) {
	info := &Info{Path: s.Path, dirs: dirs, sigs: map[uint64]TypeID{}}
	for _, content := range s.Content {
		info.bytes += len(content)
	}
	if err := protect(s.Path, func() error { return info.read(s) }); err != nil {
		return nil, err
	}
	return info, nil
}

func hasInfo(s *symbols.Sections) bool { return len(s.Content[".debug_info"]) > 0 }

// debugFile is the file with what was taken out of a binary, nil if there is none. The error is about one that does not fit.
func debugFile(s *symbols.Sections, dirs []string) (*symbols.Sections, error) {
	var why error
	for _, path := range s.DebugFiles(dirs) {
		d, err := symbols.ReadSections(path, isDebugSection)
		if err != nil || !hasInfo(d) {
			continue
		}
		if err := s.Describes(d, symbols.IsNamed(dirs, path)); err != nil {
			why = fmt.Errorf("debug file %s: %w", path, err)
			continue
		}
		return d, nil
	}
	return nil, why
}

// protect turns a panic of debug/dwarf, which does not promise to survive every broken file, into an error.
func protect(path string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("debugging information of %s: broken: %v", path, p)
		}
	}()
	if err := f(); err != nil {
		return fmt.Errorf("debugging information of %s: %w", path, err)
	}
	return nil
}

// read takes the sections of a whole file.
func (i *Info) read(s *symbols.Sections) error {
	src, err := newSource(s.Content, "")
	if err != nil {
		return err
	}
	if i.units, err = i.unitsOf(src); err != nil {
		return err
	}
	return i.readTypeUnits(s.Content, "")
}

// readTypeUnits reads the section in which DWARF 4 has type units (-fdebug-types-section). DWARF 5 has them among the others.
func (i *Info) readTypeUnits(content map[string][]byte, suffix string) error {
	text := content[".debug_types"+suffix]
	if len(text) == 0 {
		return nil
	}
	theirs := maps.Clone(content)
	theirs[".debug_info"+suffix] = text
	src, err := newSource(theirs, suffix)
	if err != nil {
		return err
	}
	src.types = true
	_, err = i.unitsOf(src)
	return err
}

// source is a set of sections that refer to each other.
type source struct {
	data               *dwarf.Data
	info               []byte
	addr, loc, locList []byte
	order              binary.ByteOrder
	types              bool // info is .debug_types of DWARF 4
}

// newSource prepares sections for reading. Names of the sections of a split file end with a suffix.
func newSource(content map[string][]byte, suffix string) (*source, error) {
	get := func(name string) []byte { return content[".debug_"+name+suffix] }
	data, err := dwarf.New(get("abbrev"), nil, nil, get("info"), get("line"), nil, get("ranges"), get("str"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"addr", "line_str", "str_offsets", "rnglists"} {
		if text := get(name); text != nil {
			if err := data.AddSection(".debug_"+name, text); err != nil {
				return nil, err
			}
		}
	}
	return &source{data: data, info: get("info"), addr: get("addr"), loc: get("loc"), locList: get("loclists"), order: data.Reader().ByteOrder()}, nil
}

// entry reads the entry at an offset, nil if there is none.
func (s *source) entry(off dwarf.Offset) *dwarf.Entry {
	r := s.data.Reader()
	r.Seek(off)
	e, err := r.Next()
	if err != nil || e == nil || e.Tag == 0 {
		return nil
	}
	return e
}

// maxChildren bounds the entries below one.
const maxChildren = 4 << 20

// children calls visit for the entries right below the one at an offset, until it returns false. Where it returns descend, those below that one follow.
func (s *source) children(off dwarf.Offset, visit func(*dwarf.Entry) step) {
	r := s.data.Reader()
	r.Seek(off)
	if e, err := r.Next(); err != nil || e == nil || !e.Children {
		return
	}
	depth, last := 1, off
	for range maxChildren {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag != 0 && e.Offset <= last {
			return // a broken file, whose entries lead back
		}
		last = max(last, e.Offset)
		if e.Tag == 0 {
			if depth--; depth == 0 {
				return
			}
			continue
		}
		switch visit(e) {
		case stop:
			return
		case descend:
			if e.Children {
				depth++
			}
		case next:
			if e.Children {
				r.SkipChildren()
			}
		}
	}
}

// step says how to go on from an entry.
type step uint8

const (
	next step = iota
	descend
	stop
)
