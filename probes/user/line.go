package user

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
)

// sourceLine is a place in the source of a binary: uprobe:BINARY@FILE:LINE[:COLUMN].
type sourceLine struct {
	binary, file string
	line, column int // column 0: any
}

// place is how the script writes it.
func (s *sourceLine) place() string {
	if s.column == 0 {
		return fmt.Sprintf("%s:%d", s.file, s.line)
	}
	return fmt.Sprintf("%s:%d:%d", s.file, s.line, s.column)
}

// parseSourceLine reads the parts of an attach point; ok is false if it names no line.
func parseSourceLine(parts []string) (s sourceLine, ok bool, err error) {
	if len(parts) != 2 && len(parts) != 3 {
		return s, false, nil
	}
	i := strings.LastIndexByte(parts[0], '@')
	if i < 0 {
		return s, false, nil
	}
	s.binary, s.file = parts[0][:i], parts[0][i+1:]
	for k, to := range []*int{&s.line, &s.column}[:len(parts)-1] {
		n, err := strconv.ParseUint(parts[k+1], 10, 31)
		if err != nil || n == 0 || s.file == "" || s.binary == "" {
			if exists(parts[0]) {
				return s, false, nil // a file whose name has an @
			}
			return s, true, fmt.Errorf("a line of the source is written BINARY@FILE:LINE or BINARY@FILE:LINE:COLUMN")
		}
		*to = int(n)
	}
	return s, true, nil
}

// lineUprobe is a probe at the code of a line: in each function that has some, at the first instruction of it.
func (e *Programs) lineUprobe(kind *builtin.ProbeKind, at sourceLine) ([]lang.Target, error) {
	if kind.Return {
		return nil, fmt.Errorf("a line is no function, of which %s is the return: write uprobe", kind.Name)
	}
	paths, err := e.finder.Find(at.binary)
	if err != nil {
		return nil, err
	}
	var out []lang.Target
	for _, path := range paths {
		found, err := e.linesIn(kind, path, at)
		if err != nil && len(paths) == 1 {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no binary that matches %s has code of %s", at.binary, at.place())
	}
	return out, nil
}

func (e *Programs) linesIn(kind *builtin.ProbeKind, path string, at sourceLine) ([]lang.Target, error) {
	b, err := e.Binary(path)
	if err != nil {
		return nil, err
	}
	d := e.debugInfo(path)
	if d.err != nil {
		return nil, d.err
	}
	places, err := d.reader.Info.Line(at.file, at.line, at.column)
	switch {
	case err != nil:
		return nil, err
	case len(places.Files) == 0:
		return nil, fmt.Errorf("%s was not made of a file %s", path, at.file)
	case len(places.Addrs) == 0 && len(places.Columns) > 0:
		return nil, fmt.Errorf("no statement begins at column %d of %s:%d in %s: it has some at %s", at.column, at.file, at.line, path, joinLines(places.Columns))
	case len(places.Addrs) == 0 && len(places.Near) > 0:
		return nil, fmt.Errorf("line %d of %s has no code in %s: the nearest that has is %s", at.line, at.file, path, joinLines(places.Near))
	}
	var out []lang.Target
	seen := map[uint64]bool{}
	for _, addr := range places.Addrs {
		if _, err := b.FileOffset(addr); err != nil {
			continue // of a function that the linker left out
		}
		s, _ := b.Enclosing(addr)
		if s.Address != 0 && seen[s.Address] {
			continue // a loop comes back to its line
		}
		seen[s.Address] = true
		name := fmt.Sprintf("%s:%s@%s", kind.Name, path, at.place())
		out = append(out, lang.Target{Kind: kind, Name: name, Path: path, Address: addr, Go: b.IsGo(s.Name, addr), I386: b.I386, Further: len(out) > 0})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("line %d of %s has no code in %s", at.line, at.file, path)
	}
	return out, nil
}

func joinLines(lines []int) string {
	var words []string
	for _, n := range lines {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, " or ")
}
