package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/internal/progress"
	"github.com/gotrace/gotrace/runtime/output"
)

// Attach runs the BEGIN probes in the order of the script and then attaches the others. The command of
// Options.Command starts when everything is in place.
func (s *Session) Attach() error { return s.located(s.attachAll()) }

func (s *Session) attachAll() error {
	if s.opts.Env != nil {
		s.opts.Env.OnFailure(func() {
			s.broken.Store(true)
			s.poll.wake()
		})
		s.opts.Env.OnDone(s.poll.wake)
	}
	count := 0
	for _, p := range s.programs {
		switch {
		case isBegin(p.spec):
			if err := s.runOnce(p); err != nil {
				return err
			}
			count++
		case p.spec.Prog.Kind.Once:
			count++
		}
	}
	order := attachOrder(s.programs)
	task := progress.Start(s.ctx, output.StageAttach, targetCount(order), s.tell)
	defer task.End()
	failed := s.missed
	for _, p := range order {
		n, err := s.attach(p, task.Step)
		if errors.Is(err, probes.ErrStopped) {
			return nil // Run ends at once
		}
		if err != nil && !s.mayMiss(err) {
			return err
		}
		count += n
		failed = cmp.Or(failed, err)
	}
	task.End()
	if err := s.endWildcards(); err != nil {
		return err
	}
	if count == 0 && failed != nil {
		return failed
	}
	if c := s.opts.child; c != nil {
		if err := s.unwind.Start(c.PID(), c.Path(), c.Release); err != nil {
			return err
		}
	}
	if s.opts.Mode != ModeTrace {
		return nil
	}
	return s.sink.Event(output.Attached{Probes: count, Points: s.attachPoints(), Source: s.bp.Checked.Source})
}

// attachPoints are those of the script, in its order.
func (s *Session) attachPoints() []output.AttachPoint {
	var list []output.AttachPoint
	index := map[source.Pos]int{}
	for _, p := range s.programs {
		for i := range p.spec.Prog.Targets {
			t := &p.spec.Prog.Targets[i]
			if t.Further {
				continue
			}
			span := targetSpan(p.spec, t)
			at, ok := index[span.Pos]
			if !ok {
				at = len(list)
				index[span.Pos] = at
				list = append(list, output.AttachPoint{Text: s.bp.Checked.Source.TextOf(span), Span: span})
			}
			list[at].Probes++
		}
	}
	slices.SortStableFunc(list, func(a, b output.AttachPoint) int {
		return cmp.Or(cmp.Compare(a.Span.Pos.Filename, b.Span.Pos.Filename), cmp.Compare(a.Span.Pos.Offset, b.Span.Pos.Offset))
	})
	return list
}

// mayMiss says whether the script's missing_probes setting lets it run without probes that cannot be attached.
func (s *Session) mayMiss(err error) bool {
	switch s.bp.Checked.Config.MissingProbes {
	case "ignore":
		return true
	case "warn":
		var at *Error
		if errors.As(err, &at) {
			d := at.Diagnostics[0]
			d.Severity = source.SevWarning
			s.warn(source.Diagnostics{d})
		}
		return true
	}
	return false
}

func isBegin(p *codegen.Program) bool { return p.Prog.Kind.Name == "begin" }
func isEnd(p *codegen.Program) bool   { return p.Prog.Kind.Name == "end" }

// attachOrder is the order in which programs are attached, those that gotrace runs itself once left out.
func attachOrder(programs []*loaded) []*loaded {
	var forward, reverse, last []*loaded
	for _, p := range programs {
		switch p.spec.Prog.Kind.Attach {
		case builtin.AttachForward:
			forward = append(forward, p)
		case builtin.AttachReverse:
			reverse = append([]*loaded{p}, reverse...)
		case builtin.AttachLast:
			last = append(last, p)
		case builtin.AttachNever:
		}
	}
	return slices.Concat(forward, reverse, last)
}

// targetCount is how many targets programs have.
func targetCount(programs []*loaded) int {
	n := 0
	for _, p := range programs {
		n += len(p.spec.Prog.Targets)
	}
	return n
}

// attach attaches a program to its targets and returns how many there are. What a wildcard matched and could not be
// attached is told.
func (s *Session) attach(p *loaded, step probes.Step) (int, error) {
	links, err := p.plan.Attach(p.prog, step)
	s.links, p.links = append(s.links, links...), links
	if errors.Is(err, probes.ErrStopped) {
		return 0, err
	}
	s.tellNotes(p)
	count := 0
	for i := range p.spec.Prog.Targets {
		if !p.spec.Prog.Targets[i].Further {
			count++
		}
	}
	each := 1 // probes at a target
	if p.returns != nil {
		each = 2
	}
	var some *probes.SkippedError
	switch {
	case len(links) > 0 && errors.As(err, &some):
		s.tellSkipped(p.spec, some.Skipped)
		return each * (count - len(some.Skipped)), nil
	case err != nil && s.skip(p.spec, err):
		return 0, nil
	case err != nil:
		return 0, s.at(p.spec, err)
	}
	if t := &p.spec.Prog.Targets[0]; t.Wildcard && t.Kind.OneTarget {
		s.wildcardOf(p.spec, t).attached++
	}
	return each * count, nil
}

// tellNotes warns of what the user should know of the places a program was attached to.
func (s *Session) tellNotes(p *loaded) {
	if told, ok := p.plan.(interface{ Tell() string }); ok && s.opts.Verbose && told.Tell() != "" {
		s.note("%s", told.Tell())
	}
	if kept, ok := p.plan.(interface{ Pinned() string }); ok && kept.Pinned() != "" {
		s.note("program pinned to %s", kept.Pinned())
	}
	noted, ok := p.plan.(interface{ Notes() []probes.Note })
	if !ok {
		return
	}
	var ds source.Diagnostics
	for _, note := range noted.Notes() {
		ds = append(ds, warningAt(targetSpan(p.spec, note.Target), "probe-note", note.Text, ""))
	}
	s.warn(ds)
}

// tellSkipped warns of the targets of a wildcard that could not be attached, with -v of each.
func (s *Session) tellSkipped(p *codegen.Program, skipped []probes.Skipped) {
	if s.bp.Checked.Config.MissingProbes == "ignore" {
		return
	}
	message := fmt.Sprintf("%s not attached, the first is %s: %v",
		times(uint64(len(skipped)), "probe of this wildcard was", "probes of this wildcard were"), skipped[0].Target.Name, skipped[0].Err)
	hint := ""
	if len(skipped) > 1 {
		hint = "-v lists all of them"
	}
	s.warn(source.Diagnostics{warningAt(targetSpan(p, &skipped[0].Target), "skipped", message, hint)})
	if s.opts.Verbose {
		for _, k := range skipped {
			s.note("not attached: %s: %v", k.Target.Name, k.Err)
		}
	}
}

// detach undoes what attach did, for all programs together: the kernel waits for each, and several waits take the time of one.
// What takes longer than a moment is told.
func (s *Session) detach() error {
	defer s.setDetached()
	if len(s.links) == 0 {
		return nil
	}
	for _, l := range s.links {
		if k, ok := l.(interface{ Exited() }); ok && s.exited {
			k.Exited()
		}
	}
	task := progress.Start(context.Background(), output.StageDetach, len(s.links), s.tell)
	err := s.links.CloseEach(func() { task.Add(1) })
	task.End()
	s.links = nil
	if err != nil {
		return fmt.Errorf("detaching: %w", err)
	}
	return nil
}

func (s *Session) setDetached() {
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	s.detached = true
}

// runOnce runs a BEGIN or END program here and now. What it sends is handled afterwards: a program that sends more than
// the ring holds loses events. Reading meanwhile from another thread does not help: the program is not
// preempted, and the kernel often wakes the reader on the very CPU that it keeps busy.
func (s *Session) runOnce(p *loaded) error {
	if _, err := p.prog.Run(&ebpf.RunOptions{}); err != nil {
		return s.at(p.spec, fmt.Errorf("running %s: %w", p.spec.Prog.Kind.Name, err))
	}
	return nil
}

// plan attaches one program to its targets. It is a *probes.Plan, but in tests.
type plan interface {
	// Load loads the program as the way of attaching wants it.
	Load(spec *ebpf.ProgramSpec) (*ebpf.Program, error)
	// Attach attaches to all targets, or to none and gives an error; or to some, with a *probes.SkippedError for the others.
	Attach(prog *ebpf.Program, step probes.Step) (probes.Links, error)
}

// newPlan decides how a program is attached.
func (s *Session) newPlan(p *codegen.Program) (plan, error) {
	switch {
	case s.opts.plan != nil:
		return s.opts.plan(p)
	case s.opts.Env == nil:
		return nil, errors.New("no environment to attach the program in")
	}
	return s.opts.Env.Plan(p.Prog.Targets)
}

// unwatch detaches the watchpoints at an address. There is nothing to say if it is done again: the events of a watchpoint come before it is gone.
func (s *Session) unwatch(address uint64) error {
	found := s.unwatched[address]
	for _, p := range s.programs {
		targets := p.spec.Prog.Targets
		if p.spec.Prog.Kind.Name != "watchpoint" || len(p.links)%len(targets) != 0 {
			continue
		}
		each := len(p.links) / len(targets) // a target has one on each CPU, or for each thread
		for i := len(targets) - 1; i >= 0 && each > 0; i-- {
			if targets[i].Address != address {
				continue
			}
			if links := p.links[i*each : (i+1)*each]; !s.unwatched[address] {
				found = true
				s.links = slices.DeleteFunc(s.links, func(l io.Closer) bool { return slices.Contains(links, l) })
				if err := links.Close(); err != nil {
					return fmt.Errorf("detaching: %w", err)
				}
			}
		}
	}
	if s.unwatched == nil {
		s.unwatched = map[uint64]bool{}
	}
	s.unwatched[address] = true
	if !found {
		s.warn(source.Diagnostics{{Severity: source.SevWarning, Code: "runtime", Message: fmt.Sprintf("unwatch(%#x): the script has no watchpoint there", address)}})
	}
	return nil
}
