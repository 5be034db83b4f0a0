package runtime

import (
	"errors"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/probes"
)

// plan attaches one program to its targets. It is a *probes.Plan, but in tests.
type plan interface {
	// Adjust sets what must be known of the way of attaching when the program is loaded.
	Adjust(spec *ebpf.ProgramSpec)
	// Attach attaches to all targets, or to none and gives an error; or to some, with a *probes.SkippedError for the others.
	Attach(prog *ebpf.Program) (probes.Links, error)
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
