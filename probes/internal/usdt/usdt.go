// Package usdt reads the arguments of static probes (USDT), which the notes of an ELF file have as the assembler wrote them. It imports
// lang/location, in which it says where arguments lie.
package usdt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/location"
)

// Arg is an argument of a static probe.
type Arg struct {
	Loc    location.Location // nil if it cannot be read
	Signed bool
	Text   string // as the note has it: "-4@%edi"
	Why    string // it cannot be read
}

// Code is what arguments can refer to.
type Code struct {
	Arch    string // GOARCH
	Address uint64 // of the probe, as in the ELF file
	// Symbol finds the address of a variable.
	Symbol func(name string) (addr uint64, ok bool)
}

// maxArgs is how many arguments a probe has at most: sys/sdt.h of systemtap has macros for 12, others go a little further.
const maxArgs = 64

// Args reads the arguments of a note.
func (c *Code) Args(text string) []Arg {
	var out []Arg
	for _, word := range split(text) {
		if len(out) == maxArgs {
			break
		}
		a := Arg{Text: word, Signed: word[0] == '-' && strings.Contains(word, "@")}
		var err error
		if a.Loc, err = c.argument(word); err != nil {
			a.Loc, a.Why = nil, err.Error()
		}
		out = append(out, a)
	}
	return out
}

// split takes the text of all arguments apart, at blanks outside of brackets.
func split(text string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ' ', '\t', '\n':
			if depth > 0 {
				continue
			}
			if i > start {
				out = append(out, text[start:i])
			}
			start = i + 1
		}
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// argument is "SIZE@OPERAND" or "OPERAND"; a size that is negative is that of a signed number, one with an f of a floating-point
// number, of which programs see the bits.
func (c *Code) argument(text string) (location.Location, error) {
	size, signed, operand := location.WordSize, false, text
	if before, after, ok := strings.Cut(text, "@"); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(before, "f"))
		if err != nil {
			return nil, fmt.Errorf("it has no size that is a number")
		}
		operand, signed = after, n < 0
		if size = max(n, -n); size < 1 || size > location.WordSize {
			return nil, fmt.Errorf("it has %d bytes, more than a number", size)
		}
	}
	if c.Arch == "arm64" {
		return arm64Operand(operand, size, signed)
	}
	return c.x86Operand(operand, size, signed)
}

// constant is a number as its type has it: 4 bytes of -16 are 4294967280 if they are unsigned.
func constant(text string, size int, signed bool) (location.Location, error) {
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		u, uErr := strconv.ParseUint(text, 0, 64)
		if uErr != nil {
			return nil, fmt.Errorf("%.40q is no number", text)
		}
		n = int64(u)
	}
	bits := 64 - 8*size
	if signed {
		return location.Const{Value: n << bits >> bits}, nil
	}
	return location.Const{Value: int64(uint64(n) << bits >> bits)}, nil
}

// sized is a register with as many bytes as the argument has: the operand may be a wider one.
func sized(r location.Register, size int, signed bool) (location.Location, error) {
	r.Size, r.Signed = min(size, location.WordSize-r.From), signed
	return r, nil
}
