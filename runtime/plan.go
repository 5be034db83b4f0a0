package runtime

import (
	"errors"
	"io"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/probes"
)

// plan attaches one program to its targets.
type plan interface {
	// adjust sets what must be known of the way of attaching when the program is loaded.
	adjust(spec *ebpf.ProgramSpec)
	attach(prog *ebpf.Program) (io.Closer, error)
}

// newPlan decides how a program is attached.
func (s *Session) newPlan(p *codegen.Program) (plan, error) {
	if s.opts.plan != nil {
		return s.opts.plan(p)
	}
	if s.opts.Env == nil {
		return nil, errors.New("no environment to attach the program in")
	}
	found, err := s.opts.Env.Plan(p.Prog.Targets)
	if err != nil {
		return nil, err
	}
	return envPlan{found}, nil
}

// envPlan is the plan that package probes makes.
type envPlan struct{ plan *probes.Plan }

func (p envPlan) adjust(spec *ebpf.ProgramSpec)                { p.plan.Adjust(spec) }
func (p envPlan) attach(prog *ebpf.Program) (io.Closer, error) { return p.plan.Attach(prog) }
