package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// compileC compiles a program of testdata/unwind.
func compileC(t *testing.T, compiler, source, out string, flags ...string) {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil || runtime.GOARCH != "amd64" {
		t.Skipf("SKIPPED: no %s for x86-64: apt-get install gcc g++", compiler)
	}
	args := append(flags, "-o", out, filepath.Join("testdata", "unwind", source))
	if msg, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compiler, err, msg)
	}
}

// chains are the frames of each call of lseek() in chain.c from its leaf on, by its second argument. An ellipsis stands for frames of
// libraries; what is behind it, if anything, must come.
var chains = map[string]string{
	"1": "leaf three two one main … _start",
	"2": "leaf three compare … sort main … _start",
	"3": "leaf three handler … interrupted main … _start",
	"4": "leaf three handler … interrupted main … _start",
	"5": "leaf three thread …",
	"6": "leaf three aligned main … _start",
	"7": "leaf three back deeper through main … _start",
}

var (
	frameName = regexp.MustCompile(`^\s+(\S+?)(\+\d+)?(@\S+)?$`)
	ownNames  = regexp.MustCompile(`^(leaf|one|two|three|main|compare|sort|handler|interrupted|signals|thread|aligned|back|deeper|through|_start)$`)
)

// ownFrames are the names of the frames from the leaf on, with an ellipsis for those that are not the programs'.
func ownFrames(stack string) string {
	var names []string
	leaf := false
	for line := range strings.Lines(stack) {
		m := frameName.FindStringSubmatch(strings.TrimRight(line, "\n"))
		switch {
		case m == nil || strings.Contains(line, "[inlined]"):
			continue
		case m[1] == "signals": // it is inlined in main, or not
			continue
		case !ownNames.MatchString(m[1]):
			m[1] = "…"
		}
		leaf = leaf || m[1] == "leaf"
		if n := len(names); leaf && (n == 0 || names[n-1] != m[1]) {
			names = append(names, m[1])
		}
	}
	return strings.Join(names, " ")
}

// checkChains compares what a script printed, "=number" and a stack for each call, with the chains.
func checkChains(t *testing.T, res *Result) {
	t.Helper()
	got := map[string]string{}
	for _, part := range strings.Split(res.Stdout, "=")[1:] {
		number, stack, _ := strings.Cut(part, "\n")
		got[number] = ownFrames(stack)
	}
	for number, want := range chains {
		if got[number] != want {
			t.Errorf("chain %s: %q, want %q", number, got[number], want)
		}
	}
	if t.Failed() {
		t.Log(res.Stdout, res.Stderr)
	}
}

const chainScript = `config = { show_debug_info = false }
tracepoint:syscalls:sys_enter_lseek /comm == "chain" && args.fd == 999/ { printf("=%d\n%s", args.offset, dw_ustack); }
`

// TestUnwind follows known call chains through programs of all kinds.
func TestUnwind(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	dir := t.TempDir()
	library := filepath.Join(dir, "library.so")
	compileC(t, "gcc", "library.c", library, "-O2", "-fPIC", "-shared", "-fomit-frame-pointer")
	for _, optimise := range []string{"-O0", "-O1", "-O2", "-O3"} {
		for _, frame := range []string{"-fomit-frame-pointer", "-fno-omit-frame-pointer"} {
			for _, place := range []string{"-pie", "-no-pie"} {
				t.Run(optimise+frame+place, func(t *testing.T) {
					into := filepath.Join(dir, optimise+frame+place)
					if err := os.Mkdir(into, 0o700); err != nil {
						t.Fatal(err)
					}
					program := filepath.Join(into, "chain")
					pic := map[string]string{"-pie": "-fPIE", "-no-pie": "-fno-pie"}[place]
					compileC(t, "gcc", "chain.c", program, optimise, frame, pic, place, "-pthread")
					res := runScript(t, tool, chainScript, "-c", program+" "+library)
					checkChains(t, res)
					if strings.Contains(res.Stderr, "frame pointers") {
						t.Error(res.Stderr)
					}
				})
			}
		}
	}
}

// runScript runs a script with flags of the command.
func runScript(t *testing.T, tool *Tool, script string, flags ...string) *Result {
	t.Helper()
	c := &Case{Script: script, Flags: flags}
	res, err := tool.Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, res.Stdout, res.Stderr)
	}
	return res
}
