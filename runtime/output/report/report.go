// Package report makes one page of a run, which needs no other file: the maps as tables, bar charts, heat maps over time and flame graphs, what
// was printed, the script with its probes, and what was lost.
package report

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/output/page"
	"github.com/gotrace/gotrace/runtime/output/profile"
)

// Info is what the report says of the run, beside what its events tell.
type Info struct {
	Title   string
	Script  *source.Source
	Version string // of gotrace
	Kernel  string
}

// Sink collects the events of a run. What the script prints goes to standard error, too, while it runs, and so do messages. Close writes the page:
// what was lost is known only when all is detached.
type Sink struct {
	*output.Text
	out     io.Writer
	info    Info
	now     func() time.Time
	started time.Time
	took    time.Duration

	log      log
	printed  *output.Text // to the log
	maps     []*history   // in the order in which they were printed first
	profile  profile.Collector
	points   []output.AttachPoint
	attached int
	lost     uint64
	problems []problem
	ended    bool
}

// New makes a sink that writes to out when it is closed; out may be set later.
func New(out, stderr io.Writer, info Info, opts output.TextOptions) *Sink {
	s := &Sink{Text: output.NewText(stderr, stderr, opts), info: info, now: time.Now}
	s.profile.Profile.Title = info.Title
	s.printed = output.NewText(writerFunc(func(b []byte) (int, error) {
		s.log.print(s.elapsed(), b)
		return len(b), nil
	}), nil, output.TextOptions{Buffering: output.BufferNone})
	s.SetOutput(out)
	return s
}

// writerFunc is a Writer that is a function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// SetOutput says where the page goes to. The time of the run begins.
func (s *Sink) SetOutput(out io.Writer) {
	s.out, s.started = out, s.now()
}

// elapsed is how many seconds the run takes until now. It is over when its maps are printed.
func (s *Sink) elapsed() float64 {
	if s.ended {
		return seconds(s.took)
	}
	return seconds(s.now().Sub(s.started))
}

// seconds are those of a duration, to the millisecond.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// Event takes one event.
func (s *Sink) Event(e output.Event) error {
	switch e := e.(type) {
	case *output.Map:
		s.add(e)
		return nil
	case output.Emptied:
		s.history(e.Name).emptied = true
	case *output.Printf, *output.Value, *output.Time, *output.Printed, output.TestResult, output.BenchResult:
		if err := s.printed.Event(e); err != nil {
			return err
		}
	case output.End:
		s.ended, s.took = true, s.now().Sub(s.started)
		return nil
	default:
		s.message(e)
	}
	return s.Text.Event(e)
}

// message takes what is about the run.
func (s *Sink) message(e output.Event) {
	switch e := e.(type) {
	case *output.Message:
		kind := "warning"
		if e.Error {
			kind = "error"
		}
		s.log.add(entry{Time: s.elapsed(), Kind: kind, Text: place(source.Diagnostic{Span: e.Places[0]}, e.Source) + ": " + string(e.Text)})
	case output.Attached:
		s.attached, s.points = e.Probes, e.Points
	case output.Lost:
		s.lost += e.Events
	case output.Warnings:
		for _, d := range e.Diagnostics {
			kind := "warning"
			if d.Severity == source.SevError {
				kind = "error"
			}
			s.problems = append(s.problems, newProblem(kind, 0, d, e.Source))
		}
	case output.Failures:
		for _, f := range e.List {
			s.problems = append(s.problems, newProblem(string(f.Kind), f.Count, f.Diagnostic, e.Source))
		}
	}
}

// Close writes the page.
func (s *Sink) Close() error {
	if err := s.Text.Drain(); err != nil {
		return err
	}
	if !s.ended {
		s.took = s.now().Sub(s.started)
	}
	s.profile.Profile.Duration = s.took
	trees := profile.NewTrees(&s.profile.Profile)
	doc := s.document(trees)
	w := bufio.NewWriterSize(s.out, 1<<16)
	p := page.Page{
		Title:   s.info.Title,
		Styles:  []string{"base.css", "flame.css", "report.css"},
		Scripts: []string{"base.js", "trees.js", "flame.js", "table.js", "chart.js", "report.js"},
		Data: []page.Data{
			{ID: "report", Write: func(w io.Writer) error { return json.NewEncoder(w).Encode(doc) }}, // escapes what would end the script
			{ID: "flame", Write: trees.WriteJSON},
		},
	}
	if err := p.Write(w); err != nil {
		return err
	}
	return w.Flush()
}
