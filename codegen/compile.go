// Package codegen turns a checked script into a blueprint: eBPF programs, the maps they
// use and the layout of everything they send to user space. It reads nothing of the machine but what lang.Env answers.
//
// The stages of a program: lower (this package: syntax tree to IR) → package pass (optimise, allocate
// registers and stack) → package emit (instructions).
package codegen

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/emit"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/mapplan"
	"github.com/gotrace/gotrace/codegen/internal/pass"
	"github.com/gotrace/gotrace/codegen/internal/reentry"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/source"
)

// Options are the settings of a compilation that do not come from the script.
type Options struct {
	// Dump, if set, is shown each program's IR, an *ir.Program: after lowering ("lower") and after optimisation ("optimise").
	Dump func(stage string, p fmt.Stringer)
	// Check, if set, is called with each function after each pass of the optimiser; tests verify the IR there.
	Check func(pass string, f *ir.Func) error
	// FilterPID, if not 0, makes every program but BEGIN and END do nothing in other processes (-p).
	// Probes that are attached to the process alone do not need it.
	FilterPID int
	// whole gives each statement its own code, however many there are (see outline.go): tests compare.
	whole bool
	// Lookups has reads of elements that are not there counted (-k).
	Lookups bool
}

// Error is a limit of the machine that a script exceeds, at a place in the script.
type Error struct {
	Span    source.Span
	Message string
	Hint    string
	Needs   uint32 // the first kernel that could run it, as lang.Kernel.Version; 0 if none could
}

func (e *Error) Error() string { return e.Message }

// Compile makes the blueprint of a checked script. Its errors are *Error where the script is
// at fault (too much stack, a feature the kernel has not); any other error is a mistake of gotrace.
func Compile(c *lang.Checked, env lang.Env, opts *Options) (*Blueprint, error) {
	if opts == nil {
		opts = &Options{}
	}
	k := &compiler{
		checked: c,
		env:     env,
		kernel:  env.Kernel(),
		bp:      &Blueprint{Checked: c},
		pid:     opts.FilterPID,
		lookups: opts.Lookups,
		sites:   map[layout.Site]int{},
	}
	k.bp.Stoppable = effects.CanEnd(c.File) || manyTargets(c)
	k.Plan = mapplan.New(c, k.kernel)
	k.usesGlo = k.Swaps > 0
	if err := k.checkMaps(); err != nil {
		return nil, err
	}
	for i, p := range c.Progs {
		prog, err := k.program(i, p, opts)
		if err != nil {
			return nil, err
		}
		k.bp.Programs = append(k.bp.Programs, prog)
	}
	k.ownMaps()
	k.bp.Maps = k.Maps
	return k.bp, nil
}

// slowTargets is so many targets that it takes seconds to detach from them: the kernel waits a grace period for each.
const slowTargets = 64

// manyTargets says whether programs are attached to so many places that they should be stopped by a word in memory, long before they
// are detached.
func manyTargets(c *lang.Checked) bool {
	n := 0
	for _, p := range c.Progs {
		n += len(p.Targets)
	}
	return n > slowTargets
}

// compiler holds what the programs of one script share.
type compiler struct {
	*mapplan.Plan

	checked *lang.Checked
	env     lang.Env
	kernel  *kernel.Kernel
	bp      *Blueprint
	sites   map[layout.Site]int // indexes of what can fail, by all that is known of it beforehand
	usesRB  bool                // some program sends events
	usesGlo bool                // some program reads MapGlobals
	runs    int                 // bytes of MapRuns
	pid     int                 // -p
	lookups bool                // -k
	whole   bool                // programs are made without outlines: see outline.go

	failuresRoom int // the least size of MapFailures

	newStack   *layout.Event // see stackEvent
	newProcess *layout.Event // see processEvent
}

// site gives the counters of a failure their place, and returns the site that has it already if there is an equal one.
func (k *compiler) site(s *layout.Site) *layout.Site {
	key := *s
	key.Limit, key.At = 0, 0 // not known before all of a program is lowered, and set here
	i, ok := k.sites[key]
	if !ok {
		i = len(k.bp.Sites)
		k.sites[key] = i
		s.At = k.failuresSize()
		k.bp.Sites = append(k.bp.Sites, s)
	}
	return k.bp.Sites[i]
}

// failuresSize is the size of the value of MapFailures.
func (k *compiler) failuresSize() int {
	if n := len(k.bp.Sites); n > 0 {
		return k.bp.Sites[n-1].End()
	}
	return 0
}

// capture is the number of a call of skboutput(). The same file and offset are the same.
func (k *compiler) capture(c layout.Capture) int {
	i := slices.IndexFunc(k.bp.Captures, func(x *layout.Capture) bool { return x.Path == c.Path && x.Offset == c.Offset })
	if i < 0 {
		i = len(k.bp.Captures)
		k.bp.Captures = append(k.bp.Captures, &c)
	}
	return i
}

// event adds a record kind and gives it its id.
func (k *compiler) event(e *layout.Event) *layout.Event {
	k.usesRB = true
	e.ID = len(k.bp.Events)
	k.bp.Events = append(k.bp.Events, e)
	return e
}

// ownMaps adds the maps that gotrace itself needs, once all programs are known.
func (k *compiler) ownMaps() {
	if k.usesRB {
		// The runtime sizes the ring by config and memory.
		k.Add(&layout.MapSpec{Name: layout.MapEvents, Type: ebpf.RingBuf})
	}
	if n := k.failuresSize(); n > 0 {
		k.Add(&layout.MapSpec{Name: layout.MapFailures, Type: ebpf.Array, KeySize: 4, ValueSize: max(n, k.failuresRoom), MaxEntries: 1})
	}
	if len(k.bp.Captures) > 0 {
		k.Add(&layout.MapSpec{Name: layout.MapPackets, Type: ebpf.PerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: k.kernel.PossibleCPUs})
	}
	if slices.ContainsFunc(k.bp.Sites, func(s *layout.Site) bool { return s.Kind == layout.SiteMapUpdate && k.Spec(s.Map).Refused > 0 }) {
		k.Add(&layout.MapSpec{Name: layout.MapRefused, Type: ebpf.Array, KeySize: 4, ValueSize: k.RefusedSize, MaxEntries: 1})
	}
	if k.runs > 0 {
		k.Add(&layout.MapSpec{Name: layout.MapRuns, Type: ebpf.Array, KeySize: 4, ValueSize: k.runs, MaxEntries: 1})
	}
	if k.usesGlo {
		k.Add(&layout.MapSpec{Name: layout.MapGlobals, Type: ebpf.Array, KeySize: 4, ValueSize: layout.GlobalsSize(k.Swaps), MaxEntries: 1, Flags: mapplan.FlagMmapable})
	}
}

// program compiles one program: as sparing with the stack as it must be.
func (k *compiler) program(index int, p *lang.Prog, opts *Options) (*Program, error) {
	before := k.state()
	quiet := *opts
	quiet.Dump = nil
	k.whole = opts.whole
	for t := thriftNone; ; t++ {
		prog, err := k.programWith(index, p, &quiet, t)
		if errors.Is(err, errOutlines) {
			k.whole = true
			t--
			k.restore(before)
			continue
		}
		var frame *pass.FrameError
		if t < thriftMost && errors.As(err, &frame) {
			k.restore(before)
			continue
		}
		if opts.Dump != nil { // what is shown is what was made in the end
			k.restore(before)
			prog, err = k.programWith(index, p, opts, t)
		}
		return prog, limit(p, err)
	}
}

// state is how much of what programs share there is.
type state struct {
	sites, events, maps, runs int
	usesRB, usesGlo           bool
	newStack, newProcess      *layout.Event
}

func (k *compiler) state() state {
	return state{len(k.bp.Sites), len(k.bp.Events), len(k.Maps), k.runs, k.usesRB, k.usesGlo, k.newStack, k.newProcess}
}

// restore takes back what a program added that is made again.
func (k *compiler) restore(s state) {
	maps.DeleteFunc(k.sites, func(_ layout.Site, i int) bool { return i >= s.sites })
	k.bp.Sites, k.bp.Events = k.bp.Sites[:s.sites], k.bp.Events[:s.events]
	k.Keep(s.maps)
	k.runs, k.usesRB, k.usesGlo = s.runs, s.usesRB, s.usesGlo
	k.newStack, k.newProcess = s.newStack, s.newProcess
}

// programWith compiles one program with a given thrift.
func (k *compiler) programWith(index int, p *lang.Prog, opts *Options, t thrift) (*Program, error) {
	prog := &Program{
		Name:    fmt.Sprintf("%s_%d", p.Kind.Name[:min(len(p.Kind.Name), 10)], index),
		Prog:    p,
		License: k.checked.Config.License,
	}
	prog.Type = programType(p)
	prog.SkipsUnknown = reentry.SkipsUnknown(k.kernel, p, k.pid)
	irProg, err := lower(k, index, p, prog, t)
	if err != nil {
		return nil, err
	}
	if opts.Dump != nil {
		opts.Dump("lower", irProg)
	}
	po := &pass.Options{KernelVersion: k.kernel.Version, Check: opts.Check, Short: t >= thriftMost}
	if err := pass.Optimize(irProg, po); err != nil {
		return nil, fmt.Errorf("optimising %s: %w", prog.Name, err)
	}
	if opts.Dump != nil {
		opts.Dump("optimise", irProg)
	}
	res, err := emit.Program(irProg, &emit.Options{KernelVersion: k.kernel.Version})
	if err != nil {
		return nil, fmt.Errorf("emitting %s: %w", prog.Name, err)
	}
	prog.Insns, prog.Positions = res.Insns, res.Pos
	return prog, k.limitMaps(prog)
}

// errOutlines says that there are too many functions, of which some need not be.
var errOutlines = errors.New("too many functions with outlines")

// maxFuncs is how many functions a program may have: BPF_MAX_SUBPROGS (include/linux/bpf_verifier.h).
const maxFuncs = 256

// limit makes an *Error of what the kernel's limits forbid, and leaves other errors as they are.
func limit(p *lang.Prog, err error) error {
	var frame *pass.FrameError
	var far *emit.RangeError
	var long *emit.SizeError
	span := p.Probe.Points[0].Range()
	switch {
	case errors.As(err, &frame):
		return &Error{
			Span:    span,
			Message: fmt.Sprintf("this probe needs %d bytes of stack, the kernel gives %d", frame.Size, frame.Limit()),
			Hint:    "keep fewer variables, tuples and strings at a time, or nest fewer loops",
		}
	case errors.As(err, &long):
		return &Error{
			Span:    span,
			Message: fmt.Sprintf("the program of this probe is too long: %v", long),
			Hint:    "unroll less, or use several probes",
		}
	case errors.As(err, &far):
		if far.Pos != nil && far.Pos.Line > 0 {
			span = source.Span{Pos: *far.Pos, EndPos: *far.Pos}
		}
		return &Error{
			Span:    span,
			Message: "the program of this probe is too long",
			Hint:    "unroll less, or use several probes",
		}
	}
	return err
}

// programType says which kind of eBPF program a probe needs. How it is attached, and what it is bound to, is package probes'.
func programType(p *lang.Prog) ebpf.ProgramType {
	switch p.Kind.Context {
	case builtin.CtxRegs:
		return ebpf.Kprobe
	case builtin.CtxTracepoint:
		return ebpf.TracePoint
	case builtin.CtxPerf:
		return ebpf.PerfEvent
	case builtin.CtxTracing:
		return ebpf.Tracing
	default:
		// Raw tracepoints get plain numbers as arguments. A program bound to its tracepoint by BTF would get typed pointers, but the
		// verifier refuses some of them (pointers to what is not a struct, and from 6.14 those that may be
		// NULL); bpf_rdonly_cast gives the same loads without these limits. Where a helper asks for such a pointer, the kind is its Typed one.
		// BEGIN, END and intervals run through BPF_PROG_TEST_RUN, which raw tracepoint programs have since 5.10.
		return ebpf.RawTracepoint
	}
}

// Blueprint is a compiled script: everything the runtime needs to load, attach and print, and nothing of the kernel in it.
// The same script, options and lang.Env give the same blueprint, byte for byte.
type Blueprint struct {
	Checked  *lang.Checked
	Maps     []*layout.MapSpec // script maps first, in order of first appearance, then gotrace's own
	Programs []*Program
	Events   []*layout.Event // by event id
	Sites    []*layout.Site  // what can fail, in the order of its counters
	Captures []*layout.Capture
	// Stoppable says that all programs but BEGIN and END look at GlobalExiting first: those of scripts with exit(), and of those that
	// are attached to so many places that detaching them takes long.
	Stoppable bool
}

// Program is one eBPF program.
type Program struct {
	Name      string // at most 15 characters of [A-Za-z0-9_]
	Type      ebpf.ProgramType
	Prog      *lang.Prog
	Insns     asm.Instructions
	Positions []*source.Pos // place in the script of each instruction, nil for none
	License   string
	// CountsRuns says that the program counts its runs: those of CPU n in the u64 at RunsAt + 8*n of MapRuns.
	CountsRuns bool
	RunsAt     int
	// SkipsUnknown says that the kernel may skip runs of this program, and that nothing tells how many.
	SkipsUnknown bool
}
