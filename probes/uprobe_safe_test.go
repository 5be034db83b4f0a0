package probes

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/internal/symbols/symbolstest"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/probes/internal/binpath"
	"github.com/gotrace/gotrace/probes/internal/ldcache"
)

// build compiles a file to an executable with a command; %s stands for the file's name and then the output's.
func build(t *testing.T, file, text string, env []string, command ...string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("SKIPPED: no %s to build a binary with", command[0])
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], append(command[1:], "-o", "out", file)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	return filepath.Join(dir, "out")
}

// symbolProgram has symbols of most kinds.
const symbolProgram = `
int data = 5;
int add(int a, int b) { return a + b; }
static int (*choose(void))(int, int) { return add; }
int chosen(int, int) __attribute__((ifunc("choose")));
int main(int argc, char **argv) { return chosen(argc, 1) == 2 ? 0 : 1; }
__asm__(".text\n.globl label\nlabel: nop\nret\n"
	".globl untyped\nuntyped: nop\nret\n.size untyped, 2\n"
	".globl unsized\n.type unsized, @function\nunsized: ret\n");
`

func TestUprobeSymbols(t *testing.T) {
	bin := build(t, "x.c", symbolProgram, nil, "gcc", "-O0")
	for _, tt := range []struct {
		what   string
		want   string // part of the message
		unsafe string // the same with --unsafe
		note   string
	}{
		{what: "add"},
		{what: "add+0"},
		{what: "add+4096", want: "add: offset 4096 is outside of the function, which has ", unsafe: "not in the code"},
		{what: "add+0x7fffffffffffffff", want: "outside of the function", unsafe: "not in the code"},
		{what: "unsized", want: "unsized: this symbol has size 0"},
		{what: "unsized+1", want: "unsized: this symbol has size 0"},
		{what: "label", want: "label: this symbol has size 0"},
		{what: "untyped"},
		{what: "untyped+2", want: "which has 2 bytes"},
		{what: "data", want: "data: this symbol is no code: it names data", unsafe: "names data"},
		{what: "chosen", note: "IFUNC"},
		{what: "uns*", want: "matches only functions that cannot be traced: unsized"},
		{what: "[ua][nd][sd]*", note: "left out: unsized: this symbol has size 0"},
	} {
		for _, unsafe := range []bool{false, true} {
			want := tt.want
			if unsafe {
				want = tt.unsafe
			}
			found, err := testEnv(t, EnvOptions{Unsafe: unsafe}).Resolve(point("uprobe:" + bin + ":" + tt.what))
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s, unsafe %v: %v; want %q", tt.what, unsafe, err, want)
			}
			if err == nil && !unsafe && (found[0].Note == "") != (tt.note == "") || err == nil && !strings.Contains(found[0].Note, tt.note) && !unsafe {
				t.Errorf("%s: note %q; want %q", tt.what, found[0].Note, tt.note)
			}
		}
	}
}

// A file that is no ELF file is code as it is, for those who insist.
func TestUprobeInAFlatFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flat.bin")
	if err := os.WriteFile(file, []byte("\x90\x90\xc3 and data"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := testEnv(t, EnvOptions{}).Resolve(point("uprobe:" + file + ":0x1"))
	if err == nil || !strings.Contains(err.Error(), "not an ELF executable or shared library; with --unsafe an address is an offset in the file") {
		t.Errorf("safe: %v", err)
	}
	e := testEnv(t, EnvOptions{Unsafe: true})
	if _, err := e.Resolve(point("uprobe:" + file + ":0x10")); err == nil || !strings.Contains(err.Error(), "address 0x10 is not in the code of "+file) {
		t.Errorf("behind its end: %v", err)
	}
	found, err := e.Resolve(point("uprobe:" + file + ":0x1"))
	if err != nil {
		t.Fatal(err)
	}
	if off, err := e.user.Offset(&found[0]); err != nil || off != 1 {
		t.Errorf("offset %d, %v; want 1", off, err)
	}
}

const goProgram = `package main

import "os"

//go:noinline
func add(a, b int) int { return a + b }

func main() { os.Exit(add(len(os.Args), -1)) }
`

const cgoProgram = `package main

// int plus(int a, int b) { return a + b; }
import "C"
import "os"

//go:noinline
func add(a, b int) int { return a + b }

func main() { os.Exit(int(C.plus(1, -1)) + add(0, 0)) }
`

func TestGoBinaries(t *testing.T) {
	gobuild := []string{"go", "build"}
	for name, tt := range map[string]struct {
		bin         string
		inGo, other string // functions
	}{
		"plain":    {build(t, "x.go", goProgram, []string{"CGO_ENABLED=0"}, gobuild...), "main.add", ""},
		"stripped": {build(t, "x.go", goProgram, []string{"CGO_ENABLED=0"}, append(gobuild, "-ldflags=-s")...), "", ""},
		"C":        {build(t, "x.c", symbolstest.CProgram, nil, "gcc"), "", "shown"},
		"cgo":      {build(t, "x.go", cgoProgram, []string{"CGO_ENABLED=1"}, gobuild...), "main.add", "plus"},
		"library":  {build(t, "x.go", cgoProgram, []string{"CGO_ENABLED=1"}, append(gobuild, "-buildmode=c-shared")...), "main.add", "plus"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.inGo != "" {
				inGoCode(t, tt.bin, tt.inGo)
			}
			if tt.other != "" {
				if got := resolveUp(t, false, "uretprobe:"+tt.bin+":"+tt.other); got[0].Go {
					t.Errorf("%s is a Go function", tt.other)
				}
			}
			if name == "stripped" {
				if b, err := symbols.Open(tt.bin); err != nil || !b.IsGo("", 4096) || b.IsGo("plus", 4096) {
					t.Errorf("Go code is not seen: %v", err)
				}
			}
		})
	}
}

func resolveUp(t *testing.T, unsafe bool, text string) []lang.Target {
	t.Helper()
	found, err := testEnv(t, EnvOptions{Unsafe: unsafe}).Resolve(point(text))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inGoCode checks that a function is probed as Go's: at its entry with Go's registers, and at its return instructions.
func inGoCode(t *testing.T, bin, name string) {
	t.Helper()
	for _, unsafe := range []bool{false, true} {
		got := resolveUp(t, unsafe, "uprobe:"+bin+":"+name)
		if len(got) != 1 || !got[0].Go || len(got[0].ArgN) == 0 || got[0].Address == 0 {
			t.Errorf("%s is no Go function: %+v", name, got)
		}
		got = resolveUp(t, unsafe, "uretprobe:"+bin+":"+name)
		for i := range got {
			if !got[i].Go || got[i].FuncOffset == 0 || got[i].Further != (i > 0) {
				t.Errorf("return %d of %s: %+v", i, name, got[i])
			}
		}
	}
	e := testEnv(t, EnvOptions{})
	found, err := e.Resolve(point("uretprobe:" + bin + ":main.*"))
	if err != nil || !slices.ContainsFunc(found, func(t lang.Target) bool { return t.Func == "main.main" || t.Func == name }) {
		t.Errorf("wildcard: %v, %v", found, err)
	}
}

func TestExplainUprobe(t *testing.T) {
	for err, want := range map[error]string{
		errNotSupported: "cannot put a probe on the instruction", unix.ENOEXEC: "instruction", unix.EIO: "file system that /bin/x is on",
		unix.ESRCH: "is gone", unix.EINVAL: "refuses a probe at this place of /bin/x",
	} {
		if got := explainUprobe(&lang.Target{Path: "/bin/x"}, err); !errors.Is(got, err) || !strings.Contains(got.Error(), want) {
			t.Errorf("%v: %v; want %q", err, got, want)
		}
	}
	if got := explainUprobe(&lang.Target{}, unix.ENOMEM); got.Error() != unix.ENOMEM.Error() { // nothing is added
		t.Errorf("ENOMEM: %v", got)
	}
}

func TestCheckBoundary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample")
	if err := os.WriteFile(path, symbolstest.ELF(), 0o755); err != nil {
		t.Fatal(err)
	}
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Its code is zeros: instructions of two bytes, add %al,(%rax), and of four on arm64.
	for _, what := range []string{"fn+4", "0x1014"} {
		if _, err := e.Resolve(point("uprobe:" + path + ":" + what)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, what := range []string{"fn+1", "0x1013"} {
		if _, err := e.Resolve(point("uprobe:" + path + ":" + what)); err == nil || !strings.Contains(err.Error(), "middle of an instruction") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What is no file is refused at once: a named pipe would wait for a writer.
func TestNoRegularFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	e := testEnv(t, EnvOptions{})
	for path, want := range map[string]string{fifo: "a named pipe", "/dev/zero": "a device", "/etc": "a directory"} {
		if _, err := e.Resolve(point("uprobe:" + path + ":main")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
		if _, err := openTypes(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("types of %s: %v; want %q", path, err, want)
		}
		if _, err := ldcache.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("libraries of %s: %v; want %q", path, err, want)
		}
		if (&binpath.Finder{Arch: goarch}).IsProgram(path) {
			t.Errorf("%s is a program", path)
		}
	}
}
