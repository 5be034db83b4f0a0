package layout

import (
	"bytes"
	"encoding/binary"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Event is a record kind of the ring buffer. A record is: u32 event id, u32 0, then the fields, then nothing.
//
// Scalar fields take 8 bytes, extended as their type says, whatever its size (the low Size() bytes are the
// value, too). Strings take their Len, ended by a NUL unless they fill it; bytes after the NUL are undefined. Tuples,
// structs and arrays have the layout they have in a map value, strings in them as above. Every field begins at a multiple of 8.
type Event struct {
	ID     int
	Kind   EventKind
	Pos    source.Pos
	Size   int          // bytes of the whole record
	Format string       // printf, time: format text
	Fields []types.Type // types of the arguments; an aggregation that is read as a number has an Int type
	Names  []string     // of the fields, for Go programs that read them
	Offs   []int        // byte offset of each field in the record, -1 for one that does not travel
	Map    *lang.Map    // print, clear, zero, print of an element
	Top    int64        // print(@map, top, div): -1 if not given
	Div    int64
	// Places of a message: of the call, and of the calls of macros that it comes from, the innermost first.
	Places []source.Span
	Once   bool // sent by BEGIN, END and the like, which run even when the session ends
	// AfterIter says that the exit() is an iterator's: the run ends when iterators have seen all objects.
	AfterIter bool
}

// What join() takes: so many strings, fewer on kernels without loops, and bytes (a power of two).
const (
	JoinStrings = 256
	JoinText    = 1 << 14
)

// RecordHeader is the size of what every record begins with.
const RecordHeader = 8

// Place lays out the fields of a record one after the other.
func (e *Event) Place(fields []types.Type) {
	e.Fields, e.Offs, e.Size = fields, make([]int, len(fields)), RecordHeader
	for i, t := range fields {
		e.Offs[i] = e.Size
		e.Size += FieldSize(t)
	}
}

// PlaceKey lays out a record that has a key of a map, and asks for the value there, an aggregation.
func (e *Event) PlaceKey(s *MapSpec, a types.Agg) {
	e.Fields, e.Offs = []types.Type{s.Script.Key, a}, []int{RecordHeader, -1}
	e.Size = RecordHeader + s.KeySize
}

// FieldSize is the room that a value has in a record, and in the value of a map.
func FieldSize(t types.Type) int {
	if types.InMemory(t) {
		return Align8(t.Size())
	}
	return 8
}

// RecordID is the id of the event that a record belongs to; ok is false if it is too short to be one.
func RecordID(rec []byte) (id uint32, ok bool) {
	if len(rec) < RecordHeader {
		return 0, false
	}
	return binary.NativeEndian.Uint32(rec), true
}

// Text is the text in a field for a string: its bytes up to the first NUL. Without one the string was cut when it was read: the
// program has put the character that comes next into the place of the NUL.
func Text(field []byte) (text []byte, cut bool) {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		return field[:i], false
	}
	return field, len(field) > 0
}

// EventKind is what user space does on an event.
type EventKind uint8

// The event kinds.
const (
	EventPrintf   EventKind = iota + 1
	EventPrint              // print(value): Fields[0]
	EventPrintMap           // print(@map[, top[, div]])
	// EventPrintElem prints an element of a map whose value the program cannot read: Fields[0] is the key, with the bytes
	// of a map key (MapSpec.KeySize of them), and Fields[1], which does not travel, the Agg. Elements that
	// can be read are sent as EventPrint.
	EventPrintElem
	EventClear
	EventZero
	EventExit   // Fields[0]: exit code
	EventTime   // time(fmt): Format
	EventErrorf // errorf(fmt, …): as printf, with Places
	EventWarnf
	EventSystem  // system(fmt, …): as printf, the command
	EventCat     // cat(fmt, …): as printf, the path of the file
	EventJoin    // join(strings): the record is as long as the text that follows the header
	EventUnwatch // unwatch(address): Fields[0]
	// EventStack tells of a user stack that is new: Fields[0] is its number, Fields[1] its process.
	EventStack
	// EventProcess asks for the unwinding tables of a process: Fields[0] is its id.
	EventProcess

	EventKinds // one more than the last kind
)

// Capture is a call of skboutput(): the packet goes to a file, but its first Offset bytes.
type Capture struct {
	Pos    source.Pos
	Path   string
	Offset int
}

// What a program sends before the bytes of a packet: the number of the Capture, the time (CLOCK_BOOTTIME), and how many bytes the script asks for.
// There may be fewer: a record of the kernel has less than 64 KB.
const (
	CaptureID     = 0
	CaptureTime   = 8
	CaptureLength = 16
	CaptureHeader = 24
	CaptureMost   = 65000
)

// Site is a place in the script where something can fail in the kernel; its counters are in MapFailures.
type Site struct {
	Pos  source.Pos
	Kind SiteKind
	At   int       // where the value of MapFailures has its counters (see Counters)
	Map  *lang.Map // SiteMapUpdate
	What string    // for the message: the function or expression
	// Helper is the kernel's helper that fails (uapi/linux/bpf.h, without bpf_), "" where none does.
	Helper string
	// Limit is the number of iterations that all loops of a run may do together (SiteLoop), or that of stacks (SiteStackFull).
	Limit int
	Why   int // SiteUnwindStop: UnwindStop…
}

// SiteKind is what can fail.
type SiteKind uint8

// The failures that are counted.
const (
	SiteMapUpdate  SiteKind = iota + 1 // update of a map: a counter for each error
	SiteRead                           // read of bad memory
	SiteTrunc                          // string longer than its buffer
	SiteLost                           // no room in the ring buffer
	SiteScratch                        // no scratch memory free
	SiteLoop                           // a loop was stopped: the run's budget of iterations was spent
	SiteDivide                         // division by zero
	SiteIndex                          // index outside of an array or a string
	SiteStackAdd                       // a new stack has no place in the store (Limit: how many there is room for): a counter for each error
	SiteStackHash                      // a stack whose number another one has
	SiteUnwindNew                      // a stack of a process whose tables are not there yet
	SiteUnwindStop                     // a stack that ends before its outermost function
	SiteCall                           // a call of the kernel for its effect
	SiteSignal                         // a number that is no signal
	SiteMissing                        // an element that is not there was to be read, or taken away: Helper tells
	SiteInternal
)

// Updates of maps fail for reasons that ask for different things to be done. Their sites have a counter for each error of the helper: that
// of the result r is counter r >> 2 & 7, which programs compute without a branch and which tells the errors apart that hash maps
// give (kernel/bpf/hashtab.c).
const (
	errorCounters = 8
	ErrorShift    = 1                       // result << ErrorShift & ErrorMask is the offset of its counter
	ErrorMask     = 8 * (errorCounters - 1) // the bits that a counter's offset has
)

// ErrorCounter is which counter of a site stands for an error, by its positive number.
func ErrorCounter(errno int) int { return (-errno << ErrorShift & ErrorMask) / 8 }

// Counters is how many counters, u64 each, a site has.
func (s *Site) Counters() int {
	if s.Kind == SiteMapUpdate || s.Kind == SiteStackAdd {
		return errorCounters
	}
	return 1
}

// End is where the counters of a site end in the value of MapFailures.
func (s *Site) End() int { return s.At + 8*s.Counters() }
