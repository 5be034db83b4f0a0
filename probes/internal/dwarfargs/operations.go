package dwarfargs

import (
	"encoding/binary"
	"errors"

	"github.com/gotrace/gotrace/lang/location"
)

func (m *machine) register(n uint64) error {
	name, err := dwarfRegister(m.r.Arch, n)
	m.reg = name
	return err
}

func (m *machine) based(n uint64) error {
	off := m.sleb()
	name, err := dwarfRegister(m.r.Arch, n)
	m.push(location.Address{Base: location.Register{Name: name, Size: word}, Offset: off})
	return err
}

// address is an address of the file: where it is in memory is told by the instruction pointer.
func (m *machine) address() error {
	addr := m.fixed(8)
	m.push(location.Address{Base: location.Register{Name: m.r.conv.IP, Size: word}, Offset: int64(addr - m.f.pc)})
	return nil
}

func (m *machine) constant(op byte) error {
	var v int64
	switch op - opConst1u {
	case 0:
		v = int64(m.fixed(1))
	case 1:
		v = int64(int8(m.fixed(1)))
	case 2:
		v = int64(m.fixed(2))
	case 3:
		v = int64(int16(m.fixed(2)))
	case 4:
		v = int64(m.fixed(4))
	case 5:
		v = int64(int32(m.fixed(4)))
	case 6, 7:
		v = int64(m.fixed(8))
	case 8:
		v = int64(m.uleb())
	case 9:
		v = m.sleb()
	}
	m.push(location.Address{Offset: v})
	return nil
}

// frameBase is DW_OP_fbreg: an offset from what the function's frame base says.
func (m *machine) frameBase() error {
	off := m.sleb()
	if m.f.base == nil || m.depth >= maxNest {
		return errExpr
	}
	inner := &machine{r: m.r, f: m.f, b: m.f.base, size: word, depth: m.depth + 1}
	base, err := inner.run()
	if err != nil {
		return err
	}
	// A frame base that is a register is what that holds; one that is an address, that address.
	if mem, ok := base.(location.Memory); ok {
		m.push(mem.At)
	} else {
		m.pushLocation(base)
	}
	return m.add(location.Address{Offset: off})
}

func (m *machine) add(b location.Address) error {
	a, err := m.pop()
	if err != nil {
		return err
	}
	sum := a.Offset + b.Offset
	a.Offset, b.Offset = 0, 0
	switch {
	case b.Base == nil && b.Index == nil:
	case a.Base == nil && a.Index == nil:
		a = b
	case a.Index == nil && b.Index == nil:
		a.Index, a.Scale = b.Base, 1
	case a.Index == nil && b.Base == nil:
		a.Index, a.Scale = b.Index, b.Scale
	case a.Base == nil && b.Index == nil:
		a.Base = b.Base
	default:
		a = location.Address{Base: a, Index: b, Scale: 1}
	}
	a.Offset = sum
	m.push(a)
	return nil
}

// arithmetic are operations of which one operand is a constant, and sums.
func (m *machine) arithmetic(op byte) error {
	b, err := m.pop()
	if err != nil {
		return err
	}
	if op == opPlus {
		return m.add(b)
	}
	a, err := m.pop()
	switch constant := b.Base == nil && b.Index == nil; {
	case err != nil:
		return err
	case !constant:
		return errOperation
	case op == opMinus:
		a.Offset -= b.Offset
		m.push(a)
		return nil
	case op == opShl && (b.Offset < 0 || b.Offset > 63):
		return errOperation
	}
	factor := b.Offset
	if op == opShl {
		factor = 1 << b.Offset
	}
	switch {
	case a.Base == nil && a.Index == nil:
		m.push(location.Address{Offset: a.Offset * factor})
	case a.Index == nil:
		m.push(location.Address{Index: a.Base, Scale: factor, Offset: a.Offset * factor})
	default:
		return errOperation
	}
	return nil
}

func (m *machine) deref(size int) error {
	a, err := m.pop()
	if err != nil || size < 1 || size > word {
		return errExpr
	}
	m.push(location.Address{Base: location.Memory{At: a, Size: size, User: true}})
	return nil
}

func (m *machine) piece(size int) error {
	p, err := m.part(size)
	if err != nil {
		return err
	}
	if p.Bytes() != size {
		return errOperation
	}
	m.pieces = append(m.pieces, p)
	return nil
}

// implicit is a value of n bytes that the expression holds.
func (m *machine) implicit(n uint64) error {
	if n > uint64(len(m.b)) {
		return errExpr
	}
	data := m.b[:n]
	m.b = m.b[n:]
	if n > word {
		return errOperation
	}
	var text [word]byte
	copy(text[:], data)
	m.value = location.Const{Value: int64(binary.LittleEndian.Uint64(text[:]))}
	return nil
}

// entryValue is what an expression gave when the function was entered, which is known there alone.
func (m *machine) entryValue(n uint64) error {
	if n > uint64(len(m.b)) || m.depth >= maxNest {
		return errExpr
	}
	inner := &machine{r: m.r, f: m.f, b: m.b[:n], size: word, depth: m.depth + 1}
	m.b = m.b[n:]
	if !m.f.entry {
		return errors.New("its place is known only at the function's entry")
	}
	l, err := inner.run()
	if err != nil {
		return err
	}
	m.pushLocation(l)
	return nil
}
