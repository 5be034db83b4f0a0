package symbolizer

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
)

// maxLineFile is the largest file whose debugging information is read for lines: reading it takes about as much memory. maxLineInfos is how
// many files' is kept.
const (
	maxLineFile  = 192 << 20
	maxLineInfos = 4
)

func isDebug(name string) bool { return strings.HasPrefix(name, ".debug_") }

// lines is the debugging information of a file, nil if there is none. It is read when the first address asks.
func (c *fileCache) lines(f *file) *dwarfinfo.Info {
	if f.info == nil && f.source != nil {
		f.info = readInfo(f.source, f.path)
		if f.info == nil {
			f.source.Close()
			f.source = nil
			return nil
		}
		c.infos = append(c.infos, f)
		if len(c.infos) > maxLineInfos {
			c.infos[0].info = nil
			c.infos = c.infos[1:]
		}
	}
	return f.info
}

// readInfo reads the debugging information of a file, or of the separate file with its.
func readInfo(r *os.File, path string) *dwarfinfo.Info {
	s := sections(r, isDebug)
	if s == nil {
		return nil
	}
	s.Path = path
	if len(s.Content[".debug_info"]) > 0 {
		info, _ := dwarfinfo.New(s, nil)
		return info
	}
	for _, other := range s.DebugFiles(nil) {
		f, err := os.Open(other)
		if err != nil {
			continue
		}
		d := sections(f, isDebug)
		f.Close()
		if d == nil || len(d.Content[".debug_info"]) == 0 || s.Describes(d, false) != nil {
			continue
		}
		d.Path = other
		info, _ := dwarfinfo.New(d, nil)
		return info
	}
	return nil
}

// sections reads sections of a file that is not too large, nil if it cannot be.
func sections(f *os.File, wanted func(string) bool) *symbols.Sections {
	info, err := f.Stat()
	if err != nil || info.Size() > maxLineFile {
		return nil
	}
	s, err := symbols.ParseSections(f, info.Size(), wanted)
	if err != nil {
		return nil
	}
	return s
}

// withLines adds the source lines of an address of the file to its frame, and a frame for each function that is inlined there.
func (c *fileCache) withLines(f *file, frame Frame, addr uint64) []Frame {
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
func addDebugSymbols(t *symbols.Table, r *os.File, path string) {
	s := sections(r, func(string) bool { return false })
	if s == nil {
		return
	}
	s.Path = path
	for _, other := range s.DebugFiles(nil) {
		f, err := os.Open(other)
		if err != nil {
			continue
		}
		d := sections(f, func(string) bool { return false })
		debug, err := symbols.OpenTable(f)
		if err == nil && d != nil && s.Describes(d, false) == nil && debug.Len() > 0 {
			t.Merge(debug)
		}
		if err != nil || !debug.KeepsFile() {
			f.Close()
		}
		if err == nil && debug.Len() > 0 {
			return
		}
	}
}
