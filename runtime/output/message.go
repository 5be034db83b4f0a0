package output

import (
	"bytes"
	"fmt"

	"github.com/gotrace/gotrace/lang/source"
)

// lines is the text of join() as a line, and that of a file or a command as it is.
func (p *Printed) lines() []byte {
	if p.Func == "join" {
		return append(p.Text, '\n')
	}
	return p.Text
}

// severity is that of a message.
func (m *Message) severity() source.Severity {
	if m.Error {
		return source.SevError
	}
	return source.SevWarning
}

// name is the function that a message comes from.
func (m *Message) name() string {
	if m.Error {
		return "errorf"
	}
	return "warnf"
}

// place is where something is in a script, from its first to its last column, or line if there are several.
func place(s source.Span, src *source.Source) string {
	name := s.Pos.Filename
	if name == "" && src != nil {
		name = src.Name
	}
	if s.EndPos.Line > s.Pos.Line {
		return fmt.Sprintf("%s:%d-%d", name, s.Pos.Line, s.EndPos.Line)
	}
	return fmt.Sprintf("%s:%d:%d-%d", name, s.Pos.Line, s.Pos.Column, s.EndPos.Column)
}

// context is the source line of a place, with a mark under it.
func context(s source.Span, src *source.Source) []byte {
	var b bytes.Buffer
	source.Diagnostics{{Span: s}}.Write(&b, src, false)
	_, lines, _ := bytes.Cut(b.Bytes(), []byte("\n"))
	return lines
}

// tell writes a message with its place, and where the macros that it is in were called.
func (t *Text) tell(m *Message) error {
	if !m.Error && (t.opts.NoWarnings || t.opts.Quiet) {
		return nil
	}
	if err := t.out.flush(); err != nil {
		return err
	}
	var b bytes.Buffer
	for i, s := range m.Places {
		if i == 0 {
			fmt.Fprintf(&b, "%s: %s: %s\n", place(s, m.Source), m.severity(), bytes.TrimSuffix(m.Text, []byte("\n")))
			continue
		}
		fmt.Fprintf(&b, "%s: %s: expanded from\n%s", place(s, m.Source), m.severity(), context(s, m.Source))
	}
	_, err := t.err.Write(b.Bytes())
	return err
}
