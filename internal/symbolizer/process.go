package symbolizer

import (
	"os"
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
	pid     uint32
	latest  *snapshot
	earlier *snapshot // of a program that it has left
}

// snapshot is where a process has its files, at a time.
type snapshot struct {
	pid   uint32
	exe   [2]uint64 // device and inode of the program
	maps  []symbols.Mapping
	taken time.Time
	since uint64 // when the program began, as far as it is known
	named map[uint64][]Frame
	jit   *perfMap // nil until it is asked for
}

// A process is not looked at more often than this because of addresses that are in no file: those of a JIT may never be.
const lookInterval = 20 * time.Millisecond

// see returns what the process was at a time: the latest snapshot, or a new one if the process has become another program, or maps files
// at addresses where none was.
func (p *process) see(sym *Symbolizer, at uint64, addrs []uint64) *snapshot {
	old := p.latest
	exe := exeOf(p.pid)
	same := old != nil && exe == old.exe && exe != [2]uint64{}
	if same && (old.holds(addrs) || time.Since(old.taken) < lookInterval) && old.since <= at {
		return old
	}
	sym.past.read()
	then := sym.past.at(p.pid, at)
	if old != nil && !same && exe != [2]uint64{} {
		p.earlier = old
	}
	if then.later {
		return p.before(sym, then.maps)
	}
	s := &snapshot{pid: p.pid, exe: exe, taken: time.Now(), since: then.from, named: map[uint64][]Frame{}}
	// Where the mappings cannot be read the process has ended.
	_ = symbols.Mappings(int(p.pid), func(m symbols.Mapping) bool {
		if m.Exec {
			s.maps = append(s.maps, m)
		}
		return true
	})
	switch {
	case len(s.maps) > 0:
	case old != nil && old.holds(addrs):
		return old
	default:
		s.maps = then.maps
		if !then.whole && then.parent != 0 {
			s.add(sym.inherited(then.parent, at))
		}
	}
	if old != nil && (same || exe == [2]uint64{}) {
		s.add(old.maps)
	}
	for i := range s.maps {
		sym.files.keep(s, &s.maps[i])
	}
	p.latest = s
	return s
}

// before is the snapshot of a program that the process has left by executing another.
func (p *process) before(sym *Symbolizer, maps []symbols.Mapping) *snapshot {
	if p.earlier != nil && (maps == nil || slices.Equal(p.earlier.maps, maps)) {
		return p.earlier
	}
	p.earlier = &snapshot{pid: p.pid, taken: time.Now(), named: map[uint64][]Frame{}, maps: maps}
	for i := range maps {
		sym.files.keep(p.earlier, &p.earlier.maps[i])
	}
	return p.earlier
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

// name finds what an address stands for.
func (s *snapshot) name(sym *Symbolizer, addr uint64) []Frame {
	f := Frame{Addr: addr}
	m := s.mapping(addr)
	switch {
	case m == nil:
	case m.Path == "[vdso]" || m.IsFile() && !isMemory(m):
		f.Module = m.Path
		if file := sym.files.of(s, m); file != nil {
			return sym.files.name(sym.opts, file, f, addr-m.Start+m.Offset)
		}
	case m.Path == "[vsyscall]":
		f.Module = m.Path
	default: // made as it runs
		if s.jit == nil {
			s.jit = newPerfMap(s.pid)
		}
		if name, start, ok := s.jit.find(addr); ok {
			f.Name, f.Offset, f.Module = name, addr-start, s.jit.path
		}
	}
	return []Frame{f}
}

// isMemory says whether what is mapped is memory with the name of a file, in which a program makes code.
func isMemory(m *symbols.Mapping) bool {
	return strings.HasPrefix(m.Path, "/memfd:") || strings.HasPrefix(m.Path, "/dev/zero") || strings.HasPrefix(m.Path, "/SYSV")
}

// open opens the file of a mapping: by the mapping itself, which leads to it whatever has become of its name, or else by name, as the
// process sees it or, once it has ended, as we do. One of the name that was changed since the process was looked at is another.
func (s *snapshot) open(m *symbols.Mapping) (*os.File, error) {
	f, err := os.Open(procPath(s.pid, "map_files/"+strconv.FormatUint(m.Start, 16)+"-"+strconv.FormatUint(m.End, 16)))
	if err == nil {
		return f, nil
	}
	if m.Deleted {
		return nil, os.ErrNotExist
	}
	for _, path := range []string{procPath(s.pid, "root") + m.Path, m.Path} {
		f, err = os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && time.Unix(st.Ctim.Unix()).Before(s.taken) {
			return f, nil
		}
		f.Close()
		err = os.ErrNotExist
	}
	return nil, err
}
