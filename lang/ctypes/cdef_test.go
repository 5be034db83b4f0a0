package ctypes

import (
	"fmt"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/types"
)

// readC reads C definitions of a script on a machine without types.
func readC(text string) (*Types, error) {
	c := New(func(string, string) (types.Type, bool) { return nil, false }, testKernel(), nil)
	c.System = NewCSystem(c)
	var first error
	c.Fail = func(err error) {
		if first == nil {
			first = err
		}
	}
	c.Script(&ast.CDef{Text: text})
	for _, open := range c.Conds {
		c.Fail(CErrorf(open.At, "no #endif"))
	}
	return c, first
}

// testKernel has a version and a few settings.
func testKernel() *kernel.Kernel {
	settings := map[string]string{"HZ": "250", "EXT4_FS": "m", "BPF": "y"}
	return &kernel.Kernel{Arch: "amd64", Version: 6<<16 | 12<<8, Config: func(name string) (string, bool) {
		v, ok := settings[name]
		return v, ok
	}}
}

// TestLayout compares layouts with those of gcc on amd64: size, and for each member offset and, for bitfields, :first bit+number of bits.
func TestLayout(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"struct s { char a; int b; };", "8 a@0 b@4"},
		{"struct s { char a; int b; } __attribute__((packed));", "5 a@0 b@1"},
		{"struct __attribute__((packed)) s { char a; long b; };", "9 a@0 b@1"},
		{"struct s { char a; } __attribute__((aligned(16)));", "16 a@0"},
		{"struct s { char a; short b __attribute__((aligned(8))); };", "16 a@0 b@8"},
		{"union s { char a; int b; short c[5]; };", "12 a@0 b@0 c@0"},
		{"struct s { int *a, b[3], **c; };", "32 a@0 b@8 c@24"},
		{"struct s { unsigned a:4, b:8, c:3, d:1, e:16; };", "4 a@:0+4 b@:4+8 c@:12+3 d@:15+1 e@:16+16"},
		{"struct s { short a:4, b:8, c:3, d:1; int e:9, f:15, g:1, h:2, i:5; };",
			"8 a@:0+4 b@:4+8 c@:12+3 d@:15+1 e@:16+9 f@:32+15 g@:47+1 h@:48+2 i@:50+5"},
		{"struct s { int a:4, :0, b:4; };", "8 a@:0+4 b@:32+4"},
		{"struct s { int a:4, :3, b:4; };", "4 a@:0+4 b@:7+4"},
		{"struct s { char a; int b:4; };", "4 a@0 b@:8+4"},
		{"struct s { int a; struct { char x; short y; }; union { char p; long q; } u; };", "16 a@0 @4 u@8"},
		{"struct s { int n; char data[]; };", "4 n@0 data@4"},
		{"struct s { unsigned long long int a; long unsigned b; signed char c; };", "24 a@0 b@8 c@16"},
		{"struct s { const char *a; volatile unsigned b; uint16_t c; bool d; };", "16 a@0 b@8 c@12 d@14"},
		{"struct s { enum { A, B = 5, C } e; int x[C]; };", "28 e@0 x@4"},
		{"struct s { char m[2][3]; };", "6 m@0"},
	} {
		c, err := readC(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		s := c.structs["struct s"]
		if s == nil {
			s = c.structs["union s"]
		}
		got := fmt.Sprint(s.Bytes)
		for _, f := range s.Fields() {
			if f.BitSize == 0 {
				got += fmt.Sprintf(" %s@%d", f.Name, f.Offset)
				continue
			}
			got += fmt.Sprintf(" %s@:%d+%d", f.Name, 8*f.Offset+f.BitOffset, f.BitSize)
			if f.Offset+f.Type.Size() > s.Bytes {
				t.Errorf("%s: %s is loaded from behind the end", test.text, f.Name)
			}
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.text, got, test.want)
		}
	}
}

// TestDefine has constants of #define.
func TestDefine(t *testing.T) {
	for _, test := range []struct{ lines, want string }{
		{"#define X 5", "5"},
		{"#define X (1 << 4) | 2", "18"},
		{"#define A 2\n#define X A * A + -A", "2"},
		{"#define X 7 / 2 % 2 == 1 && !0", "1"},
		{"#define X 10 - 3 - 2", "5"},
		{"#define X X", "error"},
		{"#define X", "error"},
		{"#define X 1 / 0", "error"},
		{"#define X \"a\" \"b\"", `"ab"`},
		{"#define A 1\n#ifdef A\n#define X 1\n#else\n#define X 2\n#endif", "1"},
		{"#ifndef A\n#if 0\n#define X 0\n#else\n#define X 3\n#endif\n#else\n#define X 2\n#endif", "3"},
		{"#if defined(A) || B > 1\n#define X 1\n#else\n#define X 2\n#endif", "2"},
		{"#define X 1\n#undef X\n#define X 0x10UL", "16"},
		{"#define X(a) a", "error"},
	} {
		c, err := readC(test.lines)
		if err != nil {
			t.Errorf("%s: %v", test.lines, err)
		}
		k, ok, err := c.Defined("X")
		got := fmt.Sprint(int64(k.Int))
		switch {
		case !ok:
			got = "nothing"
		case err != nil:
			got = "error"
		case k.Str != nil:
			got = fmt.Sprintf("%q", *k.Str)
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.lines, got, test.want)
		}
	}
}
