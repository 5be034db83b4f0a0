package runtime

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/output"
)

// missedRuns warns of runs that did not take place: ticks that came too late, samples and runs that the kernel skipped.
func (s *Session) missedRuns() []output.Failure {
	var list []output.Failure
	for _, p := range s.programs {
		add := func(kind output.FailureKind, n uint64, message, hint string) {
			list = append(list, output.Failure{Kind: kind, Count: n, Diagnostic: warningAt(attachSpan(p.spec), string(kind), message, hint)})
		}
		list = append(list, p.missedTicks()...)
		switch missed, due, err := s.missedSamples(p); {
		case err != nil:
			add(output.FailUnknown, 0, err.Error(), "")
		case missed > 0:
			add(output.FailMissedSamples, missed, fmt.Sprintf("this probe missed %d of about %s", missed, times(due, "sample", "samples")), missedHint)
		}
		// recursion_misses: a kernel that does not count them says 0 (see unknownSkips).
		if stats, err := p.prog.Stats(); err == nil && stats.RecursionMisses > 0 {
			add(output.FailMissedRuns, stats.RecursionMisses, fmt.Sprintf("the kernel skipped %s of this probe: a tracing program ran already on the same CPU",
				times(stats.RecursionMisses, "run", "runs")), "")
		}
	}
	return append(list, s.unknownSkips(len(list) > 0)...)
}

const missedHint = "the kernel drops a sample that comes while a tracing program runs on the same CPU, or too late, or too soon after the one before"

// unknownSkips tells of probes whose skipped runs nobody counts: as a warning where there may have been some, because others were skipped, or
// because there are other programs, of this session or another tracer, that make the kernel skip them; else with -v.
func (s *Session) unknownSkips(others bool) []output.Failure {
	var first *loaded
	blocking := 0
	for _, p := range s.programs {
		if len(p.links) == 0 {
			continue
		}
		if p.spec.SkipsUnknown && first == nil {
			first = p
		}
		if blocks(p.spec.Type) {
			blocking++
		}
	}
	if first == nil || !others && blocking < 2 && !s.opts.Verbose && !s.otherTracers() {
		return nil
	}
	message := "runs of this probe that the kernel skipped are not counted (Linux 6.7 counts them): whether there were any is unknown"
	if first.spec.Prog.Kind.Context == builtin.CtxPerf {
		message = "samples of this probe that the kernel skipped are not counted with -p: whether there were any is unknown"
	}
	d := warningAt(attachSpan(first.spec), string(output.FailUnknown), message, "the kernel skips what comes while a tracing program runs on the same CPU")
	return []output.Failure{{Kind: output.FailUnknown, Diagnostic: d}}
}

// blocks says whether the kernel skips other programs of such types while one of a type runs on the CPU (bpf_prog_active).
func blocks(t ebpf.ProgramType) bool {
	return t == ebpf.Kprobe || t == ebpf.TracePoint || t == ebpf.PerfEvent
}

// otherTracers says whether somebody else has a program that may make the kernel skip those of this session.
func (s *Session) otherTracers() bool {
	own := map[ebpf.ProgramID]bool{}
	for _, p := range s.programs {
		if info, err := p.prog.Info(); err == nil {
			id, _ := info.ID()
			own[id] = true
		}
	}
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		if own[id] {
			continue
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil { // it is gone
			continue
		}
		t := p.Type()
		p.Close()
		if blocks(t) {
			return true
		}
	}
	return false
}

// missedTicks warns of the ticks of timers that the program did not see.
func (p *loaded) missedTicks() (list []output.Failure) {
	for _, l := range p.links {
		k, ok := l.(interface {
			Missed() uint64
			Target() *lang.Target
		})
		if !ok || k.Missed() == 0 {
			continue
		}
		kind, message := output.FailMissedTicks, fmt.Sprintf("this probe missed %s: its program, or the machine, was too slow", times(k.Missed(), "tick", "ticks"))
		list = append(list, output.Failure{Kind: kind, Count: k.Missed(),
			Diagnostic: warningAt(targetSpan(p.spec, k.Target()), string(kind), message, "make the interval longer, or its program shorter")})
	}
	return list
}

// sampler is a link whose program is to run a known number of times on one CPU.
type sampler interface {
	CPU() int
	Due() uint64
}

// missedSamples is how many samples of a profile probe its program did not see, of how many. The kernel does not count them: what is
// counted are the program's runs.
func (s *Session) missedSamples(p *loaded) (missed, due uint64, err error) {
	runs, err := s.runs(p)
	if err != nil || runs == nil {
		return 0, 0, err
	}
	missed, due = missedOf(p.links, runs)
	return missed, due, nil
}

// missedOf compares the runs of a program on each CPU with what there must have been.
func missedOf(links probes.Links, runs func(cpu int) uint64) (missed, due uint64) {
	type count struct{ due, clocks uint64 }
	cpus := map[int]count{}
	for _, l := range links {
		if k, ok := l.(sampler); ok {
			c := cpus[k.CPU()]
			cpus[k.CPU()] = count{c.due + k.Due(), c.clocks + 1}
			due += k.Due()
		}
	}
	for cpu, c := range cpus {
		// The last sample of a clock may have come due just when it was closed.
		if seen := runs(cpu); seen+c.clocks < c.due {
			missed += c.due - seen
		}
	}
	return missed, due
}

// runs gives the runs of a program by CPU, nil if they are not counted.
func (s *Session) runs(p *loaded) (func(cpu int) uint64, error) {
	m := s.maps[layout.MapRuns]
	if m == nil || !p.spec.CountsRuns {
		return nil, nil
	}
	b, err := m.LookupBytes(uint32(0))
	if err != nil {
		return nil, fmt.Errorf("reading how often the program of this probe ran: %w", err)
	}
	return func(cpu int) uint64 {
		if w := from(b, p.spec.RunsAt+8*cpu); len(w) >= 8 {
			return binary.NativeEndian.Uint64(w)
		}
		return 0
	}, nil
}
