package runtime

import (
	"io"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen"
)

// plan attaches one program to its targets.
type plan interface {
	// adjust sets what must be known of the way of attaching when the program is loaded.
	adjust(spec *ebpf.ProgramSpec)
	attach(prog *ebpf.Program) (io.Closer, error)
}

// newPlan decides how a program is attached.
func (s *Session) newPlan(p *codegen.Program) (plan, error) {
	return s.opts.plan(p)
}
