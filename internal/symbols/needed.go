package symbols

import (
	"debug/elf"
	"io"
	"strings"
)

// Needed are the names of the libraries that a program or a library asks the dynamic linker for, and the path of that, "" if the file
// names none.
func Needed(path string) (libs []string, interpreter string, err error) {
	libs, err = parseFile(path, func(f *elfFile) ([]string, error) {
		interpreter = f.interpreter()
		return f.ImportedLibraries()
	})
	return libs, interpreter, err
}

// maxPath is PATH_MAX (include/uapi/linux/limits.h).
const maxPath = 4096

func (f *elfFile) interpreter() string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz <= maxPath {
			text := make([]byte, p.Filesz)
			if _, err := io.ReadFull(p.Open(), text); err != nil {
				return ""
			}
			return strings.TrimRight(string(text), "\x00")
		}
	}
	return ""
}
