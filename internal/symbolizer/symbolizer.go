// Package symbolizer turns addresses into names: those of the kernel, and those of processes, whose files it finds by their mappings.
// Everything is done when the first address asks for it, and what it keeps is bounded.
//
// A process is looked at when its first stack is seen (See): where its files are mapped and, because a file can be deleted and
// a process end before its stacks are printed, an open file for each that is not known yet.
package symbolizer

import (
	"math"
	"sync"

	"github.com/gotrace/gotrace/internal/symbols"
)

// Frame is what an address stands for. One address has several if functions were inlined into the one that is there: the innermost
// first.
type Frame struct {
	Addr    uint64
	Name    string // "" if nothing is known of the address
	Offset  uint64 // of the address in the function; 0 for an inlined one
	Module  string // the file that the code is from, "" if there is none
	File    string // of the source, "" if it is not known
	Line    int
	Inlined bool
}

// Options are the settings of a Symbolizer.
type Options struct {
	Demangle bool // names of C++, Rust and D as in the source
	Lines    bool // files, lines and inlined functions
	// DebugInfo is where debug files are, as --debuginfo has it.
	DebugInfo []string
}

// Symbolizer names addresses. Its methods may be called from several goroutines.
type Symbolizer struct {
	opts   Options
	kernel *symbols.Kernel

	mu        sync.Mutex
	processes map[uint32]*process
	order     []uint32 // of processes, the oldest first
	files     fileCache
	maps      perfMaps
	past      *history // nil until Watch
	kernels   map[uint64]Frame
}

// Bounds of what is kept.
const (
	maxProcesses = 4096
	maxNamed     = 1 << 17 // addresses of the kernel, and of all files
)

// New returns a Symbolizer.
func New(opts Options) *Symbolizer {
	return &Symbolizer{
		opts: opts, kernel: &symbols.Kernel{}, processes: map[uint32]*process{}, kernels: map[uint64]Frame{}, files: fileCache{wantLines: opts.Lines, debugInfo: opts.DebugInfo},
	}
}

// Kernel names an address of the kernel. With caller the address is one to which a call returns: it is named by the call before it, which
// may be the last instruction of its function.
func (s *Symbolizer) Kernel(addr uint64, caller bool) Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := inside(addr, caller)
	f, ok := s.kernels[at]
	if !ok {
		f = Frame{Addr: at}
		if name, start, found := s.kernel.Find(at); found {
			f.Name, f.Offset = name, at-start
		}
		if len(s.kernels) >= maxNamed {
			clear(s.kernels)
		}
		s.kernels[at] = f
	}
	return moved(f, addr)
}

// inside is an address of the instruction that addr stands for.
func inside(addr uint64, caller bool) uint64 {
	if caller && addr > 0 {
		return addr - 1
	}
	return addr
}

// moved is the frame of at, as that of addr, which may be the next one.
func moved(f Frame, addr uint64) Frame {
	if f.Name != "" && !f.Inlined {
		f.Offset += addr - f.Addr
	}
	f.Addr = addr
	return f
}

// View is a process as it was at a time: addresses of then are named by it, even when it has become another program or ended.
type View struct {
	s *Symbolizer
	p *snapshot
}

// Watch has the kernel tell of processes from now on, so that those that live only briefly have names, too.
func (s *Symbolizer) Watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.past == nil {
		s.past = watchProcesses()
	}
}

// Now is a time for See: that of the latest moment.
const Now = math.MaxUint64

// See looks at a process of which addresses were seen at a time, in nanoseconds of CLOCK_MONOTONIC, and returns what it was then.
func (s *Symbolizer) See(pid uint32, at uint64, addrs ...uint64) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return View{s, s.process(pid).see(s, at, addrs)}
}

// Settled says whether there is nothing to be learnt of a process now, because it is what it was when it was looked at.
func (s *Symbolizer) Settled(pid uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.processes[pid]
	if p == nil || p.latest() == nil {
		return false
	}
	last := p.latest()
	return (!last.made || last.jit != nil && last.jit.open != nil) && s.past.unchanged(last)
}

// SeeAgain is See of addresses that it was called with before, and does not look at the process again.
func (s *Symbolizer) SeeAgain(pid uint32, at uint64, addrs ...uint64) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.process(pid)
	if known := p.known(at, addrs); known != nil {
		return View{s, known}
	}
	return View{s, p.see(s, at, addrs)}
}

func (s *Symbolizer) process(pid uint32) *process {
	p := s.processes[pid]
	if p == nil {
		p = &process{pid: pid}
		s.add(p)
	}
	return p
}

// generations is how far back a process's mappings are looked for in those that it was forked from.
const generations = 16

// inherited is what a process had mapped that has forked another.
func (s *Symbolizer) inherited(pid uint32, at uint64) []symbols.Mapping {
	for range generations {
		if p := s.processes[pid]; p != nil && p.latest() != nil {
			return p.latest().maps
		}
		if exe := exeOf(pid); exe != [2]uint64{} {
			return s.process(pid).see(s, at, nil).maps
		}
		then := s.past.at(pid, at)
		if then.whole || then.parent == 0 {
			return then.maps
		}
		pid = then.parent
	}
	return nil
}

// add keeps a process, and forgets the oldest of too many.
func (s *Symbolizer) add(p *process) {
	if len(s.order) >= maxProcesses {
		delete(s.processes, s.order[0])
		s.maps.forget(s.order[0])
		s.order = s.order[1:]
	}
	s.processes[p.pid] = p
	s.order = append(s.order, p.pid)
}

// Name names an address of the process. See Kernel for caller. There is at least one frame.
func (v View) Name(addr uint64, caller bool) []Frame { return v.Append(nil, addr, caller) }

// Append adds what Name returns.
func (v View) Append(dst []Frame, addr uint64, caller bool) []Frame {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	at, first := inside(addr, caller), len(dst)
	dst = v.p.name(dst, v.s, at)
	if at != addr {
		for i, f := range dst[first:] {
			dst[first+i] = moved(f, addr)
		}
	}
	return dst
}

// BuildID is the build id of the file that an address is in, in hexadecimal, and the address's offset in the file.
func (v View) BuildID(addr uint64) (id string, offset uint64, ok bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	m := v.p.mapping(addr)
	if m == nil {
		return "", 0, false
	}
	if f := v.s.files.of(v.p, m); f != nil && f.table != nil && f.table.BuildID != "" {
		return f.table.BuildID, addr - m.Start + m.Offset, true
	}
	return "", 0, false
}

// Close gives back what is open.
func (s *Symbolizer) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.close()
	s.maps.close()
	return s.files.close()
}
