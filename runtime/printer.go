package runtime

import (
	"io"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// Printer shows what a script prints and collects, in one output format. Methods are called from
// one goroutine, in the order in which things happened. They write to a buffer; an error is that of the
// writer behind it, and ends the run.
type Printer interface {
	// Printf is the text that a printf made. The bytes are the session's again when Printf returns.
	Printf(text []byte) error
	// Time is what time() printed.
	Time(text []byte) error
	// Value is print() of a value, or of one element of a map. It is the session's again when Value returns.
	Value(v *ValueDump) error
	// Map is print() of a map, and every map at the end of a run.
	Map(m *MapDump) error
	// Attached says how many probes are attached.
	Attached(n int) error
	// Lost says that n more events did not reach the reader.
	Lost(n uint64) error
	// End separates the events of a run from the maps printed at its end.
	End() error
	// Flush writes out what is buffered.
	Flush() error
}

// ValueDump is a value at the moment it is printed.
type ValueDump struct {
	Type   types.Type
	entry  entry
	values *values
}

// Value is the value as a Go value.
func (v *ValueDump) Value() any { return v.values.value(v.Type, v.entry) }

// MapDump is a map at the moment it is printed.
type MapDump struct {
	Map *lang.Map
	// Div divides the values, at least 1.
	Div     int64
	entries []entry
	values  *values
}

// newMapDump sorts the elements and keeps the last top ones; 0 keeps all.
func (v *values) newMapDump(m *lang.Map, entries []entry, top, div int64) *MapDump {
	sortEntries(m, entries)
	if top > 0 && int64(len(entries)) > top {
		entries = entries[int64(len(entries))-top:]
	}
	return &MapDump{Map: m, Div: max(1, div), entries: entries, values: v}
}

// textPrinter writes bpftrace's text.
type textPrinter struct {
	out    *output
	err    io.Writer
	values *values
	buf    []byte
}

func (p *textPrinter) Printf(text []byte) error { return p.out.write(text) }
func (p *textPrinter) Time(text []byte) error   { return p.out.write(text) }
func (p *textPrinter) End() error               { return p.out.write([]byte("\n\n")) }
func (p *textPrinter) Flush() error             { return p.out.flush() }

func (p *textPrinter) Value(v *ValueDump) error {
	dst := p.buf[:0]
	if agg, ok := v.Type.(types.Agg); ok && isHist(agg) {
		dst = appendHistogram(dst, histRows(agg, v.entry.words, 1))
	} else {
		dst = p.values.appendElement(dst, v.Type, v.entry, 1)
	}
	p.buf = append(dst, '\n')
	return p.out.write(p.buf)
}
