package codegen

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// spec is the blueprint's map that holds a map of the script.
func (k *compiler) spec(m *lang.Map) *layout.MapSpec { return k.maps["@"+m.Name] }

func (k *compiler) layout(m *lang.Map) layout.ValueLayout { return k.spec(m).Layout }

// scriptMaps adds the maps of the script to the blueprint.
func (k *compiler) scriptMaps() {
	k.uses = mapUses(k.checked)
	for _, m := range k.checked.Maps {
		s := k.addMap(k.scriptMap(m))
		if m.Key == nil {
			k.swapMap(s)
			k.placeGlobal(s)
			continue
		}
		k.splitMap(s)
		k.swapMap(s)
	}
	for _, m := range k.values {
		k.addMap(m)
	}
}

// needZeros makes MapZeros at least so large.
func (k *compiler) needZeros(size int) {
	if m := k.maps[layout.MapZeros]; m != nil {
		m.ValueSize = max(m.ValueSize, size)
		return
	}
	k.addMap(&layout.MapSpec{Name: layout.MapZeros, Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1, Flags: flagRdonlyProg})
}

// Map flags, from include/uapi/linux/bpf.h.
const (
	flagNoPrealloc = 1 << 0
	flagRdonlyProg = 1 << 7
	flagMmapable   = 1 << 10
)

// scriptMap chooses the storage of a map and lays its value out.
func (k *compiler) scriptMap(m *lang.Map) *layout.MapSpec {
	s := &layout.MapSpec{Name: "@" + m.Name, Script: m}
	size, room := layout.Align8(m.Value.Size()), 0
	perCPU := k.onlyCounts(m)
	if agg, ok := m.Value.(types.Agg); ok {
		size, perCPU = layout.Word(layout.AggWords(agg)), true
		room = layout.Word(layout.AggRoom(agg))
	}
	s.Layout = layout.ValueLayout{Size: size, Present: -1}
	if m.Key != nil {
		k.keyedMap(s, m, max(size, room), perCPU)
		return s
	}
	if perCPU {
		s.Layout = layout.PerCPU(size, room)
		s.ValueSize = s.Layout.CPU(k.cpuSlots())
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
func (k *compiler) placeGlobal(s *layout.MapSpec) {
	size := layout.AlignLine(s.ValueSize)
	n := len(k.values)
	if n == 0 || k.values[n-1].ValueSize+size > globalsMax {
		// Mapped, so that the runtime can clear one without touching the others.
		k.values = append(k.values, &layout.MapSpec{Name: fmt.Sprintf("%s%d", layout.MapValues, n), Type: ebpf.Array, KeySize: 4, MaxEntries: 1, Flags: flagMmapable})
		n++
	}
	in := k.values[n-1]
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

const swapPrealloc = 16 << 20

// In a map that is emptied again and again all keys come anew each time, on all CPUs at once: there the allocator's few elements in
// stock run out now and then, so that memory is taken beforehand up to swapPrealloc bytes.
func (k *compiler) allocFlags(s *layout.MapSpec) uint32 {
	if k.uses[s.Script.Name].swapped() && (s.KeySize+s.ValueSize*k.kernel.PossibleCPUs)*s.MaxEntries <= swapPrealloc {
		return 0
	}
	lru := s.Type == ebpf.LRUHash || s.Type == ebpf.LRUCPUHash // always preallocated
	if s.KeySize+s.ValueSize > preallocMax && k.kernel.AtLeast(6, 1) && !lru {
		return flagNoPrealloc
	}
	return 0
}

func (k *compiler) keyedMap(s *layout.MapSpec, m *lang.Map, room int, perCPU bool) {
	s.KeySize, s.ValueSize, s.MaxEntries = layout.KeySize(m.Key), room, m.MaxEntries
	s.Type = hashTypes[m.Kind]
	if m.Kind == "" {
		s.Type = ebpf.Hash
		if perCPU {
			s.Type = ebpf.PerCPUHash
		}
	}
	s.Flags = k.allocFlags(s)
	s.Layout.Storage = layout.StorageHash
	if s.Type == ebpf.PerCPUHash || s.Type == ebpf.LRUCPUHash {
		s.Layout.Storage = layout.StoragePerCPUHash
	}
}
