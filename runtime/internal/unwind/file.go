package unwind

import (
	"bytes"
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
	users  int             // mappings
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
	vdso  *file
	clock uint64
	nodes nodes
}

// maxFiles is how many files are known at a time.
const maxFiles = 16 << 10

// of is the file of a mapping, nil if it cannot be read.
func (fs *files) of(pid uint32, m *symbols.Mapping) *file {
	path, id, err := identify(pid, m)
	if err != nil {
		return nil
	}
	fs.clock++
	f := fs.byID[id]
	if f == nil {
		if len(fs.byID) >= maxFiles {
			fs.evict(1)
		}
		f = &file{id: id, used: fs.clock}
		fs.byID[id] = f
		if err := fs.read(f, path); err != nil {
			fs.t.loseFile(m.Path)
		}
	}
	f.used = fs.clock
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

// read makes the table of a file. Files without a description for unwinding have none; the error is about those that have no room.
func (fs *files) read(f *file, path string) error {
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	defer r.Close()
	frames, err := symbols.OpenFrames(r)
	if err != nil {
		return nil
	}
	return fs.build(f, frames)
}

func (fs *files) build(f *file, frames *symbols.Frames) error {
	rows, err := ehframe.Build(ehframe.Section{Data: frames.Data, Address: frames.Address, Base: frames.Base})
	if err == ehframe.ErrTooLarge {
		return err
	} else if err != nil {
		return nil
	}
	frames.Data = nil
	f.frames = frames
	return fs.place(f, rows)
}

// ownVDSO is the code that the kernel maps into every process, read from our own memory.
func (fs *files) ownVDSO() *file {
	if fs.vdso == nil {
		fs.vdso = &file{users: 1} // for ever
		if data := symbols.VDSO(); data != nil {
			if frames, err := symbols.ReadFrames(bytes.NewReader(data), int64(len(data))); err == nil {
				if fs.build(fs.vdso, frames) != nil {
					fs.t.loseFile("[vdso]")
				}
			}
		}
	}
	return fs.vdso
}

// place puts rows into the kernel's map.
func (fs *files) place(f *file, rows []ehframe.Row) error {
	leaves := (len(rows) + layout.UnwindRows - 1) / layout.UnwindRows
	roots := (leaves + layout.UnwindRows - 1) / layout.UnwindRows
	ids, ok := fs.nodes.take(leaves + roots)
	if !ok {
		fs.evict(leaves + roots)
		if ids, ok = fs.nodes.take(leaves + roots); !ok {
			return errFull
		}
	}
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
		return err
	}
	return nil
}

// evict gives up files that no process has mapped, the longest unused first, until so many values are free.
func (fs *files) evict(need int) {
	for {
		var oldest *file
		for _, f := range fs.byID {
			if f.users == 0 && f.used != fs.clock && (oldest == nil || f.used < oldest.used) {
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
