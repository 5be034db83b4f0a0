package symbols

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Mapping is a range of a process's memory, a line of /proc/PID/maps (Documentation/filesystems/proc.rst).
type Mapping struct {
	Start, End uint64 // addresses
	Offset     uint64 // of Start in the file
	Exec       bool
	Path       string // of the file as the process sees it, "[stack]" and the like, or ""
	Deleted    bool   // the file has no name any more
	Device     string // of the file, "major:minor" in hexadecimal
	Inode      uint64 // of the file, 0 if none is mapped
}

// IsFile says whether a file is mapped.
func (m *Mapping) IsFile() bool { return strings.HasPrefix(m.Path, "/") }

const (
	maxMapsLine = 32 << 10 // a path of PATH_MAX bytes, each escaped
	maxMappings = 1 << 20  // vm.max_map_count is 65,530 unless somebody raised it
)

// Mappings calls visit with the mappings of a process, by address, until it returns false.
func Mappings(pid int, visit func(Mapping) bool) error {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/maps")
	if err != nil {
		return err
	}
	defer f.Close()
	return ReadMaps(f, visit)
}

// ReadMaps reads the form of /proc/PID/maps. A line that is not such is an error.
func ReadMaps(r io.Reader, visit func(Mapping) bool) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 4096), maxMapsLine)
	for n := 1; s.Scan(); n++ {
		m, err := parseMapping(s.Text())
		if err != nil || n > maxMappings {
			return fmt.Errorf("mappings of a process, line %d: %w", n, err)
		}
		if !visit(m) {
			return nil
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("mappings of a process: %w", err)
	}
	return nil
}

// parseMapping reads "start-end perms offset device inode   path".
func parseMapping(line string) (m Mapping, err error) {
	var words [5]string
	rest := line
	for i := range words {
		words[i], rest, _ = strings.Cut(rest, " ")
	}
	start, end, ok := strings.Cut(words[0], "-")
	if !ok || len(words[1]) != 4 || words[4] == "" {
		return m, fmt.Errorf("%.100q is no mapping", line)
	}
	m.Device = words[3]
	for _, number := range []struct {
		dst  *uint64
		text string
	}{{&m.Start, start}, {&m.End, end}, {&m.Offset, words[2]}} {
		if *number.dst, err = strconv.ParseUint(number.text, 16, 64); err != nil {
			return m, fmt.Errorf("%.100q is no mapping: %w", line, err)
		}
	}
	if m.Inode, err = strconv.ParseUint(words[4], 10, 64); err != nil {
		return m, fmt.Errorf("%.100q is no mapping: %w", line, err)
	}
	if m.End < m.Start {
		return m, fmt.Errorf("%.100q is no mapping: it ends before it starts", line)
	}
	m.Exec = words[1][2] == 'x'
	m.Path = strings.TrimLeft(rest, " ")
	if m.IsFile() {
		m.Path, m.Deleted = strings.CutSuffix(m.Path, " (deleted)")
		m.Path = strings.ReplaceAll(m.Path, `\012`, "\n") // the one character that the kernel escapes (show_map_vma, fs/proc/task_mmu.c)
	}
	return m, nil
}
