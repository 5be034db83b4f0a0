package dwarfargs

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gotrace/gotrace/lang/location"
)

// Operations of location expressions (DW_OP_*, DWARF 5, section 7.7.1).
const (
	opAddr          = 0x03
	opDeref         = 0x06
	opConst1u       = 0x08
	opConsts        = 0x11
	opMinus         = 0x1c
	opMul           = 0x1e
	opPlus          = 0x22
	opPlusUconst    = 0x23
	opShl           = 0x24
	opLit0          = 0x30
	opReg0          = 0x50
	opBreg0         = 0x70
	opRegx          = 0x90
	opFbreg         = 0x91
	opBregx         = 0x92
	opPiece         = 0x93
	opDerefSize     = 0x94
	opNop           = 0x96
	opCallFrameCFA  = 0x9c
	opImplicitValue = 0x9e
	opStackValue    = 0x9f
	opEntryValue    = 0xa3
	opRegvalType    = 0xa5
	opGNUEntryValue = 0xf3
	opGNURegval     = 0xf5
	opImplicitPtr   = 0xa0
	opGNUImplicit   = 0xf2
)

// frame is what an expression may count on where the program is.
type frame struct {
	pc uint64 // as in the ELF file
	// entry: it is at the first instruction of the function, where registers are as its caller left them.
	entry bool
	cfa   location.Location // the caller's stack pointer, nil if it is not known
	base  []byte            // the expression of the frame base
}

var (
	errOptimised = errors.New("the compiler keeps it nowhere at this place")
	errOperation = errors.New("where it lies is computed in a way that programs cannot follow")
	errExpr      = errors.New("the debugging information about it is broken")
)

// dwarfRegister is a register by DWARF's number.
func dwarfRegister(arch string, n uint64) (string, error) {
	amd64 := []string{"ax", "dx", "cx", "bx", "si", "di", "bp", "sp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ip"}
	switch {
	case arch == "amd64" && n < uint64(len(amd64)):
		return amd64[n], nil
	case arch == "arm64" && n < 31:
		return fmt.Sprintf("x%d", n), nil
	case arch == "arm64" && n == 31:
		return "sp", nil
	}
	return "", errors.New("it is in a register that programs cannot read")
}

// machine evaluates an expression to a location.
type machine struct {
	r     *Reader
	f     *frame
	b     []byte
	stack []location.Address
	size  int // of the value
	depth int

	reg    string            // the location is this register
	value  location.Location // the value is this, and lies nowhere
	pieces []location.Location
}

// evaluate gives the location that an expression describes, of a value of so many bytes.
func (r *Reader) evaluate(expr []byte, f *frame, size int) (location.Location, error) {
	m := &machine{r: r, f: f, b: expr, size: size}
	return m.run()
}

const (
	maxOps   = 1000
	maxStack = 64
	maxNest  = 4
)

func (m *machine) run() (location.Location, error) {
	for range maxOps {
		if len(m.b) == 0 {
			return m.result()
		}
		op := m.b[0]
		m.b = m.b[1:]
		if err := m.step(op); err != nil {
			return nil, err
		}
		if len(m.stack) > maxStack {
			return nil, errExpr
		}
	}
	return nil, errExpr
}

// result is the location at the end of an expression.
func (m *machine) result() (location.Location, error) {
	if m.pieces != nil {
		total := 0
		for _, p := range m.pieces {
			total += p.Bytes()
		}
		if total < m.size {
			return nil, errOptimised
		}
		return location.Pieces{Parts: m.pieces}, nil
	}
	return m.part(m.size)
}

// part is the location of so many bytes that the operations before describe.
func (m *machine) part(size int) (location.Location, error) {
	defer func() { m.reg, m.value, m.stack = "", nil, nil }()
	switch {
	case size <= 0:
		return nil, errExpr
	case m.value != nil:
		if c, ok := m.value.(location.Const); ok && size < word && m.pieces != nil {
			// Bytes of a constant as a part of something: a number of that many bytes has to be made of it.
			return nil, fmt.Errorf("a part of it is the constant %d, which the compiler put into the code", c.Value)
		}
		return m.value, nil
	case m.reg != "":
		if size > word {
			return nil, errExpr
		}
		return location.Register{Name: m.reg, Size: size}, nil
	case len(m.stack) == 0:
		return nil, errOptimised
	}
	return location.Memory{At: m.stack[len(m.stack)-1], Size: size, User: true}, nil
}

func (m *machine) push(a location.Address) { m.stack = append(m.stack, a) }

func (m *machine) pop() (location.Address, error) {
	if len(m.stack) == 0 {
		return location.Address{}, errExpr
	}
	a := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return a, nil
}

func (m *machine) step(op byte) error {
	switch {
	case op >= opLit0 && op < opReg0:
		m.push(location.Address{Offset: int64(op - opLit0)})
		return nil
	case op >= opReg0 && op < opBreg0:
		return m.register(uint64(op - opReg0))
	case op >= opBreg0 && op < opRegx:
		return m.based(uint64(op - opBreg0))
	case op >= opConst1u && op <= opConsts:
		return m.constant(op)
	}
	switch op {
	case opAddr:
		return m.address()
	case opRegx:
		return m.register(m.uleb())
	case opBregx:
		return m.based(m.uleb())
	case opRegvalType, opGNURegval:
		n := m.uleb()
		m.uleb() // the type
		name, err := dwarfRegister(m.r.Arch, n)
		m.push(location.Address{Base: location.Register{Name: name, Size: word}})
		return err
	case opFbreg:
		return m.frameBase()
	case opCallFrameCFA:
		if m.f.cfa == nil {
			return errors.New("it lies in the function's frame, whose place is not known at this instruction")
		}
		m.pushLocation(m.f.cfa)
	case opPlusUconst:
		return m.add(location.Address{Offset: int64(m.uleb())})
	case opPlus, opMinus, opMul, opShl:
		return m.arithmetic(op)
	case opDeref:
		return m.deref(word)
	case opDerefSize:
		return m.deref(int(m.fixed(1)))
	case opNop:
	case opPiece:
		return m.piece(int(min(m.uleb(), 1<<20)))
	case opImplicitValue:
		return m.implicit(m.uleb())
	case opStackValue:
		a, err := m.pop()
		m.value = simple(a)
		return err
	case opEntryValue, opGNUEntryValue:
		return m.entryValue(m.uleb())
	case opImplicitPtr, opGNUImplicit:
		return errors.New("what it points to was optimised out")
	default:
		return errOperation
	}
	return nil
}

// simple is an address that is a number as that number.
func simple(a location.Address) location.Location {
	switch {
	case a.Base == nil && a.Index == nil:
		return location.Const{Value: a.Offset}
	case a.Index == nil && a.Offset == 0:
		return a.Base
	}
	return a
}

func (m *machine) pushLocation(l location.Location) {
	if a, ok := l.(location.Address); ok {
		m.push(a)
		return
	}
	m.push(location.Address{Base: l})
}

func (m *machine) fixed(n int) uint64 {
	var text [8]byte
	copy(text[:], m.b[:min(n, len(m.b))])
	m.b = m.b[min(n, len(m.b)):]
	return binary.LittleEndian.Uint64(text[:])
}

func (m *machine) uleb() uint64 {
	var v uint64
	for i := 0; len(m.b) > 0; i++ {
		c := m.b[0]
		m.b = m.b[1:]
		if i < 10 {
			v |= uint64(c&0x7f) << (7 * i)
		}
		if c&0x80 == 0 {
			break
		}
	}
	return v
}

func (m *machine) sleb() int64 {
	var v int64
	for shift := 0; len(m.b) > 0; shift += 7 {
		c := m.b[0]
		m.b = m.b[1:]
		if shift < 64 {
			v |= int64(c&0x7f) << shift
		}
		if c&0x80 == 0 {
			if c&0x40 != 0 && shift+7 < 64 {
				v |= -1 << (shift + 7)
			}
			break
		}
	}
	return v
}
