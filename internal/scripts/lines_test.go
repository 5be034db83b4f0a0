package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// lineSources are programs whose calls of lseek(999, number) come by known chains of functions, with lines. They are also compared with addr2line.
const lineSources = "../symbolizer/testdata"

// compileLines compiles one of them.
func compileLines(t *testing.T, compiler, source, out string, flags ...string) {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil || runtime.GOARCH != "amd64" {
		t.Skipf("SKIPPED: no %s for x86-64: apt-get install gcc g++ rustc", compiler)
	}
	source, err := filepath.Abs(filepath.Join(lineSources, source))
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(compiler, append(flags, "-g", "-o", out, source)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compiler, err, msg)
	}
}

// lineFrame is a frame of a source file: its function, and line.
var lineFrame = regexp.MustCompile(`^\s+(\[inlined\] )?(.*?)(\+\d+)?@(\S+):(\d+)$`)

// linesOf are the frames of a stack that are of a source file, as "function | text of the line", inlined ones with "~".
func linesOf(t *testing.T, stack, source string) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(lineSources, source))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for line := range strings.Lines(stack) {
		m := lineFrame.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || filepath.Base(m[4]) != source {
			continue
		}
		n, _ := strconv.Atoi(m[5])
		frame := m[2] + " | " + strings.TrimSpace(lines[n-1])
		if m[1] != "" {
			frame = "~" + frame
		}
		out = append(out, frame)
	}
	return out
}

// The chains, by the number that the call has.
var (
	leafC  = "leaf | NEVER int leaf(int number) { return (int)lseek(999, number, SEEK_SET) + number; }"
	linesC = map[string][]string{
		"3":  {leafC, "~deepest | int x = leaf(n);", "~deeper | return deepest(n) * 3;", "~deep | sum += deeper(n + i);", "outer | int a = deep(n);", "main | n += outer(n);"},
		"2":  {leafC, "~deepest | int x = leaf(n);", "~deeper | return deepest(n) * 3;", "~deep | sum += deeper(n + i);", "outer | int a = deep(n);", "main | n += outer(n);"},
		"13": {leafC, "~deepest | int x = leaf(n);", "~deeper | return deepest(n) * 3;", "outer | int b = deeper(n + 10);", "main | n += outer(n);"},
		"20": {leafC, "lines | leaf(n);", "main | n += lines(20);"},
		"21": {leafC, "lines | return leaf(n) +", "main | n += lines(20);"},
		"22": {leafC, "lines | leaf(n + 1);", "main | n += lines(20);"},
		"31": {leafC, "fatal | leaf(n);", "last | fatal(n + 1);", "main | return last(30);"},
	}
	leafCC  = `leaf | extern "C" __attribute__((noinline, noclone)) int leaf(int number) { return (int)lseek(999, number, SEEK_SET) + number; }`
	linesCC = map[string][]string{
		"10": {
			leafCC, "~shop::Shelf<int>::take(int)::{lambda(int)#1}::operator()(int) const | auto pick = [&](int i) __attribute__((always_inline)) { return (T)leaf(i) + things.at(i % things.size()); };",
			"~shop::Shelf<int>::take(int) | return pick(n) + pick(n + 1);",
			"shop::Shelf<int>::all(int) | __attribute__((noinline)) T all(int n) { return take(n) * 2; }", "main | int sum = shelf.all(10);",
		},
		"30": {
			leafCC, "shop::(anonymous namespace)::hidden(int) | return leaf(n) + 1;",
			"shop::Book::price(int) const | int Book::price(int n) const { return hidden(n) + (int)title.size(); }", "main | sum += book->price(argc + 29);",
		},
		"50": {leafCC, "main | sum += leaf(50) + (int)std::string(e.what()).size();"},
	}
	leafRust  = "inlined::leaf | black_box(unsafe { lseek(999, number, 0) }) + number"
	linesRust = map[string][]string{
		"10": {
			leafRust, "~inlined::deepest | leaf(n) + 1", "~inlined::deeper | black_box(deepest(n)) * 3",
			"<inlined::shop::Book<T> as inlined::shop::Price>::price | super::black_box(super::deeper(n)) + self.title.as_ref().len() as i64",
			"inlined::main | let mut sum = black_box(book.price(9 + n));",
		},
		"20": {leafRust, "inlined::main::{{closure}} | let f: &dyn Fn(i64) -> i64 = &|x| black_box(leaf(x + n - 1)) - 1;", "inlined::called | black_box(f(20)) + 1", "inlined::main | sum += called(black_box(f));"},
		"30": {leafRust, "inlined::fatal | leaf(n);", "inlined::main | fatal(29 + black_box(sum) * 0 + n);"},
	}
)

// TestLines compares the stacks of programs, with the functions that are inlined and all lines, with the truth.
func TestLines(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	for _, p := range []struct {
		compiler, source string
		want             map[string][]string
		flags            []string
	}{
		{"gcc", "inlined.c", linesC, []string{"-O2"}},
		{"gcc", "inlined.c", linesC, []string{"-O3", "-no-pie", "-fno-omit-frame-pointer"}},
		{"gcc", "inlined.c", linesC, []string{"-O2", "-gdwarf-4", "-gz"}},
		{"gcc", "inlined.c", linesC, []string{"-O2", "-static-pie"}},
		{"gcc", "inlined.c", linesC, []string{"-O2", "-static"}},
		{"g++", "inlined.cc", linesCC, []string{"-O2", "-std=c++17"}},
		{"g++", "inlined.cc", linesCC, []string{"-O1", "-std=c++17", "-gdwarf-4"}},
		{"rustc", "inlined.rs", linesRust, []string{"-O"}},
		{"rustc", "inlined.rs", linesRust, []string{"-O", "-Csymbol-mangling-version=v0"}},
	} {
		t.Run(p.source+strings.Join(p.flags, ""), func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "program")
			compileLines(t, p.compiler, p.source, program, p.flags...)
			script := `tracepoint:syscalls:sys_enter_lseek /comm == "program" && args.fd == 999/ { printf("=%d\n%s", args.offset, dw_ustack); }`
			res := runScript(t, tool, script, "-c", program)
			seen := map[string]bool{}
			for _, part := range strings.Split(res.Stdout, "=")[1:] {
				number, stack, _ := strings.Cut(part, "\n")
				want, ok := p.want[number]
				if !ok {
					continue
				}
				seen[number] = true
				got := linesOf(t, stack, p.source)
				if len(got) == 0 || sameVersion(strings.Join(got, "\n")) != sameVersion(strings.Join(want, "\n")) {
					t.Errorf("call %s:\n%s\nwant\n%s\nof\n%s", number, strings.Join(got, "\n"), strings.Join(want, "\n"), stack)
				}
			}
			for number := range p.want {
				if !seen[number] {
					t.Errorf("call %s did not come\n%s", number, res.Stderr)
				}
			}
		})
	}
}

// sameVersion has no difference between the manglings of Rust: the newer one has the types of generics. Nor has it parts of functions that
// compilers put elsewhere because they are hardly ever run.
func sameVersion(s string) string {
	s = strings.ReplaceAll(s, ".cold |", " |")
	s = strings.ReplaceAll(s, "<alloc::string::String>", "<T>")
	return strings.ReplaceAll(s, "{closure#0}", "{{closure}}")
}
