package lang

import (
	"bytes"
	"os"
)

// Source is the text of a script with the name that messages give it.
type Source struct {
	Name string // "stdin" for -e, as bpftrace has it; else the file's path as given
	Text []byte
}

// ReadSource reads a script from a file.
func ReadSource(path string) (*Source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &Source{Name: path, Text: text}, nil
}

// Line returns line n (from 1) without its end, "" if there is none.
func (s *Source) Line(n int) string {
	rest := s.Text
	for ; n > 1; n-- {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return ""
		}
		rest = rest[i+1:]
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return string(bytes.TrimSuffix(rest, []byte{'\r'}))
}
