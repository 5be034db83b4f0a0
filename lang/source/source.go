package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// Source is the text of a script with the name that messages give it.
type Source struct {
	Name string // "stdin" for -e, as bpftrace has it; else the file's path as given
	Text []byte
	// Imports are the scripts that it imports, and that these import.
	Imports []*Source
}

// At is the source that a place is in: the script, or one that it imports.
func (s *Source) At(pos Pos) *Source {
	if s == nil || pos.Filename == "" || pos.Filename == s.Name {
		return s
	}
	for _, imported := range s.Imports {
		if imported.Name == pos.Filename {
			return imported
		}
	}
	return s
}

// maxSource bounds scripts: a device such as /dev/zero never ends.
const maxSource = 16 << 20

// ReadSource reads a script from a file.
func ReadSource(path string) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadSourceFrom(f, path)
}

// ReadSourceFrom reads a script to which messages give a name.
func ReadSourceFrom(r io.Reader, name string) (*Source, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSource+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSource {
		return nil, fmt.Errorf("%s is no script: it has more than %d bytes", name, maxSource)
	}
	return &Source{Name: name, Text: text}, nil
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

// TextOf is what stands at a place of the script, or of one that it imports, "" if there is no such place.
func (s *Source) TextOf(at Span) string {
	in := s.At(at.Pos)
	if in == nil || at.Pos.Offset < 0 || at.EndPos.Offset > len(in.Text) || at.Pos.Offset > at.EndPos.Offset {
		return ""
	}
	return string(in.Text[at.Pos.Offset:at.EndPos.Offset])
}

// NameOf is the name of a source that may be missing.
func (s *Source) NameOf() string {
	if s == nil {
		return "script"
	}
	return s.Name
}
