package symbolizer

import (
	"bytes"
	"errors"
	"os"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
)

// fileKey identifies a mapped file.
type fileKey struct {
	device string
	inode  uint64
	path   string
}

// file is a mapped file: open until its symbols were read.
type file struct {
	open   *os.File
	path   string
	source *os.File // for the debugging information, until it is known that there is none; nil if none is wanted
	info   *dwarfinfo.Info
	table  *symbols.Table
	tried  bool
	used   uint64
	named  map[uint64][]Frame // by address in the file; their own address is that
}

// fileCache are the files of all processes. Tables of symbols are given up, the longest unused first, when they take too much memory.
type fileCache struct {
	wantLines bool
	debugInfo []string

	files map[fileKey]*file
	clock uint64
	open  int
	bytes int
	named int // addresses of all files
	vdso  *file
	infos []*file // those with debugging information in memory, the longest unused first
}

// Bounds of what is kept.
const (
	maxFiles      = 16 << 10
	maxOpen       = 256
	maxTableBytes = 192 << 20
)

func keyOf(m *symbols.Mapping) fileKey { return fileKey{m.Device, m.Inode, m.Path} }

// keep opens the file of a mapping, if it is not known, for the time when the process has ended.
func (c *fileCache) keep(s *snapshot, m *symbols.Mapping) {
	if !m.IsFile() || isMemory(m) {
		return
	}
	if f := c.files[keyOf(m)]; f != nil && (f.open != nil || f.table != nil || f.tried) {
		return
	}
	if c.open >= maxOpen && !c.closeOne() {
		return
	}
	if f, err := s.open(m); err == nil {
		c.add(keyOf(m), &file{open: f, path: m.Path})
		c.open++
	}
}

// closeOne closes a file that can be opened again, because its name leads to it.
func (c *fileCache) closeOne() bool {
	for _, f := range c.files {
		if f.open == nil {
			continue
		}
		have, err := f.open.Stat()
		named, err2 := os.Stat(f.path)
		if err == nil && err2 == nil && os.SameFile(have, named) {
			f.open.Close()
			f.open = nil
			c.open--
			return true
		}
	}
	return false
}

// add keeps a file, and forgets one that has nothing to keep if there are too many.
func (c *fileCache) add(key fileKey, f *file) {
	if c.files == nil {
		c.files = map[fileKey]*file{}
	}
	if len(c.files) >= maxFiles {
		for key, old := range c.files {
			if old.open == nil && old.table == nil {
				delete(c.files, key)
				break
			}
		}
	}
	c.files[key] = f
}

// of is the file of a mapping with its symbols, nil if it cannot be read.
func (c *fileCache) of(s *snapshot, m *symbols.Mapping) *file {
	if m.Path == "[vdso]" {
		return c.ownVDSO()
	}
	f := c.files[keyOf(m)]
	if f == nil {
		f = &file{}
		c.add(keyOf(m), f)
	}
	c.clock++
	f.used = c.clock
	if f.table == nil && !f.tried {
		c.load(s, m, f)
	}
	if f.table == nil {
		return nil
	}
	return f
}

// load reads the symbols of a file, once.
func (c *fileCache) load(s *snapshot, m *symbols.Mapping, f *file) {
	f.tried = true
	r := f.open
	if r == nil {
		var err error
		if r, err = s.open(m); err != nil {
			return
		}
	} else {
		c.open--
	}
	f.open = nil
	t, err := symbols.OpenTable(r)
	if err != nil {
		r.Close()
		return
	}
	if t.Stripped {
		addDebugSymbols(t, r, m.Path, symbols.DebugDirs(c.debugInfo, m.Path))
	}
	f.table, f.path, f.source = t, m.Path, r
	if !c.wantLines {
		f.dropSource()
	}
	c.bytes += t.Bytes()
	c.shrink(f)
}

// dropSource gives up the descriptor of a file that was only kept for its debugging information. One that the table reads names from is closed
// when the table is garbage.
func (f *file) dropSource() {
	if f.source != nil && (f.table == nil || !f.table.KeepsFile()) {
		f.source.Close()
	}
	f.source = nil
}

// shrink gives up tables until the others fit.
func (c *fileCache) shrink(keep *file) {
	for c.bytes > maxTableBytes {
		var oldest *file
		for _, f := range c.files {
			if f != keep && f.table != nil && (oldest == nil || f.used < oldest.used) {
				oldest = f
			}
		}
		if oldest == nil {
			return
		}
		c.bytes -= oldest.table.Bytes()
		c.dropInfo(oldest)
		oldest.dropSource()
		oldest.table, oldest.tried = nil, false
	}
}

// ownVDSO is the code that the kernel maps into every process of this machine's kind, read from our own memory.
func (c *fileCache) ownVDSO() *file {
	if c.vdso == nil {
		c.vdso = &file{}
		if data := symbols.VDSO(); data != nil {
			c.vdso.table, _ = symbols.ReadTable(bytes.NewReader(data), int64(len(data)))
		}
	}
	if c.vdso.table == nil {
		return nil
	}
	return c.vdso
}

// name adds what an offset in the file stands for. Each address is named once.
func (c *fileCache) name(dst []Frame, opts Options, f *file, frame Frame, offset uint64) []Frame {
	addr, ok := f.table.Address(offset)
	if !ok {
		return append(dst, frame)
	}
	frames, ok := f.named[addr]
	if !ok {
		frames = c.find(opts, f, frame, addr)
		c.remember(f, addr, frames)
	}
	first := len(dst)
	dst = append(dst, frames...)
	for i := range dst[first:] {
		dst[first+i].Addr, dst[first+i].Module = frame.Addr, frame.Module
	}
	return dst
}

// remember keeps the frames of an address, until there are too many.
func (c *fileCache) remember(f *file, addr uint64, frames []Frame) {
	if c.named++; c.named > maxNamed {
		for _, other := range c.files {
			other.named = nil
		}
		f.named, c.named = nil, 1
	}
	if f.named == nil {
		f.named = map[uint64][]Frame{}
	}
	f.named[addr] = frames
}

// find finds what stands at an address of the file.
func (c *fileCache) find(opts Options, f *file, frame Frame, addr uint64) []Frame {
	if name, start, ok := f.table.Find(addr); ok {
		frame.Name, frame.Offset = name, addr-start
		if opts.Demangle {
			frame.Name = demangled(name)
		}
	}
	if opts.Lines {
		return c.withLines(opts, f, frame, addr)
	}
	return []Frame{frame}
}

func (c *fileCache) close() error {
	var errs []error
	for _, f := range c.files {
		if f.open != nil {
			errs = append(errs, f.open.Close())
			f.open = nil
		}
		f.dropSource()
	}
	c.open = 0
	return errors.Join(errs...)
}
