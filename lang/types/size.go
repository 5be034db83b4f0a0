package types

import (
	"fmt"
	"strings"
)

// This is what a value of each type takes in memory, and how each type is called.

func (None) Size() int       { return 0 }
func (t Int) Size() int      { return t.Bits / 8 }
func (Bool) Size() int       { return 1 }
func (t String) Size() int   { return t.Len }
func (Pointer) Size() int    { return 8 }
func (Void) Size() int       { return 1 }
func (t Array) Size() int    { return t.Len * t.Elem.Size() }
func (s *Struct) Size() int  { return s.Bytes }
func (Timestamp) Size() int  { return 8 }
func (Symbol) Size() int     { return 8 }
func (MAC) Size() int        { return 8 }
func (t Buffer) Size() int   { return AlignUp(BufferStart+t.Len, 8) }
func (Inet) Size() int       { return InetStart + 16 }
func (CgroupPath) Size() int { return 8 }
func (User) Size() int       { return 8 }

// Size of an aggregation is what the printer calls its scalar size; the
// memory it takes in a map is codegen's to lay out.
func (Agg) Size() int { return 8 }

// Size is that of all elements at their natural alignment, rounded up to the tuple's own.
func (t Tuple) Size() int {
	n := 0
	for _, e := range t.Elems {
		n = AlignUp(n, e.Align()) + e.Size()
	}
	return AlignUp(n, t.Align())
}

// Offset returns where element i begins.
func (t Tuple) Offset(i int) int {
	n := 0
	for j, e := range t.Elems {
		n = AlignUp(n, e.Align())
		if j == i {
			break
		}
		n += e.Size()
	}
	return n
}

func (None) Align() int       { return 1 }
func (t Int) Align() int      { return t.Bits / 8 }
func (Bool) Align() int       { return 1 }
func (String) Align() int     { return 8 } // so that programs copy and compare it by words
func (Pointer) Align() int    { return 8 }
func (Void) Align() int       { return 1 }
func (t Array) Align() int    { return t.Elem.Align() }
func (s *Struct) Align() int  { return 8 }
func (Timestamp) Align() int  { return 8 }
func (Symbol) Align() int     { return 8 }
func (MAC) Align() int        { return 8 }
func (Buffer) Align() int     { return 8 } // as a string
func (Inet) Align() int       { return 8 }
func (CgroupPath) Align() int { return 8 }
func (User) Align() int       { return 8 }
func (Agg) Align() int        { return 8 }

// Align is the largest alignment of the elements.
func (t Tuple) Align() int {
	a := 1
	for _, e := range t.Elems {
		a = max(a, e.Align())
	}
	return a
}

// floatNames are C's names of floating-point numbers by their size. long double has ten bytes on amd64, and room for six more.
var floatNames = map[int]string{2: "_Float16", 4: "float", 8: "double", 16: "long double"}

func (None) String() string { return "none" }
func (Bool) String() string { return "bool" }
func (Void) String() string { return "void" }
func (t Int) String() string {
	if t.Enum != nil {
		return "enum " + t.Enum.Name
	}
	if t.Signed {
		return fmt.Sprintf("int%d", t.Bits)
	}
	return fmt.Sprintf("uint%d", t.Bits)
}
func (t String) String() string  { return fmt.Sprintf("string[%d]", t.Len) }
func (t Pointer) String() string { return t.Elem.String() + " *" }
func (t Array) String() string {
	if t.Float {
		return floatNames[t.Len]
	}
	return fmt.Sprintf("%s[%d]", t.Elem, t.Len)
}
func (s *Struct) String() string {
	kw := "struct"
	if s.Union {
		kw = "union"
	}
	if s.Name == "" {
		return kw + " (anonymous)"
	}
	return kw + " " + s.Name
}
func (t Timestamp) String() string {
	text := "timestamp"
	if t.Format != "" {
		text += fmt.Sprintf(" %q", t.Format)
	}
	if t.Mode != "" {
		text += " of the clock " + t.Mode
	}
	return text
}
func (MAC) String() string        { return "mac_address" }
func (t Buffer) String() string   { return fmt.Sprintf("buffer[%d]", t.Len) }
func (Inet) String() string       { return "inet" }
func (CgroupPath) String() string { return "cgroup_path_t" }
func (User) String() string       { return "username_t" }
func (Symbol) String() string     { return "ksym_t" }
func (t Agg) String() string      { return t.Kind.String() + "_t" }
func (t Tuple) String() string {
	if t.Names != nil {
		return t.recordString()
	}
	parts := make([]string, len(t.Elems))
	for i, e := range t.Elems {
		parts[i] = e.String()
	}
	return "(" + strings.Join(parts, ",") + ")"
}

func (t Tuple) recordString() string {
	parts := make([]string, len(t.Elems))
	for i, e := range t.Elems {
		parts[i] = "." + t.Names[i] + " = " + e.String()
	}
	return "record { " + strings.Join(parts, ", ") + " }"
}
