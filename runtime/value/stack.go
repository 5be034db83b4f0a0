package value

import (
	"cmp"
	"encoding/binary"
	"strconv"

	"github.com/gotrace/gotrace/lang/types"
)

type (
	// Stack is a stack trace, the innermost frame first.
	Stack struct {
		User   bool
		PID    uint32 // of a user stack
		Frames []Frame
		// Lost says that there was no room for the stack: it has no frames.
		Lost bool
	}
	// Frame is a function of a stack. An address of a stack has several if functions were inlined there.
	Frame struct {
		Addr    uint64
		Name    string // "" if nothing is known of the address
		Offset  uint64 // of the address in the function
		Module  string // the file that the code is from, "" if it is the kernel's or not known
		File    string // of the source, "" if it is not known
		Line    int
		Inlined bool
	}
)

// Symbols names addresses and finds stacks.
type Symbols interface {
	// Stack is the stack that has a number.
	Stack(id uint64) (Trace, bool)
	// Kernel and User name what an address of the kernel or of a process stands for.
	Kernel(addr uint64) Frame
	User(pid uint32, addr uint64) Frame
	// Frames names the addresses of a stack.
	Frames(t *Trace) []Frame
	// BuildIDs adds, for each address of a user stack, the build id of its file and the offset in it, or the address.
	BuildIDs(dst []byte, t *Trace) []byte
}

// Namer is implemented by Symbols that name one address of a stack at a time.
type Namer interface {
	// At adds the frames of an address of a stack, the innermost first. With caller it is one that a call returns to, as all but the first
	// are that follow one for which called is true.
	At(dst []Frame, t *Trace, addr uint64, caller bool) (frames []Frame, called bool)
}

// Trace is a stack with nothing but its addresses. View is the symbolizer's: what the process was when the stack was taken.
type Trace struct {
	User  bool
	PID   uint32
	Time  uint64 // when it was taken, in nanoseconds of CLOCK_MONOTONIC, 0 if that is not known
	Addrs []uint64
	View  any
}

// ParseTrace reads a stack as it lies in a record and in the store of stacks.
func ParseTrace(user bool, b []byte) Trace {
	t := Trace{User: user}
	if len(b) < types.FramesHeader {
		return t
	}
	t.PID = binary.NativeEndian.Uint32(b[types.FramesPID:])
	t.Time = binary.NativeEndian.Uint64(b[types.FramesTime:])
	n := int(binary.NativeEndian.Uint32(b[types.FramesCount:]))
	b = b[types.FramesHeader:]
	n = min(n, len(b)/8)
	t.Addrs = make([]uint64, 0, n)
	for i := range n {
		t.Addrs = append(t.Addrs, binary.NativeEndian.Uint64(b[8*i:]))
	}
	return t
}

// stackCodec is for stacks, which are found by their number or lie in the record.
type stackCodec struct {
	env    *Env
	typ    types.Stack
	inline bool
}

// trace is the stack of a value; lost says that there was no room for it.
func (c stackCodec) trace(b []byte) (t Trace, lost bool) {
	if c.inline {
		return ParseTrace(c.typ.User, b), false
	}
	id := word(b)
	if id == types.StackEmpty {
		return Trace{User: c.typ.User}, false
	}
	if c.env.Symbols != nil && id != types.StackLost {
		if t, ok := c.env.Symbols.Stack(id); ok {
			t.User = c.typ.User
			t.Addrs = t.Addrs[:min(len(t.Addrs), c.typ.Limit)]
			return t, false
		}
	}
	return Trace{User: c.typ.User}, true
}

// lostStack stands for a stack for which there was no room.
const lostStack = "[no room for this stack]"

// indent is what the lines of a stack begin with.
const indent = "        "

func (c stackCodec) appendText(dst, b []byte) []byte {
	dst = append(dst, '\n')
	t, lost := c.trace(b)
	switch {
	case lost:
		return append(append(append(dst, indent...), lostStack...), '\n')
	case c.typ.Mode == types.StackRaw || c.env.Symbols == nil:
		for _, a := range t.Addrs {
			dst = append(strconv.AppendUint(dst, a, 16), '\n')
		}
		return dst
	case c.typ.Mode == types.StackBuildID:
		return c.env.Symbols.BuildIDs(dst, &t)
	}
	for _, f := range c.env.Symbols.Frames(&t) {
		if c.typ.Mode == types.StackPerf {
			dst = f.appendPerf(dst, t.User)
		} else {
			dst = f.appendText(append(dst, indent...))
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendText adds name+offset@file:line.
func (f *Frame) appendText(dst []byte) []byte {
	if f.Name == "" {
		return appendPointer(dst, f.Addr)
	}
	if f.Inlined {
		dst = append(append(dst, "[inlined] "...), f.Name...)
	} else {
		dst = strconv.AppendUint(append(append(dst, f.Name...), '+'), f.Offset, 10)
	}
	if f.File != "" {
		dst = strconv.AppendInt(append(append(append(dst, '@'), f.File...), ':'), int64(f.Line), 10)
	}
	return dst
}

// appendPerf adds the line of perf script: address name+offset (file).
func (f *Frame) appendPerf(dst []byte, user bool) []byte {
	dst = append(strconv.AppendUint(append(dst, '\t'), f.Addr, 16), ' ')
	switch {
	case f.Name == "":
		dst = appendPointer(dst, f.Addr)
		if user {
			dst = append(dst, " ([unknown])"...)
		}
		return dst
	case f.Inlined:
		return append(append(dst, f.Name...), " (inlined)"...)
	}
	dst = strconv.AppendUint(append(append(dst, f.Name...), '+'), f.Offset, 10)
	if user {
		dst = append(append(append(dst, " ("...), cmp.Or(f.Module, "[unknown]")...), ')')
	}
	return dst
}

func (c stackCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, c.appendText(nil, b))
}

func (c stackCodec) decode(b []byte) any {
	t, lost := c.trace(b)
	s := Stack{User: c.typ.User, PID: t.PID, Lost: lost}
	if c.env.Symbols != nil {
		s.Frames = c.env.Symbols.Frames(&t)
	}
	return s
}

// compare puts stacks in the order of their addresses, the outermost first, so that those that begin alike stand together.
func (c stackCodec) compare(a, b []byte) int {
	if !c.inline && (c.env.byNumber || word(a) == word(b)) {
		return compareWords(a, b)
	}
	x, _ := c.trace(a)
	y, _ := c.trace(b)
	n := cmp.Or(compareStacks(x.Addrs, y.Addrs), cmp.Compare(x.PID, y.PID))
	if n == 0 && !c.inline {
		n = compareWords(a, b)
	}
	return n
}

// Trace is the stack at the start of b by its addresses, with what names them; by is nil if nothing does one by one. lost says that there was no
// room for the stack.
func (c Codec) Trace(b []byte) (t Trace, lost bool, by Namer) {
	s, ok := c.impl.(stackCodec)
	if !ok {
		return t, false, nil
	}
	if by, ok = s.env.Symbols.(Namer); !ok {
		return t, false, nil
	}
	t, lost = s.trace(atLeast(b, c.size))
	return t, lost, by
}

// compareStacks compares addresses from the last one on. The stacks are those of all readers, and not changed.
func compareStacks(a, b []uint64) int {
	for i := 1; i <= len(a) && i <= len(b); i++ {
		if n := cmp.Compare(a[len(a)-i], b[len(b)-i]); n != 0 {
			return n
		}
	}
	return cmp.Compare(len(a), len(b))
}

// symbolCodec is for addresses that are shown by name.
type symbolCodec struct {
	env  *Env
	user bool
}

func (c symbolCodec) frame(b []byte) Frame {
	switch {
	case c.env.Symbols == nil:
		return Frame{Addr: word(b)}
	case c.user:
		return c.env.Symbols.User(uint32(word(b[8:])), word(b))
	}
	return c.env.Symbols.Kernel(word(b))
}

func (c symbolCodec) appendText(dst, b []byte) []byte {
	f := c.frame(b)
	if f.Name == "" {
		return appendPointer(dst, f.Addr)
	}
	return append(dst, f.Name...)
}

func (c symbolCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, c.appendText(nil, b))
}

func (c symbolCodec) decode(b []byte) any { return Symbol{word(b), c.frame(b).Name} }

func (c symbolCodec) compare(a, b []byte) int {
	n := compareWords(a, b)
	if n == 0 && c.user {
		n = compareWords(a[8:], b[8:])
	}
	return n
}
