package output

import (
	"fmt"
	"io"
	"time"

	"github.com/gotrace/gotrace/runtime/value"
)

// TextOptions are the settings of a Text.
type TextOptions struct {
	Buffering  string // BufferNone, BufferLine or BufferFull; "" means BufferLine
	Quiet      bool   // no messages about probes, no warnings
	NoWarnings bool
	Errors     bool // tell what failed while the script ran, although Quiet
	Color      bool // colour the messages
	// Columns tells how wide the terminal is that messages go to (0: unknown): there a bar shows what takes long. nil: it is no terminal.
	Columns func() int
	// ColorOutput: colour the results of tests, the only output that has colours.
	ColorOutput bool
}

// tellsFailures says whether what failed while the script ran is told.
func (o *TextOptions) tellsFailures() bool { return !o.NoWarnings && (o.Errors || !o.Quiet) }

// Text is the sink that writes bpftrace's text.
type Text struct {
	out  *buffer
	err  io.Writer
	opts TextOptions
	buf  []byte
	bar  bool          // there is a bar on the terminal
	told time.Duration // how often detaching was told, in tellDetaching
}

// NewText writes what the script prints to stdout and messages about the run to stderr. What is nil is discarded.
func NewText(stdout, stderr io.Writer, opts TextOptions) *Text {
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	if opts.Buffering == "" {
		opts.Buffering = BufferLine
	}
	return &Text{out: newBuffer(stdout, opts.Buffering), err: stderr, opts: opts}
}

// Flush writes out what the mode of buffering asks for.
func (t *Text) Flush() error { return t.out.flush() }

// Drain writes out everything.
func (t *Text) Drain() error { return t.out.close() }

// Event writes one event.
func (t *Text) Event(e Event) error {
	switch e := e.(type) {
	case *Printf:
		t.buf = e.AppendText(t.buf[:0])
		return t.out.write(t.buf)
	case *Value:
		t.buf = append(e.Codec.AppendText(t.buf[:0], e.Bytes), '\n')
		return t.out.write(t.buf)
	case *Map:
		return t.writeMap(e)
	case *Time:
		return t.out.write(e.Text)
	case *Printed:
		return t.out.write(e.lines())
	case TestResult:
		return t.out.write(appendTestResult(nil, e, t.opts.ColorOutput))
	case BenchResult:
		return t.out.write(appendBenchResult(nil, e))
	case End:
		return t.out.write([]byte("\n\n"))
	}
	return t.message(e)
}

// message writes an event that is about the run.
func (t *Text) message(e Event) error {
	if e, ok := e.(Progress); ok {
		if t.opts.Quiet {
			return nil
		}
		return t.progress(e)
	}
	t.clearBar()
	switch e := e.(type) {
	case *Message:
		return t.tell(e)
	case Lost:
		return t.printf("Lost %d events\n", e.Events)
	case Note:
		return t.printf("%s\n", e.Text)
	case Warnings:
		ds := e.Diagnostics
		if t.opts.Quiet || t.opts.NoWarnings {
			ds = ds.Errors()
		}
		ds.Write(t.err, e.Source, t.opts.Color)
	case Failures:
		if t.opts.tellsFailures() {
			e.Diagnostics().Write(t.err, e.Source, t.opts.Color)
		}
	}
	if t.opts.Quiet {
		return nil
	}
	if e, ok := e.(Attached); ok {
		plural := "s"
		if e.Probes == 1 {
			plural = ""
		}
		return t.printf("Attached %d probe%s\n", e.Probes, plural)
	}
	return nil
}

func (t *Text) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(t.err, format, args...)
	return err
}

// writeMap writes the elements of a map, a large one in pieces: the text of a hundred thousand stacks is hundreds of megabytes.
func (t *Text) writeMap(m *Map) error {
	t.buf = t.buf[:0]
	for _, e := range m.Elements {
		if t.buf = appendElement(t.buf, m, e); len(t.buf) < outputBuffer {
			continue
		}
		if err := t.out.write(t.buf); err != nil {
			return err
		}
		t.buf = t.buf[:0]
	}
	return t.out.write(t.buf)
}

// appendElement writes "@name: value" or "@name[key]: value"; histograms follow their name on lines of their own, with an empty line after
// them.
func appendElement(dst []byte, m *Map, e value.Raw) []byte {
	dst = append(append(dst, '@'), m.Name...)
	if m.Codec.Keyed {
		dst = append(m.Codec.AppendKey(append(dst, '['), e.Key), ']')
	}
	dst = append(dst, ':')
	if m.Codec.Value.Lines() {
		dst = append(dst, '\n')
	} else {
		dst = append(dst, ' ')
	}
	return append(m.Codec.Value.AppendText(dst, e.Value), '\n')
}
