package symbolizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
)

// maxLineFile is the largest file whose debugging information is read for lines: reading it takes about as much memory. maxLineBytes bounds what is
// kept of all files, but for the one that was asked last.
const (
	maxLineFile  = 192 << 20
	maxLineBytes = 256 << 20
)

// isDebug says whether a section has lines, or names and places of functions. Those of variables are no less.
func isDebug(name string) bool {
	switch name {
	case ".debug_loc", ".debug_loclists", ".debug_aranges", ".debug_frame", ".debug_macro", ".debug_names", ".debug_pubnames", ".debug_pubtypes",
		".debug_gdb_scripts":
		return false
	}
	return strings.HasPrefix(name, ".debug_")
}

// lines is the debugging information of a file, nil if there is none. It is read when the first address asks.
func (c *fileCache) lines(f *file) *dwarfinfo.Info {
	if f.info == nil && f.source != nil {
		f.info = readInfo(f.source, f.path, symbols.DebugDirs(c.debugInfo, f.path))
		if f.info == nil {
			f.dropSource()
			return nil
		}
	}
	if n := len(c.infos); f.info != nil && (n == 0 || c.infos[n-1] != f) {
		c.infos = append(slices.DeleteFunc(c.infos, func(other *file) bool { return other == f }), f)
		total := 0
		for _, other := range c.infos {
			total += other.info.Bytes()
		}
		for total > maxLineBytes && len(c.infos) > 1 {
			total -= c.infos[0].info.Bytes()
			c.dropInfo(c.infos[0])
		}
	}
	return f.info
}

// dropInfo gives up the debugging information of a file, until an address asks again.
func (c *fileCache) dropInfo(f *file) {
	f.info = nil
	c.infos = slices.DeleteFunc(c.infos, func(other *file) bool { return other == f })
}

// readInfo reads the debugging information of a file, or of the separate file with its.
func readInfo(r *os.File, path string, dirs []string) *dwarfinfo.Info {
	s := debugSections(r)
	if s == nil {
		return nil
	}
	s.Path = path
	if len(s.Content[".debug_info"]) > 0 {
		info, _ := dwarfinfo.New(s, dirs)
		return info
	}
	for _, other := range s.DebugFiles(dirs) {
		f, err := os.Open(other)
		if err != nil {
			continue
		}
		d := debugSections(f)
		f.Close()
		if d == nil {
			continue
		}
		if d.Path = other; len(d.Content[".debug_info"]) == 0 || s.Describes(d, symbols.IsNamed(dirs, other)) != nil {
			continue
		}
		info, _ := dwarfinfo.New(d, dirs)
		return info
	}
	return nil
}

// debugSections reads the debugging information of a file that is not too large, nil if it cannot be.
func debugSections(f *os.File) *symbols.Sections {
	info, err := f.Stat()
	if err != nil || info.Size() > maxLineFile {
		return nil
	}
	s, err := symbols.ParseSections(f, info.Size(), isDebug)
	if err != nil {
		return nil
	}
	return s
}

// withLines adds the source lines of an address of the file to its frame, and a frame for each function that is inlined there.
func (c *fileCache) withLines(opts Options, f *file, frame Frame, addr uint64) []Frame {
	info := c.lines(f)
	if info == nil {
		return []Frame{frame}
	}
	places, ok := info.At(addr)
	if !ok {
		return []Frame{frame}
	}
	out := make([]Frame, 0, len(places))
	for i, p := range places {
		if opts.Demangle {
			p.Func = demangled(p.Func)
		}
		fr := Frame{Addr: frame.Addr, Name: p.Func, Module: frame.Module, Inlined: true}
		if i == len(places)-1 {
			fr = frame
			if fr.Name == "" {
				fr.Name = p.Func
			}
		}
		if p.File != "" {
			fr.File, fr.Line = filepath.Clean(p.File), p.Line
		}
		out = append(out, fr)
	}
	return out
}

// addDebugSymbols adds the symbols of the separate file that has those taken out of a binary.
func addDebugSymbols(t *symbols.Table, r *os.File, path string, dirs []string) {
	s := identity(r)
	if s == nil {
		return
	}
	s.Path = path
	for _, other := range s.DebugFiles(dirs) {
		if debug := symbolsOf(other, s, symbols.IsNamed(dirs, other)); debug != nil {
			t.Merge(debug)
			return
		}
	}
}

// symbolsOf are those of a debug file, nil if it has none, or is not of the binary that s tells of.
func symbolsOf(path string, s *symbols.Sections, named bool) *symbols.Table {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	if d := identity(f); d != nil {
		d.Path = path
		debug, err := symbols.OpenTable(f)
		if err == nil && debug.Len() > 0 && s.Describes(d, named) == nil {
			if !debug.KeepsFile() {
				f.Close()
			}
			return debug
		}
	}
	f.Close()
	return nil
}

// identity is what a file says of itself, without the content of its sections; nil if it is no ELF file.
func identity(f *os.File) *symbols.Sections {
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	s, err := symbols.ParseSections(f, info.Size(), func(string) bool { return false })
	if err != nil {
		return nil
	}
	return s
}
