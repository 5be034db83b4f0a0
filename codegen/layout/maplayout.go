package layout

import (
	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/lang"
)

// Shared says that all CPUs use the same value.
func (v ValueLayout) Shared() bool {
	return v.Storage == StorageHash || v.Storage == StorageGlobal
}

// MapSpec is a map to create.
//
// Keys of script maps, the first KeySize bytes (Key.Size() rounded up to 8, every byte defined):
//   - scalars (Int, Bool, Pointer, Symbol, …): 8 bytes, little-endian, extended as the type says; the low Size() bytes
//     are the value;
//   - String: its characters, then zeros to the end;
//   - Tuple: each element at Tuple.Offset(i) in its own Size(), gaps and the ends of strings zero;
//   - Struct, Array: the bytes as they are, then zeros to the end.
//
// Maps without a key are places in a kernel map that they share (In), which is an array of one element.
type MapSpec struct {
	Name       string // as programs refer to it: asm reference
	Type       ebpf.MapType
	KeySize    int
	ValueSize  int
	MaxEntries int
	Flags      uint32
	// Init is what a map of one value has at first, nil for zeros.
	Init []byte
	// Script is the map of the script this one holds, nil for gotrace's own.
	Script *lang.Map
	// Layout says how Script's values lie in memory.
	Layout ValueLayout
	// In, if set, is the name of the kernel map in which this one lies, from Offset on; it is then no map of its own and has no Type.
	In     string
	Offset int
	// Short, if set, is a second map of the same Script and Layout (IsShort is set there). It has the elements whose keys are
	// zero from its own, smaller KeySize on, cut to that size; this map has all others.
	Short   *MapSpec
	IsShort bool
	// Swap, if not 0, says that this map of the script is kept twice: which instance programs use is in MapGlobals at SwapOffset(Swap).
	// Without a key both lie in one value, of Half bytes each. With keys the second is a map of its own (IsSecond is set there).
	Swap     int
	Half     int
	Second   *MapSpec
	IsSecond bool
	// Refused, if not 0, is one more than where MapRefused has the keys that found this map full.
	Refused int
}

// Storage is where a script map's values are kept.
type Storage uint8

// The storages.
const (
	StorageHash         Storage = iota // one kernel map element a key
	StoragePerCPUHash                  // the same, a value a CPU; the user sees them merged
	StorageGlobal                      // no key: the value lies at the beginning of the map's place
	StoragePerCPUGlobal                // no key: value of CPU n lies n*Stride behind the beginning of the map's place
)

// ValueLayout says how a map's value is stored.
//
// Plain values lie as keys do (see MapSpec): scalars take 8 bytes of which the low Size() are the value, strings are
// padded with zeros, tuples have Tuple's layout. Aggregations are words of 8 bytes:
//
//	count:        n
//	sum:          sum, set (not 0 once updated)
//	avg, stats:   sum, n
//	min, max:     code, set: code XOR ExtremeCode is the value; of the codes of
//	              several CPUs the greatest unsigned one is the result; 0 where set is 0
//	hist:         bucket counts, HistBuckets(Bits) of them, in the order of HistIndex
//	lhist:        bucket counts, LHistBuckets of them, in the order of LHistIndex
//	quantiles:    as hist
//	tseries:      SeriesWords words for each interval that is kept (see SeriesEpoch)
//
// Values of several CPUs are merged by adding the words, but for the first word of min and max. A
// StoragePerCPUGlobal value was never set, or cleared, if all words of all CPUs are 0.
type ValueLayout struct {
	Storage Storage
	Stride  int // StoragePerCPUGlobal: bytes from one CPU's value to the next, a multiple of 64
	Size    int // bytes of one value, a multiple of 8; what a map has room for beyond it is always 0
	// Present is the offset of a u64 that is not 0 once a StorageGlobal value was set (so that an untouched map prints
	// nothing) and 0 again after delete(); -1 for the other storages.
	Present int
}

// cacheLine is what a CPU's value is aligned to, so that no other CPU writes to its cache line.
const cacheLine = 64

// PerCPU is the layout of values without a key, one for each CPU, that take so many bytes each.
func PerCPU(size, room int) ValueLayout {
	return ValueLayout{Storage: StoragePerCPUGlobal, Size: size, Stride: AlignLine(max(size, room)), Present: -1}
}

// Global is the layout of a value without a key that all CPUs share, and bytes is what it takes with the word that says that it was set.
func Global(size int) (v ValueLayout, bytes int) {
	return ValueLayout{Storage: StorageGlobal, Size: size, Present: size}, size + 8
}

// AlignLine is n rounded up to a multiple of a cache line.
func AlignLine(n int) int { return (n + cacheLine - 1) &^ (cacheLine - 1) }

// CPU is where the value of a CPU is in the place of a map.
func (v ValueLayout) CPU(cpu int) int { return cpu * v.Stride }

// CPUs is for how many CPUs the place of a map without a key, or of one instance of it, has values.
func (s *MapSpec) CPUs() int {
	size := s.ValueSize
	if s.Half > 0 {
		size = s.Half
	}
	return size / s.Layout.Stride
}

// WasSet says whether the value of a StorageGlobal map, which lies at the start of mem, was ever set.
func (v ValueLayout) WasSet(mem []byte) bool { return v.Present < 0 || mem[v.Present] != 0 }

// Set makes the value of a StorageGlobal map one that was set.
func (v ValueLayout) Set(mem []byte) {
	if v.Present >= 0 {
		mem[v.Present] = 1
	}
}
