package binpath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"syscall"

	"github.com/gotrace/gotrace/internal/symbols"
)

// mappedLike are the files of the process whose names, without directories, match a pattern.
func (f *Finder) mappedLike(pattern string) ([]string, error) {
	all, err := f.Mapped()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range all {
		if ok, err := filepath.Match(pattern, filepath.Base(p)); err != nil {
			return nil, fmt.Errorf("pattern %s: %w", pattern, err)
		} else if ok {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, &missing{"the process runs no program and no library that matches " + pattern}
	}
	return out, nil
}

// Mapped are the program and the libraries that the process of -p has mapped. For a command of ours, which runs nothing yet, they are the
// program and the libraries that it names.
func (f *Finder) Mapped() ([]string, error) {
	switch {
	case f.PID != 0:
		return f.mappedBy(f.PID)
	case f.Command != "":
		return f.needed(f.Command), nil
	}
	return nil, errNoProcess
}

func (f *Finder) mappedBy(pid int) ([]string, error) {
	one := &Finder{PID: pid, Arch: f.Arch}
	root, err := one.root()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []string
	err = symbols.Mappings(pid, func(m symbols.Mapping) bool {
		if !m.IsFile() || !m.Exec || m.Deleted || seen[m.Path] {
			return true
		}
		seen[m.Path] = true
		if p, err := inRoot(root, m.Path); err == nil && f.IsProgram(p) {
			out = append(out, p)
		}
		return true
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no process %d", pid)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the files of process %d: %w", pid, err)
	}
	return out, nil
}

// maxNeeded bounds how many libraries a program is followed to.
const maxNeeded = 1000

// needed are a program and the libraries that it and they name as needed.
func (f *Finder) needed(program string) []string {
	out, seen := []string{program}, map[string]bool{}
	for i := 0; i < len(out) && len(out) < maxNeeded; i++ {
		libs, interpreter, err := symbols.Needed(out[i])
		if err != nil {
			continue // no program: what is asked of it says so
		}
		if i == 0 && interpreter != "" {
			out = append(out, interpreter)
			seen[filepath.Base(interpreter)] = true
		}
		for _, name := range libs {
			if seen[name] {
				continue
			}
			seen[name] = true
			if p := f.findLibrary("", name); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

// Everybody are the programs and libraries that any process has mapped, each once however many run it and by which of its paths. Where gotrace
// itself sees a file at the path that the process has for it, it is that path.
func (f *Finder) Everybody() []string {
	type id struct{ dev, ino uint64 }
	pids, seen := processes(), map[id]bool{}
	var out []string
	for _, pid := range pids {
		found, err := f.mappedBy(pid)
		if err != nil {
			continue // it has ended, or belongs to somebody else
		}
		for _, p := range found {
			var st syscall.Stat_t
			if syscall.Stat(p, &st) != nil || seen[id{st.Dev, st.Ino}] {
				continue
			}
			seen[id{st.Dev, st.Ino}] = true
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}

// processes are the numbers of all processes, in order.
func processes() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, pid)
		}
	}
	sort.Ints(out)
	return out
}
