package runtime

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/runtime/internal/measure"
	"github.com/gotrace/gotrace/runtime/output"
)

// verdicts are the programs of test or bench probes, in the order of the script.
func (s *Session) verdicts() []*loaded {
	var list []*loaded
	for _, p := range s.programs {
		if p.spec.Prog.Kind.Verdict {
			list = append(list, p)
		}
	}
	return list
}

func nameOf(p *loaded) string { return p.spec.Prog.Targets[0].Event }

// trial runs a program some times, one run after the other, and tells sink what it sends. It gives the time of all runs together, and
// whether the last one ended well: it returned 0, gave no other number to exit() and met no error.
func (s *Session) trial(p *loaded, runs int, sink output.Sink) (took time.Duration, returned int64, ok bool, err error) {
	own, told := s.sink, 0
	s.sink = output.Tee{sink, output.Func(func(e output.Event) error {
		if m, ok := e.(*output.Message); ok && m.Error {
			told++ // errorf() and assert()
		}
		return nil
	})}
	defer func() { s.sink = own }()
	before, err := s.errorCount()
	if err != nil {
		return 0, 0, false, err
	}
	s.setVerdict()
	for range runs {
		start := time.Now()
		if err := s.runOnce(p); err != nil {
			return 0, 0, false, err
		}
		took += time.Since(start)
	}
	if err := s.drain(); err != nil {
		return 0, 0, false, err
	}
	after, err := s.errorCount()
	if err != nil {
		return 0, 0, false, err
	}
	returned = s.verdict()
	code := s.events.exitCode
	s.events.exitCode = 0
	return took, returned, code == 0 && after == before && told == 0, sink.Drain()
}

// setVerdict puts 0 where programs say what they return, and takes back that one of them called exit().
func (s *Session) setVerdict() {
	if s.globals != nil {
		atomic.StoreUint64(word(s.globals, layout.GlobalVerdict), 0)
		atomic.StoreUint64(word(s.globals, layout.GlobalExiting), 0)
	}
}

func (s *Session) verdict() int64 {
	if s.globals == nil {
		return 0
	}
	return int64(atomic.LoadUint64(word(s.globals, layout.GlobalVerdict)))
}

// errorCount is how many errors programs have met. Reads that fail, and elements of maps that are not there, are not among them, as a test may want to see what they give; with
// bpftrace they are none without -k.
func (s *Session) errorCount() (n uint64, err error) {
	counts, err := s.failures()
	for _, site := range s.bp.Sites {
		if site.Kind != layout.SiteRead && site.Kind != layout.SiteTrunc && site.Kind != layout.SiteMissing {
			n += counts.sum(site)
		}
	}
	return n, err
}

// runTests runs the test probes, each once.
func (s *Session) runTests(ctx context.Context) error {
	if err := s.drain(); err != nil { // of BEGIN
		return err
	}
	tests := s.verdicts()
	var failed []string
	for i, p := range tests {
		if ctx.Err() != nil {
			break
		}
		var buf bytes.Buffer
		took, returned, ok, err := s.trial(p, 1, output.NewText(&buf, &buf, output.TextOptions{}))
		if err != nil {
			return err
		}
		passed := ok && returned == 0
		if !passed {
			failed = append(failed, nameOf(p))
		}
		err = s.sink.Event(output.TestResult{
			Name: nameOf(p), Index: i, Of: len(tests), Duration: took, Passed: passed, Output: buf.String(), Failed: failed,
		})
		if err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		s.events.exitCode = 1
	}
	return nil
}

// enoughBench is how long a benchmark runs altogether, and mostBench how often: the kernel runs it by a system call each time.
const (
	enoughBench = 2 * time.Millisecond
	mostBench   = 100_000
)

// runBenches runs the bench probes, each until its time is known.
func (s *Session) runBenches(ctx context.Context) error {
	if err := s.drain(); err != nil { // of BEGIN
		return err
	}
	clock, err := measure.New()
	if err != nil {
		return err
	}
	defer clock.Close()
	list := s.verdicts()
	longest := 0
	for _, p := range list {
		longest = max(longest, len(nameOf(p)))
	}
	shown := 0
	for _, p := range list {
		if ctx.Err() != nil {
			break
		}
		average, runs, err := s.bench(ctx, p, clock)
		if err != nil {
			return err
		}
		if runs == 0 {
			continue
		}
		err = s.sink.Event(output.BenchResult{Name: nameOf(p), Index: shown, Longest: longest, Average: average, Iterations: runs})
		if err != nil {
			return err
		}
		shown++
	}
	return nil
}

// bench measures a program. runs is 0 for one that does not want to be measured, or has failed, which is told.
func (s *Session) bench(ctx context.Context, p *loaded, clock *measure.Clock) (average time.Duration, runs uint64, err error) {
	for batch := 1; ; batch = min(4*batch, mostBench) {
		_, returned, ok, err := s.trial(p, batch, output.Discard)
		if err != nil {
			return 0, 0, err
		}
		if !ok {
			s.events.exitCode = 1
			return 0, 0, s.sink.Event(output.Note{Text: fmt.Sprintf("ERROR: benchmark %s failed", nameOf(p))})
		}
		if returned != 0 {
			return 0, 0, nil
		}
		total, runs, err := clock.Of(p.prog)
		if err != nil {
			return 0, 0, err
		}
		if total >= enoughBench || runs >= mostBench || ctx.Err() != nil {
			return clock.Average(total, runs), runs, nil
		}
	}
}
