package types

import "math/bits"

// How stacks are shown.
const (
	StackBpftrace = "bpftrace" // name+offset
	StackPerf     = "perf"     // address name+offset (file)
	StackRaw      = "raw"      // address
	StackBuildID  = "build_id" // build id of the file and the address's offset in it; of user stacks only
)

// StackModes are the ways to show a stack, the default first.
var StackModes = []string{StackBpftrace, StackPerf, StackRaw, StackBuildID}

// The number of frames of a stack: by default, which is that of kernel.perf_event_max_stack, too; and the most that a script can ask for.
const (
	DefaultFrames = 127
	MaxFrames     = 1024
)

// Words before the addresses of a stack, in MapStacks and in a record.
const (
	FramesCheck  = 0  // u64: a second hash of the addresses; 0 in a record
	FramesPID    = 8  // u32: the process of a user stack, 0 for kernel stacks
	FramesCount  = 12 // u32: how many addresses there are
	FramesTime   = 16 // u64: when the stack was first seen, in nanoseconds of CLOCK_MONOTONIC
	FramesHeader = 24
)

// FramesRoom is the room for addresses of a stack of at most so many frames: eight or a larger power of two, so that programs can look
// at eight of them at a time, and a mask limits an index.
func FramesRoom(limit int) int { return 1 << bits.Len(uint(max(limit, 8)-1)) }

// FramesSize is the size of a stack of at most so many frames with all its addresses.
func FramesSize(limit int) int { return FramesHeader + 8*FramesRoom(limit) }

// Size is that of the addresses and what is before them.
func (t Frames) Size() int { return FramesSize(t.Limit) }

// Numbers of stacks that are in no store.
const (
	StackEmpty = 0 // there were no frames
	StackLost  = 1 // there was no room for it
)

// widenStack gives stacks that are shown alike the larger limit.
func widenStack(a, b Type) (Type, bool) {
	x := a.(Stack)
	y, ok := b.(Stack)
	x.Limit = max(x.Limit, y.Limit)
	return x, ok && x.User == y.User && x.Mode == y.Mode
}

func (UserSymbol) Size() int  { return 16 }
func (UserSymbol) Align() int { return 8 }
func (Stack) Size() int       { return 8 }
func (Stack) Align() int      { return 8 }

func (UserSymbol) String() string { return "usym_t" }

// String is the name that bpftrace has, with the mode of a stack that is not shown by names: a variable has stacks of one mode.
func (t Stack) String() string {
	name := "kstack_t"
	if t.User {
		name = "ustack_t"
	}
	if t.Mode != "" && t.Mode != StackBpftrace {
		name += "(" + t.Mode + ")"
	}
	return name
}
