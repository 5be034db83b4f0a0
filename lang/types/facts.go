package types

// Kind is the kind of a type: what tables with a row a type are indexed by.
type Kind uint8

// The kinds of types. A new one needs its row in facts here, its codec in the runtime and its lowering.
const (
	KindNone Kind = iota
	KindVoid
	KindBool
	KindInt
	KindPointer
	KindString
	KindArray
	KindStruct
	KindTuple
	KindAgg
	KindTimestamp
	KindSymbol
	KindMAC
	KindBuffer
	KindInet
	KindUser
	KindCgroupPath
	KindUserSymbol
	KindStack
	KindFrames
	kinds
)

// Kinds are all kinds, in order.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for k := range all {
		all[k] = Kind(k)
	}
	return all
}

func (k Kind) String() string { return facts[k].Name }

// Show is a set of printf's conversions.
type Show uint8

// What conversions show.
const (
	ShowText   Show = 1 << iota // %s: as print() shows it
	ShowNumber                  // %d, %x, %c, …
	ShowFlags                   // %gr: names of allocation flags
	ShowBytes                   // %r: bytes
)

// Facts is what the language has to know of a kind of type. Sizes, alignments and names, which depend on more than the kind, are
// methods of the types.
type Facts struct {
	Name string // in one or two words
	// Memory says that values lie in memory; others fill a register.
	Memory bool
	// Object says that an expression names the place where a value lies, rather than a copy of it: & gives its address.
	Object bool
	// Integer says that operators compute with it, Numeric that it is true or false, in order, and can be cast to integers.
	Integer, Numeric bool
	// Counted says that ++ and -- apply to it.
	Counted bool
	// Key says that it can be a map's key, or part of one; Stored, that a map can hold it.
	Key, Stored bool
	// Show are the conversions of printf that show it. Nothing shows a value of which they are empty.
	Show Show

	// widen is Widen for an a of this kind and a b that is not the same; nil: it holds nothing else.
	widen func(a, b Type) (Type, bool)
	// same is SameType for two of this kind; nil: if they are equal in Go.
	same func(a, b Type) bool
}

// facts has a row for each kind.
var facts [kinds]Facts

// The rows refer to functions that look into them: Go wants that cycle broken here.
func init() {
	facts = [kinds]Facts{
		KindNone:       {Name: "no value", Stored: true}, // the checker refuses it before it asks where it can be stored
		KindVoid:       {Name: "void"},
		KindBool:       {Name: "truth value", Integer: true, Numeric: true, Key: true, Stored: true, Show: ShowText | ShowNumber, widen: widenBool},
		KindInt:        {Name: "integer", Integer: true, Numeric: true, Counted: true, Key: true, Stored: true, Show: ShowText | ShowNumber | ShowFlags, widen: widenInt, same: sameInt},
		KindPointer:    {Name: "pointer", Numeric: true, Counted: true, Key: true, Stored: true, Show: ShowText | ShowNumber, widen: widenPointer, same: samePointer},
		KindString:     {Name: "string", Memory: true, Object: true, Key: true, Stored: true, Show: ShowText | ShowBytes, widen: widenString},
		KindArray:      {Name: "array", Memory: true, Object: true, Key: true, Stored: true, Show: ShowText | ShowBytes, same: sameArray},
		KindStruct:     {Name: "struct or union", Memory: true, Object: true, Key: true, Stored: true, Show: ShowText, same: sameRecord},
		KindTuple:      {Name: "tuple", Memory: true, Key: true, Stored: true, Show: ShowText, widen: widenTuple, same: sameTuple},
		KindAgg:        {Name: "aggregation", Integer: true, Numeric: true, Stored: true, Show: ShowText | ShowNumber, widen: widenAgg},
		KindTimestamp:  {Name: "time", Integer: true, Numeric: true, Key: true, Stored: true, Show: ShowText | ShowNumber},
		KindSymbol:     {Name: "symbol", Integer: true, Numeric: true, Key: true, Stored: true, Show: ShowText | ShowNumber},
		KindMAC:        {Name: "hardware address", Key: true, Stored: true, Show: ShowText},
		KindBuffer:     {Name: "buffer", Memory: true, Key: true, Stored: true, Show: ShowText | ShowBytes, widen: widenBuffer},
		KindInet:       {Name: "internet address", Memory: true, Key: true, Stored: true, Show: ShowText},
		KindCgroupPath: {Name: "path of a cgroup", Key: true, Stored: true, Show: ShowText},
		KindUser:       {Name: "user", Integer: true, Numeric: true, Key: true, Stored: true, Show: ShowText | ShowNumber},

		KindUserSymbol: {Name: "user symbol", Memory: true, Key: true, Stored: true, Show: ShowText},
		KindStack:      {Name: "stack", Key: true, Stored: true, Show: ShowText, widen: widenStack},
		KindFrames:     {Name: "stack in a record", Memory: true, Show: ShowText}, // no expression is of this type
	}
}

func (None) kind() Kind       { return KindNone }
func (Void) kind() Kind       { return KindVoid }
func (Bool) kind() Kind       { return KindBool }
func (Int) kind() Kind        { return KindInt }
func (Pointer) kind() Kind    { return KindPointer }
func (String) kind() Kind     { return KindString }
func (Array) kind() Kind      { return KindArray }
func (*Struct) kind() Kind    { return KindStruct }
func (Tuple) kind() Kind      { return KindTuple }
func (Agg) kind() Kind        { return KindAgg }
func (Timestamp) kind() Kind  { return KindTimestamp }
func (Symbol) kind() Kind     { return KindSymbol }
func (MAC) kind() Kind        { return KindMAC }
func (Buffer) kind() Kind     { return KindBuffer }
func (Inet) kind() Kind       { return KindInet }
func (CgroupPath) kind() Kind { return KindCgroupPath }
func (User) kind() Kind       { return KindUser }

func (UserSymbol) kind() Kind { return KindUserSymbol }
func (Stack) kind() Kind      { return KindStack }
func (Frames) kind() Kind     { return KindFrames }

// Of has the facts of a type. Of nil, a type that is not known, nothing is true.
func Of(t Type) *Facts {
	if t == nil {
		return &Facts{}
	}
	return &facts[t.kind()]
}

// KindOf is the kind of a type, KindNone of nil.
func KindOf(t Type) Kind {
	if t == nil {
		return KindNone
	}
	return t.kind()
}

// Is says whether a type, which may be nil, is of a kind.
func Is(t Type, k Kind) bool { return t != nil && t.kind() == k }

// InMemory says whether values of a type lie in memory rather than in a register.
func InMemory(t Type) bool { return Of(t).Memory }

// IsKey says whether values of a type can be the key of a map.
func IsKey(t Type) bool {
	if tuple, ok := t.(Tuple); ok {
		for _, e := range tuple.Elems {
			if !IsKey(e) {
				return false
			}
		}
	}
	return Of(t).Key
}

// Shows says whether conversions of printf show values of a type. Bytes are shown of arrays whose elements are bytes.
func Shows(t Type, s Show) bool {
	if a, ok := t.(Array); ok && s == ShowBytes && a.Elem.Size() != 1 {
		return false
	}
	return Of(t).Show&s != 0
}

// Value is the type of what a script reads of a value: an aggregation is a number there.
func Value(t Type) Type {
	if a, ok := t.(Agg); ok {
		return Int{Bits: 64, Signed: a.Signed}
	}
	return t
}

// OneNumber says whether an aggregation has one number for its result.
func (t Agg) OneNumber() bool {
	switch t.Kind {
	case AggStats, AggHist, AggLHist, AggTSeries, AggQuantiles:
		return false
	}
	return true
}

// Lines says whether an aggregation is shown in lines of its own, and not at all where nothing was added to it.
func (t Agg) Lines() bool { return t.Kind == AggHist || t.Kind == AggLHist || t.Kind == AggTSeries }

// SizeOf is what sizeof tells of a type. Programs lay tuples out by words, so that they copy and compare them fast; what a script is told
// is the size that C would give a struct of the same elements, as in bpftrace.
func SizeOf(t Type) int {
	tuple, ok := t.(Tuple)
	if !ok {
		return t.Size()
	}
	n := 0
	for _, e := range tuple.Elems {
		n = AlignUp(n, alignOf(e)) + SizeOf(e)
	}
	return AlignUp(n, alignOf(t))
}

// alignOf is the alignment that a type has in C.
func alignOf(t Type) int {
	a := 1
	switch t := t.(type) {
	case String:
	case Array:
		a = alignOf(t.Elem)
	case Tuple:
		for _, e := range t.Elems {
			a = max(a, alignOf(e))
		}
	case *Struct:
		for _, f := range t.Fields() {
			for n := alignOf(f.Type); n > a; n /= 2 {
				if f.Offset%n == 0 && t.Bytes%n == 0 { // not in a packed struct
					a = n
				}
			}
		}
	default:
		a = t.Align()
	}
	return a
}
