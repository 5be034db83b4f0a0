package ctypes

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// TestPreprocessor has texts and the value that X has after them, or a part of the message.
func TestPreprocessor(t *testing.T) {
	deep := strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000)
	doubling := "#define A0 1 1\n"
	for i := range 40 {
		doubling += fmt.Sprintf("#define A%d A%d A%d\n", i+1, i, i)
	}
	for _, test := range []struct{ text, want string }{
		{"#if 0\n#define X 1\n#elif 1\n#define X 2\n#else\n#define X 3\n#endif", "2"},
		{"#if 1\n#define X 1\n#elif 1\n#define X 2\n#else\n#define X 3\n#endif", "1"},
		{"#if 0\n#elif 0\n#elif 0\n#else\n#define X 3\n#endif", "3"},
		{"#if 0\n#if 1\n#define X 1\n#elif 1\n#define X 2\n#else\n#define X 3\n#endif\n#elif 1\n#define X 4\n#endif", "4"},
		{"#if LINUX_VERSION_CODE >= KERNEL_VERSION(5,10,0)\n#define X 1\n#else\n#define X 2\n#endif", "1"},
		{"#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0) || LINUX_VERSION_CODE > KERNEL_VERSION(6,12,300)\n#define X 1\n#else\n#define X 2\n#endif", "2"},
		{"#define X KERNEL_VERSION(5,10,999)", "330495"},
		{"#if 1 ? 0 : 1\n#define X 1\n#else\n#define X 2\n#endif", "2"},
		{"#if 'a' == 97 && '\\n' == 10 && '\\'' == 39 && '\\0' == 0 && '\\x41' == 'A'\n#define X 1\n#endif", "1"},
		{"#if -1 > 0U && 0x7fffffffffffffff + 1ULL > 0\n#define X 1\n#endif", "1"},
		{"#if 0 && 1 / 0 || (1 || 1 % 0) && !(0 ? 1 / 0 : 0)\n#define X 1\n#endif", "1"},
		{"#if 1 \\\n + 1 /* a\n b */ == 2 // c\n#define X 1\n#endif", "1"},
		{"#if defined X || defined(Y)\n#else\n#define X 5\n#endif", "5"},
		{"#define F(a, b) (a) * (b)\n#define X F(1 + 2, F(3, 4))", "36"},
		{"#define F() 3\n#define X F()", "3"},
		{"#define CAT(a, b) a ## b\n#define XY 7\n#define X CAT(X, Y)", "7"},
		{"#define S(x) #x\n#define X S(a  b \"c\")", `"a b \"c\""`},
		{"#define V(f, ...) f(__VA_ARGS__)\n#define ADD(a, b) a + b\n#define X V(ADD, 1, 2)", "3"},
		{"#define F(x) F(x + 1)\n#define X F(1)", "no constant"},
		{"#define A B\n#define B A\n#define X A", "no constant"},
		{"#define F(a) a\n#define X F(1, 2)", "takes 1 argument, not 2"},
		{"#define F(a) a\n#define X F(1", "never closed"},
		{"#if 1\n#define X 1\n#undef X\n#endif\n#ifdef X\n#define X 2\n#else\n#define X 3\n#endif", "3"},
		{"#if 0\n#error no\n'\n#else\n#define X 1\n#endif", "1"},
		{"#warning careful\n#pragma GCC whatever\n#define X 1\n#", "1"},
		{"#if 0\n#define X 1\n#elifdef __linux__\n#define X 2\n#endif", "2"},
		{"#ifndef CONFIG_NO_SUCH\n#define X HZ\n#endif", "250"},
		{"#if IS_ENABLED(CONFIG_EXT4_FS) && !defined(CONFIG_EXT4_FS) && defined(CONFIG_EXT4_FS_MODULE) && CONFIG_BPF\n#define X 1\n#endif", "1"},
		{"#if __has_include(<linux/sched.h>) && !__has_include(\"no.h\")\n#define X 1\n#endif", "1"},
		{"#define X sizeof(struct s { int a; })", "8"},
		{"enum { A = 'a', B = sizeof(int[3]), C = A > 90 ? B << 1 : 0, D = 1 << 31, E = ~0U };\n#define X A + B + C + (D < 0) + (E > 0)", "135"},

		{"#error not here", "#error not here"},
		{"#if FOO(1)\n#endif", "there is no macro FOO"},
		{"#if 1 +\n#endif", "no constant"},
		{"#if 1 / 0\n#endif", "division by zero"},
		{"#if 1.5\n#endif", "no integer"},
		{"#if\n#endif", "needs a condition"},
		{"#if 1\n#else\n#else\n#endif", "after #else"},
		{"#elif 1", "has no #if"},
		{"#if 1", "no #endif"},
		{"#if " + deep + "\n#endif", "too deep"},
		{doubling + "#define X A40", "macros expand to more than"},
		{"struct s { char a[1 << 40]; };", "cannot be shifted"},
		{"struct s { char a[1L << 40]; };", "cannot have"},
		{"struct s { char a[-1]; };", "cannot have"},
		{"struct s { char a[1 << 30]; char b[1 << 30]; };", "more than"},
		{"struct a { char x[1 << 20]; }; struct s { struct a b[1 << 20]; };", "cannot have"},
		{strings.Repeat("struct { ", 300) + "int a; " + strings.Repeat("} m; ", 300), "too deep"},
		{"struct s { int " + strings.Repeat("(*", 500) + "a" + strings.Repeat(")", 500) + "; };", "too deep"},
		{"struct s { int a; char *a; };", "member a already"},
		{"struct s { int a; struct { union { int b; char a; }; }; };", "member a already"},
		{"struct s { struct s a; };", "not complete"},
		{"struct s { void a; };", "no size"},
		{"struct s { int a:33; };", "do not fit"},
		{"struct s { int a:0; };", "has no name"},
		{"struct s { int a __attribute__((aligned(3))); };", "power of two"},
		{"enum e { A, A };", "defined twice"},
		{"struct s { int a; }; struct s { int a; };", "defined twice"},
		{"struct s { nothing_t a; };", "no type nothing_t"},
	} {
		c, err := readC(strings.Replace(test.text, "sizeof(struct s { int a; })", "sizeof(int) * 2", 1))
		got := ""
		if err == nil {
			var k types.Const
			if k, _, err = c.Defined("X"); err == nil && k.Str != nil {
				got = fmt.Sprintf("%q", *k.Str)
			} else if err == nil {
				got = fmt.Sprint(int64(k.Int))
			}
		}
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%.300s\n got %s\nwant %s", test.text, got, test.want)
		}
	}
}

// TestInclude has files, a script's text, and the value of X or a part of the message with its place.
func TestInclude(t *testing.T) {
	system := map[string]string{
		"/usr/include/sys/thing.h": "#ifndef T\n#define T\n#include <sys/more.h>\n#include <missing.h>\nextern int f(void) __asm__(\"g\");\n" +
			"static inline int g(int x) { return x; if (x) { } }\n#error never mind\nstruct bad { unknown_t x; };\n" +
			"typedef struct { int a; long b; } thing_t;\nstruct thing { thing_t t; };\n#define THING (MORE + 1)\n#define NAME \"n\"\n#endif\n",
		"/usr/include/sys/more.h": "#define MORE 41\nenum { KIND = 5 };\n#define TWICE(x) ((x) * 2)\n",
		"/usr/include/next.h":     "#define NEXT 9\n",
	}
	for _, test := range []struct{ files, text, want string }{
		{"a.h:#define X 7", `#include "a.h"`, "7"},
		{"/inc/a.h:#define X 8", `#include "a.h"`, "8"},
		{"/inc/a.h:#define X 8", `#include <a.h>`, "8"},
		{"/inc/a.h:#define X 8|/inc2/a.h:#define X 9", `#include <a.h>`, "8"},
		{"a.h:#define X 7|/inc/a.h:#define X 8", `#include "a.h"`, "7"},
		{"sub/a.h:#include \"b.h\"|sub/b.h:#define X 3", `#include "sub/a.h"`, "3"},
		{"a.h:#ifndef A\n#define A\n#include \"a.h\"\n#define X 1\n#endif", "#include \"a.h\"\n#include \"a.h\"", "1"},
		{"a.h:#pragma once\n#include \"a.h\"\n#define X 1\nstruct s { int a; };", "#include \"a.h\"\n#include \"a.h\"", "1"},
		{"a.h:struct s { int a[N]; };", "#define N 3\n#include \"a.h\"\n#define X sizeof(struct s)", "12"},
		{"a.h:#define X 4", "#define H \"a.h\"\n#include H", "4"},
		{"a.h:typedef struct { char c; short s; } tt, *tp; extern tt v; int f(tt *a, ...); static inline void g(void) { }", "#include \"a.h\"\n#define X sizeof(tt) + sizeof(tp)", "12"},

		{"", "#include <linux/sched.h>\n#define X 1", "1"},
		{"", "#include <uapi/linux/ptrace.h>\n#include <asm/unistd.h>\n#include <net/sock.h>\n#include <stdint.h>\n#define X 1", "1"},
		{"", "#include <linux/scheduler.h>", "s.bt:1:10: there is no header linux/scheduler.h"},
		{"", "\n#include \"my.h\"", "s.bt:2:10: there is no header my.h"},
		{"a.h:\n#include \"b.h\"", "#include \"a.h\"", "a.h:2:10: there is no header b.h"},
		{"a.h:struct a { int x; };\n\nstruct b { int x; nothing_t y; };", "#include \"a.h\"", "a.h:3:19: there is no type nothing_t"},
		{"a.h:#include \"a.h\"\n#include \"a.h\"", "#include \"a.h\"", "a.h:1:10: #include nests deeper than 200"},
		{"a.h:#if 1\n", "#include \"a.h\"\n#define X 1", "a.h:1:2: this #if has no #endif"},
		{"a.h:#endif", "#if 1\n#include \"a.h\"\n#endif", "a.h:1:2: #endif has no #if"},
		{"fifo:FIFO", "#include \"fifo\"", "s.bt:1:10: reading the header: fifo is not a regular file"},

		{"", "#include <sys/thing.h>\n#define X THING", "42"},
		{"", "#include <sys/thing.h>\n#define X KIND + sizeof(thing_t) + sizeof(struct thing)", "37"},
		{"", "#include <sys/thing.h>\n#ifdef THING\n#define X 1\n#endif", "1"},
		{"", "#include <sys/thing.h>\nstruct x { thing_t t[2]; struct thing u; };\n#define X sizeof(struct x)", "48"},
		{"", "#include <sys/thing.h>\n#define THING 3\n#define X THING", "3"},
		{"", "#include <sys/thing.h>\n#define X nothing", "no constant"},
	} {
		files := map[string]string{}
		for _, f := range strings.Split(test.files, "|") {
			name, text, _ := strings.Cut(f, ":")
			files[name] = text
		}
		h := &Headers{Dirs: []string{"/inc", "/inc2"}, System: []string{"/usr/include"}, Read: func(path string) ([]byte, error) {
			if files[path] == "FIFO" {
				return nil, fmt.Errorf("%s is not a regular file", path)
			}
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			if text, ok := system[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}}
		if got := includeX(test.text, h); got != test.want && !strings.Contains(got, test.want) {
			t.Errorf("%s\n%s\n got %s\nwant %s", test.files, test.text, got, test.want)
		}
	}
}

// includeX is the value of X after a text, or the first message with its place.
func includeX(text string, h *Headers) string {
	c := New(func(string, string) (types.Type, bool) { return nil, false }, &kernel.Kernel{Arch: "amd64"}, h)
	c.System = NewCSystem(c)
	got := ""
	c.Fail = func(err error) {
		if e := (*Error)(nil); errors.As(err, &e) && got == "" {
			p := e.At.File.Position(e.At.Offset)
			name := e.At.File.Name
			if name == "" {
				name = "s.bt"
			}
			got = fmt.Sprintf("%s:%d:%d: %v", name, p.Line, p.Column, err)
		}
	}
	c.Script(&ast.CDef{Text: text, Span: source.Span{Pos: source.Pos{Line: 1, Column: 1}}})
	if got != "" {
		return got
	}
	k, _, err := c.Defined("X")
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(int64(k.Int))
}

// TestOwnStructs: pointers mean the struct of the script wherever it is defined, and the machine's where the script defines none.
func TestOwnStructs(t *testing.T) {
	kernel := types.NewStruct("file", false, 100, 7, func() []types.Field { return []types.Field{{Name: "f", Type: types.TypeInt64}} })
	list := types.NewStruct("list_head", false, 16, 8, func() []types.Field { return []types.Field{{Name: "next", Type: types.Pointer{Elem: types.Void{}}}} })
	c, err := readC("")
	if err != nil {
		t.Fatal(err)
	}
	c.machine = func(keyword, name string) (types.Type, bool) {
		return map[string]types.Type{"struct file": kernel, "struct list_head": list}[keyword+" "+name],
			keyword == "struct" && (name == "file" || name == "list_head")
	}
	c.Fail = func(err error) { t.Error(err) }
	c.Script(&ast.CDef{Text: "typedef struct b *bp;\nstruct a { struct b *p; struct b **q[2]; struct { struct b *in; }; struct file *f; struct gone *g; struct list_head l; struct a *self; bp t; };\n" +
		"struct b { int x; };\n"})
	a, b := c.structs["struct a"], c.structs["struct b"]
	for name, want := range map[string]types.Type{
		"p": types.Pointer{Elem: b}, "q": types.Array{Elem: types.Pointer{Elem: types.Pointer{Elem: b}}, Len: 2}, "in": types.Pointer{Elem: b}, "f": types.Pointer{Elem: kernel},
		"g": types.Pointer{Elem: types.Void{}}, "l": list, "self": types.Pointer{Elem: a}, "t": types.Pointer{Elem: b},
	} {
		if f, ok := a.Field(name); !ok || f.Type != want {
			t.Errorf("%s is %v, want %v", name, f.Type, want)
		}
	}
	failed := ""
	c.Fail = func(err error) { failed = err.Error() }
	c.Script(&ast.CDef{Text: "struct list_head { int mine; };"})
	if !strings.Contains(failed, "move the definition up") {
		t.Errorf("list_head is defined after its use: %q", failed)
	}
	if bp, _ := c.Find("", "bp"); bp != types.Type(types.Pointer{Elem: b}) {
		t.Errorf("bp is %v", bp)
	}
}

func TestPlaceBits(t *testing.T) {
	u := func(bits int) types.Type { return types.Int{Bits: bits} }
	for _, tt := range []struct {
		typ       types.Type
		bit, size int
		want      types.Field
	}{
		{u(32), 0, 3, types.Field{Type: u(32), Offset: 0, BitOffset: 0, BitSize: 3}},
		{u(16), 37, 4, types.Field{Type: u(16), Offset: 4, BitOffset: 5, BitSize: 4}},
		{u(8), 6, 2, types.Field{Type: u(8), Offset: 0, BitOffset: 6, BitSize: 2}},
		{u(8), 6, 4, types.Field{Type: u(16), Offset: 0, BitOffset: 6, BitSize: 4}},     // packed, across two bytes
		{u(32), 36, 4, types.Field{Type: u(8), Offset: 4, BitOffset: 4, BitSize: 4}},    // at the end of six bytes
		{u(32), 30, 10, types.Field{Type: u(16), Offset: 3, BitOffset: 6, BitSize: 10}}, // packed, in the middle of six bytes
		{types.Bool{}, 9, 1, types.Field{Type: u(8), Offset: 1, BitOffset: 1, BitSize: 1}},
	} {
		f := types.Field{Type: tt.typ}
		f.PlaceBits(tt.bit, tt.size, 6)
		if f != tt.want {
			t.Errorf("%d bits at %d of a %v: %+v, want %+v", tt.size, tt.bit, tt.typ, f, tt.want)
		}
	}
}

// TestKernelConstants: what scripts name without any header.
func TestKernelConstants(t *testing.T) {
	for name, want := range map[string][2]int64{ // amd64, arm64
		"EPERM": {1, 1}, "ENOENT": {2, 2}, "EHWPOISON": {133, 133}, "AF_UNIX": {1, 1}, "AF_INET6": {10, 10}, "PF_PACKET": {17, 17},
		"SOCK_DGRAM": {2, 2}, "IPPROTO_UDP": {17, 17}, "ICMP_ECHO": {8, 8}, "DT_DIR": {4, 4}, "S_IFREG": {0o100000, 0o100000},
		"S_IWOTH": {2, 2}, "O_CREAT": {0o100, 0o100}, "O_DIRECTORY": {0o200000, 0o40000}, "O_DIRECT": {0o40000, 0o200000},
		"SIGKILL": {9, 9}, "SIGRTMIN": {32, 32}, "CLONE_NEWNET": {0x40000000, 0x40000000}, "CLONE_IO": {0x80000000, 0x80000000},
		"MAP_ANONYMOUS": {0x20, 0x20}, "PROT_EXEC": {4, 4}, "TCP_ESTABLISHED": {1, 1}, "TCP_NEW_SYN_RECV": {12, 12}, "AT_FDCWD": {-100, -100},
		"__NR_read": {0, 63}, "TASK_UNINTERRUPTIBLE": {2, 2}, "PF_KTHREAD": {0x200000, 0x200000}, "ETH_P_IP": {0x800, 0x800},
		"BPF_MAP_TYPE_HASH": {1, 1}, "FUTEX_WAIT": {0, 0}, "EPOLLIN": {1, 1},
	} {
		for i, arch := range []string{"amd64", "arm64"} {
			if n, ok := uapiConst(arch, name); name != "TCP_NEW_SYN_RECV" && (!ok || n != want[i]) {
				t.Errorf("%s on %s is %d, %v; want %d", name, arch, n, ok, want[i])
			}
		}
	}
	for _, name := range []string{"", "A", "HZ", "NO_SUCH_CONSTANT", "zzzz", "~"} {
		if n, ok := uapiConst("amd64", name); ok {
			t.Errorf("%q is %d", name, n)
		}
	}
	if _, ok := uapiConst("arm64", "__NR_open"); ok {
		t.Error("arm64 has no open")
	}
}
