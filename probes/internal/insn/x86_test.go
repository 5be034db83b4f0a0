package insn

import (
	"encoding/hex"
	"strings"
	"testing"
)

// Instructions as objdump prints them.
var x86Instructions = []struct{ bytes, text string }{
	{"90", "nop"},
	{"f3 0f 1e fa", "endbr64"},
	{"55", "push %rbp"},
	{"48 89 e5", "mov %rsp,%rbp"},
	{"41 54", "push %r12"},
	{"48 83 ec 18", "sub $0x18,%rsp"},
	{"48 81 ec 88 00 00 00", "sub $0x88,%rsp"},
	{"66 81 3b 23 01", "cmpw $0x123,(%rbx)"},
	{"64 48 8b 04 25 28 00 00 00", "mov %fs:0x28,%rax"},
	{"48 b8 01 02 03 04 05 06 07 08", "movabs $0x807060504030201,%rax"},
	{"66 b8 01 02", "mov $0x201,%ax"},
	{"b8 01 00 00 00", "mov $1,%eax"},
	{"a1 01 02 03 04 05 06 07 08", "movabs 0x807060504030201,%eax"},
	{"67 a1 01 02 03 04", "addr32 mov 0x4030201,%eax"},
	{"e8 00 00 00 00", "call"},
	{"66 e9 00 00 00 00", "data16 jmp"},
	{"0f 84 00 00 00 00", "je"},
	{"74 05", "je"},
	{"8b 05 00 00 00 00", "mov 0x0(%rip),%eax"},
	{"8b 04 25 00 00 00 00", "mov 0x0,%eax"},
	{"8b 44 24 08", "mov 0x8(%rsp),%eax"},
	{"8b 84 24 00 01 00 00", "mov 0x100(%rsp),%eax"},
	{"f6 05 00 00 00 00 01", "testb $1,0x0(%rip)"},
	{"f7 d8", "neg %eax"},
	{"f7 c7 00 00 01 00", "test $0x10000,%edi"},
	{"c8 10 00 00", "enter $0x10,$0"},
	{"c2 08 00", "ret $8"},
	{"69 c0 00 01 00 00", "imul $0x100,%eax,%eax"},
	{"f0 48 0f b1 0d 00 00 00 00", "lock cmpxchg %rcx,0x0(%rip)"},
	{"66 0f 3a 0f c1 08", "palignr $8,%xmm1,%xmm0"},
	{"66 0f 38 00 c1", "pshufb %xmm1,%xmm0"},
	{"66 0f 70 c0 00", "pshufd $0,%xmm0,%xmm0"},
	{"c5 f8 77", "vzeroupper"},
	{"c5 fd 6f 06", "vmovdqa (%rsi),%ymm0"},
	{"c4 e3 7d 39 c1 01", "vextracti128 $1,%ymm0,%xmm1"},
	{"c4 e2 7d 58 c0", "vpbroadcastd %xmm0,%ymm0"},
	{"62 e1 fe 28 6f 46 01", "vmovdqu64 0x20(%rsi),%ymm16"},
	{"62 f3 7d 20 3f c0 00", "vpcmpeqb $0,%ymm0,%ymm16,%k0"},
	{"0f 0b", "ud2"},
	{"0f 1f 84 00 00 00 00 00", "nopl 0x0(%rax,%rax,1)"},
}

func TestX86Len(t *testing.T) {
	for _, in := range x86Instructions {
		code, err := hex.DecodeString(strings.ReplaceAll(in.bytes, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := x86Len(append(code, make([]byte, 16)...)); got != len(code) {
			t.Errorf("%s (%s) has %d bytes, not %d", in.bytes, in.text, len(code), got)
		}
		for n := range code {
			if got := x86Len(code[:n]); got != 0 {
				t.Errorf("the first %d bytes of %s (%s) are no instruction of %d", n, in.bytes, in.text, got)
			}
		}
	}
	if got := x86Len([]byte{0x60}); got != 0 {
		t.Errorf("pusha, which 64-bit mode has not, has %d bytes", got)
	}
}

func TestX86Boundary(t *testing.T) {
	code := []byte{0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0x60, 0x90} // endbr64, push, mov, none, nop
	for offset, ok := range map[uint64]bool{0: true, 1: false, 3: false, 4: true, 5: true, 6: false, 8: true, 9: true} {
		if err := Boundary("amd64", code, offset); (err == nil) != ok {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

func TestArm64Boundary(t *testing.T) {
	for offset, ok := range map[uint64]bool{0: true, 4: true, 400: true, 1: false, 6: false} {
		if err := Boundary("arm64", nil, offset); (err == nil) != ok {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}

func FuzzBoundary(f *testing.F) {
	f.Add([]byte{0xf3, 0x0f, 0x1e, 0xfa, 0x55}, uint64(3))
	f.Fuzz(func(t *testing.T, code []byte, offset uint64) {
		if n := x86Len(code); n < 0 || n > len(code) || n > Longest {
			t.Errorf("an instruction of %d bytes in %d", n, len(code))
		}
		_ = Boundary("amd64", code, offset)
	})
}
