package vmtest

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Modes of the kinds of files in an archive, as in stat(2).
const (
	modeDir  = 0o040000
	modeFile = 0o100000
	modeLink = 0o120000
)

// archive writes a cpio archive in the "newc" format, the one that Linux unpacks as an
// initramfs (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w    io.Writer
	dirs map[string]bool
	ino  int
	err  error // the first failed write
}

func newArchive(w io.Writer) *archive {
	return &archive{w: w, dirs: map[string]bool{"": true}}
}

// dir adds a directory and the ones above it, once.
func (a *archive) dir(name string) {
	name = strings.Trim(name, "/")
	if a.dirs[name] || name == "." {
		return
	}
	a.dir(path.Dir("/" + name))
	a.dirs[name] = true
	a.entry(name, modeDir|0o755, nil)
}

// file adds a regular file with its permissions.
func (a *archive) file(name string, perm fs.FileMode, data []byte) {
	name = strings.Trim(name, "/")
	a.dir(path.Dir("/" + name))
	a.entry(name, modeFile|uint32(perm.Perm()), data)
}

// link adds a symbolic link to target.
func (a *archive) link(name, target string) {
	name = strings.Trim(name, "/")
	a.dir(path.Dir("/" + name))
	a.entry(name, modeLink|0o777, []byte(target))
}

// close ends the archive and returns the first error of all.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

// entry writes a header of 13 fields of 8 hexadecimal digits, the name with its NUL, and the data, each padded to four bytes.
func (a *archive) entry(name string, mode uint32, data []byte) {
	a.ino++
	nlink := 1
	if mode&modeDir != 0 {
		nlink = 2
	}
	fields := []int{a.ino, int(mode), 0, 0, nlink, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0}
	var b strings.Builder
	b.WriteString("070701")
	for _, f := range fields {
		fmt.Fprintf(&b, "%08X", f)
	}
	b.WriteString(name)
	b.WriteByte(0)
	a.write(pad(b.String()))
	a.write(string(data))
	a.write(pad(string(data))[len(data):])
}

func (a *archive) write(s string) {
	if a.err == nil {
		_, a.err = io.WriteString(a.w, s)
	}
}

// pad fills s with NULs to a multiple of four bytes.
func pad(s string) string {
	return s + "\x00\x00\x00"[:(4-len(s)%4)%4]
}
