package scripts

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var everyBuild = flag.Bool("every-build", false, "trace programs of Go that are built in other ways, too: stripped, unoptimised, …")

var busy = flag.Duration("busy", 2*time.Second, "how long the busy program of Go is traced")

// TestKernelGoBusy traces a program of thousands of goroutines whose stacks grow in the traced function all the time: it lives, and every call has its return.
func TestKernelGoBusy(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	tool.Timeout += 10 * *busy
	goroutines, depth := 3000, 60
	if os.Getenv("GOTRACE_VM") != "" { // where everything is emulated
		goroutines = 100
	}
	run := func(times int) time.Duration {
		calls := goroutines * (depth + 1) * times
		c := &Case{
			Name: "busy", Run: fmt.Sprintf("gogrow %d %d %d", goroutines, depth, times),
			Script: `config = { max_map_keys = 200000 }
uprobe:%WORKLOAD%:main.goGrow { @calls = count(); @depth[goid]++; @start[goid, @depth[goid]] = args.n + 1; }
uretprobe:%WORKLOAD%:main.goGrow {
	@returns = count();
	if (@start[goid, @depth[goid]] != retval + 1) { @wrong = count(); }
	delete(@start, (goid, @depth[goid]));
	@depth[goid]--;
}
END { printf("%d %d\n", len(@start), len(@depth)); clear(@start); clear(@depth); }`,
			Output: fmt.Sprintf("0 %d\n@calls: %d\n@returns: %d\n", goroutines, calls, calls),
		}
		skipMissing(t, &Case{Needs: []string{"uprobe"}})
		start := time.Now()
		res, err := tool.Run(t.Context(), c)
		if err != nil {
			t.Fatalf("%v\n%s", err, res.Stderr)
		}
		if bad := tool.Check(c, res); bad != "" {
			t.Fatal(bad)
		}
		return time.Since(start)
	}
	once := run(1)
	if times := int(*busy / once); times > 1 {
		run(times)
	}
}

// goVersions are toolchains that a program is built with, as far as they have been fetched: GOTOOLCHAIN=go1.21.13 go version. "local" is the
// installed one.
var goVersions = []string{"go1.21.13", "go1.22.12", "go1.23.4", "go1.24.4", "go1.25.0", "local"}

// goBuilds are ways to build the program, each with what is traced in it and seen.
var goBuilds = []struct {
	name, flags, script, want string
}{
	{"plain", "", goTyped, goTypedWant},
	{"unoptimised", "-gcflags=-N -l", goTyped, goTypedWant},
	{"stripped", "-ldflags=-s -w", goWords, goWordsWant},
	{"pie", "-buildmode=pie", goPIE, goPIEWant},
}

const (
	goTyped = `uprobe:BIN:main.ints { print((args.a, args.b, args.s, args.p)); @ = goid; }
uretprobe:BIN:main.ints { print((retval.r0, retval.r1)); }
uprobe:BIN:main.any2 { print((args.x, args.e)); }
uprobe:BIN:"main.(*pt).method" { print((args.p->Y, args.n)); }
uretprobe:BIN:"main.(*pt).method" { print(retval); }
uprobe:BIN:main.larger { @l = count(); }`
	goTypedWant = `(3, -4, hello, { .X = 5, .Y = 6 })
(9, nil)
(-3, -4, hello, { .X = 5, .Y = 6 })
(-1, negative)
(text, negative)
(*main.pt, wrapped: negative)
(2, 7)
9
@: 1
@l: 2
`
	// The types that interfaces name are not found where the program lies anywhere.
	goPIE = `uprobe:BIN:main.ints { print((args.a, args.b, args.s, args.p)); @ = goid; }
uretprobe:BIN:main.ints { print(retval.r0); }
uretprobe:BIN:"main.(*pt).method" { print(retval); }`
	goPIEWant = `(3, -4, hello, { .X = 5, .Y = 6 })
9
(-3, -4, hello, { .X = 5, .Y = 6 })
-1
9
@: 1
`
	// Without types there are the words of the registers.
	goWords = `uprobe:BIN:main.ints { printf("%d %d %s %d\n", arg0, (int8)arg1, str(arg2, arg3 + 1), (int32)arg4); }
uretprobe:BIN:main.ints { print((int64)retval); }
uprobe:BIN:"main.(*pt).method" { print(arg1); }
uretprobe:BIN:"main.(*pt).method" { print((int64)retval); }`
	goWordsWant = `3 -4 hello 5
9
-3 -4 hello 5
-1
7
9
`
)

func TestKernelGoVersions(t *testing.T) {
	needRoot(t)
	skipMissing(t, &Case{Needs: []string{"uprobe"}})
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("SKIPPED: no go to build programs with")
	}
	text, err := os.ReadFile("testdata/goversions/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range goVersions {
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir()
			goCommand := func(args ...string) ([]byte, error) {
				cmd := exec.Command("go", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version, "GOPROXY=off", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
				return cmd.CombinedOutput()
			}
			for name, content := range map[string]string{"main.go": string(text), "go.mod": "module goversions\n\ngo 1.21\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := goCommand("version"); err != nil {
				t.Skipf("SKIPPED: no %s (fetch it by GOTOOLCHAIN=%s go version): %v", version, version, lastOf(out))
			}
			for i, b := range goBuilds {
				if b.name == "pie" && version != "local" { // takes a minute
					continue
				}
				if i > 0 && !*everyBuild {
					t.Logf("only the plain build: -every-build tries %d others", len(goBuilds)-1)
					break
				}
				t.Run(b.name, func(t *testing.T) {
					binary := filepath.Join(dir, b.name)
					args := []string{"build", "-o", binary}
					if b.flags != "" {
						args = append(args, b.flags)
					}
					if out, err := goCommand(append(args, ".")...); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					tool := command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace")
					out, err := exec.Command(tool, "-q", "-e", strings.ReplaceAll(b.script, "BIN", binary), "-c", binary).CombinedOutput()
					if err != nil || Normalize(string(out)) != Normalize(b.want) {
						t.Errorf("%v\n%s", err, out)
					}
				})
			}
		})
	}
}

// lastOf is the last line of a command's output.
func lastOf(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// sdtProgram has static probes that systemtap's header makes.
const sdtProgram = `#include <sys/sdt.h>
#include <stdint.h>
#include <string.h>
struct deep { char pad[24]; int16_t level; };
static volatile uint8_t small = 200;
static __attribute__((noinline)) void work(int n, const char *text, struct deep *d) {
	DTRACE_PROBE(demo, none);
	DTRACE_PROBE4(demo, args, n, text, strlen(text), d->level);
	DTRACE_PROBE2(demo, mixed, small, (uint32_t)-1);
	DTRACE_PROBE12(demo, twelve, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, n);
}
int main(int argc, char **argv) {
	struct deep d = { .level = -9 };
	for (int i = 0; i < 2; i++) work(-i, argv[1], &d);
	return 0;
}
`

// TestKernelSDT traces a program with the static probes of systemtap's header, where gcc finds that (apt-get install systemtap-sdt-dev, or CPATH).
func TestKernelSDT(t *testing.T) {
	needRoot(t)
	skipMissing(t, &Case{Needs: []string{"uprobe"}})
	dir := t.TempDir()
	source := filepath.Join(dir, "sdt.c")
	if err := os.WriteFile(source, []byte(sdtProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := command(t, "GOTRACE", "gotrace", "github.com/gotrace/gotrace/cmd/gotrace")
	for _, level := range []string{"-O0", "-O2"} {
		t.Run(level, func(t *testing.T) {
			binary := filepath.Join(dir, "sdt"+level)
			if out, err := exec.Command("gcc", level, "-o", binary, source).CombinedOutput(); err != nil {
				t.Skipf("SKIPPED: no gcc with sys/sdt.h: %v: %s", err, lastOf(out))
			}
			script := strings.ReplaceAll(`usdt:BIN:demo:args { printf("%d %s %d %d\n", arg0, str(arg1), arg2, arg3); }
usdt:BIN:mixed { printf("%d %u\n", arg0, arg1); }
usdt:BIN::none { @ = count(); }
usdt:BIN:demo:tw* { @t[arg0, arg10, arg11] = count(); }`, "BIN", binary)
			out, err := exec.Command(tool, "-q", "-e", script, "-c", binary+" hello").CombinedOutput()
			want := "0 hello 5 -9\n200 4294967295\n-1 hello 5 -9\n200 4294967295\n@: 2\n@t[1, 11, -1]: 1\n@t[1, 11, 0]: 1\n"
			if err != nil || Normalize(string(out)) != Normalize(want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
