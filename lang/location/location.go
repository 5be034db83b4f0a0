// Package location says where values lie when a probe fires: in the program's context, in registers, in memory that these lead to, or
// in several pieces. Package probes makes locations of what it reads (records, calling conventions, and whatever else describes
// arguments), and codegen makes code of them, each without knowing the other.
//
// It imports nothing of gotrace.
package location

import (
	"fmt"
	"reflect"
	"strings"
)

// Location is where a value lies. It is one of the types of this package.
type Location interface {
	// Bytes is the size of what lies there.
	Bytes() int
	// IsSigned says whether a number there is extended by its sign.
	IsSigned() bool
	String() string
}

type (
	// Const is a value that lies nowhere: it is known.
	Const struct{ Value int64 }
	// Context is bytes of the program's context. Signed is for numbers of up to 8 bytes.
	Context struct {
		Offset, Size int
		Signed       bool
	}
	// Traced is a value of the function that a program of the tracing type is on, by a helper (bpf_get_func_arg, bpf_get_func_ret): the
	// argument in word Word of the context or, if Result is set, what the function returns. The verifier lets no program load
	// some of these from its context, or gives them a type that hinders.
	Traced struct {
		Word   int
		Result bool
		Size   int
		Signed bool
	}
	// Register is bytes of a register of the traced code, by the register's name in the Convention. From is the first of
	// them: 1 for ah of x86, whose register is ax.
	Register struct {
		Name       string
		From, Size int
		Signed     bool
	}
	// Address is a number that is computed: Base + Index*Scale + Offset. Base and Index may be nil, which count as 0.
	Address struct {
		Base, Index   Location
		Scale, Offset int64
	}
	// Memory is bytes at an address, of the process if User is set, else of the kernel. A chain of pointers is memory at an
	// address whose base is memory. A value of more than 8 bytes is an object, which is read where it is used.
	Memory struct {
		At     Address
		Size   int
		Signed bool
		User   bool
	}
	// Pieces are the parts of one value, that of the lowest address (of a number, the lowest bytes) first.
	Pieces struct {
		Parts  []Location
		Signed bool
	}
)

// WordSize is the size of addresses, and the largest of numbers.
const WordSize = 8

// Bytes of a constant are those of the largest number.
func (Const) Bytes() int      { return WordSize }
func (c Context) Bytes() int  { return c.Size }
func (t Traced) Bytes() int   { return t.Size }
func (r Register) Bytes() int { return r.Size }

// Bytes of an address are those of a pointer.
func (Address) Bytes() int  { return WordSize }
func (m Memory) Bytes() int { return m.Size }

// Bytes of pieces are those of all.
func (p Pieces) Bytes() int {
	n := 0
	for _, part := range p.Parts {
		n += part.Bytes()
	}
	return n
}

// IsSigned of a constant makes no difference: it has all of its bits.
func (Const) IsSigned() bool      { return true }
func (c Context) IsSigned() bool  { return c.Signed }
func (t Traced) IsSigned() bool   { return t.Signed }
func (r Register) IsSigned() bool { return r.Signed }

// IsSigned of an address is false: it has all of its bits.
func (Address) IsSigned() bool  { return false }
func (m Memory) IsSigned() bool { return m.Signed }
func (p Pieces) IsSigned() bool { return p.Signed }

// The text of a location is for tests and messages: "s4 user[u8 sp+u4 cx*4-16]" is four signed bytes of the process's memory whose address
// is computed of the register sp and the low half of cx.

func (c Const) String() string { return fmt.Sprintf("$%d", c.Value) }

func (c Context) String() string { return fmt.Sprintf("%s ctx+%d", width(c.Size, c.Signed), c.Offset) }

func (t Traced) String() string {
	if t.Result {
		return width(t.Size, t.Signed) + " ret"
	}
	return fmt.Sprintf("%s arg%d", width(t.Size, t.Signed), t.Word)
}

func (r Register) String() string {
	from := ""
	if r.From > 0 {
		from = fmt.Sprintf(".%d", r.From)
	}
	return width(r.Size, r.Signed) + " " + r.Name + from
}

func (a Address) String() string {
	var s strings.Builder
	if a.Base != nil {
		s.WriteString(a.Base.String())
	}
	if a.Index != nil {
		fmt.Fprintf(&s, "+%s*%d", a.Index, a.Scale)
	}
	if a.Offset != 0 || s.Len() == 0 {
		fmt.Fprintf(&s, "%+d", a.Offset)
	}
	return s.String()
}

func (m Memory) String() string {
	space := "kernel"
	if m.User {
		space = "user"
	}
	return fmt.Sprintf("%s %s[%s]", width(m.Size, m.Signed), space, m.At)
}

func (p Pieces) String() string {
	parts := make([]string, len(p.Parts))
	for i, part := range p.Parts {
		parts[i] = part.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func width(size int, signed bool) string {
	if signed {
		return fmt.Sprintf("s%d", size)
	}
	return fmt.Sprintf("u%d", size)
}

// Sized is the lowest bytes of a register: a function sets no more of it than its result has.
func Sized(l Location, size int, signed bool) Location {
	if r, ok := l.(Register); ok && size > 0 && size < r.Size {
		return Register{Name: r.Name, From: r.From, Size: size, Signed: signed}
	}
	return l
}

// Same says whether two locations, which may be nil, are the same: a program that reads one reads the other.
func Same(a, b Location) bool { return reflect.DeepEqual(a, b) }

// Check says what is wrong with a location: nothing of these would be noticed before the kernel refuses the program.
func Check(l Location, c *Convention) error {
	switch l := l.(type) {
	case Const:
		return nil
	case Context:
		if l.Offset < 0 || l.Size < 1 {
			return fmt.Errorf("no such bytes of the context: %s", l)
		}
	case Traced:
		if l.Word < 0 || l.Size < 1 || l.Size > WordSize {
			return fmt.Errorf("no such value of a function: %s", l)
		}
	case Register:
		switch _, ok := c.Register(l.Name); {
		case !ok:
			return fmt.Errorf("there is no register %s", l.Name)
		case l.From < 0 || l.Size < 1 || l.From+l.Size > WordSize:
			return fmt.Errorf("no such bytes of a register: %s", l)
		}
	case Address:
		return checkAddress(l, c)
	case Memory:
		if l.Size < 1 {
			return fmt.Errorf("memory of no size: %s", l)
		}
		return checkAddress(l.At, c)
	case Pieces:
		if len(l.Parts) == 0 {
			return fmt.Errorf("a value without pieces")
		}
		for _, part := range l.Parts {
			if err := Check(part, c); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("no location (%T)", l)
	}
	return nil
}

func checkAddress(a Address, c *Convention) error {
	for _, part := range []Location{a.Base, a.Index} {
		switch {
		case part == nil:
		case part.Bytes() > WordSize:
			return fmt.Errorf("%s is no number to compute an address with", part)
		default:
			if err := Check(part, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// InMemory says whether a location is memory, the context included.
func InMemory(loc Location) bool {
	switch loc.(type) {
	case Context, Memory:
		return true
	}
	return false
}
