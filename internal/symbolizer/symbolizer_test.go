package symbolizer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/procevents"
	"github.com/gotrace/gotrace/internal/symbols"
)

// source is a program that tells the addresses of its functions, and waits for the end of its input.
const source = `
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int first(int x) { return x + 1; }
static __attribute__((noinline)) int second(int x) { return first(x) * 2; }
int main(void) {
	printf("%p %p %p\n", (void *)first, (void *)second, (void *)main);
	fflush(stdout);
	char c;
	while (read(0, &c, 1) > 0) { }
	return second(1) == 0;
}
`

// started is a process of the program.
type started struct {
	cmd   *exec.Cmd
	in    io.Closer
	addrs [3]uint64
}

func compile(t *testing.T, flags ...string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("SKIPPED: no gcc to build a program with")
	}
	dir := t.TempDir()
	src, out := filepath.Join(dir, "program.c"), filepath.Join(dir, "program")
	if err := os.WriteFile(src, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(gcc, append(flags, "-g", "-o", out, src)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	return out
}

func start(t *testing.T, path string) *started {
	t.Helper()
	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &started{cmd: cmd, in: in}
	if _, err := fmt.Fscanf(out, "0x%x 0x%x 0x%x\n", &s.addrs[0], &s.addrs[1], &s.addrs[2]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	return s
}

func (s *started) end() {
	s.in.Close()
	_ = s.cmd.Wait() // a second time is an error
}

func (s *started) pid() uint32 { return uint32(s.cmd.Process.Pid) }

// names are those of the addresses, with lines where they are known.
func (s *started) names(v View) (out []string) {
	for _, a := range s.addrs {
		f := v.Name(a+4, false)[0]
		text := fmt.Sprintf("%s+%d", f.Name, f.Offset)
		if f.File != "" {
			text += fmt.Sprintf("@%s:%d", filepath.Base(f.File), f.Line)
		}
		out = append(out, text)
	}
	return out
}

func TestProcess(t *testing.T) {
	for name, flags := range map[string][]string{"pie": {"-pie", "-fPIE", "-O0"}, "fixed": {"-no-pie", "-O0"}} {
		t.Run(name, func(t *testing.T) {
			p := start(t, compile(t, flags...))
			s := New(Options{Lines: true})
			defer s.Close()
			want := []string{"first+4@program.c:4", "second+4@program.c:5", "main+4@program.c:6"}
			v := s.See(p.pid(), Now, p.addrs[:]...)
			if got := p.names(v); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			// Where a call returns to is named by the call.
			f := v.Name(p.addrs[1], true)[0]
			if f.Name == "second" || f.Addr != p.addrs[1] {
				t.Errorf("the address before second is %+v", f)
			}
		})
	}
}

// A file that was deleted, and a process that has ended.
func TestGone(t *testing.T) {
	path := compile(t, "-O0")
	p := start(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s := New(Options{})
	defer s.Close()
	v := s.See(p.pid(), Now, p.addrs[:]...)
	p.end()
	want := []string{"first+4", "second+4", "main+4"}
	if got := p.names(v); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := p.names(s.See(p.pid(), Now, p.addrs[:]...)); !slices.Equal(got, want) {
		t.Errorf("seen again: %q, want %q", got, want)
	}
}

// A process that nobody looked at before it ended.
func TestWatch(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: not root, so the kernel tells nothing of other processes")
	}
	s := New(Options{})
	defer s.Close()
	s.Watch()
	path := compile(t, "-O0")
	p := start(t, path)
	p.end()
	want := []string{"first+4", "second+4", "main+4"}
	if got := p.names(s.See(p.pid(), Now, p.addrs[:]...)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a process was before it executed another program.
func TestExec(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: not root, so the kernel tells nothing of other processes")
	}
	path := compile(t, "-no-pie", "-O0")
	s := New(Options{})
	defer s.Close()
	s.Watch()
	cmd := exec.Command("/bin/sh", "-c", "exec "+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	_ = cmd.Wait()
	pid := uint32(cmd.Process.Pid)
	s.past.read()
	programs := s.past.past[pid].programs
	if n := len(programs); n < 2 {
		t.Fatalf("%d programs", n)
	}
	last := programs[len(programs)-1]
	before := s.See(pid, last.from-1)
	after := s.See(pid, last.from+1)
	has := func(v View, name string) bool {
		for _, m := range v.p.maps {
			if m.Path == name {
				return true
			}
		}
		return false
	}
	if has(before, path) || !has(after, path) {
		t.Errorf("before %+v, after %+v", before.p.maps, after.p.maps)
	}
}

func TestDemangle(t *testing.T) {
	for name, want := range map[string]string{
		"_ZN3foo3barEi": "foo::bar(int)", "main": "main", "_Z": "_Z", "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE": "core::fmt::Formatter::pad",
		"_RNvC6_123foo3bar": "123foo::bar",
		"_ZN3std3sys9backtrace28__rust_begin_short_backtrace17h0123456789abcdefE":                              "std::sys::backtrace::__rust_begin_short_backtrace",
		"_ZN4core3ptr47drop_in_place$LT$alloc..string..String$u3b$$GT$17h0123456789abcdefE":                    "core::ptr::drop_in_place<alloc::string::String;>",
		"_ZN69_$LT$inlined..shop..Book$LT$T$GT$$u20$as$u20$inlined..shop..Price$GT$5price17hb8ba0dcf8a4e4a6eE": "<inlined::shop::Book<T> as inlined::shop::Price>::price",
		"_ZN1_1_17h0123456789abcdefE":    "_::_",
		"_ZN99999_x17h0123456789abcdefE": "_ZN99999_x17h0123456789abcdefE",
		"_RNvXNtCs17uE5HHvbli_7inlined4shopINtB2_4BookNtNtCslNYArtu3iFV_5alloc6string6StringENtB2_5Price5priceB4_": "<inlined::shop::Book<alloc::string::String> as inlined::shop::Price>::price",
		"_RNCNvCs17uE5HHvbli_7inlined4main0B3_": "inlined::main::{closure#0}", "foo.cold": "foo.cold", "_ZN3fooEv.part.0": "foo()",
		"_ZN4shop12_GLOBAL__N_16hiddenEi": "shop::(anonymous namespace)::hidden(int)", "_Z" + strings.Repeat("N", maxMangled): "_Z" + strings.Repeat("N", maxMangled),
	} {
		if got := demangled(name); got != want {
			t.Errorf("%.40q is %q, want %.40q", name, got, want)
		}
	}
}

func TestPerfMap(t *testing.T) {
	text := "1000 20 one\n1020 10 two words\nnonsense\n1000 30 one again\n0x2000 0x10 hex\n3000 0 empty\n4000 10 unfinished"
	p := &perfMap{}
	p.add(strings.NewReader(text))
	if p.read != int64(strings.LastIndex(text, "\n")+1) {
		t.Errorf("%d bytes are read", p.read)
	}
	for addr, want := range map[uint64]string{0x1000: "one again", 0x1021: "one again", 0x1030: "", 0x2008: "hex", 0x3000: "", 0xfff: ""} {
		if got := nameIn(p, addr); got != want {
			t.Errorf("%#x is %q, want %q", addr, got, want)
		}
	}
}

func FuzzPerfMap(f *testing.F) {
	f.Add("1000 20 one\n")
	f.Fuzz(func(t *testing.T, text string) {
		p := &perfMap{}
		for part := range strings.SplitAfterSeq(text, "\n\n") {
			p.add(strings.NewReader(part))
		}
		nameIn(p, 0x1000)
		for i := 1; i < len(p.syms); i++ {
			if before := p.syms[i-1]; p.syms[i].start-before.start < uint64(before.size) || p.syms[i].start < before.start {
				t.Errorf("%+v and %+v", before, p.syms[i])
			}
		}
	})
}

func nameIn(p *perfMap, addr uint64) string {
	if s := p.search(addr); s != nil {
		return string(p.text[s.name:][:s.len])
	}
	return ""
}

// Of code that lies where other code was the later has the place.
func TestPerfMapOverlaps(t *testing.T) {
	p := &perfMap{}
	p.add(strings.NewReader("1000 100 old\n1050 10 new\n2000 10 small\n3000 10 a\n3010 10 b\n3020 10 c\n4000 100 long\n4000 10 short\n"))
	p.add(strings.NewReader("1ff0 100 large\n3008 10 between\n"))
	for addr, want := range map[uint64]string{
		0x1000: "old", 0x104f: "old", 0x1050: "new", 0x1060: "", 0x2000: "large", 0x20ef: "large", 0x3007: "a", 0x3008: "between", 0x3017: "between", 0x3018: "",
		0x3020: "c", 0x4000: "short", 0x4010: "",
	} {
		if got := nameIn(p, addr); got != want {
			t.Errorf("%#x is %q, want %q", addr, got, want)
		}
	}
}

func FuzzEvent(f *testing.F) {
	f.Add(uint32(10), uint16(0), bytes.Repeat([]byte{4}, 80))
	f.Add(uint32(3), uint16(1<<13), bytes.Repeat([]byte{1}, 24))
	f.Add(uint32(7), uint16(0), bytes.Repeat([]byte{1}, 32))
	f.Fuzz(func(t *testing.T, kind uint32, misc uint16, body []byte) {
		h := &history{past: map[uint32]*past{}}
		if e, ok := procevents.Parse(kind, misc, body); ok {
			h.take(&e)
			h.at(e.PID, e.Time)
		}
	})
}

// A file whose names are so many that they are read when they are asked for, and that has no debugging information.
func TestNamesInFile(t *testing.T) {
	var asm strings.Builder
	for i := range 200 {
		name := fmt.Sprintf("%s%d", strings.Repeat("x", 48<<10), i)
		fmt.Fprintf(&asm, ".globl %s\n%s = 1\n", name, name)
	}
	names := filepath.Join(t.TempDir(), "names.s")
	if err := os.WriteFile(names, []byte(asm.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, compile(t, "-O0", "-Wl,-S", names))
	s := New(Options{Lines: true})
	defer s.Close()
	want := []string{"first+4", "second+4", "main+4"}
	if got := p.names(s.See(p.pid(), Now, p.addrs[:]...)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Files whose symbols are read are closed, unless their lines are asked for.
func TestFilesAreClosed(t *testing.T) {
	p := start(t, compile(t, "-O0"))
	s := New(Options{})
	defer s.Close()
	p.names(s.See(p.pid(), Now, p.addrs[:]...))
	for key, f := range s.files.files {
		if f.table != nil && (f.open != nil || f.source != nil) {
			t.Errorf("%s is open", key.path)
		}
	}
}

// What a process maps without end is bounded: a program that makes code maps it again and again.
func TestManyMappings(t *testing.T) {
	h := &history{past: map[uint32]*past{}}
	take := func(start uint64, path string) {
		h.take(&procevents.Event{Kind: procevents.Map, PID: 1, Mapping: symbols.Mapping{Start: start, End: start + 0x1000, Exec: true, Path: path}})
	}
	take(0x1000, "/bin/program")
	for i := range uint64(20 * maxMaps) {
		take(0x100000+i<<12, "")
	}
	take(0x2000, "/lib/late.so")
	if n := len(h.past[1].programs[0].maps); n > maxMaps {
		t.Errorf("%d mappings are kept", n)
	}
	maps := h.at(1, 0).maps
	for _, path := range []string{"/bin/program", "/lib/late.so"} {
		if !slices.ContainsFunc(maps, func(m symbols.Mapping) bool { return m.Path == path }) {
			t.Errorf("%s is forgotten", path)
		}
	}
}
