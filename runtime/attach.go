package runtime

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen"
)

// Attach runs the BEGIN probes in the order of the script and then attaches the others. The command of
// Options.Child starts when everything is in place.
func (s *Session) Attach() error {
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
	for _, p := range attachOrder(s.programs) {
		n, err := s.attach(p)
		if err != nil {
			return err
		}
		count += n
	}
	if s.opts.Child != nil {
		if err := s.opts.Child.Release(); err != nil {
			return err
		}
	}
	if s.opts.Quiet {
		return nil
	}
	return s.printer.Attached(count)
}

func isBegin(p *codegen.Program) bool { return p.Prog.Kind.Name == "begin" }
func isEnd(p *codegen.Program) bool   { return p.Prog.Kind.Name == "end" }

// firesInReverse are the kinds whose programs the kernel runs in the reverse order of their attachment, where several are
// on the same place. These are attached in reverse, so that probes run in the order of the script.
var firesInReverse = map[string]bool{"kprobe": true, "uprobe": true, "uretprobe": true, "fentry": true, "fexit": true}

// attachOrder is the order in which programs are attached, BEGIN and END left out.
func attachOrder(programs []*loaded) []*loaded {
	var forward, reverse []*loaded
	for _, p := range programs {
		switch kind := p.spec.Prog.Kind; {
		case kind.Once:
		case firesInReverse[kind.Name]:
			reverse = append([]*loaded{p}, reverse...)
		default:
			forward = append(forward, p)
		}
	}
	return append(forward, reverse...)
}

// attach attaches a program to all its targets and returns how many there are.
func (s *Session) attach(p *loaded) (int, error) {
	link, err := p.plan.attach(p.prog)
	if err != nil {
		return 0, s.at(p.spec, err)
	}
	s.links = append(s.links, link)
	return len(p.spec.Prog.Targets), nil
}

// detach undoes attach, the last first.
func (s *Session) detach() error {
	var errs []error
	for i := len(s.links) - 1; i >= 0; i-- {
		errs = append(errs, s.links[i].Close())
	}
	s.links = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("detaching: %w", err)
	}
	return nil
}

// runOnce runs a BEGIN or END program here and now.
func (s *Session) runOnce(p *loaded) error {
	if _, err := p.prog.Run(&ebpf.RunOptions{}); err != nil {
		return s.at(p.spec, fmt.Errorf("running %s: %w", p.spec.Prog.Kind.Name, err))
	}
	return nil
}
