// Package mapplan decides how the maps of a script are kept: in which kernel maps, where in their values, once or twice, and by which
// updates programs may change them.
package mapplan

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/types"
)

// Plan is the kernel maps of a script.
type Plan struct {
	Maps   []*layout.MapSpec          // those of the script first, in order of first appearance
	ByName map[string]*layout.MapSpec // by name of the kernel map
	Swaps  int                        // how many maps of the script are kept twice
	// RefusedSize is the size of MapRefused.
	RefusedSize int

	checked *lang.Checked
	kernel  *kernel.Kernel
	uses    map[string]*use   // what programs do with each map of the script
	values  []*layout.MapSpec // what holds the maps without keys
}

// New plans the maps of a script.
func New(c *lang.Checked, k *kernel.Kernel) *Plan {
	p := &Plan{checked: c, kernel: k, ByName: map[string]*layout.MapSpec{}}
	p.scriptMaps()
	return p
}

// Add adds a map.
func (p *Plan) Add(m *layout.MapSpec) *layout.MapSpec {
	p.ByName[m.Name] = m
	p.Maps = append(p.Maps, m)
	return m
}

// Keep removes all maps but the first n.
func (p *Plan) Keep(n int) {
	for _, m := range p.Maps[n:] {
		delete(p.ByName, m.Name)
	}
	p.Maps = p.Maps[:n]
}

// CPUSlots is how many pieces memory with a piece for each CPU has: a power of two, so that a mask is enough to limit an index.
func (p *Plan) CPUSlots() int { return layout.CeilPow2(p.kernel.PossibleCPUs) }

// Spec is the map that holds a map of the script.
func (p *Plan) Spec(m *lang.Map) *layout.MapSpec { return p.ByName["@"+m.Name] }

// Layout says how the values of a map of the script lie in memory.
func (p *Plan) Layout(m *lang.Map) layout.ValueLayout { return p.Spec(m).Layout }

// scriptMaps adds the maps of the script to the blueprint.
func (p *Plan) scriptMaps() {
	p.uses = usesOf(p.checked)
	for _, m := range p.checked.Maps {
		s := p.Add(p.scriptMap(m))
		if m.Key == nil {
			p.swapMap(s)
			p.placeGlobal(s)
			continue
		}
		p.splitMap(s)
		p.keepRefused(s)
		p.swapMap(s)
	}
	for _, m := range p.values {
		p.Add(m)
	}
}

// keepRefused gives a map that can be full room for the keys that it refuses. It comes after splitMap.
func (p *Plan) keepRefused(s *layout.MapSpec) {
	if s.Type == ebpf.LRUHash || s.Type == ebpf.LRUCPUHash {
		return // it drops others
	}
	s.Refused = p.RefusedSize + 1
	p.RefusedSize += s.RefusedSize()
}

// NeedZeros makes MapZeros at least so large.
func (p *Plan) NeedZeros(size int) {
	if m := p.ByName[layout.MapZeros]; m != nil {
		m.ValueSize = max(m.ValueSize, size)
		return
	}
	p.Add(&layout.MapSpec{Name: layout.MapZeros, Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1, Flags: FlagRdonlyProg})
}

// Map flags, from include/uapi/linux/bpf.h.
const (
	FlagNoPrealloc = 1 << 0
	FlagRdonlyProg = 1 << 7
	FlagMmapable   = 1 << 10
)

// scriptMap chooses the storage of a map and lays its value out.
func (p *Plan) scriptMap(m *lang.Map) *layout.MapSpec {
	s := &layout.MapSpec{Name: "@" + m.Name, Script: m}
	size, room := max(8, layout.Align8(m.Value.Size())), 0 // the kernel wants a byte of the empty tuple, too
	perCPU := p.onlyCounts(m)
	if agg, ok := m.Value.(types.Agg); ok {
		size, perCPU = layout.Word(layout.AggWords(agg)), true
		room = layout.Word(layout.AggRoom(agg))
	}
	s.Layout = layout.ValueLayout{Size: size, Present: -1}
	if m.Key != nil {
		p.keyedMap(s, m, max(size, room), perCPU)
		return s
	}
	if perCPU {
		s.Layout = layout.PerCPU(size, room)
		s.ValueSize = s.Layout.CPU(p.CPUSlots())
		return s
	}
	s.Layout, s.ValueSize = layout.Global(size)
	return s
}

// globalsMax is how many bytes one map of maps without keys may have: the verifier takes offsets below BPF_MAX_VAR_OFF
// (include/linux/bpf_verifier.h), 512 MB.
const globalsMax = 256 << 20

// placeGlobal gives a map without a key its place in a kernel map that holds many: a program may use only 64 kernel maps
// (MAX_USED_MAPS, include/linux/bpf_verifier.h). Each begins a cache line, so that CPUs that write different ones do not meet.
func (p *Plan) placeGlobal(s *layout.MapSpec) {
	size := layout.AlignLine(s.ValueSize)
	n := len(p.values)
	if n == 0 || p.values[n-1].ValueSize+size > globalsMax {
		// Mapped, so that the runtime can clear one without touching the others.
		p.values = append(p.values, &layout.MapSpec{Name: fmt.Sprintf("%s%d", layout.MapValues, n), Type: ebpf.Array, KeySize: 4, MaxEntries: 1, Flags: FlagMmapable})
		n++
	}
	in := p.values[n-1]
	s.In, s.Offset = in.Name, in.ValueSize
	in.ValueSize += size
}

// hashTypes gives the kernel's map type for a declared kind.
var hashTypes = map[string]ebpf.MapType{
	"hash":          ebpf.Hash,
	"lruhash":       ebpf.LRUHash,
	"percpuhash":    ebpf.PerCPUHash,
	"percpulruhash": ebpf.LRUCPUHash,
}

// preallocMax is the largest element, key and value in bytes, that a hash map gets memory for at its creation. For small ones that is
// the faster and safer choice: an insertion never fails for want of memory. Large ones (a histogram by key) would take
// megabytes on every CPU for keys that never come; since Linux 6.1 the kernel has an allocator that
// is safe in any context (bpf_mem_alloc) behind BPF_F_NO_PREALLOC. Before it, tracing programs must not use that flag.
const preallocMax = 256

// swapPrealloc and smallPrealloc are the largest maps, in bytes on all CPUs, that get their memory at once though their elements are large.
const (
	swapPrealloc  = 16 << 20
	smallPrealloc = 1 << 20
)

// In a map that is emptied again and again all keys come anew each time, on all CPUs at once: there the allocator's few elements in
// stock run out now and then, so that memory is taken beforehand up to swapPrealloc bytes. So it is where the script says how many keys there are,
// and in maps so small that it takes no time.
func (p *Plan) allocFlags(s *layout.MapSpec) uint32 {
	limit := smallPrealloc
	if p.uses[s.Script.Name].swapped() || s.Script.Kind != "" {
		limit = swapPrealloc
	}
	if (s.KeySize+s.ValueSize*p.kernel.PossibleCPUs)*s.MaxEntries <= limit {
		return 0
	}
	lru := s.Type == ebpf.LRUHash || s.Type == ebpf.LRUCPUHash // always preallocated
	if s.KeySize+s.ValueSize > preallocMax && p.kernel.AtLeast(6, 1) && !lru {
		return FlagNoPrealloc
	}
	return 0
}

func (p *Plan) keyedMap(s *layout.MapSpec, m *lang.Map, room int, perCPU bool) {
	s.KeySize, s.ValueSize, s.MaxEntries = layout.KeySize(m.Key), room, m.MaxEntries
	s.Type = hashTypes[m.Kind]
	if m.Kind == "" {
		s.Type = ebpf.Hash
		if perCPU {
			s.Type = ebpf.PerCPUHash
		}
	}
	s.Flags = p.allocFlags(s)
	s.Layout.Storage = layout.StorageHash
	if s.Type == ebpf.PerCPUHash || s.Type == ebpf.LRUCPUHash {
		s.Layout.Storage = layout.StoragePerCPUHash
	}
}
