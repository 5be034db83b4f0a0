package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of `go test -json` (see `go doc test2json`).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	Elapsed     float64
	ImportPath  string // of build output
	FailedBuild string
}

// summary collects results and prints what deserves it as it comes.
type summary struct {
	w       io.Writer
	passed  int
	failed  int
	skipped int
	output  map[string]*strings.Builder // of tests and packages that have not ended
	parents map[string]bool             // tests that have subtests: only leaves are counted
	reasons map[string]int              // skips by their reason
}

func newSummary(w io.Writer) *summary {
	return &summary{w: w, output: map[string]*strings.Builder{}, parents: map[string]bool{}, reasons: map[string]int{}}
}

// read takes the events of a whole run.
func (s *summary) read(r io.Reader) error {
	dec := json.NewDecoder(r)
	for {
		var ev event
		if err := dec.Decode(&ev); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the output of go test: %w", err)
		}
		s.take(ev)
	}
}

// note begins a line that is shown at once, whether its test passes or not: what a test does to the machine.
const note = "NOTE: "

func (s *summary) take(ev event) {
	key := ev.Package + " " + ev.Test
	switch ev.Action {
	case "build-output":
		fmt.Fprint(s.w, ev.Output)
	case "run":
		if i := strings.LastIndexByte(ev.Test, '/'); i >= 0 {
			s.parents[ev.Package+" "+ev.Test[:i]] = true
		}
	case "output":
		if strings.HasPrefix(ev.Output, note) {
			fmt.Fprint(s.w, ev.Output)
		}
		if s.output[key] == nil {
			s.output[key] = &strings.Builder{}
		}
		s.output[key].WriteString(ev.Output)
	case "pass", "fail", "skip":
		text := ""
		if b := s.output[key]; b != nil {
			text = b.String()
		}
		delete(s.output, key)
		s.end(ev, text)
	}
}

// end counts a test, or prints the line of a package.
func (s *summary) end(ev event, text string) {
	if ev.Test == "" {
		s.endPackage(ev, text)
		return
	}
	if ev.Action == "fail" {
		fmt.Fprintf(s.w, "--- FAIL: %s %s\n%s", ev.Package, ev.Test, text)
	}
	if s.parents[ev.Package+" "+ev.Test] {
		return
	}
	switch ev.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
	case "skip":
		s.skipped++
		s.reasons[reason(text)]++
	}
}

func (s *summary) endPackage(ev event, text string) {
	switch {
	case ev.Action == "fail":
		fmt.Fprintf(s.w, "FAIL  %s (%.1fs)\n%s", ev.Package, ev.Elapsed, text)
		if ev.FailedBuild != "" {
			s.failed++ // none of its tests could be counted
		}
	case ev.Action == "pass":
		fmt.Fprintf(s.w, "ok    %s (%.1fs)\n", ev.Package, ev.Elapsed)
	}
}

// reason finds why a test was skipped: the text behind the source position of its message.
func reason(text string) string {
	for _, line := range strings.Split(text, "\n") {
		if _, msg, ok := strings.Cut(line, "SKIPPED: "); ok {
			return msg
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if _, msg, ok := strings.Cut(line, ".go:"); ok {
			if _, msg, ok := strings.Cut(msg, ": "); ok {
				return msg
			}
		}
	}
	return "no reason given"
}

// maxReasons is how many reasons for skips are listed; the oracle alone has one for each feature 0.17 lacks.
const maxReasons = 15

// finish prints the reasons for skips, the most frequent first, and the closing line.
func (s *summary) finish() {
	var reasons []string
	for r := range s.reasons {
		reasons = append(reasons, r)
	}
	slices.SortFunc(reasons, func(a, b string) int {
		if n := s.reasons[b] - s.reasons[a]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for i, r := range reasons {
		if i == maxReasons {
			fmt.Fprintf(s.w, "skipped for %d other reasons\n", len(reasons)-i)
			break
		}
		fmt.Fprintf(s.w, "skipped %d: %s\n", s.reasons[r], r)
	}
	fmt.Fprintf(s.w, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}
