package report

import (
	"bytes"
	"fmt"

	"github.com/gotrace/gotrace/lang/source"
)

// entry is what the script printed at once, or until the end of a line.
type entry struct {
	Time float64 `json:"time"` // seconds of the run
	Kind string  `json:"kind"` // "" for what is printed, "warning", "error"
	Text string  `json:"text"`
}

// log is what the script printed, the latest part if it is much.
type log struct {
	entries []entry
	bytes   int
	dropped int
	open    bool // the last entry has not ended its line
}

// Bounds of what is kept.
const (
	maxEntries  = 20000
	maxLogBytes = 16 << 20
)

// print adds what is printed. It goes on where a line has not ended.
func (l *log) print(time float64, text []byte) {
	if len(text) == 0 {
		return
	}
	ends := text[len(text)-1] == '\n'
	text = bytes.TrimSuffix(text, []byte{'\n'})
	if l.open {
		last := &l.entries[len(l.entries)-1]
		last.Text += string(text)
		l.bytes += len(text)
	} else {
		l.add(entry{Time: time, Text: string(text)})
	}
	l.open = !ends && l.bytes < maxLogBytes
}

func (l *log) add(e entry) {
	l.entries, l.open = append(l.entries, e), false
	l.bytes += len(e.Text)
	for len(l.entries) > 1 && (len(l.entries) > maxEntries || l.bytes > maxLogBytes) {
		l.bytes -= len(l.entries[0].Text)
		l.entries = l.entries[1:]
		l.dropped++
	}
}

// problem is a warning, or something that failed or was lost.
type problem struct {
	Kind    string `json:"kind"`
	Count   uint64 `json:"count"` // 0 if nothing is counted
	Place   string `json:"place"`
	Line    int    `json:"line"` // of the script, 0 if it is in no line of it
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func newProblem(kind string, count uint64, d source.Diagnostic, src *source.Source) problem {
	p := problem{Kind: kind, Count: count, Place: place(d, src), Message: d.Message, Hint: d.Hint}
	if inScript(d, src) {
		p.Line = d.Pos.Line
	}
	return p
}

// inScript says whether a place is in the script itself, not in a file that it imports.
func inScript(d source.Diagnostic, src *source.Source) bool {
	return src != nil && d.In == nil && d.Pos.Line > 0 && src.At(d.Pos) == src
}

// place is where something is, "" if nowhere.
func place(d source.Diagnostic, src *source.Source) string {
	if d.Pos.Line == 0 {
		return ""
	}
	in := d.In
	if in == nil {
		in = src.At(d.Pos)
	}
	return fmt.Sprintf("%s:%d:%d", in.NameOf(), d.Pos.Line, d.Pos.Column)
}
