package scripts

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/probes"
)

// Missing says what a case needs that this machine's kernel lacks, "" if it lacks nothing. In the test
// machines ($GOTRACE_VM is set) every kind of probe must work, so only the kernel's version can be missing.
func Missing(c *Case) (string, error) {
	for _, need := range c.Needs {
		ok, err := has(need)
		if err != nil {
			return "", fmt.Errorf("%s:%d: %w", c.File, c.Line, err)
		}
		if !ok {
			return need, nil
		}
	}
	return "", nil
}

func has(need string) (bool, error) {
	inVM := os.Getenv("GOTRACE_VM") != ""
	switch need {
	case "kprobe":
		return inVM || exists("/sys/bus/event_source/devices/kprobe"), nil
	case "fentry":
		return inVM || fentries(), nil
	case "watchpoint":
		return inVM || watches(), nil
	case "uprobe":
		return inVM || exists("/sys/bus/event_source/devices/uprobe"), nil
	case "amd64":
		return runtime.GOARCH == "amd64", nil
	case "override":
		return exists("/sys/kernel/debug/error_injection/list"), nil
	case "bash":
		return exists("/bin/bash"), nil
	}
	if strings.HasPrefix(need, "/") {
		return exists(need), nil
	}
	want, err := parseVersion(need)
	if err != nil {
		return false, err
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return false, fmt.Errorf("asking for the kernel's version: %w", err)
	}
	have, err := parseVersion(unix.ByteSliceToString(uts.Release[:]))
	return have >= want, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// parseVersion makes major<<8 | minor of a version that begins with "major.minor".
func parseVersion(s string) (int, error) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) < 2 {
		return 0, fmt.Errorf("%q is no kernel version and nothing else that a case may need", s)
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, fmt.Errorf("kernel version %q: %w", s, err)
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, fmt.Errorf("kernel version %q: %w", s, err)
	}
	return major<<8 | minor, nil
}

// fentries says whether the kernel lets this process bind a program to one of its functions.
var fentries = sync.OnceValue(func() bool {
	e, err := probes.NewEnv(probes.EnvOptions{})
	return err == nil && e.Try(&ast.AttachPoint{Provider: "fentry", Parts: []string{"bpf_fentry_test1"}}) == nil
})

// watches says whether the processor's breakpoints work: some virtual machines take them and never fire.
func watches() bool {
	var word atomic.Uint64
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_BREAKPOINT, Bp_type: 2, Ext1: uint64(uintptr(unsafe.Pointer(&word))), Ext2: 8, Sample: 1}
	attr.Size = uint32(unsafe.Sizeof(attr))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	word.Store(1)
	var count [8]byte
	_, err = unix.Read(fd, count[:])
	return err == nil && count != [8]byte{}
}
