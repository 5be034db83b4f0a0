package symbolizer

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
)

// process is what is known of a process: it is another one after it has executed a program.
type process struct {
	pid      uint32
	programs []*snapshot // what it was, the latest last; no more than maxPrograms
}

// latest is the last snapshot, nil if there is none.
func (p *process) latest() *snapshot {
	if n := len(p.programs); n > 0 {
		return p.programs[n-1]
	}
	return nil
}

// put keeps a snapshot in the order of time, in the place of the one of the same program if there is one.
func (p *process) put(s *snapshot) {
	i := len(p.programs)
	for i > 0 && p.programs[i-1].since > s.since {
		i--
	}
	if i > 0 && p.programs[i-1].since == s.since {
		p.programs[i-1] = s
		return
	}
	if p.programs = slices.Insert(p.programs, i, s); len(p.programs) > maxPrograms {
		p.programs = slices.Delete(p.programs, 0, 1)
	}
}

// known is the snapshot of a time that has mappings at all addresses, or that was taken later; nil if there is none.
func (p *process) known(at uint64, addrs []uint64) *snapshot {
	for _, s := range slices.Backward(p.programs) {
		if s.since <= at {
			if s.stamp >= at || s.holds(addrs) {
				return s
			}
			return nil
		}
	}
	return nil
}

// snapshot is where a process has its files, at a time.
type snapshot struct {
	pid   uint32
	exe   [2]uint64 // device and inode of the program
	maps  []symbols.Mapping
	taken time.Time
	stamp uint64   // the same, in nanoseconds of CLOCK_MONOTONIC
	since uint64   // when the program began, as far as it is known
	made  bool     // it has code that is in no file
	jit   *perfMap // nil until such code was seen
}

// A process is not looked at more often than this because of addresses that are in no file: those of a JIT may never be. Where the kernel tells
// of new mappings, calmInterval is for what it may not have told of.
const (
	lookInterval = 20 * time.Millisecond
	calmInterval = time.Second
)

// see returns what the process was at a time: the latest snapshot, or a new one if the process has become another program, or maps files
// at addresses where none was.
func (p *process) see(sym *Symbolizer, at uint64, addrs []uint64) *snapshot {
	old := p.latest()
	if old != nil && old.since <= at && sym.past.unchanged(old) && (old.holds(addrs) || time.Since(old.taken) < calmInterval) {
		old.keepNames(sym, addrs)
		return old
	}
	exe := exeOf(p.pid)
	same := old != nil && exe == old.exe && exe != [2]uint64{}
	switch {
	case same && (old.holds(addrs) || time.Since(old.taken) < lookInterval) && old.since <= at:
		old.keepNames(sym, addrs)
		return old
	case old != nil && old.since > at:
		if s := p.known(at, addrs); s != nil {
			return s
		}
	}
	sym.past.read()
	then := sym.past.at(p.pid, at)
	if then.later {
		return p.before(sym, then)
	}
	s := &snapshot{pid: p.pid, exe: exe, taken: time.Now(), stamp: monotonic(), since: then.from}
	if old != nil && !same && exe != [2]uint64{} && then.from <= old.since {
		s.since = max(old.since+1, min(at, s.stamp)) // nobody has told when: this is the first sign of another program
	}
	// Where the mappings cannot be read the process has ended.
	_ = symbols.Mappings(int(p.pid), func(m symbols.Mapping) bool {
		if m.Exec {
			s.maps = append(s.maps, m)
		}
		return true
	})
	switch {
	case len(s.maps) > 0:
	case old != nil && old.since >= then.from && old.holds(addrs):
		return old
	default:
		s.maps = then.maps
		if !then.whole && then.parent != 0 {
			s.add(sym.inherited(then.parent, at))
		}
	}
	if old != nil && (same || exe == [2]uint64{} && old.since >= then.from) {
		s.add(old.maps)
		s.jit = old.jit
	}
	p.take(sym, s, addrs)
	return s
}

// take keeps a snapshot, and opens what will be gone when the process has ended: its files, and the names of code that it has made.
func (p *process) take(sym *Symbolizer, s *snapshot, addrs []uint64) {
	for i := range s.maps {
		sym.files.keep(s, &s.maps[i])
	}
	s.made = slices.ContainsFunc(s.maps, func(m symbols.Mapping) bool { return isMade(&m) })
	s.keepNames(sym, addrs)
	p.put(s)
}

// keepNames opens the file with the names of code that the process has made, if there is such code at one of the addresses.
func (s *snapshot) keepNames(sym *Symbolizer, addrs []uint64) {
	switch {
	case !s.made || s.jit != nil && s.jit.open != nil:
	case !slices.ContainsFunc(addrs, func(a uint64) bool { m := s.mapping(a); return m != nil && isMade(m) }):
	case s.jit == nil:
		s.jit = sym.maps.open(s.pid)
	default:
		sym.maps.tryOpen(s.jit)
	}
}

// monotonic is the time of CLOCK_MONOTONIC in nanoseconds.
func monotonic() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // there is such a clock
	return uint64(ts.Nano())
}

// before is the snapshot of a program that the process has left by executing another.
func (p *process) before(sym *Symbolizer, then moment) *snapshot {
	for _, s := range p.programs {
		if s.since == then.from && (then.maps == nil || slices.Equal(s.maps, then.maps)) {
			return s
		}
	}
	s := &snapshot{pid: p.pid, taken: time.Now(), stamp: monotonic(), since: then.from, maps: then.maps}
	p.take(sym, s, nil)
	return s
}

// add adds what was mapped elsewhere, such as a library that was closed.
func (s *snapshot) add(maps []symbols.Mapping) {
	n := len(s.maps)
	for _, m := range maps {
		if !slices.ContainsFunc(s.maps[:n], func(have symbols.Mapping) bool { return m.Start < have.End && have.Start < m.End }) {
			s.maps = append(s.maps, m)
		}
	}
	slices.SortFunc(s.maps, byStart)
}

// holds says whether all addresses are in mappings that are known.
func (s *snapshot) holds(addrs []uint64) bool {
	return !slices.ContainsFunc(addrs, func(a uint64) bool { return s.mapping(a) == nil })
}

// mapping is the one that an address is in, nil if there is none.
func (s *snapshot) mapping(addr uint64) *symbols.Mapping {
	i := sort.Search(len(s.maps), func(i int) bool { return s.maps[i].End > addr })
	if i < len(s.maps) && s.maps[i].Start <= addr {
		return &s.maps[i]
	}
	return nil
}

// exeOf identifies the program that a process runs, zeros if it has ended or is a thread of the kernel.
func exeOf(pid uint32) [2]uint64 {
	var st unix.Stat_t
	if unix.Stat(procPath(pid, "exe"), &st) != nil {
		return [2]uint64{}
	}
	return [2]uint64{st.Dev, st.Ino}
}

func procPath(pid uint32, name string) string {
	return "/proc/" + strconv.FormatUint(uint64(pid), 10) + "/" + name
}

// name adds what an address stands for.
func (s *snapshot) name(dst []Frame, sym *Symbolizer, addr uint64) []Frame {
	f := Frame{Addr: addr}
	m := s.mapping(addr)
	switch {
	case m == nil:
	case isMade(m):
		if s.jit == nil {
			s.jit = sym.maps.open(s.pid)
		}
		if name, start, ok := sym.maps.find(s.jit, addr); ok {
			f.Name, f.Offset, f.Module = name, addr-start, s.jit.path
		}
	default:
		f.Module = m.Path
		if m.Path == "[vsyscall]" {
			break
		}
		if file := sym.files.of(s, m); file != nil {
			return sym.files.name(dst, sym.opts, file, f, addr-m.Start+m.Offset)
		}
	}
	return append(dst, f)
}

// isMade says whether what is mapped is code that the program makes as it runs, rather than that of a file or of the kernel.
func isMade(m *symbols.Mapping) bool {
	return m.Path != "[vdso]" && m.Path != "[vsyscall]" && (!m.IsFile() || isMemory(m))
}

// isMemory says whether what is mapped is memory with the name of a file, in which a program makes code.
func isMemory(m *symbols.Mapping) bool {
	return strings.HasPrefix(m.Path, "/memfd:") || strings.HasPrefix(m.Path, "/dev/zero") || strings.HasPrefix(m.Path, "/SYSV")
}
