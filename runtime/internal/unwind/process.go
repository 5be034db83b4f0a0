package unwind

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/internal/symbols"
)

// process is a process with its code.
type process struct {
	pid    uint32
	looked uint64  // nanoseconds of CLOCK_MONOTONIC: what happened until then is known
	ranges []code  // by address
	files  []*file // each as often as it is mapped
	parts  uint32  // how many values of MapUnwindRanges it has beside the first
	inMap  bool
	full   bool // there was no room for it
}

// code is a range of addresses with code.
type code struct {
	start, end uint64
	bias, node uint32
}

// maxRanges is how many ranges of code a process can have, with the gaps between them: those of ranges of ranges.
const maxRanges = layout.UnwindRanges * layout.UnwindRanges / 2

// maxAddress is above all addresses of processes that tables are for.
const maxAddress = 1 << 56

func (t *Tables) process(pid uint32) *process {
	p := t.processes[pid]
	if p == nil {
		p = &process{pid: pid}
		t.processes[pid] = p
	}
	return p
}

// forget gives up what is known of a process, which is to become known anew.
func (t *Tables) forget(p *process) {
	for _, f := range p.files {
		f.users--
	}
	p.files, p.ranges = nil, nil
	t.dirty[p] = true
}

// remove forgets a process that has ended.
func (t *Tables) remove(p *process) {
	t.forget(p)
	t.write(p)
	delete(t.dirty, p)
	delete(t.processes, p.pid)
}

// copy gives a new process what the one has that it was forked from.
func (t *Tables) copy(pid uint32, from *process) {
	p := t.process(pid)
	t.forget(p)
	p.looked, p.ranges, p.files = 0, slices.Clone(from.ranges), slices.Clone(from.files)
	for _, f := range p.files {
		f.users++
	}
}

// mapping is a mapping with its file, nil if that has no table.
type mapping struct {
	symbols.Mapping
	file *file
}

// add adds a mapping.
func (t *Tables) add(p *process, m *mapping) {
	if m.End <= m.Start || m.End > maxAddress {
		return
	}
	whole := code{m.Start, m.End, 0, layout.UnwindFrames}
	parts := []code{whole}
	if m.Path == "[uprobes]" {
		parts[0].node = layout.UnwindReturn
	} else {
		parts = t.parts(p, m.file, &m.Mapping)
	}
	p.cut(whole)
	p.ranges = append(p.ranges, parts...)
	slices.SortFunc(p.ranges, func(a, b code) int { return cmp.Compare(a.start, b.start) })
	p.merge()
	t.dirty[p] = true
}

// isMemory says whether what is mapped is memory with the name of a file, in which a program makes code.
func isMemory(m *symbols.Mapping) bool {
	return strings.HasPrefix(m.Path, "/memfd:") || strings.HasPrefix(m.Path, "/dev/zero") || strings.HasPrefix(m.Path, "/SYSV")
}

// parts are the ranges of a mapping of a file: one for each tree of its rows.
func (t *Tables) parts(p *process, f *file, m *symbols.Mapping) []code {
	whole := code{m.Start, m.End, 0, layout.UnwindFrames}
	if f == nil || len(f.trees) == 0 {
		return []code{whole}
	}
	at, ok := f.frames.Virtual(m.Offset)
	if !ok {
		return []code{whole}
	}
	f.users++
	p.files = append(p.files, f)
	first := at - f.frames.Base // of a row, of what lies at m.Start
	whole.bias = uint32(m.Start - first)
	var out []code
	for i, tree := range f.trees {
		c := whole
		c.node = tree.node
		if i > 0 {
			c.start = max(m.Start, m.Start+uint64(tree.pc)-first)
			if uint64(tree.pc) < first {
				c.start = m.Start
			}
		}
		if i+1 < len(f.trees) {
			next := uint64(f.trees[i+1].pc)
			if next <= first {
				continue
			}
			c.end = min(m.End, m.Start+next-first)
		}
		if c.start < c.end {
			out = append(out, c)
		}
	}
	return out
}

// cut removes a range from those that are known.
func (p *process) cut(gone code) {
	var out []code
	for _, c := range p.ranges {
		if c.end <= gone.start || c.start >= gone.end {
			out = append(out, c)
			continue
		}
		if left := c; c.start < gone.start {
			left.end = gone.start
			out = append(out, left)
		}
		if right := c; c.end > gone.end {
			right.start = gone.end
			out = append(out, right)
		}
	}
	p.ranges = out
}

// merge makes one of neighbours that are alike, as those of a JIT are.
func (p *process) merge() {
	out := p.ranges[:0]
	for _, c := range p.ranges {
		if n := len(out); n > 0 && out[n-1].end == c.start && out[n-1].node == c.node && out[n-1].bias == c.bias {
			out[n-1].end = c.end
			continue
		}
		out = append(out, c)
	}
	p.ranges = out
}

// flush writes the ranges that have changed.
func (t *Tables) flush() {
	for p := range t.dirty {
		t.write(p)
	}
	clear(t.dirty)
}

// write puts the ranges of a process into the kernel's map. One without any is taken out, so that programs ask for it.
func (t *Tables) write(p *process) {
	entries := p.entries()
	parts := uint32(0)
	switch {
	case len(entries) == 0:
	case len(entries) <= layout.UnwindRanges:
		t.put(p, 0, entries)
	default:
		var first []entry
		for ; len(entries) > 0 && len(first) < layout.UnwindRanges; parts++ {
			n := min(len(entries), layout.UnwindRanges)
			t.put(p, parts+1, entries[:n])
			first = append(first, entry{entries[0].start, 0, layout.UnwindPart | (parts + 1)})
			entries = entries[n:]
		}
		t.put(p, 0, first)
	}
	for n := parts; n < p.parts; n++ {
		t.kernel.removeRanges(p.pid, n+1)
	}
	p.parts = parts
	if len(p.ranges) == 0 && p.inMap {
		t.kernel.removeRanges(p.pid, 0)
		p.inMap = false
	}
}

// put puts ranges of a process into the kernel's map.
func (t *Tables) put(p *process, part uint32, entries []entry) {
	if !t.kernel.putRanges(p.pid, part, entries) {
		if !p.full {
			t.lost.Processes++
		}
		p.full = true
		return
	}
	p.inMap = true
}

// entry is a range as programs see it: up to the next one.
type entry struct {
	start      uint64
	bias, node uint32
}

// entries are the ranges with the gaps between them.
func (p *process) entries() []entry {
	if len(p.ranges) == 0 {
		return nil
	}
	out := []entry{{0, 0, layout.UnwindNothing}}
	for i, c := range p.ranges {
		out = append(out, entry{c.start, c.bias, c.node})
		if i+1 == len(p.ranges) || p.ranges[i+1].start != c.end {
			out = append(out, entry{c.end, 0, layout.UnwindNothing})
		}
	}
	return out
}
