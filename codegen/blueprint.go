package codegen

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang"
)

// Blueprint is a compiled script: everything the runtime needs to load, attach and print, and nothing of the kernel in it.
// The same script, options and lang.Env give the same blueprint, byte for byte.
type Blueprint struct {
	Checked  *lang.Checked
	Maps     []*MapSpec // script maps first, in order of first appearance, then gotrace's own
	Programs []*Program
	Events   []*Event // by event id
	Sites    []*Site  // by failure counter index
	// Stoppable says that all programs but BEGIN and END look at GlobalExiting first: those of scripts with exit(), and of those that
	// are attached to so many places that detaching them takes long.
	Stoppable bool
}

// Names of gotrace's own maps. Script maps are named "@name".
const (
	MapValues   = "values"   // and a number: array of one value, in which script maps without keys have their places
	MapEvents   = "events"   // the ring buffer
	MapFailures = "failures" // array of one value: a u64 counter for each Site
	MapScratch  = "scratch_" // and the program's index: array of one value, large temporaries
	MapGlobals  = "globals"  // array of one value: see GlobalsLayout
	MapZeros    = "zeros"    // array of one value: zeros, read by programs when they insert large values; nobody writes it
)

// Byte offsets in the value of MapGlobals, which the runtime writes before the first probe runs. Two words for each map that is kept
// twice follow (see SwapOffset).
const (
	GlobalStartNS = 0 // u64: bpf_ktime_get_boot_ns at start, for elapsed
	// u64: set to GlobalExit by exit(): every program but BEGIN and END returns at once. GlobalStop, which the runtime sets while
	// it waits for a BEGIN or END that is to end, stops the loops of these, too.
	GlobalExiting = 8
	// i64: the argument of exit(). The record of exit() can be lost when the ring is full: GlobalExiting and this are not,
	// so that the runtime looks at them whenever it has emptied the ring.
	GlobalExitCode = 16
	GlobalTAI      = 24 // i64: CLOCK_TAI minus CLOCK_BOOTTIME in ns at start, for nsecs(sw_tai)
	GlobalZero     = 32 // u64: always 0, which the verifier can not know: see lowerer.blur
	GlobalSize     = 40
)

// Values of GlobalExiting.
const (
	GlobalExit = 1
	GlobalStop = 2
)

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

// Program is one eBPF program.
type Program struct {
	Name       string // at most 15 characters of [A-Za-z0-9_]
	Type       ebpf.ProgramType
	AttachType ebpf.AttachType
	AttachTo   string // BTF name for tracing programs
	Prog       *lang.Prog
	Insns      asm.Instructions
	Positions  []lang.Pos // place in the script of each instruction
	License    string
}

// Event is a record kind of the ring buffer. A record is: u32 event id, u32 0, then the fields, then nothing.
//
// Scalar fields take 8 bytes, extended as their type says, whatever its size (the low Size() bytes are the
// value, too). Strings take their Len, ended by a NUL unless they fill it; bytes after the NUL are undefined. Tuples,
// structs and arrays have the layout they have in a map value, strings in them as above. Every field begins at a multiple of 8.
type Event struct {
	ID     int
	Kind   EventKind
	Pos    lang.Pos
	Size   int         // bytes of the whole record
	Format string      // printf, time: format text
	Fields []lang.Type // types of the arguments; an aggregation that is read as a number has an Int type
	Offs   []int       // byte offset of each field in the record, -1 for one that does not travel
	Map    *lang.Map   // print, clear, zero, print of an element
	Top    int64       // print(@map, top, div): -1 if not given
	Div    int64
}

// EventKind is what user space does on an event.
type EventKind uint8

// The event kinds.
const (
	EventPrintf   EventKind = iota + 1
	EventPrint              // print(value): Fields[0]
	EventPrintMap           // print(@map[, top[, div]])
	// EventPrintElem prints an element of a map whose value the program can not read: Fields[0] is the key, with the bytes
	// of a map key (MapSpec.KeySize of them), and Fields[1], which does not travel, the Agg. Elements that
	// can be read are sent as EventPrint.
	EventPrintElem
	EventClear
	EventZero
	EventExit // Fields[0]: exit code
	EventTime // time(fmt): Format
	EventLost // reserved
)

// Site is a place in the script where something can fail in the kernel; its counter is in MapFailures.
type Site struct {
	Pos  lang.Pos
	Kind SiteKind
	Map  *lang.Map // SiteMapFull
	What string    // for the message: the function or expression
	// Limit is the number of iterations that all loops of a run may do together (SiteLoop).
	Limit int
}

// SiteKind is what can fail.
type SiteKind uint8

// The failures that are counted.
const (
	SiteMapFull SiteKind = iota + 1 // update of a full map
	SiteRead                        // read of bad memory
	SiteTrunc                       // string longer than its buffer
	SiteLost                        // no room in the ring buffer
	SiteScratch                     // no scratch memory free
	SiteLoop                        // a loop was stopped: the run's budget of iterations was spent
	SiteDivide                      // division by zero
	SiteIndex                       // index outside of an array or a string
	SiteInternal
)
