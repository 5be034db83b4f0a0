package symbolizer

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/symbols"
)

// build compiles a program of testdata.
func build(t *testing.T, compiler, source, out string, flags ...string) {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("SKIPPED: no %s: apt-get install gcc g++", compiler)
	}
	source, err := filepath.Abs(filepath.Join("testdata", source))
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(compiler, append(flags, "-o", out, source)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compiler, err, msg)
	}
}

// openFile is a program with its symbols, without a process.
func openFile(t *testing.T, path string, opts Options) (*fileCache, *file) {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, f := &fileCache{wantLines: opts.Lines, open: 1}, &file{open: r}
	c.load(nil, &symbols.Mapping{Path: path}, f)
	if f.table == nil {
		t.Fatalf("%s has no symbols", path)
	}
	t.Cleanup(f.dropSource)
	return c, f
}

// code are the addresses of a program's code in .text.
func code(t *testing.T, path string) (low, high uint64) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := f.Section(".text")
	return text.Addr, text.Addr + text.Size
}

// ownCode is the range of the functions whose symbols hold a text.
func ownCode(t *testing.T, path, text string) (low, high uint64) {
	t.Helper()
	for addr, name := range functions(t, path) {
		if strings.Contains(name, text) && (low == 0 || addr < low) {
			low = addr
		}
		if strings.Contains(name, text) && addr >= high {
			high = addr + 1
		}
	}
	return low, high
}

// functions has the function of each address, without the endings of parts and copies.
func functions(t *testing.T, path string) map[uint64]string {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[uint64]string{}
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC {
			continue
		}
		for a := s.Value; a < s.Value+s.Size; a++ {
			if have := out[a]; have == "" || elf.ST_BIND(s.Info) == elf.STB_GLOBAL {
				out[a] = plain(s.Name)
			}
		}
	}
	return out
}

// addr2line asks addr2line(1) for all addresses in a range.
func addr2line(t *testing.T, path string, low, high uint64) [][]string {
	t.Helper()
	exe, err := exec.LookPath("addr2line")
	if err != nil {
		t.Skip("SKIPPED: no addr2line: apt-get install binutils")
	}
	var in strings.Builder
	for a := low; a < high; a++ {
		fmt.Fprintf(&in, "%#x\n", a)
	}
	cmd := exec.Command(exe, "-i", "-f", "-a", "-e", path)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]string, 0, high-low)
	s := bufio.NewScanner(strings.NewReader(string(out)))
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "0x") {
			all = append(all, nil)
			continue
		}
		name := s.Text()
		s.Scan()
		line, _, _ := strings.Cut(s.Text(), " (discriminator")
		if file, n, _ := strings.Cut(line, ":"); file == "??" || n == "?" || n == "0" {
			line = "?"
		} else {
			line = filepath.Clean(file) + ":" + n
		}
		all[len(all)-1] = append(all[len(all)-1], name+" "+line)
	}
	if len(all) != int(high-low) {
		t.Fatalf("%d addresses of %d", len(all), high-low)
	}
	return all
}

// plain is a symbol without what is added to those of parts and copies of a function.
func plain(name string) string {
	if strings.Contains(name, "$") { // Rust's older mangling has dots of its own
		return name
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

// ours is what addr2line would say of frames. Symbols of parts and copies of a function have an ending that the function's name has not.
func ours(frames []Frame) (out []string) {
	for _, f := range frames {
		line := "?"
		if f.File != "" && f.Line != 0 {
			line = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		name := plain(f.Name)
		if name == "" {
			name = "??"
		}
		out = append(out, name+" "+line)
	}
	return out
}

// rename gives a frame of addr2line's another name.
func rename(chain []string, i int, name string) {
	if i >= 0 {
		chain[i] = name + chain[i][strings.LastIndexByte(chain[i], ' '):]
	}
}

// Every address of programs has the functions and lines that addr2line finds, those that are inlined too.
func TestAddr2line(t *testing.T) {
	for _, p := range []struct {
		compiler, source string
		flags            []string
	}{
		{"gcc", "inlined.c", []string{"-O2"}},
		{"gcc", "inlined.c", []string{"-O0"}},
		{"gcc", "inlined.c", []string{"-O3", "-gdwarf-4"}},
		{"gcc", "inlined.c", []string{"-O2", "-ffunction-sections"}},
		{"g++", "inlined.cc", []string{"-O2"}},
		{"g++", "inlined.cc", []string{"-O1", "-gdwarf-4"}},
		{"g++", "inlined.cc", []string{"-O3", "-gz", "-no-pie"}},
		{"rustc", "inlined.rs", []string{"-O"}},
		{"rustc", "inlined.rs", []string{"-O", "-Csymbol-mangling-version=v0"}},
	} {
		t.Run(p.source+strings.Join(p.flags, ""), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "program")
			build(t, p.compiler, p.source, path, append(p.flags, "-g")...)
			low, high := code(t, path)
			if p.compiler == "rustc" { // the library of Rust is in the program, too
				low, high = ownCode(t, path, "inlined")
			}
			c, f := openFile(t, path, Options{Lines: true})
			theirs := addr2line(t, path, low, high)
			names := functions(t, path)
			wrong, inlined := 0, 0
			for a := low; a < high; a++ {
				frames := c.find(Options{Lines: true}, f, Frame{}, a)
				got, want := strings.Join(ours(frames), "\n"), strings.Join(theirs[a-low], "\n")
				if len(frames) > 2 {
					inlined++
				}
				symbol := names[a]
				if symbol == "" || got == want { // between functions addr2line names the one before
					continue
				}
				// Debugging information has no more than the name in the source for functions that only one file knows. Of inlined ones addr2line then
				// gives the innermost the name of the outermost.
				chain := theirs[a-low]
				rename(chain, len(chain)-1, symbol)
				if len(frames) > 1 && len(chain) > 1 && strings.HasPrefix(chain[0], symbol+" ") {
					rename(chain, 0, frames[0].Name)
				}
				if want = strings.Join(chain, "\n"); got == want {
					continue
				}
				if wrong++; wrong < 12 {
					t.Errorf("%#x:\n%s\nwant\n%s", a, got, want)
				}
			}
			t.Logf("%d of %d addresses differ; %d have three functions and more", wrong, high-low, inlined)
			if inlined == 0 {
				t.Error("nothing is inlined")
			}
		})
	}
}
