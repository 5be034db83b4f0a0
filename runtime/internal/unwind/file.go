package unwind

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/internal/ehframe"
	"github.com/gotrace/gotrace/internal/symbols"
)

// fileID tells files apart, and contents of one file: a program that is built anew can have the number of the old one.
type fileID struct {
	device, inode uint64
	size, changed int64
}

// file is a file with code.
type file struct {
	id     fileID
	frames *symbols.Frames // where its parts are loaded
	trees  []tree          // none: it has no table
	nodes  []uint32        // the values of MapUnwindRows that it has
	users  int             // mappings, and those who hold it
	used   uint64
}

// tree is a value of MapUnwindRows that leads to rows, from an address of the file on.
type tree struct {
	pc, node uint32
}

// files are those that are known.
type files struct {
	t     *Tables
	byID  map[fileID]*file
	clock uint64
	nodes nodes
}

// maxFiles is how many files are known at a time.
const maxFiles = 16 << 10

// find finds the file of a mapping, and makes its table if it is new. The file stays until release.
func (fs *files) find(pid uint32, m *mapping) {
	switch {
	case m.Path == "[vdso]":
		m.file = fs.ownVDSO()
	case m.IsFile() && !isMemory(&m.Mapping):
		path, id, err := identify(pid, &m.Mapping)
		if err != nil {
			return
		}
		if m.file = fs.known(id); m.file == nil {
			m.file = fs.add(id, m.Path, readFile(path))
		}
	}
}

// known is a file that is known.
func (fs *files) known(id fileID) *file {
	fs.t.mu.Lock()
	defer fs.t.mu.Unlock()
	f := fs.byID[id]
	if f != nil {
		fs.clock++
		f.used = fs.clock
		f.users++
	}
	return f
}

// release lets go of the file that find has found.
func (m *mapping) release() {
	if m.file != nil {
		m.file.users--
	}
}

// add adds a file, unless somebody has meanwhile.
func (fs *files) add(id fileID, path string, c content) *file {
	fs.t.mu.Lock()
	defer fs.t.mu.Unlock()
	if f := fs.byID[id]; f != nil {
		f.users++
		return f
	}
	if len(fs.byID) >= maxFiles {
		fs.evict(1)
	}
	fs.clock++
	f := &file{id: id, used: fs.clock, users: 1}
	fs.byID[id] = f
	fs.place(f, path, c)
	return f
}

// identify finds the file of a mapping: by the mapping itself, which leads to it whatever has become of its name, or by its name as the
// process sees it.
func identify(pid uint32, m *symbols.Mapping) (path string, id fileID, err error) {
	proc := filepath.Join("/proc", strconv.FormatUint(uint64(pid), 10))
	var st unix.Stat_t
	for _, path = range []string{
		filepath.Join(proc, "map_files", fmt.Sprintf("%x-%x", m.Start, m.End)),
		proc + "/root" + m.Path,
	} {
		if err = unix.Stat(path, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			return path, fileID{st.Dev, st.Ino, st.Size, st.Mtim.Nano()}, nil
		}
		if m.Deleted {
			break
		}
	}
	if err == nil {
		err = os.ErrInvalid
	}
	return "", id, err
}

// content is what a file says of its frames.
type content struct {
	frames *symbols.Frames
	rows   []ehframe.Row
	err    error // it has more than there is room for
}

// readFile reads a file. Those without a description for unwinding have no rows.
func readFile(path string) content {
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return content{}
	}
	defer r.Close()
	frames, err := symbols.OpenFrames(r)
	if err != nil {
		return content{}
	}
	return rowsOf(frames)
}

func rowsOf(frames *symbols.Frames) content {
	rows, err := ehframe.Build(ehframe.Section{Data: frames.Data, Address: frames.Address, Base: frames.Base})
	frames.Data = nil
	switch {
	case errors.Is(err, ehframe.ErrTooLarge):
		return content{err: err}
	case err != nil:
		return content{}
	}
	return content{frames, rows, nil}
}

// ownVDSO is the code that the kernel maps into every process, read from our own memory.
func (fs *files) ownVDSO() *file {
	id := fileID{} // no file has it
	if f := fs.known(id); f != nil {
		return f
	}
	var c content
	if data := symbols.VDSO(); data != nil {
		if frames, err := symbols.ReadFrames(bytes.NewReader(data), int64(len(data))); err == nil {
			c = rowsOf(frames)
		}
	}
	return fs.add(id, "[vdso]", c)
}

// place puts the rows of a file into the kernel's map.
func (fs *files) place(f *file, path string, c content) {
	rows := c.rows
	leaves := (len(rows) + layout.UnwindRows - 1) / layout.UnwindRows
	roots := (leaves + layout.UnwindRows - 1) / layout.UnwindRows
	ids, ok := fs.nodes.take(leaves + roots)
	if !ok {
		fs.evict(leaves + roots)
		ids, ok = fs.nodes.take(leaves + roots)
	}
	if !ok || c.err != nil {
		fs.t.loseFile(path)
		return
	}
	f.frames = c.frames
	f.nodes = ids
	values := make([]rowsValue, len(ids)) // the roots first, then the leaves
	for i := range leaves {
		part := rows[i*layout.UnwindRows:]
		part = part[:min(len(part), layout.UnwindRows)]
		values[roots+i].put(part)
	}
	for i := range roots {
		var root []ehframe.Row
		for j := i * layout.UnwindRows; j < min((i+1)*layout.UnwindRows, leaves); j++ {
			root = append(root, ehframe.Row{PC: rows[j*layout.UnwindRows].PC, Rule: ehframe.Rule(ids[roots+j])})
		}
		values[i].put(root)
		f.trees = append(f.trees, tree{root[0].PC, ids[i]})
	}
	if err := fs.t.kernel.putRows(ids, values); err != nil {
		f.trees = nil
		fs.drop(f)
		fs.t.loseFile(path)
	}
}

// evict gives up files that no process has mapped, the longest unused first, until so many values are free.
func (fs *files) evict(need int) {
	for {
		var oldest *file
		for _, f := range fs.byID {
			if f.users == 0 && (oldest == nil || f.used < oldest.used) {
				oldest = f
			}
		}
		if oldest == nil {
			return
		}
		fs.drop(oldest)
		delete(fs.byID, oldest.id)
		if fs.nodes.left() >= need && len(fs.byID) < maxFiles {
			return
		}
	}
}

// drop gives the values of a file back.
func (fs *files) drop(f *file) {
	fs.t.kernel.removeRows(f.nodes)
	fs.nodes.give(f.nodes)
	f.nodes = nil
}
