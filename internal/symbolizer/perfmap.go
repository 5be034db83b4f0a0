package symbolizer

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// perfMap is the names of the code that a process made as it ran: runtimes with a JIT write them to /tmp/perf-PID.map, with the
// process id of their own namespace.
type perfMap struct {
	path string // as the process sees it
	file string // as we open it
	syms []jitSymbol
	read int64 // how much of the file was read
	at   time.Time
}

type jitSymbol struct {
	start, size uint64
	name        string
	order       int // of several for an address the last counts
}

// Bounds of what a process can have us keep.
const (
	maxPerfMap  = 64 << 20
	maxPerfLine = 64 << 10
)

func newPerfMap(pid uint32) *perfMap {
	path := "/tmp/perf-" + strconv.FormatUint(uint64(innerPID(pid)), 10) + ".map"
	return &perfMap{path: path, file: procPath(pid, "root") + path}
}

// innerPID is the process id in the process's own namespace: the last one of the line NSpid of its status.
func innerPID(pid uint32) uint32 {
	data, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return pid
	}
	_, rest, ok := strings.Cut(string(data), "\nNSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	ids := strings.Fields(line)
	if !ok || len(ids) == 0 {
		return pid
	}
	n, err := strconv.ParseUint(ids[len(ids)-1], 10, 32)
	if err != nil {
		return pid
	}
	return uint32(n)
}

// find names the code at an address, and says where it begins.
func (p *perfMap) find(addr uint64) (name string, start uint64, ok bool) {
	if s := p.search(addr); s != nil {
		return s.name, s.start, true
	}
	p.update()
	if s := p.search(addr); s != nil {
		return s.name, s.start, true
	}
	return "", 0, false
}

func (p *perfMap) search(addr uint64) *jitSymbol {
	i, exact := slices.BinarySearchFunc(p.syms, addr, func(s jitSymbol, a uint64) int { return cmp.Compare(s.start, a) })
	if !exact {
		i--
	}
	if i < 0 || addr-p.syms[i].start >= p.syms[i].size {
		return nil
	}
	return &p.syms[i]
}

// update reads what was added to the file.
func (p *perfMap) update() {
	if time.Since(p.at) < lookInterval {
		return
	}
	p.at = time.Now()
	f, err := os.OpenFile(p.file, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() <= p.read || p.read >= maxPerfMap {
		return
	}
	p.syms, p.read = readPerfMap(p.syms, io.NewSectionReader(f, p.read, min(info.Size(), maxPerfMap)-p.read), p.read)
}

// readPerfMap adds lines "start size name", numbers in hexadecimal, and says how far whole lines go. Lines that are not such are left
// out.
func readPerfMap(syms []jitSymbol, r io.Reader, read int64) ([]jitSymbol, int64) {
	s := bufio.NewReaderSize(r, maxPerfLine)
	for {
		line, err := s.ReadSlice('\n')
		if err != nil {
			break
		}
		read += int64(len(line))
		if sym, ok := parsePerfLine(strings.TrimSuffix(string(line), "\n")); ok {
			sym.order = len(syms)
			syms = append(syms, sym)
		}
	}
	slices.SortFunc(syms, func(a, b jitSymbol) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.order, a.order)) })
	syms = slices.CompactFunc(syms, func(a, b jitSymbol) bool { return a.start == b.start })
	for i := range syms {
		syms[i].order = i
	}
	return syms, read
}

func parsePerfLine(line string) (s jitSymbol, ok bool) {
	start, rest, _ := strings.Cut(line, " ")
	size, name, _ := strings.Cut(rest, " ")
	var err1, err2 error
	s.start, err1 = strconv.ParseUint(strings.TrimPrefix(start, "0x"), 16, 64)
	s.size, err2 = strconv.ParseUint(strings.TrimPrefix(size, "0x"), 16, 64)
	s.name = name
	return s, err1 == nil && err2 == nil && s.size > 0 && name != ""
}
