// Package profile makes profiles of the maps of a script whose keys have stacks: folded stacks, pprof's format, and a page with a flame
// graph. What else a script prints goes to standard error meanwhile.
package profile

import (
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// Profile is what a script has counted by stack.
type Profile struct {
	Title    string
	Duration time.Duration // of the run
	Frames   []Frame       // that samples have, each once
	Maps     []*Map
}

// Map is a map of the script.
type Map struct {
	Name    string // without '@'
	Types   []Type // of the values of samples
	Keys    []string
	Samples []Sample
}

// Type is what a number of each sample says.
type Type struct {
	Name string // "count" or "total" if there are both, else ""
	Unit string // "count", "nanoseconds", "bytes", …
}

// Sample is an element of a map.
type Sample struct {
	Labels       []string // the parts of the key that are no stacks
	User, Kernel []uint32 // indices of frames, the outermost first
	Values       []int64
}

// Frame is a function on a stack.
type Frame struct {
	value.Frame
	Kernel bool
}

// All are the frames of a sample, the outermost first: the user's code before the kernel's, which it called.
func (s *Sample) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, f := range s.User {
			if !yield(f) {
				return
			}
		}
		for _, f := range s.Kernel {
			if !yield(f) {
				return
			}
		}
	}
}

// Title is the name of one of the numbers of a map's samples.
func (m *Map) Title(i int) string {
	if m.Types[i].Name == "" {
		return "@" + m.Name
	}
	return "@" + m.Name + " " + m.Types[i].Name
}

// Formats are the ways to write a profile, by name.
var Formats = map[string]func(io.Writer, *Profile) error{
	"folded":     WriteFolded,
	"pprof":      WritePprof,
	"flamegraph": WriteFlameGraph,
}

// Sink collects the maps with stacks and writes the profile at the end of the run. Of a map that was printed several times the last
// print that showed anything counts.
type Sink struct {
	*output.Text
	out       io.Writer
	write     func(io.Writer, *Profile) error
	collected Collector
	started   time.Time
	refused   map[string]bool
	done      bool
}

// NewSink writes a profile to out by one of Formats, and everything else to stderr.
func NewSink(out, stderr io.Writer, title string, write func(io.Writer, *Profile) error, opts output.TextOptions) *Sink {
	s := &Sink{Text: output.NewText(stderr, stderr, opts), out: out, write: write, started: time.Now(), refused: map[string]bool{}}
	s.collected.Profile.Title = title
	return s
}

// Event takes one event.
func (s *Sink) Event(e output.Event) error {
	switch e := e.(type) {
	case output.Attached:
		s.started = time.Now()
	case output.End:
		s.collected.Profile.Duration = time.Since(s.started)
	case *output.Map:
		switch s.collected.Add(e) {
		case Taken:
			return nil
		case NotAdditive:
			if err := s.refuse(e.Name); err != nil {
				return err
			}
		case NoStacks:
		}
	}
	return s.Text.Event(e)
}

// refuse tells once that a map is not in the profile.
func (s *Sink) refuse(name string) error {
	if s.refused[name] {
		return nil
	}
	s.refused[name] = true
	d := source.Diagnostic{Severity: source.SevWarning, Code: "profile", Message: NotAdditiveText(name)}
	return s.Text.Event(output.Warnings{Diagnostics: source.Diagnostics{d.WithHint("profiles show count(), sum(), avg(), stats(), hist() and numbers")}})
}

// NotAdditiveText says why a map is not in a profile.
func NotAdditiveText(name string) string {
	return "the values of @" + name + " cannot be added up, as those of callers have to be: it is printed, and not in the profile"
}

// Drain writes the profile.
func (s *Sink) Drain() error {
	if err := s.Text.Drain(); err != nil || s.done {
		return err
	}
	s.done = true
	return s.write(s.out, &s.collected.Profile)
}

// Title is the name of a frame in a profile.
func (f *Frame) Title() string {
	if f.Name == "" {
		return "0x" + strconv.FormatUint(f.Addr, 16)
	}
	return f.Name
}

// units tell by the end of a map's name what it adds up.
var units = []struct{ suffix, unit string }{
	{"nsecs", "nanoseconds"}, {"ns", "nanoseconds"}, {"usecs", "microseconds"}, {"us", "microseconds"}, {"ms", "milliseconds"},
	{"bytes", "bytes"}, {"size", "bytes"},
}

// UnitOf is the unit of what a map of this name adds up: "count" if the name does not tell.
func UnitOf(name string) string {
	for _, u := range units {
		if name == u.suffix || strings.HasSuffix(name, "_"+u.suffix) {
			return u.unit
		}
	}
	return "count"
}
