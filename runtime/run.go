package runtime

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// lossInterval is how often lost events are looked for while a session runs.
const lossInterval = time.Second

// Run handles events until ctx ends, the script calls exit(), the traced process is gone, or there is nothing attached that
// could fire. Then it detaches everything, runs the
// END probes, prints the maps and reports what was lost. The end of ctx is no error.
func (s *Session) Run(ctx context.Context) error {
	err := s.run(ctx)
	if errors.Is(err, unix.EPIPE) {
		return nil // nobody reads the output any more: not worth a word
	}
	return s.located(err)
}

func (s *Session) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.poll.wake)()
	defer context.AfterFunc(ctx, s.StopLoops)()
	s.ctx = ctx
	run := s.loop
	switch s.opts.Mode {
	case ModeTest:
		run = s.runTests
	case ModeBench:
		run = s.runBenches
	case ModeTrace:
	}
	if err := run(ctx); err != nil {
		return err
	}
	return s.finish()
}

// openProcess opens the process whose end ends the run.
func (s *Session) openProcess() error {
	pid := s.opts.PID
	if s.opts.child != nil {
		pid = s.opts.child.PID()
	}
	if pid == 0 {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	s.pidfd = fd
	return nil
}

// loop reads events as they come.
func (s *Session) loop(ctx context.Context) error {
	checked := time.Now()
	var pace pace
	for ctx.Err() == nil && !s.poll.ended && !s.exited && !s.broken.Load() {
		if err := s.answerSignals(); err != nil {
			return err
		}
		n, exited, err := s.readEvents()
		if exited || err != nil {
			s.exited = exited
			return err
		}
		now := time.Now()
		if now.Sub(checked) >= lossInterval {
			checked = now
			if err := s.reportLost(); err != nil {
				return err
			}
		}
		if n == 0 && (s.ring == nil || s.ring.pending() == 0) {
			// Looked at only when the ring is empty, so that what the script printed before exit() is shown.
			if s.exited = s.exiting(); s.exited {
				return s.drain() // what came between the two looks
			}
			if s.exited = s.events.exitAfterIter && s.itersDone(); s.exited {
				return s.drain()
			}
			if s.allDone() && s.pidfd < 0 && len(s.selfPrograms()) == 0 {
				return s.drain() // nothing more will come
			}
		}
		if err := pace.next(now, n, s.ringSize(), !s.events.heard)(s.poll); err != nil {
			return err
		}
	}
	return nil
}

// Signal has Run do what a SIGUSR1 asks for: run the self probes of the script, or print its maps if it has none. It may be called from any
// goroutine.
func (s *Session) Signal() {
	s.signals.Add(1)
	s.poll.wake()
}

func (s *Session) answerSignals() error {
	for range s.signals.Swap(0) {
		programs := s.selfPrograms()
		for _, p := range programs {
			if err := s.runOnce(p); err != nil {
				return err
			}
		}
		if len(programs) > 0 {
			continue
		}
		if err := s.printMaps(); err != nil {
			return err
		}
		if err := s.sink.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) selfPrograms() []*loaded {
	var list []*loaded
	for _, p := range s.programs {
		if p.spec.Prog.Kind.Name == "self" {
			list = append(list, p)
		}
	}
	return list
}

// doer is a link that is done some time: an iterator, when it has seen all objects.
type doer interface{ Done() bool }

// allDone says that nothing is attached but iterators that have seen all objects.
func (s *Session) allDone() bool {
	for _, l := range s.links {
		if _, ok := l.(doer); !ok {
			return false
		}
	}
	return s.itersDone()
}

// itersDone says that all iterators have seen all objects.
func (s *Session) itersDone() bool {
	for _, l := range s.links {
		if it, ok := l.(doer); ok && !it.Done() {
			return false
		}
	}
	return true
}

// readEvents handles the records that are there and writes out what they print.
func (s *Session) readEvents() (n int, exited bool, err error) {
	s.events.heard = false
	if s.ring != nil {
		n, err = s.ring.read(s.events.handle)
	}
	exited = errors.Is(err, errExit)
	if err != nil && !exited {
		return n, false, err
	}
	if n > 0 {
		err = s.sink.Flush()
	}
	return n, exited, err
}

// exiting says whether the script called exit() but its record found no room in the ring.
func (s *Session) exiting() bool {
	if s.globals == nil || atomic.LoadUint64(word(s.globals, layout.GlobalExiting)) != layout.GlobalExit {
		return false
	}
	s.events.exitCode = int(int64(atomic.LoadUint64(word(s.globals, layout.GlobalExitCode))))
	return true
}

func (s *Session) ringSize() int {
	if s.ring == nil {
		return 0
	}
	return len(s.ring.data)
}

// slowLinks is so many attachments that detaching them takes seconds.
const slowLinks = 64

// finish ends a run. After exit() the records that other probes sent meanwhile are dropped, as bpftrace does. Programs are stopped
// first: by a word in memory, where they look at it, and otherwise by detaching them, which can take long.
func (s *Session) finish() error {
	s.loops.end()
	stop := s.detach
	if s.bp.Stoppable && len(s.links) > slowLinks {
		stop = awaitPrograms
	}
	if err := stop(); err != nil {
		return err
	}
	if s.exited && s.ring != nil {
		if _, err := s.ring.read(func([]byte) error { return nil }); err != nil {
			return err
		}
		if err := s.settleMaps(); err != nil {
			return err
		}
	} else if err := s.drain(); err != nil {
		return err
	}
	if err := s.runEnd(); err != nil {
		return err
	}
	if err := s.reportLost(); err != nil {
		return err
	}
	if err := s.sink.Event(output.End{}); err != nil {
		return err
	}
	if s.bp.Checked.Config.PrintMapsOnExit && s.opts.Mode == ModeTrace {
		if err := s.printMaps(); err != nil {
			return err
		}
	}
	if err := s.sink.Drain(); err != nil {
		return err
	}
	if err := s.detach(); err != nil {
		return err
	}
	if err := s.closeCapture(); err != nil {
		return err
	}
	s.reportFailures()
	return s.reportChild()
}

// settleMaps tells the maps that records were thrown away.
func (s *Session) settleMaps() error {
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	for _, w := range s.swaps.list {
		if err := w.settle(); err != nil {
			return err
		}
	}
	return nil
}

// drain handles records until the ring is empty or one of them is exit().
func (s *Session) drain() error {
	for {
		n, exited, err := s.readEvents()
		if err != nil || exited || n == 0 {
			return err
		}
	}
}

// runEnd runs the END probes in the order of the script and handles what they send.
func (s *Session) runEnd() error {
	for _, p := range s.programs {
		if !isEnd(p.spec) {
			continue
		}
		if err := s.runOnce(p); err != nil {
			return err
		}
	}
	return s.drain()
}

// printMaps prints all maps of the script by name.
func (s *Session) printMaps() error {
	var maps []*lang.Map
	for _, spec := range s.bp.Maps {
		if spec.Script != nil && !spec.IsShort && !spec.IsSecond {
			maps = append(maps, spec.Script)
		}
	}
	sort.Slice(maps, func(i, j int) bool { return maps[i].Name < maps[j].Name })
	for _, m := range maps {
		elems, err := s.elements(s.scriptMaps[m])
		if err != nil {
			return err
		}
		codec := s.values.MapCodec(m, 1)
		codec.Sort(elems)
		if err := s.sink.Event(&output.Map{Name: m.Name, Codec: codec, Elements: elems}); err != nil {
			return err
		}
	}
	return nil
}

// elements reads a map as it is now.
func (s *Session) elements(m *scriptMap) ([]value.Raw, error) {
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	return m.entries()
}
