package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
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
func checkChains(t *testing.T, res *Result, times int) {
	t.Helper()
	seen := map[string]int{}
	for _, part := range strings.Split(res.Stdout, "=")[1:] {
		number, stack, _ := strings.Cut(part, "\n")
		seen[number]++
		if got := ownFrames(stack); got != chains[number] {
			t.Errorf("chain %s: %q, want %q", number, got, chains[number])
		}
	}
	for number := range chains {
		if seen[number] != times {
			t.Errorf("chain %s came %d times, not %d", number, seen[number], times)
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
					checkChains(t, res, 1)
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

// TestUnwindLater follows processes that start while the script runs, many of them at a time.
func TestUnwindLater(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	dir := t.TempDir()
	library, program := filepath.Join(dir, "library.so"), filepath.Join(dir, "chain")
	compileC(t, "gcc", "library.c", library, "-O2", "-fPIC", "-shared", "-fomit-frame-pointer")
	compileC(t, "gcc", "chain.c", program, "-O2", "-fomit-frame-pointer", "-pthread")
	const processes = 20
	command := fmt.Sprintf("/bin/sh -c 'for i in $(seq %d); do %s %s 1000000 & done; wait'", processes, program, library)
	res := runScript(t, tool, chainScript, "-c", command)
	checkChains(t, res, processes)
}

// TestUnwindRunning follows a process that runs already, by -p and because a probe is in its program.
func TestUnwindRunning(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "chain")
	compileC(t, "gcc", "chain.c", program, "-O2", "-fomit-frame-pointer", "-pthread")
	for name, flags := range map[string][]string{"pid": {"-p", ""}, "file": nil} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program, "", "5000000")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Wait() }()
			if flags != nil {
				flags[1] = strconv.Itoa(cmd.Process.Pid)
			}
			script := `config = { show_debug_info = false }
uprobe:` + program + `:leaf /arg0 == 1/ { print(dw_ustack); exit(); } interval:s:15 { exit(); }`
			res := runScript(t, tool, script, flags...)
			if got, want := ownFrames(res.Stdout), chains["1"]; got != want {
				t.Errorf("%q, want %q\n%s%s", got, want, res.Stdout, res.Stderr)
			}
		})
	}
}
