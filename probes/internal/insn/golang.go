package insn

import "encoding/binary"

// Returns are the return instructions of a function's code.
type Returns struct {
	Offsets []uint64
	// Leaves says that the function also ends by a jump to another one, which returns in its place.
	Leaves bool
	// Whole says that all instructions are known. Without it a return may be missing.
	Whole bool
}

// arm64Return is RET with a register, of which the bits of the register are 0; arm64Branch is B with an offset of 26 bits.
const (
	arm64Return     = 0xd65f0000
	arm64ReturnMask = 0xfffffc1f
	arm64Branch     = 0x14000000
	arm64BranchMask = 0xfc000000
)

// FindReturns finds the return instructions in the code of a whole function.
func FindReturns(arch string, code []byte) Returns {
	if arch == "arm64" {
		return arm64Returns(code)
	}
	out := Returns{Whole: true}
	for pos := 0; pos < len(code); {
		n := x86Len(code[pos:])
		if n == 0 {
			out.Whole = false
			return out
		}
		switch at, op := x86Opcode(code[pos : pos+n]); op {
		case 0xc3, 0xc2: // ret, ret n
			out.Offsets = append(out.Offsets, uint64(pos))
		case 0xe9, 0xeb: // jmp: to where is seen from the next instruction
			to := int64(pos+n) + x86Displacement(code[pos+at+1:pos+n])
			out.Leaves = out.Leaves || to < 0 || to >= int64(len(code))
		}
		pos += n
	}
	return out
}

// x86Opcode is the first byte of an instruction's opcode, and where that is.
func x86Opcode(in []byte) (at int, op byte) {
	for at = 0; at < len(in)-1 && isX86Prefix(in[at]); at++ {
	}
	if at < len(in)-1 && in[at]&0xf0 == 0x40 { // REX
		at++
	}
	return at, in[at]
}

func x86Displacement(b []byte) int64 {
	switch len(b) {
	case 1:
		return int64(int8(b[0]))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return 0
}

func arm64Returns(code []byte) Returns {
	out := Returns{Whole: len(code)%arm64Size == 0}
	for pos := 0; pos+arm64Size <= len(code); pos += arm64Size {
		word := binary.LittleEndian.Uint32(code[pos:])
		switch {
		case word&arm64ReturnMask == arm64Return:
			out.Offsets = append(out.Offsets, uint64(pos))
		case word&arm64BranchMask == arm64Branch:
			to := int64(pos) + int64(int32(word<<6))>>4
			out.Leaves = out.Leaves || to < 0 || to >= int64(len(code))
		}
	}
	return out
}

// AfterStackCheck is where a Go function goes on when its stack has been found large enough: 0 if it does not look. One whose stack is too
// small gets another, and begins again at its first instruction, so that a probe there sees the call twice. Until the place that is
// found, registers with arguments and the stack pointer are as they were.
func AfterStackCheck(arch string, code []byte) uint64 {
	if arch == "arm64" {
		return arm64StackCheck(code)
	}
	// Instructions of the check (cmd/internal/obj/x86/obj6.go, stacksplit), in order: where the stack pointer will be, if the frame is not a small one; a
	// comparison with the limit in g, which r14 or, before Go 1.17, cx holds; a jump.
	pos := 0
	for range 8 {
		n := x86Len(code[pos:])
		if n == 0 {
			return 0
		}
		in := code[pos : pos+n]
		pos += n
		switch {
		case isLimitCompare(in):
			jump := x86Len(code[pos:])
			if jump == 0 || code[pos] != 0x76 && (code[pos] != 0x0f || code[pos+1] != 0x86) { // jbe
				return 0
			}
			if pos += jump; beginsFrame(code[pos:]) {
				return uint64(pos)
			}
			return 0
		case !isCheckPart(in):
			return 0
		}
	}
	return 0
}

// isLimitCompare is cmp with g's limit at 16 (or 24) of r14 or cx: 49 3b 66 10, 4d 3b 66 10, 48 3b 61 10.
func isLimitCompare(in []byte) bool {
	return len(in) == 4 && in[1] == 0x3b && (in[3] == 0x10 || in[3] == 0x18) &&
		(in[0] == 0x49 && in[2] == 0x66 || in[0] == 0x4d && in[2] == 0x66 || in[0] == 0x48 && in[2] == 0x61 || in[0] == 0x4c && in[2] == 0x61)
}

// isCheckPart says whether an instruction computes what is compared: lea -n(%rsp),%r12 or %rax; mov %rsp,%r12; sub $n,%r12; jb; mov %fs:-8,%rcx.
func isCheckPart(in []byte) bool {
	switch in[0] {
	case 0x4c, 0x48:
		return in[1] == 0x8d && len(in) >= 5 && in[3] == 0x24
	case 0x49:
		return in[1] == 0x89 || in[1] == 0x81 || in[1] == 0x83
	case 0x64:
		return true
	case 0x72:
		return true
	case 0x0f:
		return in[1] == 0x82
	}
	return false
}

// beginsFrame says whether code makes a frame: push %rbp, or sub from, or add to, %rsp.
func beginsFrame(code []byte) bool {
	if len(code) < 3 {
		return false
	}
	return code[0] == 0x55 || code[0] == 0x48 && (code[1] == 0x83 || code[1] == 0x81) && (code[2] == 0xec || code[2] == 0xc4)
}

// arm64StackCheck is ldr x16,[x28,#16]; cmp sp,x16 (or a register that was computed of sp); b.ls.
func arm64StackCheck(code []byte) uint64 {
	const load, loadMask, branchLS, branchMask, most = 0xf9400b90, 0xffffffff, 0x54000009, 0xff00001f, 8
	if len(code) < 2*arm64Size || binary.LittleEndian.Uint32(code)&loadMask != load {
		return 0
	}
	for pos := arm64Size; pos+arm64Size <= len(code) && pos < most*arm64Size; pos += arm64Size {
		if binary.LittleEndian.Uint32(code[pos:])&branchMask == branchLS {
			return uint64(pos + arm64Size)
		}
	}
	return 0
}
