package symbolizer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gotrace/gotrace/internal/procevents"
	"github.com/gotrace/gotrace/internal/symbols"
)

// history is what processes mapped since the session began: it knows those that lived too briefly to be looked at, and what a process was
// before it executed another program. The kernel tells it of programs that are executed and of mappings with code, a few records a
// program; they are read when somebody asks, or when a ring is half full.
type history struct {
	watch *procevents.Watch

	mu    sync.Mutex // rings have one reader at a time
	past  map[uint32]*past
	ended []gone
	maps  int // mappings of those that have ended

	readAt atomic.Uint64 // when unchanged has read last
}

// freshness is how many nanoseconds unchanged does without what the kernel has told since: rings are as many as CPUs.
const freshness = 500_000

// gone is a process that has ended. Another one may have its number since.
type gone struct {
	pid  uint32
	past *past
}

// past is what is known of a process.
type past struct {
	programs []program // in order of time
	parent   uint32
	born     uint64 // when it was forked, 0 if it was there before
	last     uint64 // when something of it changed last
}

// program is what a process maps from a time on until it executes another program.
type program struct {
	from  uint64 // nanoseconds of CLOCK_MONOTONIC
	whole bool   // all mappings are known, because they came after an execve()
	maps  []symbols.Mapping
}

// maxEnded is how many processes that have ended are kept, maxEndedMaps how many mappings of all of them, maxPrograms how many programs of one, maxMaps how
// many mappings of each of those.
const (
	maxEnded     = 8192
	maxEndedMaps = 1 << 16
	maxPrograms  = 8
	maxMaps      = 1024
)

// watchProcesses begins. Without it short-lived processes have no names: an error is no reason not to trace.
func watchProcesses() *history {
	h := &history{past: map[uint32]*past{}, watch: procevents.Open(procevents.HalfFull)}
	h.watch.Wait(h.read)
	return h
}

func (h *history) close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch.Close()
}

// read takes in what the rings hold.
func (h *history) read() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch.Read(h.take)
}

// unchanged says whether a process is certain to be what it was in a snapshot: the same program, which has mapped no code since.
func (h *history) unchanged(s *snapshot) bool {
	if h == nil {
		return false
	}
	if now := monotonic(); now-h.readAt.Load() > freshness {
		h.read()
		h.readAt.Store(now)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watch.Active() {
		return false
	}
	p := h.past[s.pid]
	if p == nil {
		return true
	}
	n := len(p.programs)
	return p.last <= s.stamp && (n == 0 || p.programs[n-1].from <= s.since)
}

// take notes an event.
func (h *history) take(e *procevents.Event) {
	p := h.past[e.PID]
	if p == nil || e.Kind == procevents.Fork {
		p = &past{}
		h.past[e.PID] = p
	}
	if e.Kind != procevents.Exit {
		p.last = e.Time
	}
	switch e.Kind {
	case procevents.Fork:
		p.parent, p.born = e.Parent, e.Time
		if from := h.past[e.Parent]; from != nil && len(from.programs) > 0 {
			last := from.programs[len(from.programs)-1]
			p.programs = []program{{e.Time, last.whole, slices.Clip(last.maps)}}
		}
	case procevents.Exec:
		p.programs = append(p.programs, program{from: e.Time, whole: true})
		if len(p.programs) > maxPrograms {
			p.programs = p.programs[1:]
		}
	case procevents.Map:
		if len(p.programs) == 0 {
			p.programs = []program{{from: p.born}}
		}
		last := &p.programs[len(p.programs)-1]
		if last.maps = append(last.maps, e.Mapping); len(last.maps) > maxMaps {
			last.maps = fewerMaps(last.maps)
		}
	case procevents.Exit:
		h.ended = append(h.ended, gone{e.PID, p})
		h.maps += p.mappings()
		for len(h.ended) > maxEnded || h.maps > maxEndedMaps && len(h.ended) > 1 {
			first := h.ended[0]
			if h.maps -= first.past.mappings(); h.past[first.pid] == first.past {
				delete(h.past, first.pid)
			}
			h.ended = h.ended[1:]
		}
	}
}

// mappings is how many are kept.
func (p *past) mappings() (n int) {
	for i := range p.programs {
		n += len(p.programs[i].maps)
	}
	return n
}

// fewerMaps makes room: what was mapped over is forgotten, and if that is not enough, code without a file, which is made as a program runs, is,
// too.
func fewerMaps(maps []symbols.Mapping) []symbols.Mapping {
	if maps = sortMaps(maps); len(maps) > maxMaps/2 {
		maps = slices.DeleteFunc(maps, func(m symbols.Mapping) bool { return !m.IsFile() })
	}
	return maps[:min(len(maps), maxMaps/2)]
}

// moment is what history knows of a process at a time.
type moment struct {
	maps   []symbols.Mapping
	from   uint64 // when it began to run this program
	whole  bool   // all mappings are known; if not, parent is the process of which it has the others, 0 if it is older than the session
	later  bool   // it has executed another program since
	parent uint32
}

func (h *history) at(pid uint32, time uint64) moment {
	if h == nil {
		return moment{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.past[pid]
	if p == nil {
		return moment{}
	}
	i := len(p.programs) - 1
	for i > 0 && p.programs[i].from > time {
		i--
	}
	if i < 0 {
		return moment{parent: p.parent}
	}
	prog := &p.programs[i]
	if prog.whole && prog.from > time { // it was something else, before all that is known
		return moment{later: true, parent: p.parent}
	}
	return moment{sortMaps(prog.maps), prog.from, prog.whole, i < len(p.programs)-1, p.parent}
}

// sortMaps puts mappings in order. Of those at one address the last counts.
func sortMaps(maps []symbols.Mapping) []symbols.Mapping {
	out := make([]symbols.Mapping, 0, len(maps))
	for i := len(maps) - 1; i >= 0; i-- {
		m := maps[i]
		if !slices.ContainsFunc(out, func(have symbols.Mapping) bool { return m.Start < have.End && have.Start < m.End }) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, byStart)
	return out
}

func byStart(a, b symbols.Mapping) int { return cmp.Compare(a.Start, b.Start) }
