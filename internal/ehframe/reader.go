package ehframe

import (
	"encoding/binary"
	"errors"
)

var errShort = errors.New("it ends too early")

// reader takes numbers from bytes. The first one that is not there sets err, and what is read behind it is 0.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) left() int { return len(r.data) - r.at }

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(r.left()) {
		r.err = errShort
		return nil
	}
	b := r.data[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// maxLEB is the most bytes that a number of variable length has.
const maxLEB = 10

func (r *reader) uleb() uint64 {
	n, _, _ := r.leb()
	return n
}

func (r *reader) sleb() int64 {
	n, shift, last := r.leb()
	if last&0x40 != 0 && shift < 64 {
		n |= ^uint64(0) << shift
	}
	return int64(n)
}

func (r *reader) leb() (n uint64, shift uint, last byte) {
	for range maxLEB {
		last = r.u8()
		n |= uint64(last&0x7f) << shift
		shift += 7
		if last&0x80 == 0 {
			return n, shift, last
		}
	}
	r.err = errShort
	return 0, 0, 0
}

// text is a string up to its NUL.
func (r *reader) text() string {
	for i := r.at; r.err == nil && i < len(r.data); i++ {
		if r.data[i] == 0 {
			s := string(r.data[r.at:i])
			r.at = i + 1
			return s
		}
	}
	r.err = errShort
	return ""
}

// Encodings of addresses, DW_EH_PE_*.
const (
	peAbs, peULEB, peU2, peU4, peU8 = 0, 1, 2, 3, 4
	peSLEB, peS2, peS4, peS8        = 9, 10, 11, 12
	pePCRel                         = 0x10
	peIndirect                      = 0x80
	peOmit                          = 0xff
)

// value reads a number in the form of an encoding, whatever it is relative to.
func (r *reader) value(enc uint8) uint64 {
	switch enc & 15 {
	case peAbs, peU8, peS8:
		return r.u64()
	case peULEB:
		return r.uleb()
	case peU2:
		return uint64(r.u16())
	case peU4:
		return uint64(r.u32())
	case peSLEB:
		return uint64(r.sleb())
	case peS2:
		return uint64(int64(int16(r.u16())))
	case peS4:
		return uint64(int64(int32(r.u32())))
	}
	r.err = errors.New("an address has an encoding that there is not")
	return 0
}

// address reads an address; the reader's bytes lie at an address themselves.
func (r *reader) address(enc uint8, section uint64) uint64 {
	at := section + uint64(r.at)
	n := r.value(enc)
	switch enc & 0x70 {
	case 0:
	case pePCRel:
		n += at
	default: // relative to the text, the data or the function: not on x86-64
		r.err = errors.New("an address is relative to what is not known")
	}
	if enc&peIndirect != 0 {
		r.err = errors.New("an address lies elsewhere")
	}
	return n
}
