package symbols

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/internal/files"
)

// Sections are the contents of an ELF file's sections by their names, those of debugging information for example.
type Sections struct {
	Path    string
	Content map[string][]byte
	BuildID string // in hexadecimal, "" if it has none
	link    string // name of the debug file, of .gnu_debuglink
	crc     uint32 // its checksum
}

// maxDebug bounds what is read of a file's sections together. Larger ones are those of browsers.
const maxDebug = 768 << 20

// ReadSections reads the sections of any ELF file, object files too, whose names are wanted, and takes compressed ones apart.
func ReadSections(path string, wanted func(name string) bool) (*Sections, error) {
	s, err := parseFile(path, sectionsOf(wanted))
	if err != nil {
		return nil, err
	}
	s.Path = path
	return s, nil
}

// ParseSections is ReadSections of a file whose content has at most size bytes.
func ParseSections(r io.ReaderAt, size int64, wanted func(name string) bool) (*Sections, error) {
	return parseELF(r, size, sectionsOf(wanted))
}

func sectionsOf(wanted func(name string) bool) func(*elfFile) (*Sections, error) {
	return func(f *elfFile) (*Sections, error) {
		out := &Sections{Content: map[string][]byte{}, BuildID: buildID(f.File)}
		out.debugLink(f)
		left := int64(maxDebug)
		for _, s := range f.Sections {
			if s.Type == elf.SHT_NOBITS || !wanted(s.Name) {
				continue
			}
			data, err := f.content(s, left)
			if err != nil {
				return nil, fmt.Errorf("section %s: %w", s.Name, err)
			}
			left -= int64(len(data))
			if before := out.Content[s.Name]; len(before) > 0 {
				data = append(before[:len(before):len(before)], data...) // a .dwo file has a section of the name for each type unit
			}
			out.Content[s.Name] = data
		}
		return out, nil
	}
}

// content reads a section of at most limit bytes.
func (f *elfFile) content(s *elf.Section, limit int64) ([]byte, error) {
	if int64(s.FileSize) > f.size || int64(s.FileSize) < 0 {
		return nil, fmt.Errorf("it has %d bytes, the file %d", s.FileSize, f.size)
	}
	if int64(s.Size) > limit || int64(s.Size) < 0 {
		return nil, fmt.Errorf("it has %d bytes: of a file, %d are read", s.Size, maxDebug)
	}
	f.budget.left = int64(s.FileSize) + maxHeaders
	return s.Data()
}

// debugLink reads .gnu_debuglink: the name of a file, padded to four bytes, and its checksum.
func (s *Sections) debugLink(f *elfFile) {
	sect := f.Section(".gnu_debuglink")
	if sect == nil || sect.Size > maxPath || sect.Type == elf.SHT_NOBITS {
		return
	}
	data, err := sect.Data()
	if err != nil || len(data) < 8 {
		return
	}
	name, _, ok := bytes.Cut(data[:len(data)-4], []byte{0})
	if !ok || len(name) == 0 || bytes.ContainsRune(name, '/') {
		return
	}
	s.link, s.crc = string(name), f.ByteOrder.Uint32(data[len(data)-4:])
}

// debugRoot is where distributions install debug files.
const debugRoot = "/usr/lib/debug"

// DebugDirs are the places of --debuginfo, separated by colons: relative ones are meant from the binary's directory, else from ours. A + before one asks
// for what is done anyhow: files are checked.
func DebugDirs(options []string, binary string) []string {
	var out []string
	for _, option := range options {
		for _, dir := range strings.Split(option, ":") {
			if dir = strings.TrimPrefix(dir, "+"); dir == "" {
				continue
			}
			if !filepath.IsAbs(dir) {
				out = append(out, filepath.Join(filepath.Dir(binary), dir))
			}
			out = append(out, dir)
		}
	}
	return out
}

// DebugFiles are the files that may hold a binary's debugging information if it was taken out: those of its build id, and of the name that it
// gives, as gdb looks for them; in dirs first. dirs may also be files.
func (s *Sections) DebugFiles(dirs []string) []string {
	var out []string
	add := func(path string) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			out = append(out, path)
		}
	}
	dir, base := filepath.Split(s.Path)
	for _, d := range append(append([]string{}, dirs...), debugRoot) {
		if len(s.BuildID) > 2 {
			add(filepath.Join(d, ".build-id", s.BuildID[:2], s.BuildID[2:]+".debug"))
		}
		if d == debugRoot {
			break
		}
		for _, name := range []string{"", s.link, base + ".debug", base} {
			add(filepath.Join(d, name))
		}
	}
	if s.link != "" {
		abs, _ := filepath.Abs(dir)
		for _, d := range []string{dir, filepath.Join(dir, ".debug"), filepath.Join(debugRoot, abs)} {
			if path := filepath.Join(d, s.link); path != filepath.Clean(s.Path) {
				add(path)
			}
		}
	}
	return out
}

// IsNamed says whether a file is in one of the places where the user says that debug files are.
func IsNamed(dirs []string, path string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(path, filepath.Clean(dir)) })
}

// errOtherBuild says that a debug file is of another build of the binary.
var errOtherBuild = errors.New("it belongs to another build of the program")

// Describes says whether a debug file is the binary's: by its build id if both have one, else by the checksum of the link. A file that neither
// of them tells of is believed only if the user named it.
func (s *Sections) Describes(debug *Sections, named bool) error {
	switch {
	case s.BuildID != "" && debug.BuildID != "":
		if s.BuildID != debug.BuildID {
			return errOtherBuild
		}
	case s.link != "" && filepath.Base(debug.Path) == s.link:
		sum, err := checksum(debug.Path)
		if err != nil {
			return err
		}
		if sum != s.crc {
			return errOtherBuild
		}
	case !named:
		return errOtherBuild
	}
	return nil
}

func checksum(path string) (uint32, error) {
	f, err := files.OpenRegular(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, f); err != nil {
		return 0, err
	}
	return h.Sum32(), nil
}
