package ctypes

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Headers says where #include finds files.
type Headers struct {
	Dirs   []string // -I: looked into first, in order
	Files  []string // --include: read before the script
	System []string // directories of the system's headers: libc's and the kernel's interface
	Kernel []string // directories of the kernel's own headers, as its build has them
	// Read gives the text of a file; fs.ErrNotExist says that there is none. nil: there are no files.
	Read func(path string) ([]byte, error)
}

// MaxHeader is the largest header that is read, in bytes.
const MaxHeader = 8 << 20

// ReadHeader reads a header from a file. It takes regular files only: a FIFO or a device could block for ever.
func ReadHeader(path string) ([]byte, error) {
	// O_NONBLOCK: opening a FIFO does not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, syscall.ENOTDIR) {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fs.ErrNotExist
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > MaxHeader:
		return nil, fmt.Errorf("%s has more than %d MB", path, MaxHeader>>20)
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxHeader+1))
	if err == nil && len(text) > MaxHeader {
		err = fmt.Errorf("%s has more than %d MB", path, MaxHeader>>20)
	}
	return text, err
}

// SystemHeaders are the directories where headers of the system lie, if they are installed.
func SystemHeaders(arch string) []string {
	triple := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[arch]
	dirs := []string{"/usr/local/include"}
	if triple != "" {
		dirs = append(dirs, "/usr/include/"+triple)
	}
	return append(dirs, "/usr/include")
}

// KernelHeaders are the directories of a kernel's own headers: of its sources and, if that is another folder, its build. Where none are given,
// they are those that are installed for its release (uname -r).
func KernelHeaders(arch, release, sources, build string) []string {
	bases := []string{"/lib/modules/" + release + "/source", "/lib/modules/" + release + "/build"}
	switch {
	case sources != "" && build != "":
		bases = []string{sources, build}
	case sources != "":
		bases = []string{sources}
	}
	sub := map[string]string{"amd64": "arch/x86", "arm64": "arch/arm64"}[arch]
	var dirs []string
	for _, base := range bases {
		for _, dir := range []string{sub + "/include", sub + "/include/generated", "include", sub + "/include/uapi", sub + "/include/generated/uapi", "include/uapi", "include/generated/uapi"} {
			dirs = append(dirs, filepath.Join(base, dir))
		}
	}
	return dirs
}
