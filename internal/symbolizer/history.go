package symbolizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
)

// history is what processes mapped since the session began: it knows those that lived too briefly to be looked at, and what a process was
// before it executed another program. The kernel tells it of programs that are executed and of mappings with code, a few records a
// program; they are read when somebody asks, or when a ring is half full.
type history struct {
	rings []*ring
	wake  int // ends the goroutine that waits for full rings

	mu     sync.Mutex // rings have one reader at a time
	past   map[uint32]*past
	ended  []uint32
	events []event
}

// past is what is known of a process.
type past struct {
	programs []program // in order of time
	parent   uint32
	born     uint64 // when it was forked, 0 if it was there before
}

// program is what a process maps from a time on until it executes another program.
type program struct {
	from  uint64 // nanoseconds of CLOCK_MONOTONIC
	whole bool   // all mappings are known, because they came after an execve()
	maps  []symbols.Mapping
}

// maxEnded is how many processes that have ended are kept, maxPrograms how many programs of one.
const (
	maxEnded    = 8192
	maxPrograms = 8
)

// watchProcesses begins. Without it short-lived processes have no names: an error is no reason not to trace.
func watchProcesses() *history {
	h := &history{past: map[uint32]*past{}, wake: -1}
	for cpu := range possibleCPUs() {
		r, err := openRing(cpu)
		if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
			continue // the CPU is off
		} else if err != nil {
			break
		}
		h.rings = append(h.rings, r)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil || len(h.rings) == 0 {
		return h
	}
	h.wake = wake
	fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}}
	for _, r := range h.rings {
		fds = append(fds, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
	}
	go h.wait(fds)
	return h
}

// wait reads rings that fill up, until the first descriptor says that it is over.
func (h *history) wait(fds []unix.PollFd) {
	for {
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents != 0 {
			unix.Close(int(fds[0].Fd))
			return
		}
		h.read()
	}
}

func (h *history) close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wake >= 0 {
		_, _ = unix.Write(h.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // an eventfd takes it
		h.wake = -1
	}
	for _, r := range h.rings {
		r.close()
	}
	h.rings = nil
}

// Types of records, from include/uapi/linux/perf_event.h, and PERF_RECORD_MISC_COMM_EXEC.
const (
	recordComm  = 3
	recordExit  = 4
	recordFork  = 7
	recordMmap2 = 10
	miscExec    = 1 << 13
)

// event is a record that matters.
type event struct {
	kind     uint32
	time     uint64
	pid, tid uint32 // fork: the child
	parent   uint32
	mapping  symbols.Mapping
}

// read takes in what the rings hold.
func (h *history) read() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = h.events[:0]
	for _, r := range h.rings {
		r.read(func(kind uint32, misc uint16, body []byte) {
			if e, ok := parseEvent(kind, misc, body); ok {
				h.events = append(h.events, e)
			}
		})
	}
	// Each ring is in order; a process moves from one to another.
	slices.SortStableFunc(h.events, func(a, b event) int {
		switch {
		case a.time < b.time:
			return -1
		case a.time > b.time:
			return 1
		}
		return 0
	})
	for i := range h.events {
		h.take(&h.events[i])
	}
}

// parseEvent reads a record without its header. The time is its last word.
func parseEvent(kind uint32, misc uint16, b []byte) (e event, ok bool) {
	const mmapFixed = 64 // bytes before the name
	if len(b) < 16 {
		return e, false
	}
	o := binary.NativeEndian
	e = event{kind: kind, time: o.Uint64(b[len(b)-8:]), pid: o.Uint32(b), tid: o.Uint32(b[4:])}
	switch kind {
	case recordComm:
		return e, misc&miscExec != 0
	case recordFork, recordExit: // pid, ppid, tid, ptid
		e.parent, e.tid = o.Uint32(b[4:]), o.Uint32(b[8:])
		return e, kind == recordExit && e.tid == e.pid || kind == recordFork && e.parent != e.pid
	case recordMmap2:
		if len(b) < mmapFixed+8 {
			return e, false
		}
		m := &e.mapping
		m.Start, m.Offset = o.Uint64(b[8:]), o.Uint64(b[24:])
		m.End = m.Start + o.Uint64(b[16:])
		m.Device = fmt.Sprintf("%02x:%02x", o.Uint32(b[32:]), o.Uint32(b[36:]))
		m.Inode = o.Uint64(b[40:])
		m.Exec = o.Uint32(b[56:])&unix.PROT_EXEC != 0
		name, _, _ := bytes.Cut(b[mmapFixed:len(b)-8], []byte{0})
		if m.Path, m.Deleted = strings.CutSuffix(string(name), " (deleted)"); m.Path == "//anon" {
			m.Path = "" // as in /proc/PID/maps
		}
		return e, m.Exec && m.End > m.Start
	}
	return e, false
}

// take notes an event.
func (h *history) take(e *event) {
	p := h.past[e.pid]
	if p == nil || e.kind == recordFork {
		p = &past{}
		h.past[e.pid] = p
	}
	switch e.kind {
	case recordFork:
		p.parent, p.born = e.parent, e.time
		if from := h.past[e.parent]; from != nil && len(from.programs) > 0 {
			last := from.programs[len(from.programs)-1]
			p.programs = []program{{e.time, last.whole, slices.Clip(last.maps)}}
		}
	case recordComm:
		p.programs = append(p.programs, program{from: e.time, whole: true})
		if len(p.programs) > maxPrograms {
			p.programs = p.programs[1:]
		}
	case recordMmap2:
		if len(p.programs) == 0 {
			p.programs = []program{{from: p.born}}
		}
		last := &p.programs[len(p.programs)-1]
		last.maps = append(last.maps, e.mapping)
	case recordExit:
		if h.ended = append(h.ended, e.pid); len(h.ended) > maxEnded {
			delete(h.past, h.ended[0])
			h.ended = h.ended[1:]
		}
	}
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

func byStart(a, b symbols.Mapping) int {
	switch {
	case a.Start < b.Start:
		return -1
	case a.Start > b.Start:
		return 1
	}
	return 0
}

// maxCPUs bounds the list of CPUs.
const maxCPUs = 1 << 13

// possibleCPUs is how many CPUs there may be: those that are off are left out when their event is opened.
func possibleCPUs() int {
	data, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return 1
	}
	text := strings.TrimSpace(string(data))
	last := text[strings.LastIndexAny(text, "-,")+1:]
	n, err := strconv.Atoi(last)
	if err != nil || n < 0 || n >= maxCPUs {
		return 1
	}
	return n + 1
}
