package insn

// x86Len is the length of the x86-64 instruction that code begins with, 0 if it is none that is known. Only what
// bears on the length is looked at (Intel's manual, volume 2, appendix A).
func x86Len(code []byte) int {
	d := &x86Decoder{code: code}
	form := d.opcode()
	if form == x86None || d.short {
		return 0
	}
	d.operands(form)
	if d.short || d.pos > x86Longest {
		return 0
	}
	return d.pos
}

// x86Longest is the length of the longest instruction, in bytes.
const x86Longest = 15

// x86Form says what follows an opcode.
type x86Form uint8

const (
	x86Modrm  x86Form = 1 << iota // a ModRM byte and what that asks for
	x86Imm8                       // a byte
	x86Imm16                      // two bytes
	x86ImmZ                       // four bytes, two with an operand size prefix
	x86ImmV                       // as ImmZ, or eight bytes with REX.W
	x86Offset                     // an address: eight bytes, four with an address size prefix
	x86Test                       // ModRM, and an immediate only in its first two forms
	x86Plain                      // nothing

	x86None  x86Form = 0 // there is no such instruction
	x86Imm32         = x86ImmZ | x86Plain
)

type x86Decoder struct {
	code         []byte
	pos          int
	short        bool // code ended within the instruction
	size16, wide bool // operand size prefix, REX.W
	address32    bool
	op           byte
}

func (d *x86Decoder) next() byte {
	if d.pos >= len(d.code) {
		d.short = true
		return 0
	}
	d.pos++
	return d.code[d.pos-1]
}

// opcode reads prefixes and opcode.
func (d *x86Decoder) opcode() x86Form {
	b := d.next()
	for ; isX86Prefix(b) && !d.short; b = d.next() {
		d.size16 = d.size16 || b == 0x66
		d.address32 = d.address32 || b == 0x67
	}
	if b&0xf0 == 0x40 { // REX
		d.wide = b&8 != 0
		b = d.next()
	}
	switch b {
	case 0x0f:
		switch b = d.next(); b {
		case 0x38:
			d.op = d.next()
			return x86Modrm
		case 0x3a:
			d.op = d.next()
			return x86Modrm | x86Imm8
		}
		d.op = b
		return x86TwoByte(b)
	case 0xc5: // VEX
		d.next()
		return d.vector(1)
	case 0xc4:
		m := d.next() & 0x1f
		d.next()
		return d.vector(m)
	case 0x62: // EVEX
		m := d.next() & 7
		d.next()
		d.next()
		return d.vector(m)
	}
	d.op = b
	return x86OneByte(b)
}

func isX86Prefix(b byte) bool {
	switch b {
	case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3:
		return true
	}
	return false
}

// vector is the form of an instruction with a VEX or EVEX prefix, in one of the opcode maps.
func (d *x86Decoder) vector(table byte) x86Form {
	d.op = d.next()
	switch table {
	case 1:
		return x86TwoByte(d.op)
	case 2, 5, 6:
		return x86Modrm
	case 3:
		return x86Modrm | x86Imm8
	}
	return x86None
}

// operands skips what follows the opcode.
func (d *x86Decoder) operands(form x86Form) {
	if form&(x86Modrm|x86Test) != 0 {
		modrm := d.next()
		d.memory(modrm)
		if form&x86Test != 0 && modrm>>3&7 > 1 {
			return
		}
		if form&x86Test != 0 {
			form = x86ImmZ
			if d.op&1 == 0 {
				form = x86Imm8
			}
		}
	}
	if form&x86Imm8 != 0 {
		d.skip(1)
	}
	if form&x86Imm16 != 0 {
		d.skip(2)
	}
	switch {
	case form&x86Offset != 0 && d.address32:
		d.skip(4)
	case form&x86Offset != 0, form&x86ImmV != 0 && d.wide:
		d.skip(8)
	case form&(x86ImmZ|x86ImmV) != 0 && d.size16 && !d.wide && form != x86Imm32:
		d.skip(2)
	case form&(x86ImmZ|x86ImmV) != 0:
		d.skip(4)
	}
}

// memory skips the SIB byte and the displacement of a memory operand.
func (d *x86Decoder) memory(modrm byte) {
	mod, base := modrm>>6, modrm&7
	if mod == 3 {
		return
	}
	if base == 4 {
		base = d.next() & 7
	}
	switch {
	case mod == 1:
		d.skip(1)
	case mod == 2, base == 5:
		d.skip(4)
	}
}

func (d *x86Decoder) skip(n int) {
	for range n {
		d.next()
	}
}

// x86OneByte is the form of an opcode of one byte.
func x86OneByte(b byte) x86Form {
	switch {
	case b < 0x40:
		return [8]x86Form{x86Modrm, x86Modrm, x86Modrm, x86Modrm, x86Imm8, x86ImmZ, x86None, x86None}[b&7]
	case b >= 0x70 && b < 0x80, b >= 0xb0 && b < 0xb8, b >= 0xe0 && b < 0xe8:
		return x86Imm8
	case b >= 0xb8 && b < 0xc0:
		return x86ImmV
	case b >= 0xa0 && b < 0xa4:
		return x86Offset
	case b >= 0x84 && b < 0x90, b >= 0xd0 && b < 0xd4, b >= 0xd8 && b < 0xe0:
		return x86Modrm
	}
	switch b {
	case 0x63, 0xfe, 0xff:
		return x86Modrm
	case 0x68, 0xa9:
		return x86ImmZ
	case 0xe8, 0xe9: // the operand size does not matter to jumps
		return x86Imm32
	case 0x69, 0x81, 0xc7:
		return x86Modrm | x86ImmZ
	case 0x6a, 0xa8, 0xcd, 0xeb:
		return x86Imm8
	case 0x6b, 0x80, 0x83, 0xc0, 0xc1, 0xc6:
		return x86Modrm | x86Imm8
	case 0xc2, 0xca:
		return x86Imm16
	case 0xc8:
		return x86Imm16 | x86Imm8
	case 0xf6, 0xf7:
		return x86Test
	case 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea: // not in 64-bit mode
		return x86None
	}
	return x86Plain
}

// x86TwoByte is the form of an opcode after 0f, or of a vector instruction of that map.
func x86TwoByte(b byte) x86Form {
	switch {
	case b >= 0x80 && b < 0x90:
		return x86Imm32
	case b >= 0x30 && b < 0x38, b >= 0xc8 && b < 0xd0:
		return x86Plain
	case b >= 0x70 && b < 0x74:
		return x86Modrm | x86Imm8
	}
	switch b {
	case 0x05, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x0e, 0x77, 0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa:
		return x86Plain
	case 0x0f, 0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6:
		return x86Modrm | x86Imm8
	}
	return x86Modrm
}
