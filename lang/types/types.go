package types

import (
	"slices"
	"sync"

	"github.com/gotrace/gotrace/lang/location"
)

// Type is the type of an expression, a variable, a map key or a map value.
// Sizes are in bytes, as the value lies in BPF memory.
type Type interface {
	Size() int
	Align() int
	String() string
	kind() Kind
}

// AddrSpace says which address space a pointer points into.
type AddrSpace uint8

// The address spaces. SpaceNone is "not known": it is told by the address when it is followed.
const (
	SpaceNone AddrSpace = iota
	SpaceKernel
	SpaceUser
	SpaceBPF // BPF stack, map values and ring buffer memory: read directly
	SpaceCtx // the program's context
)

type (
	// None is the type of a call without a value, such as printf.
	None struct{}
	// Int is an integer of 8, 16, 32 or 64 bits. Enum is set for values of an enum type, Range for numbers that are
	// made of literals, Number for signed types of 8 bits whose name says that they are numbers, such as int8_t: arrays of
	// them are not strings.
	Int struct {
		Bits   int
		Signed bool
		Number bool
		Enum   *Enum
		Range  Range
	}
	// Bool is true or false; one byte in memory.
	Bool struct{}
	// String is a NUL-terminated string in a field of Len bytes, the NUL included.
	String struct{ Len int }
	// Pointer points to Elem. A Void Elem is `void *`.
	Pointer struct {
		Elem  Type
		Space AddrSpace
	}
	// Void is what `void *` points to.
	Void struct{}
	// Array is a C array; Len 0 is a flexible one. Float marks a floating-point number, which programs only hold and copy, as bytes.
	Array struct {
		Elem  Type
		Len   int
		Float bool
	}
	// Tuple is a tuple; elements lie one after the other at their natural alignment. A record is a tuple whose elements have
	// Names; in what order they are written does not matter to who uses it.
	Tuple struct {
		Elems []Type
		Names []string // nil for a tuple
	}
	// Agg is the type of a map value that count(), sum() and the like update.
	Agg struct {
		Kind   AggKind
		Signed bool // of the summed values
		Bits   int  // hist, quantiles: sub-buckets as a power of two, 0 to 6
		Min    int64
		Max    int64
		Step   int64 // lhist
		// tseries: nanoseconds of an interval, how many intervals are kept, and what is kept of one: AggSum, AggAvg, AggMin, AggMax, or 0 for
		// the last value.
		Every int64
		Count int
		Of    AggKind
	}
	// Timestamp is the value of strftime(): nanoseconds that user space formats. Mode is the clock.
	Timestamp struct {
		Format string
		Mode   string // "", "boot" or "tai", "monotonic", "sw_tai"
	}
	// Symbol is an address of the kernel that user space prints by name (ksym, func).
	Symbol struct{}
	// UserSymbol is an address of a process that user space prints by name (usym, func of uprobes): the address and, behind it, the
	// process id, eight bytes each.
	UserSymbol struct{}
	// Stack is a stack trace: its number in MapStacks, where its addresses are. Two stacks with the same addresses have the same
	// number, user stacks if they are of the same process. Limit is how many frames it has at most.
	Stack struct {
		User  bool
		Mode  string // how it is shown: one of StackModes
		Limit int
	}
	// Frames is a stack trace that lies in a record with all its addresses, because nothing but the reader looks at it.
	Frames struct{ Stack }
	// MAC is a hardware address: its six bytes, the first one lowest, in a word whose other bytes are 0.
	MAC struct{}
	// Buffer is up to Len bytes that were read: their number in 32 bits, then the bytes, then zeros.
	Buffer struct{ Len int }
	// Inet is an internet address: its family in 64 bits, then the four or sixteen bytes of the address, then zeros.
	Inet struct{}
	// CgroupPath is the id of a cgroup, which user space prints as its path in the hierarchies whose names match Filter.
	CgroupPath struct{ Filter string }
	// User is the id of a user, which user space prints by name (username).
	User struct{}
)

// BufferStart is where the bytes of a Buffer begin, InetStart where the address of an Inet does.
const (
	BufferStart = 4
	InetStart   = 8
)

// AggKind is the kind of an aggregation.
type AggKind uint8

// The aggregations.
const (
	AggCount AggKind = iota + 1
	AggSum
	AggAvg
	AggMin
	AggMax
	AggStats
	AggHist
	AggLHist
	AggTSeries
	AggQuantiles
)

var aggNames = map[AggKind]string{
	AggCount: "count", AggSum: "sum", AggAvg: "avg", AggMin: "min", AggMax: "max",
	AggStats: "stats", AggHist: "hist", AggLHist: "lhist", AggTSeries: "tseries", AggQuantiles: "quantiles",
}

func (k AggKind) String() string { return aggNames[k] }

// Enum is a C enum: constants by value. Values of it print by name under %s.
type Enum struct {
	Name   string
	Values map[int64]string
}

// Struct is a struct or union, of the kernel (BTF), of a traced binary (DWARF), of a tracepoint's record, or of the script.
// Fields are found on first use, because kernel types refer to each other without end.
type Struct struct {
	Name    string // "task_struct"; "" for an anonymous one
	Union   bool
	Bytes   int
	Text    bool // a string of Go: the address of its bytes, and their number; or an interface of Go, which is shown as text
	Go      *GoInterface
	BTFID   uint32 // type id in vmlinux BTF, 0 if it has none; typed direct loads need it
	Resolve func() []Field
	once    sync.Once
	fields  []Field
}

// GoInterface says how the text of an interface value of Go is found: a struct of two words, the second of which leads to the value.
type GoInterface struct {
	Methods bool     // the first word leads to a table whose second word leads to the type, else to the type itself
	Types   uint64   // where the program's types begin, from which their names are so many bytes away
	Texts   []uint64 // pointers to structs that begin with their text: *errors.errorString
}

// NewStruct returns a struct whose fields resolve gives when they are first asked for.
func NewStruct(name string, union bool, size int, btfID uint32, resolve func() []Field) *Struct {
	return &Struct{Name: name, Union: union, Bytes: size, BTFID: btfID, Resolve: resolve}
}

// Field is a member of a Struct.
type Field struct {
	Name   string // "" for an anonymous struct or union
	Type   Type
	Offset int // bytes from the start of the struct
	// Bitfields: BitSize is not 0, and the value is BitSize bits from bit BitOffset
	// (counted from the least significant) of the Type.Size() bytes at Offset.
	BitOffset int
	BitSize   int
	// DataLoc marks a tracepoint's __data_loc field: four bytes at Offset hold
	// length<<16 | offset of the data within the record.
	DataLoc bool
	// RelLoc marks a __rel_loc field: as DataLoc, but the offset is from the end of the four bytes.
	RelLoc bool
	// Loc is where an argument of a probe lies when the probe fires; nil for all other fields.
	Loc location.Location
	// Why says why an argument of a probe cannot be read; "" if it can.
	Why string
	// MayBeNull says that the verifier lets nothing be loaded through this pointer of the kernel without a check, though it trusts what it is in.
	MayBeNull bool
}

// NewArgs returns the struct of a probe's arguments. Those whose location is not given lie in the context, at their offset.
func NewArgs(name string, size int, args []Field) *Struct {
	for i := range args {
		if a := &args[i]; a.Loc == nil && a.Why == "" {
			a.Loc = location.Context{Offset: a.Offset, Size: a.bytes(), Signed: AsInt(a.Type).Signed}
		}
	}
	return NewStruct(name, false, size, 0, func() []Field { return args })
}

// bytes is what a field takes where it lies; at least one, also of an array whose length is not known.
func (f *Field) bytes() int {
	if f.DataLoc || f.RelLoc {
		return 4
	}
	return max(f.Type.Size(), 1)
}

// InContext says whether all arguments lie in the context at their offsets, so that they are one object there.
func (s *Struct) InContext() bool {
	for _, f := range s.Fields() {
		switch at := f.Loc.(type) {
		case location.Context:
			if at.Offset != f.Offset {
				return false
			}
		case location.Traced: // lies in the context, too, though no load may read it there
			if at.Result || at.Word*location.WordSize != f.Offset {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Fields returns the members in order.
func (s *Struct) Fields() []Field {
	s.once.Do(func() {
		if s.Resolve != nil {
			s.fields = s.Resolve()
		}
	})
	return s.fields
}

// Field finds a member by name, looking into anonymous members too; its offset is from the start of s.
func (s *Struct) Field(name string) (Field, bool) {
	for _, f := range s.Fields() {
		if f.Name == name && name != "" {
			return f, true
		}
		if inner, ok := f.Type.(*Struct); ok && f.Name == "" {
			if g, ok := inner.Field(name); ok {
				g.Offset += f.Offset
				return g, true
			}
		}
	}
	return Field{}, false
}

// Find is the place of the element of a name, -1 if there is none.
func (t Tuple) Find(name string) int { return slices.Index(t.Names, name) }

// In is the place in another tuple of what is element i here: the same, or that of the same name; -1 if there is none.
func (t Tuple) In(other Tuple, i int) int {
	switch {
	case t.Names != nil:
		return other.Find(t.Names[i])
	case other.Names != nil || i >= len(other.Elems):
		return -1
	}
	return i
}

// TupleBehind is the tuple or record that a type is or points to, nil for other types.
func TupleBehind(t Type) *Tuple {
	if p, ok := t.(Pointer); ok {
		t = p.Elem
	}
	if tuple, ok := t.(Tuple); ok {
		return &tuple
	}
	return nil
}

// AlignUp is the multiple of a at or above n.
func AlignUp(n, a int) int { return (n + a - 1) / a * a }

// PlaceBits makes a bitfield of the field: n bits from bit first on of a struct of so many bytes. It chooses the bytes to load: those
// of the field's type at their natural alignment; or, in packed structs, where the bits lie across two of them or at the end,
// other ones that hold them all.
func (f *Field) PlaceBits(first, n, bytes int) {
	t, ok := f.Type.(Int)
	if !ok {
		t = Int{Bits: max(8, f.Type.Size()*8)} // bool
	}
	start := -1
	for _, width := range []int{t.Bits, 8, 16, 32, 64} {
		at := first / width * width
		if start < 0 && first+n <= at+width && at+width <= bytes*8 {
			t.Bits, start = width, at
		}
	}
	for _, width := range []int{16, 32, 64} { // not aligned
		at := min(first/8*8, bytes*8-width)
		if start < 0 && at >= 0 && first+n <= at+width {
			t.Bits, start = width, at
		}
	}
	if start < 0 { // five to seven bytes at the end: the load goes past it
		t.Bits, start = 64, first/8*8
	}
	f.Type, f.Offset = t, start/8
	f.BitOffset, f.BitSize = first-start, n
}

// CharArray says whether a type is a C array of characters, and how many it has.
func CharArray(t Type) (n int, ok bool) {
	a, ok := t.(Array)
	if !ok || a.Len <= 0 {
		return 0, false
	}
	i, ok := a.Elem.(Int)
	return a.Len, ok && i.Bits == 8 && i.Signed && !i.Number && i.Enum == nil
}
