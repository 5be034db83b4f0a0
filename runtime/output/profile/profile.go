// Package profile makes profiles of the maps of a script whose keys have stacks: folded stacks, pprof's format, and a page with a flame
// graph. What else a script prints goes to standard error meanwhile.
package profile

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// Profile is what a script has counted by stack.
type Profile struct {
	Title string
	Maps  []*Map
}

// Map is a map of the script.
type Map struct {
	Name    string // without '@'
	Unit    string // "count", "nanoseconds", "bytes" or "" for what is not known
	Samples []Sample
}

// Sample is an element of a map.
type Sample struct {
	Labels []string // the parts of the key that are no stacks
	Frames []Frame  // the outermost first, user code before the kernel's
	Value  int64
}

// Frame is a function on a stack.
type Frame struct {
	value.Frame
	Kernel bool
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
	out     io.Writer
	write   func(io.Writer, *Profile) error
	profile Profile
	done    bool
}

// NewSink writes a profile to out by one of Formats, and everything else to stderr.
func NewSink(out, stderr io.Writer, title string, write func(io.Writer, *Profile) error, opts output.TextOptions) *Sink {
	return &Sink{Text: output.NewText(stderr, stderr, opts), out: out, write: write, profile: Profile{Title: title}}
}

// Event takes one event.
func (s *Sink) Event(e output.Event) error {
	m, ok := e.(*output.Map)
	if !ok {
		return s.Text.Event(e)
	}
	taken, has := collect(m)
	if !has {
		return s.Text.Event(e)
	}
	s.add(taken)
	return nil
}

// Drain writes the profile.
func (s *Sink) Drain() error {
	if err := s.Text.Drain(); err != nil || s.done {
		return err
	}
	s.done = true
	return s.write(s.out, &s.profile)
}

// add puts a map in the place of what was printed of it before.
func (s *Sink) add(m *Map) {
	i := slices.IndexFunc(s.profile.Maps, func(have *Map) bool { return have.Name == m.Name })
	if i < 0 {
		s.profile.Maps = append(s.profile.Maps, m)
	} else {
		s.profile.Maps[i] = m
	}
}

// collect takes a map's elements, if its keys have stacks and its values are numbers.
func collect(m *output.Map) (*Map, bool) {
	out := &Map{Name: m.Name, Unit: unit(m.Name)}
	for _, e := range m.Elements {
		el := m.Codec.Decode(e)
		n, ok := number(el.Value)
		if !ok {
			return nil, false
		}
		sample, ok := sampleOf(el.Key)
		if !ok {
			return nil, false
		}
		sample.Value = n
		out.Samples = append(out.Samples, sample)
	}
	return out, len(out.Samples) > 0
}

// number is what an element counts: of a histogram and of stats() how many values there were.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), true
	case value.Stats:
		return int64(v.Count), true
	case value.Histogram:
		var n uint64
		for _, b := range v {
			n += b.Count
		}
		return int64(n), true
	}
	return 0, false
}

// sampleOf takes a key apart. ok is false if it has no stack.
func sampleOf(key any) (s Sample, ok bool) {
	parts, isTuple := key.(value.Tuple)
	if !isTuple {
		parts = value.Tuple{key}
	}
	var user, kernel []Frame
	for _, p := range parts {
		stack, isStack := p.(value.Stack)
		switch {
		case !isStack:
			s.Labels = append(s.Labels, label(p))
		case stack.User:
			user, ok = append(user, frames(&stack)...), true
		default:
			kernel, ok = append(kernel, frames(&stack)...), true
		}
	}
	s.Frames = append(user, kernel...)
	return s, ok
}

// frames are those of a stack, the outermost first.
func frames(s *value.Stack) []Frame {
	out := make([]Frame, 0, len(s.Frames)+1)
	for _, f := range s.Frames {
		out = append(out, Frame{f, !s.User})
	}
	slices.Reverse(out)
	if s.Lost {
		out = append(out, Frame{value.Frame{Name: "[no room for this stack]"}, !s.User})
	}
	return out
}

// label is the text of a part of a key that is no stack.
func label(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case interface{ String() string }:
		return v.String()
	}
	return "?"
}

// Title is the name of a frame in a profile.
func (f *Frame) Title() string {
	if f.Name == "" {
		return "0x" + strconv.FormatUint(f.Addr, 16)
	}
	return f.Name
}

// units tell by the end of a map's name what it counts.
var units = []struct{ suffix, unit string }{
	{"nsecs", "nanoseconds"}, {"ns", "nanoseconds"}, {"usecs", "microseconds"}, {"us", "microseconds"}, {"ms", "milliseconds"},
	{"bytes", "bytes"}, {"size", "bytes"},
}

func unit(name string) string {
	for _, u := range units {
		if name == u.suffix || strings.HasSuffix(name, "_"+u.suffix) {
			return u.unit
		}
	}
	return "count"
}
