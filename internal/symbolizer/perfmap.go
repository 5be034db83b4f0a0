package symbolizer

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
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
	pid  uint32
	path string    // as the process sees it
	open *os.File  // nil if there is none yet, or if too many are open
	at   time.Time // when it was read last, or looked for
	rest time.Duration
	used uint64

	syms []jitSymbol // by address; none lies over another
	text []byte      // their names
	read int64       // how much of the file was read
}

// jitSymbol is 24 bytes: a process may have a million.
type jitSymbol struct {
	start uint64
	size  uint32
	name  uint32 // where it begins in text
	len   uint32
	order uint32 // of several that share an address the last counts
}

// Bounds of what processes can have us keep.
const (
	maxPerfMap   = 64 << 20 // of one file
	maxPerfLine  = 64 << 10
	maxPerfOpen  = 256
	maxPerfBytes = 96 << 20 // of all processes together
)

// perfMaps are the maps of all processes. The longest unused are read again when they are asked for.
type perfMaps struct {
	all   []*perfMap
	clock uint64
	most  int // bytes of all together, maxPerfBytes if it is 0
}

// open finds the map of a process while it is there.
func (c *perfMaps) open(pid uint32) *perfMap {
	p := &perfMap{pid: pid, path: "/tmp/perf-" + strconv.FormatUint(uint64(innerPID(pid)), 10) + ".map"}
	c.all = append(c.all, p)
	c.tryOpen(p)
	return p
}

// tryOpen opens the file if it is not open: a runtime makes it when it has compiled its first function.
func (c *perfMaps) tryOpen(p *perfMap) {
	if p.open != nil || time.Since(p.at) < p.rest {
		return
	}
	p.at, p.rest = time.Now(), min(max(lookInterval, 2*p.rest), calmInterval)
	n := 0
	for _, other := range c.all {
		if other.open != nil {
			n++
		}
	}
	if n >= maxPerfOpen {
		return
	}
	if p.open = p.file(); p.open != nil {
		p.at, p.rest = time.Time{}, 0
	}
}

// file opens the file, nil if there is none.
func (p *perfMap) file() *os.File {
	f, err := openInRoot(p.pid, p.path)
	if err != nil {
		// The process has ended. Of one in another namespace the file is gone, or would be another one.
		if _, gone := os.Stat(procPath(p.pid, "")); gone == nil {
			return nil
		}
		if f, err = os.OpenFile(p.path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW, 0); err != nil {
			return nil
		}
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil
	}
	return f
}

// forget closes the maps of a process.
func (c *perfMaps) forget(pid uint32) {
	c.all = slices.DeleteFunc(c.all, func(p *perfMap) bool {
		if p.pid == pid {
			p.close()
		}
		return p.pid == pid
	})
}

func (c *perfMaps) close() {
	for _, p := range c.all {
		p.close()
	}
	c.all = nil
}

func (p *perfMap) close() {
	if p.open != nil {
		p.open.Close()
	}
	p.open = nil
	p.drop()
}

// drop gives up the names. They are read again when they are asked for.
func (p *perfMap) drop() { p.syms, p.text, p.read, p.rest, p.at = nil, nil, 0, 0, time.Time{} }

func (p *perfMap) bytes() int { return cap(p.text) + 24*cap(p.syms) }

// find names the code at an address, and says where it begins.
func (c *perfMaps) find(p *perfMap, addr uint64) (name string, start uint64, ok bool) {
	c.clock++
	p.used = c.clock
	s := p.search(addr)
	if s == nil {
		p.update()
		c.shrink(p)
		if s = p.search(addr); s == nil {
			return "", 0, false
		}
	}
	return string(p.text[s.name:][:s.len]), s.start, true
}

// shrink gives up names until the others fit.
func (c *perfMaps) shrink(keep *perfMap) {
	total := 0
	for _, p := range c.all {
		total += p.bytes()
	}
	for total > cmp.Or(c.most, maxPerfBytes) {
		var oldest *perfMap
		for _, p := range c.all {
			if p != keep && p.bytes() > 0 && (oldest == nil || p.used < oldest.used) {
				oldest = p
			}
		}
		if oldest == nil {
			return
		}
		total -= oldest.bytes()
		oldest.drop()
	}
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

func (p *perfMap) search(addr uint64) *jitSymbol {
	i, exact := slices.BinarySearchFunc(p.syms, addr, func(s jitSymbol, a uint64) int { return cmp.Compare(s.start, a) })
	if !exact {
		i--
	}
	if i < 0 || addr-p.syms[i].start >= uint64(p.syms[i].size) {
		return nil
	}
	return &p.syms[i]
}

// update reads what was added to the file. Where that takes long it is done less often.
func (p *perfMap) update() {
	const share = 10 // of the time at most a tenth
	begin := time.Now()
	if begin.Sub(p.at) < max(lookInterval, p.rest) {
		return
	}
	defer func() { p.at = time.Now(); p.rest = share * p.at.Sub(begin) }()
	f := p.open
	if f == nil {
		if f = p.file(); f == nil {
			return
		}
		defer f.Close()
	}
	info, err := f.Stat()
	if err != nil {
		return
	}
	if info.Size() < p.read { // written anew
		p.drop()
	}
	if size := min(info.Size(), maxPerfMap); size > p.read {
		p.add(io.NewSectionReader(f, p.read, size-p.read))
	}
}

// add adds lines "start size name", numbers in hexadecimal, as far as whole lines go. Lines that are not such are left out.
func (p *perfMap) add(r io.Reader) {
	old := len(p.syms)
	s := bufio.NewReaderSize(r, maxPerfLine)
	for {
		line, err := s.ReadSlice('\n')
		p.read += int64(len(line))
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // the end of an endless name is taken for a line of its own, and is none
		} else if err != nil {
			p.read -= int64(len(line))
			break
		}
		if start, size, name, ok := parsePerfLine(line[:len(line)-1]); ok {
			p.syms = append(p.syms, jitSymbol{start, size, uint32(len(p.text)), uint32(len(name)), uint32(len(p.text))})
			p.text = append(p.text, name...)
		}
	}
	if len(p.syms) > old {
		p.settle()
	}
}

// settle puts the symbols in order, and takes away what others lie over that came later: memory is used again for other code.
func (p *perfMap) settle() {
	slices.SortFunc(p.syms, func(a, b jitSymbol) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.order, b.order)) })
	out := p.syms[:0]
	for _, s := range p.syms {
		for n := len(out); n > 0; n = len(out) {
			last := &out[n-1]
			if s.start-last.start >= uint64(last.size) {
				break
			}
			if s.order < last.order {
				s.size = 0
				break
			}
			if last.size = uint32(s.start - last.start); last.size > 0 {
				break
			}
			out = out[:n-1]
		}
		if s.size > 0 {
			out = append(out, s)
		}
	}
	p.syms = out
}

// parsePerfLine reads a line without its end.
func parsePerfLine(line []byte) (start uint64, size uint32, name []byte, ok bool) {
	first, rest, _ := bytes.Cut(line, []byte(" "))
	second, name, _ := bytes.Cut(rest, []byte(" "))
	start, err1 := hexadecimal(first, 64)
	long, err2 := hexadecimal(second, 32)
	ok = err1 == nil && err2 == nil && long > 0 && start+long > start && len(name) > 0
	return start, uint32(long), name, ok
}

func hexadecimal(text []byte, bits int) (uint64, error) {
	return strconv.ParseUint(string(bytes.TrimPrefix(text, []byte("0x"))), 16, bits)
}
