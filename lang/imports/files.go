package imports

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gotrace/gotrace/lang/ctypes"
)

// Files is where imported files are.
type Files struct {
	// Read gives the text of a file; fs.ErrNotExist says that there is none.
	Read func(path string) ([]byte, error)
	// List gives the names of a folder's files, sorted; fs.ErrNotExist says that there is no such folder.
	List func(path string) ([]string, error)
	// Real is the path of a file without symbolic links, so that each file is imported once.
	Real func(path string) string
}

// System are the files of the machine. As bpftrace does, it imports nothing from folders that everybody can write to.
func System() *Files { return &Files{Read: readFile, List: listFolder, Real: realPath} }

func readFile(path string) ([]byte, error) {
	if err := checkFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return ctypes.ReadHeader(path)
}

func listFolder(path string) ([]string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, fs.ErrNotExist
	}
	if err := checkFolder(path); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// checkFolder refuses a folder into which anybody could put files.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fs.ErrNotExist
	}
	if info.Mode().Perm()&syscall.S_IWOTH != 0 {
		return fmt.Errorf("nothing is imported from %s, which everybody can write to: chmod o-w %s", path, path)
	}
	return nil
}

func realPath(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	}
	if p, err := filepath.Abs(path); err == nil {
		path = p
	}
	return path
}
