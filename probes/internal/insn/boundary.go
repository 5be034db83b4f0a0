// Package insn finds where instructions begin. It imports nothing of gotrace.
package insn

import "errors"

// arm64Size is the length of every arm64 instruction.
const arm64Size = 4

// MaxDecoded is how many bytes of a function are decoded at most.
const MaxDecoded = 16 << 20

// Longest is the length of the longest instruction, in bytes.
const Longest = x86Longest

// ErrMiddle says that it is sure that no instruction begins at a place.
var ErrMiddle = errors.New("in the middle of an instruction")

// NeedsCode says whether the code must be looked at to know where the instructions of an architecture (GOARCH) begin.
func NeedsCode(arch string) bool { return arch != "arm64" }

// Boundary returns ErrMiddle if no instruction of an architecture begins offset bytes into code, where one does. Past an instruction
// that is not known nothing is sure.
func Boundary(arch string, code []byte, offset uint64) error {
	if !NeedsCode(arch) {
		return middle(offset%arm64Size != 0)
	}
	pos := uint64(0)
	for pos < offset && pos < uint64(len(code)) {
		n := x86Len(code[pos:])
		if n == 0 {
			return nil
		}
		pos += uint64(n)
	}
	return middle(pos != offset)
}

func middle(is bool) error {
	if is {
		return ErrMiddle
	}
	return nil
}
