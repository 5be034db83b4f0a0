package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestJIT names code that a program has made, by its own map, wherever that is: the stack is printed when the process has ended.
func TestJIT(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	program := filepath.Join(t.TempDir(), "jit")
	compileC(t, "gcc", "jit.c", program, "-O1", "-fno-omit-frame-pointer")
	// In the namespace the program and the map are in directories that nobody else sees.
	hidden, err := os.MkdirTemp("/run", "jit-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(hidden)
	inside := fmt.Sprintf("mount -t tmpfs tmpfs %[1]s && cp %[2]s %[1]s && mount -t tmpfs tmpfs /tmp && %[1]s/jit wait", hidden, program)
	for name, command := range map[string]string{
		"plain":           program,
		"mount namespace": "unshare -m sh -c '" + inside + "'",
		"pid namespace":   "unshare -pf " + program + " wait",
		"both":            "unshare -pfm --mount-proc sh -c '" + inside + "'",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("unshare"); err != nil && name != "plain" {
				t.Skip("SKIPPED: no unshare")
			}
			script := `config = { show_debug_info = false }
tracepoint:syscalls:sys_enter_lseek /comm == "jit" && args.fd == 999/ { @[ustack] = count(); @top = usym(ustack[0]); }`
			res := runScript(t, tool, script, "-c", command)
			want := `@\[\n        jit leaf\+23\n        jit caller\+9\n        main\+\d+\n(        \S+\n)*\]: 1\n@top: jit leaf\n`
			if name == "plain" { // the map is gone with the process, which may be before anybody looks
				want = `@\[\n        (jit leaf\+23|0x[0-9a-f]+)\n        (jit caller\+9|0x[0-9a-f]+)\n        main\+\d+\n`
			}
			if !regexp.MustCompile(want).MatchString(res.Stdout) {
				t.Errorf("%s\n%s", res.Stdout, res.Stderr)
			}
		})
	}
}

// TestVDSO follows and names the code that the kernel has put into a process.
func TestVDSO(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	for _, flags := range [][]string{{"-O1"}, {"-O2", "-static-pie"}} {
		t.Run(strings.Join(flags, ""), func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "clock")
			compileC(t, "gcc", "clock.c", program, flags...)
			script := `config = { show_debug_info = false }
profile:hz:199 /comm == "clock"/ { @[dw_ustack(perf)] = count(); @top[usym(reg("ip"))] = count(); @short[ustack(perf, 1)] = count(); }`
			res := runScript(t, tool, script, "-c", program)
			for _, want := range []string{
				`@\[\n\t[0-9a-f]+ __vdso_clock_gettime\+\d+ \(\[vdso\]\)\n\t[0-9a-f]+ \S*clock_gettime\S*\+\d+ \(\S+\)\n\t[0-9a-f]+ main\+\d+ \(\S+/clock\)\n`,
				`@short\[\n\t[0-9a-f]+ __vdso_clock_gettime\+\d+ \(\[vdso\]\)\n\]: \d+\n`, `@top\[__vdso_clock_gettime\]: \d+\n`,
			} {
				if !regexp.MustCompile(want).MatchString(res.Stdout) {
					t.Errorf("%s\nis not in\n%s\n%s", want, res.Stdout, res.Stderr)
				}
			}
		})
	}
}

// TestReplaced names the code of programs whose files are deleted, or others, when their stacks are printed.
func TestReplaced(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	for name, then := range map[string]string{"deleted": "rm %[1]s", "replaced": "mv %[2]s %[1]s", "moved": "mv %[1]s %[1]s.old"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program, other := filepath.Join(dir, "chain"), filepath.Join(dir, "other")
			compileC(t, "gcc", "chain.c", program, "-O0", "-pthread")
			compileC(t, "gcc", "jit.c", other, "-O0")
			command := fmt.Sprintf("sh -c '%s \"\" 200000 & sleep 0.1; "+then+"; wait'", program, other)
			script := `config = { show_debug_info = false }
tracepoint:syscalls:sys_enter_lseek /comm == "chain" && args.fd == 999 && args.offset == 1/ { @[dw_ustack] = count(); }`
			res := runScript(t, tool, script, "-c", command)
			if got := ownFrames(res.Stdout); got != chains["1"] {
				t.Errorf("%q\n%s\n%s", got, res.Stdout, res.Stderr)
			}
		})
	}
}
