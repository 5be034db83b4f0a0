package symbolizer

import (
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
)

// open opens the file of a mapping: by the mapping itself, which leads to it whatever has become of its name, or else by name, as the
// process sees it or, once it has ended, as we do. One of the name that was changed since the process was looked at is another, and so is one of
// another number: the process may have had it in a mount namespace of its own.
func (s *snapshot) open(m *symbols.Mapping) (*os.File, error) {
	f, err := os.Open(procPath(s.pid, "map_files/"+strconv.FormatUint(m.Start, 16)+"-"+strconv.FormatUint(m.End, 16)))
	if err == nil {
		return f, nil
	}
	if m.Deleted {
		return nil, os.ErrNotExist
	}
	for _, open := range []func(string) (*os.File, error){s.openInRoot, openHere} {
		if f, err = open(m.Path); err != nil {
			continue
		}
		var st unix.Stat_t
		same := unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && (m.Inode == 0 || m.Inode == st.Ino)
		if same && time.Unix(st.Ctim.Unix()).Before(s.taken) {
			return f, nil
		}
		f.Close()
		err = os.ErrNotExist
	}
	return nil, err
}

func (s *snapshot) openInRoot(path string) (*os.File, error) { return openInRoot(s.pid, path) }

// calm opens what may be no file without waiting for it, and without effects.
const calm = os.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY

func openHere(path string) (*os.File, error) { return os.OpenFile(path, calm, 0) }

// openInRoot opens a file by its name in the root directory of a process. Links lead to where they lead the process, which is not where they
// lead us (Linux 5.6).
func openInRoot(pid uint32, path string) (*os.File, error) {
	root, err := unix.Open(procPath(pid, "root"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(root)
	how := unix.OpenHow{Flags: uint64(calm | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(root, path, &how)
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM): // older, or forbidden by a filter that does not know it
		return os.OpenFile(procPath(pid, "root")+path, calm, 0)
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}
