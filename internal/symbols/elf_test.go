package symbols

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/gotrace/gotrace/internal/symbols/symbolstest"
)

// probed is a function of the test's own binary.
//
//go:noinline
func probed(n int) int { return n + probedCalls }

var probedCalls = 1

// TestFileOffset compares the code of a function in memory with what the file has at its offset.
func TestFileOffset(t *testing.T) {
	b, err := Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	addr := reflect.ValueOf(probed).Pointer()
	off, err := b.FileOffset(uint64(addr))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := make([]byte, 8)
	if _, err := f.ReadAt(want, int64(off)); err != nil {
		t.Fatal(err)
	}
	// A func value points to a pointer to its code.
	fn := probed
	code := **(**unsafe.Pointer)(unsafe.Pointer(&fn))
	if got := unsafe.Slice((*byte)(code), len(want)); !bytes.Equal(got, want) {
		t.Errorf("file has % x, memory % x", want, got)
	}
	for _, addr := range []uint64{0, 1<<63 - 1} {
		if _, err := b.FileOffset(addr); err == nil {
			t.Errorf("address %#x is taken", addr)
		}
	}
}

func TestCompiled(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("SKIPPED: no gcc to build binaries with")
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "x.c")
	if err := os.WriteFile(src, []byte(symbolstest.CProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		flags  []string
		hidden bool
	}{
		"pie":      {[]string{"-pie", "-fPIE"}, true},
		"fixed":    {[]string{"-no-pie", "-fno-pie"}, true},
		"library":  {[]string{"-shared", "-fPIC"}, true},
		"stripped": {[]string{"-shared", "-fPIC", "-s"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(dir, name)
			if msg, err := exec.Command(gcc, append(tt.flags, "-O0", "-o", out, src)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, msg)
			}
			b, err := Open(out)
			if err != nil {
				t.Fatal(err)
			}
			for fn, want := range map[string]bool{"shown": true, "hidden": tt.hidden, "printf": false} {
				if _, ok := b.Symbol(fn); ok != want {
					t.Errorf("%s: %v, want %v", fn, ok, want)
				}
			}
			sameAsSections(t, b)
		})
	}
}

// sameAsSections checks the offsets of all functions against the section headers, which tell the same in another way.
func sameAsSections(t *testing.T, b *Binary) {
	t.Helper()
	f, err := elf.Open(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, s := range b.Functions() {
		for _, sec := range f.Sections {
			if sec.Flags&elf.SHF_EXECINSTR == 0 || s.Address < sec.Addr || s.Address >= sec.Addr+sec.Size {
				continue
			}
			off, err := b.FileOffset(s.Address)
			if want := s.Address - sec.Addr + sec.Offset; err != nil || off != want {
				t.Errorf("%s is at %#x, %v; want %#x", s.Name, off, err, want)
			}
		}
	}
}

func TestNotBinary(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct{ content, want string }{
		"empty":  {"", "too short"},
		"text":   {"hello, world", "not an ELF"},
		"script": {"#!/bin/sh\nexit\n", "a script"},
		"gzip":   {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00", "gzip"},
		"magic":  {"\x7fELF\x02\x01\x01\x00\x00\x00", "not an ELF"},
		"zeros":  {"\x7fELF" + strings.Repeat("\x00", 100), "not an ELF"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if !errors.Is(err, ErrNotBinary) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.want)
		}
	}
	if _, err := Open(dir); err == nil {
		t.Error("a directory is a binary")
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzParseBinary(f *testing.F) {
	f.Add(symbolstest.ELF())
	f.Fuzz(func(_ *testing.T, data []byte) {
		b, err := ParseBinary(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, s := range b.Functions() {
			_, _ = b.FileOffset(s.Address)
		}
	})
}

func TestSampleELF(t *testing.T) {
	b, err := ParseBinary(bytes.NewReader(symbolstest.ELF()), int64(len(symbolstest.ELF())))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := b.Symbol("fn")
	if !ok || s.Address != 0x1010 || s.Size != 8 {
		t.Errorf("%+v, %v", s, ok)
	}
	if off, err := b.FileOffset(s.Address); err != nil || off != 0x50 {
		t.Errorf("%#x, %v", off, err)
	}
	if b.buildID != "0102030405060708" {
		t.Errorf("build id %q", b.buildID)
	}
}

func TestTable(t *testing.T) {
	tab, err := ReadTable(bytes.NewReader(symbolstest.ELF()), int64(len(symbolstest.ELF())))
	if err != nil {
		t.Fatal(err)
	}
	if addr, ok := tab.Address(0x54); !ok || addr != 0x1014 {
		t.Errorf("%#x, %v", addr, ok)
	}
	for addr, want := range map[uint64]string{0x1010: "fn", 0x1017: "fn", 0x1018: "", 0x100f: ""} {
		name, start, ok := tab.Find(addr)
		if name != want || ok != (want != "") || ok && start != 0x1010 {
			t.Errorf("%#x is %q from %#x, %v", addr, name, start, ok)
		}
	}
	if tab.BuildID != "0102030405060708" || tab.KeepsFile() {
		t.Errorf("%+v", tab)
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add(symbolstest.ELF())
	f.Fuzz(func(_ *testing.T, data []byte) {
		tab, err := ReadTable(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for addr := uint64(0); addr < 0x2000; addr += 0x100 {
			a, _ := tab.Address(addr)
			tab.Find(a)
		}
	})
}

func FuzzReadFrames(f *testing.F) {
	f.Add(symbolstest.ELF())
	f.Add(VDSO())
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := ReadFrames(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if len(frames.Data) > len(data) {
			t.Errorf("%d bytes of %d", len(frames.Data), len(data))
		}
		frames.Virtual(0x1000)
	})
}

// What strip(1) leaves: the table of Go's runtime, and the section that Fedora adds.
func TestStripped(t *testing.T) {
	dir := t.TempDir()
	t.Run("go", func(t *testing.T) {
		src, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "go")
		text := "package main\n\nfunc main() { probed(1) }\n\n//go:noinline\nfunc probed(n int) int { return n + 1 }\n"
		if err := os.WriteFile(src, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		whole := filepath.Join(dir, "go-whole")
		for path, flags := range map[string]string{out: "-s -w", whole: ""} {
			cmd := exec.Command("go", "build", "-ldflags", flags, "-o", path, src)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("SKIPPED: no go to build with: %v: %s", err, msg)
			}
		}
		sameFunctions(t, whole, out, func(name string) bool { return strings.HasPrefix(name, "main.") })
	})
	t.Run("gnu_debugdata", func(t *testing.T) {
		src, whole, out := filepath.Join(dir, "x.c"), filepath.Join(dir, "whole"), filepath.Join(dir, "stripped")
		if err := os.WriteFile(src, []byte(symbolstest.CProgram), 0o600); err != nil {
			t.Fatal(err)
		}
		script := "set -e; gcc -O0 -o whole x.c; objcopy -S --keep-symbol=hidden --keep-symbol=shown whole mini; strip -o stripped whole; " +
			"xz -f mini; objcopy --add-section .gnu_debugdata=mini.xz stripped"
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: no gcc, objcopy or xz: %v: %s", err, msg)
		}
		sameFunctions(t, whole, out, func(name string) bool { return name == "hidden" || name == "shown" })
	})
}

// sameFunctions checks that the table of a stripped binary names what a whole one's symbols name.
func sameFunctions(t *testing.T, whole, stripped string, chosen func(string) bool) {
	t.Helper()
	b, err := Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(stripped)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tab, err := OpenTable(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range b.Functions() {
		if !chosen(s.Name) {
			continue
		}
		n++
		if name, start, _ := tab.Find(s.Address + 1); name != s.Name || start != s.Address {
			t.Errorf("%s at %#x is %q at %#x", s.Name, s.Address, name, start)
		}
	}
	if n < 2 || !tab.Stripped {
		t.Errorf("%d functions, %v", n, tab.Stripped)
	}
}
