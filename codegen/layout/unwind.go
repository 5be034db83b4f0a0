package layout

// Tables for unwinding stacks by .eh_frame, which user space fills while programs run.
//
// MapUnwindRanges says where a process has its code: the key is the process and a number, the value UnwindRanges ranges by address, the first
// of which begins at 0, and those left over at UnwindNowhere. A range ends where the next one begins. Processes with more have ranges
// of ranges under the number 0, each of which leads to another number.
//
// MapUnwindRows has the rules of files (ehframe.Row): the value is UnwindRows of them by address, the first of which begins at 0, and those
// left over at 2^32-1. A range of code leads to a value of MapUnwindRows in the place of whose rules are numbers of other values, in which
// the rules are.
const (
	MapUnwindRanges = "unwind_ranges" // hash
	MapUnwindRows   = "unwind_rows"   // hash
	MapUnwindAsked  = "unwind_asked"  // array of one value: UnwindAsked process ids that programs have asked user space for
)

// What a range is: u64 address, u32 bias, which taken from an address gives that of a row, u32 node.
const (
	UnwindRanges    = 64
	UnwindRangeBias = 8
	UnwindRangeNode = 12
	UnwindRangeSize = 16
	UnwindNowhere   = 1 << 62
)

// Nodes of ranges. From UnwindFirst on they are keys of MapUnwindRows; with UnwindPart the other bits are the number of a value of
// MapUnwindRanges.
const (
	UnwindNothing = 0 // nothing is mapped
	UnwindFrames  = 1 // code without a table, which has frame pointers if it can be unwound
	UnwindReturn  = 2 // to which functions return whose returns are probed
	UnwindFirst   = 3
	UnwindPart    = 1 << 31
)

// The rows.
const (
	UnwindRows      = 256
	UnwindRowRule   = 4 // or the number of a value
	UnwindRowSize   = 8
	UnwindAsked     = 1024
	UnwindAskedSize = 4
)

// How many values there can be: 32 MB of rows, some 4 million, and 16 MB of ranges, at 1 KB a process.
const (
	UnwindMaxRows   = 16 << 10
	UnwindMaxRanges = 16 << 10
)

// Why a stack ends before its outermost function.
const (
	UnwindStopUnknown = iota + 1 // an address in no code
	UnwindStopRule               // a rule that the tables cannot hold
	UnwindStopRead               // the stack cannot be read there, or does not go on
	UnwindStopReturn             // a function whose return is probed
	UnwindStops                  // one more than the last
)
