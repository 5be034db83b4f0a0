package probes

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ctypes"
)

// syscallNames are the system calls whose function in the kernel, after which tracepoints are named, has another name than their number
// (arch/x86/entry/syscalls/syscall_64.tbl).
var syscallNames = map[string]string{
	"newstat": "stat", "newfstat": "fstat", "newlstat": "lstat", "newuname": "uname", "sendfile64": "sendfile", "umount": "umount2",
}

// newSyscalls are the numbers of system calls that the table of constants is too old for (Linux 6.5 and newer; the same file).
var newSyscalls = map[string]int{
	"uretprobe": 335, "uprobe": 336,
	"cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456,
	"statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462,
	"setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467,
	"file_getattr": 468, "file_setattr": 469,
}

// syscallOf is the number, and 1, of the system call that a tracepoint "sys_enter_NAME" or "sys_exit_NAME" is of, 0 if it is not known: other
// architectures than amd64 have other names for some.
func syscallOf(event string) int {
	name, ok := strings.CutPrefix(event, "sys_enter_")
	if !ok {
		if name, ok = strings.CutPrefix(event, "sys_exit_"); !ok {
			return 0
		}
	}
	if goarch != "amd64" {
		return 0
	}
	if other, ok := syscallNames[name]; ok {
		name = other
	}
	n, ok := ctypes.Syscall(goarch, name)
	if newer, isNew := newSyscalls[name]; isNew {
		n, ok = newer, true
	}
	if !ok || n < 0 || n >= maxSyscall {
		return 0
	}
	return n + 1
}

// maxSyscall is more than any architecture has: numbers with higher bits are those of x32.
const maxSyscall = 1024

// planShared attaches the program of many system calls to the raw tracepoint that all pass.
func planShared(raw string, targets []lang.Target) *Plan {
	p := &Plan{attach: each(targets[:1], func(_ *lang.Target, prog *ebpf.Program) (closer, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: raw, Program: prog})
	})}
	p.tell = fmt.Sprintf("%d tracepoints of system calls share one program on rawtracepoint:%s, which finds them by number: 16 or more with one body do, "+
		"because each takes the kernel some 40 ms to detach", len(targets), raw)
	return p
}
