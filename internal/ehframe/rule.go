package ehframe

import "fmt"

// Row says how to unwind from an address on, up to that of the next row.
type Row struct {
	PC   uint32 // from the table's base
	Rule Rule
}

// Rule is how the registers of a caller are found. CFA is the address behind its return address on the stack, which is its stack pointer.
//
//	bits 0 to 3    the kind
//	bits 4 to 15   where its frame pointer was saved, in words from the CFA, signed; 0: it has not changed
//	bits 16 to 31  the offset of the CFA, in words, signed
//
// With Deref the caller's frame pointer is where the frame pointer points to.
type Rule uint32

// Kind is the kind of a Rule.
type Kind uint8

// The kinds of rules.
const (
	None        Kind = iota // nothing is known: code without a description
	StackBased              // CFA = stack pointer + offset
	FrameBased              // CFA = frame pointer + offset
	Deref                   // CFA = the word at frame pointer + offset: functions that align their stack
	PLT                     // CFA = stack pointer + 8, and 8 more from the n-th byte of each 16 on; n is where other rules have the frame pointer's place
	Signal                  // the registers are where the kernel saved them for a signal, from the stack pointer on
	End                     // the outermost function
	Unsupported             // something that rules have no room for
)

var kindNames = [...]string{"none", "rsp", "rbp", "deref", "plt", "signal", "end", "unsupported"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// wordSize is what offsets are counted in.
const wordSize = 8

// newRule makes a rule of offsets in bytes; one that has no room for them is Unsupported.
func newRule(k Kind, cfa, rbp int64) Rule {
	if cfa%wordSize != 0 || rbp%wordSize != 0 || cfa != int64(int16(cfa/wordSize))*wordSize || rbp < -2048*wordSize || rbp > 2047*wordSize {
		return Rule(Unsupported)
	}
	return Rule(uint32(int16(cfa/wordSize))<<16 | uint32(rbp/wordSize)&0xfff<<4 | uint32(k))
}

// Kind is the kind.
func (r Rule) Kind() Kind { return Kind(r & 15) }

// CFA is the offset of the CFA in bytes.
func (r Rule) CFA() int { return int(int32(r)>>16) * wordSize }

// FramePointer is where the frame pointer was saved, in bytes; 0 if it has not changed.
func (r Rule) FramePointer() int { return int(int16(r)>>4) * wordSize }

func (r Rule) String() string {
	switch k := r.Kind(); k {
	case StackBased, FrameBased, Deref:
		s := fmt.Sprintf("%v%+d", k, r.CFA())
		if r.FramePointer() != 0 {
			s += fmt.Sprintf(" rbp%+d", r.FramePointer())
		}
		return s
	default:
		return k.String()
	}
}
