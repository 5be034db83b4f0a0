package output

import (
	"syscall"
	"time"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/value"
)

// Sink takes the events of a session, in the order in which things happened and never two at once. An error ends the run, but for
// Warnings, Failures, Progress and Note: if they cannot be told, tracing goes on.
type Sink interface {
	// Event takes one event. Those that are pointers are the session's again when it returns.
	Event(Event) error
	// Flush is called when nothing more is to come for now.
	Flush() error
	// Drain is called when the script has printed all: everything that is held back is written out.
	Drain() error
}

// Func is a sink that calls a function for each event.
type Func func(Event) error

// Event calls the function.
func (f Func) Event(e Event) error { return f(e) }

// Flush does nothing.
func (Func) Flush() error { return nil }

// Drain does nothing.
func (Func) Drain() error { return nil }

// Discard drops all events.
var Discard Sink = Func(func(Event) error { return nil })

// Tee gives each event to several sinks.
type Tee []Sink

// Event gives the event to each sink, until one fails.
func (t Tee) Event(e Event) error { return t.each(func(s Sink) error { return s.Event(e) }) }

// Flush flushes each sink.
func (t Tee) Flush() error { return t.each(Sink.Flush) }

// Drain drains each sink.
func (t Tee) Drain() error { return t.each(Sink.Drain) }

func (t Tee) each(do func(Sink) error) error {
	for _, s := range t {
		if err := do(s); err != nil {
			return err
		}
	}
	return nil
}

// Event is one of the types below.
type Event interface{ event() }

type (
	// Printf is a printf(). Its fields are the arguments.
	Printf struct {
		Pos    source.Pos
		Format *value.Format
		Fields []value.Field
		Record []byte
	}
	// Value is print() of a value, or of one element of a map.
	Value struct {
		Pos   source.Pos
		Name  string // of the value, as for a field of Printf
		Codec value.Codec
		Bytes []byte
	}
	// Map is print() of a map, and every map at the end of a run.
	Map struct {
		Name     string // without '@'
		Codec    *value.MapCodec
		Elements []value.Raw
	}
	// Emptied is a clear() or zero() of a map.
	Emptied struct{ Name string }
	// Time is a time(), with its text.
	Time struct {
		Text []byte
		Time time.Time
	}
	// Message is an errorf() or a warnf(). Places are those of the call, and of the calls of macros that it comes from, the innermost first.
	Message struct {
		Error  bool
		Text   []byte
		Places []source.Span
		Source *source.Source
	}
	// Printed is what join(), cat() and system() print.
	Printed struct {
		Func string
		Text []byte
	}
	// Attached says how many probes are attached, and what they were asked for by.
	Attached struct {
		Probes int
		Points []AttachPoint
		Source *source.Source
	}
	// Progress says how far loading, attaching or detaching is, a few times a second once it has taken a second, and, if it has been told, when it
	// has ended, done or not. Step is how many probes a call of the kernel that runs is for, 0 for none.
	Progress struct {
		Stage             Stage
		Done, Total, Step int
		Took              time.Duration
		End               bool
	}
	// Lost says that more events did not reach the reader.
	Lost struct{ Events uint64 }
	// Warnings are what the user should know of the script or the run.
	Warnings struct {
		Diagnostics source.Diagnostics
		Source      *source.Source
	}
	// Failures are what failed while the script ran, told at the end of the run.
	Failures struct {
		List   []Failure
		Source *source.Source
	}
	// TestResult is how a test probe went. Output is what it printed.
	TestResult struct {
		Name      string
		Index, Of int // the tests are numbered from 0 on
		Duration  time.Duration
		Passed    bool
		Output    string
		Failed    []string // the names of all that failed until now
	}
	// BenchResult is how long a run of a bench probe takes.
	BenchResult struct {
		Name       string
		Index      int
		Longest    int // characters of the longest name of all
		Average    time.Duration
		Iterations uint64
	}
	// Note is what a user who asked for details is told.
	Note struct{ Text string }
	// End separates the events of a run from the maps printed at its end.
	End struct{}
)

func (*Printf) event()     {}
func (*Value) event()      {}
func (*Map) event()        {}
func (Emptied) event()     {}
func (*Time) event()       {}
func (*Message) event()    {}
func (*Printed) event()    {}
func (Attached) event()    {}
func (Progress) event()    {}
func (Lost) event()        {}
func (Warnings) event()    {}
func (Failures) event()    {}
func (Note) event()        {}
func (TestResult) event()  {}
func (BenchResult) event() {}
func (End) event()         {}

// AttachPoint is an attach point of the script.
type AttachPoint struct {
	Text string // as the script has it
	Span source.Span
	// Probes is how many it stands for, also those that could not be attached, which warnings tell.
	Probes int
}

// FailureKind is what can fail.
type FailureKind string

// The kinds of failures.
const (
	FailMapFull       FailureKind = "map-full"       // updates of a full map
	FailMapMemory     FailureKind = "map-memory"     // updates for which the kernel had no memory
	FailMapBusy       FailureKind = "map-busy"       // updates of a map that was just being changed
	FailRead          FailureKind = "read"           // reads of bad memory
	FailTruncated     FailureKind = "truncated"      // strings longer than their room
	FailLost          FailureKind = "lost"           // events that found no room in the ring buffer
	FailScratch       FailureKind = "scratch"        // runs that found no scratch memory
	FailLoop          FailureKind = "loop"           // loops that were stopped
	FailDivide        FailureKind = "divide"         // divisions by zero
	FailIndex         FailureKind = "index"          // indices outside of an array or a string
	FailStacks        FailureKind = "stacks"         // stacks that found no room in their store
	FailUnwind        FailureKind = "unwind"         // stacks that were not followed by tables, or not to their end
	FailMissing       FailureKind = "missing"        // elements of maps that are not there
	FailCall          FailureKind = "call"           // calls of the kernel for their effect
	FailMissedTicks   FailureKind = "missed-ticks"   // ticks of a timer
	FailMissedSamples FailureKind = "missed-samples" // samples of a profile
	FailMissedRuns    FailureKind = "missed-runs"    // runs that the kernel skipped
	FailUnknown       FailureKind = "missed-unknown" // nobody counts what was missed; Count is 0
	FailInternal      FailureKind = "internal"       // mistakes of gotrace's
)

// Failure is something that failed at one place of the script.
type Failure struct {
	Kind  FailureKind
	Count uint64
	// Helper is the kernel's helper that failed (uapi/linux/bpf.h, without bpf_) and Errno its error; "" if it was none.
	Helper string
	Errno  syscall.Errno
	// Keys are keys that a full map refused, as text: the first ones and some of those that followed. MoreKeys says that there may have been others.
	Keys     []string
	MoreKeys bool
	// Diagnostic has the place, and says in words what happened and what to do about it.
	Diagnostic source.Diagnostic
}

// Diagnostics are the failures in words.
func (f Failures) Diagnostics() source.Diagnostics {
	ds := make(source.Diagnostics, len(f.List))
	for i := range f.List {
		ds[i] = f.List[i].Diagnostic
	}
	return ds
}

// AppendText adds the text that the script prints.
func (p *Printf) AppendText(dst []byte) []byte { return p.Format.AppendText(dst, p.Record) }

// Values are the arguments as Go values.
func (p *Printf) Values() []any {
	out := make([]any, len(p.Fields))
	for i := range p.Fields {
		out[i] = p.Fields[i].Decode(p.Record)
	}
	return out
}

// Names are the names of the arguments: that of the builtin, the variable, the map or the member of args that an argument is made of,
// and arg0, arg1 by their place for others.
func (p *Printf) Names() []string {
	out := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		out[i] = f.Name
	}
	return out
}

// Decode stores the arguments in the struct that dst points to, by name (see value.AssignFields).
func (p *Printf) Decode(dst any) error { return value.AssignFields(dst, p.Names(), p.Values()) }

// Any is the value as a Go value.
func (v *Value) Any() any { return v.Codec.Decode(v.Bytes) }

// Decode stores the value where dst points to (see value.Assign).
func (v *Value) Decode(dst any) error { return value.Assign(dst, v.Any()) }

// Decode stores the elements where dst points to (see value.MapCodec.AssignMap).
func (m *Map) Decode(dst any) error { return m.Codec.AssignMap(dst, m.Elements) }
