// Package binpath finds the files that scripts mean by the paths and names of programs and libraries: in this file system, in
// that of a process, and among the files that processes have mapped. It imports internal/files, internal/symbols, and
// glob and ldcache beside it.
package binpath

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/internal/files"
	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/probes/internal/glob"
	"github.com/gotrace/gotrace/probes/internal/ldcache"
)

// elfMachine is this machine's, by GOARCH.
var elfMachine = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// libraryDirs are where shared libraries lie that ld.so.cache does not know.
var libraryDirs = []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}

// Finder finds files for one session.
type Finder struct {
	PID     int    // of the process whose files are meant, 0 for ours
	Command string // the program that a command of ours will be, "" if there is none
	Arch    string // GOARCH
}

// Find finds the files that a script means: a path, which may hold wildcards, a program in PATH, or a library by its
// name. With -p, paths are those that the process sees.
func (f *Finder) Find(name string) ([]string, error) {
	root, err := f.root()
	if err != nil {
		return nil, err
	}
	if strings.Contains(name, "/") {
		return f.findPath(root, name)
	}
	if glob.IsPattern(name) && (f.PID != 0 || f.Command != "") {
		return f.mappedLike(name)
	}
	if strings.HasPrefix(name, "lib") && !glob.IsPattern(name) {
		if path := f.findLibrary(root, name); path != "" {
			return []string{path}, nil
		}
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), ".") {
		if p, err := inRoot(root, filepath.Join(dir, name)); err == nil && f.IsProgram(p) {
			return []string{p}, nil
		}
	}
	return nil, &missing{fmt.Sprintf("no program %s in PATH, and no library of that name", name)}
}

// findPath finds a file by its path, or the ELF files that match it. A path of our own file system stays as it is
// written, because the names of probes hold it.
func (f *Finder) findPath(root, name string) ([]string, error) {
	path := name
	if root != "" {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("finding %s: %w", name, err)
		}
		path = abs
	}
	if !strings.ContainsAny(name, "*?[") || !glob.IsPattern(name) {
		p, err := inRoot(root, path)
		if err == nil {
			_, err = os.Stat(p)
		}
		if err != nil {
			return nil, fmt.Errorf("finding the binary: %w", err)
		}
		return []string{p}, nil
	}
	found, err := filepath.Glob(root + path)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %w", name, err)
	}
	var out []string
	for _, p := range found {
		if !f.IsProgram(p) {
			continue
		}
		if strings.HasPrefix(path, "./") {
			p = "./" + p // which filepath.Glob takes away
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, &missing{"no program or library matches " + name}
	}
	return out, nil
}

// root is the directory that the process of -p has as its root, "" if it is ours.
func (f *Finder) root() (string, error) {
	if f.PID == 0 {
		return "", nil
	}
	proc := filepath.Join("/proc", strconv.Itoa(f.PID))
	theirs, err := os.Readlink(proc + "/ns/mnt")
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("there is no process %d", f.PID)
	}
	ours, ourErr := os.Readlink("/proc/self/ns/mnt")
	if err != nil || ourErr != nil || ours == theirs {
		return "", nil // we may not ask: the files of such a process are seldom others
	}
	return proc + "/root", nil
}

// maxLinks is how many symbolic links a path may take, as in the kernel (MAXSYMLINKS).
const maxLinks = 40

// inRoot gives a path below root as our own. Absolute symbolic links on the way lead to places below root,
// not to those of our own file system.
func inRoot(root, path string) (string, error) {
	if root == "" {
		return path, nil
	}
	path = filepath.Clean("/" + strings.TrimPrefix(path, root+"/")) // it may be a path of our own already
	done, rest, links := "/", strings.Split(path, "/"), 0
	for len(rest) > 0 {
		next := filepath.Join(done, rest[0])
		rest = rest[1:]
		target, err := os.Readlink(root + next)
		if err != nil {
			done = next // not a link; if it is missing, opening it says so
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many symbolic links", path)
		}
		if filepath.IsAbs(target) {
			done = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return root + done, nil
}

// IsProgram says whether a file is an ELF file for this machine, or a compatible one.
func (f *Finder) IsProgram(path string) bool {
	r, err := files.OpenRegular(path)
	if err != nil {
		return false
	}
	defer r.Close()
	var head [20]byte
	if _, err := r.ReadAt(head[:], 0); err != nil || string(head[:4]) != elf.ELFMAG {
		return false
	}
	machine := elf.Machine(head[18]) | elf.Machine(head[19])<<8
	return elf.Class(head[4]) == elf.ELFCLASS64 && machine == elfMachine[f.Arch]
}

// findLibrary finds a library by its name: with -p among those that the process has mapped, then in
// ld.so.cache, then in the usual directories. "" if there is none.
func (f *Finder) findLibrary(root, name string) string {
	var sources [][]ldcache.Library
	if f.PID != 0 {
		mapped, err := mappedLibraries(f.PID)
		if err == nil {
			sources = append(sources, mapped)
		}
	}
	if cached, err := ldcache.Read(root + "/etc/ld.so.cache"); err == nil {
		sources = append(sources, cached)
	}
	sources = append(sources, directoryLibraries(root, name))
	for _, source := range sources {
		for _, l := range ldcache.Match(source, name) {
			if p, err := inRoot(root, l.Path); err == nil && f.IsProgram(p) {
				return p
			}
		}
	}
	return ""
}

// mappedLibraries are the files that a process has mapped.
func mappedLibraries(pid int) ([]ldcache.Library, error) {
	seen := map[string]bool{}
	var out []ldcache.Library
	err := symbols.Mappings(pid, func(m symbols.Mapping) bool {
		if m.IsFile() && !seen[m.Path] {
			seen[m.Path] = true
			out = append(out, ldcache.Library{Name: filepath.Base(m.Path), Path: m.Path})
		}
		return true
	})
	return out, err
}

// directoryLibraries are the files in the library directories whose names begin with a library's.
func directoryLibraries(root, name string) []ldcache.Library {
	var out []ldcache.Library
	for _, dir := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), libraryDirs...) {
		entries, err := os.ReadDir(root + dir)
		if err != nil {
			continue
		}
		i := sort.Search(len(entries), func(i int) bool { return entries[i].Name() >= name })
		for ; i < len(entries) && strings.HasPrefix(entries[i].Name(), name); i++ {
			out = append(out, ldcache.Library{Name: entries[i].Name(), Path: filepath.Join(dir, entries[i].Name())})
		}
	}
	return out
}

// errNoProcess is what a uprobe without a binary gives when there is no -p.
// missing is an error about a file that is not there.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }
func (m *missing) Unwrap() error { return fs.ErrNotExist }

var errNoProcess = errors.New("no binary is named; with -p PID or -c COMMAND the process's own is meant")

// Program is the program that the process of -p runs, or that of -c.
func (f *Finder) Program() (string, error) {
	switch {
	case f.PID != 0:
	case f.Command != "":
		return f.Command, nil
	default:
		return "", errNoProcess
	}
	exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(f.PID), "exe"))
	if err != nil {
		return "", fmt.Errorf("finding the program of process %d: %w", f.PID, err)
	}
	root, err := f.root()
	if err != nil {
		return "", err
	}
	return root + exe, nil
}
