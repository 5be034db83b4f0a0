package codegen

import (
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// A pointer keeps its address space in its type through variables, maps, tuples and casts. It is lost where an address was a number in
// between, in structs that were copied, and where a pointer is now of one space, now of the other. Such an address is read
// by the helpers that look at the address itself: below TASK_SIZE it is the process's (bpf_probe_read_compat_common,
// kernel/trace/bpf_trace.c). That is exact where the two spaces do not overlap, as on x86_64 and arm64.

// reader is how memory of an address space is read.
type reader struct {
	bytes, str asm.BuiltinFunc
	what       string // for the message about a read that failed
}

func readerOf(space types.AddrSpace) reader {
	switch space {
	case types.SpaceUser:
		return reader{asm.FnProbeReadUser, asm.FnProbeReadUserStr, "user memory"}
	case types.SpaceNone:
		return reader{asm.FnProbeRead, asm.FnProbeReadStr, "memory"}
	}
	return reader{asm.FnProbeReadKernel, asm.FnProbeReadKernelStr, "kernel memory"} // BPF memory and the context are the kernel's, too
}

// helperSpace is the address space by which a helper reads a place.
func helperSpace(s types.AddrSpace) types.AddrSpace {
	if s == types.SpaceBPF || s == types.SpaceCtx {
		return types.SpaceKernel
	}
	return s
}

// numbersAreKernel says that a number which is used as a pointer to a struct of the kernel is taken for a kernel address, which direct loads can
// follow: they read 0 at an address of the process. In probes of programs and of system calls it is as likely
// one of the process.
func (l *lowerer) numbersAreKernel() bool {
	if l.prog.Kind.User {
		return false
	}
	for i := range l.prog.Targets {
		if ofSyscall(&l.prog.Targets[i]) {
			return false
		}
	}
	return true
}

// syscallFuncs are how the names of functions begin that get the arguments of system calls, underscores before it left out
// (include/linux/syscalls.h, arch/x86/include/asm/syscall_wrapper.h).
var syscallFuncs = []string{"sys_", "ksys_", "do_sys_", "se_sys_", "x64_sys_", "ia32_sys_", "arm64_sys_", "x32_compat_sys_", "compat_sys_"}

// ofSyscall says whether the arguments of a probe are, or lead to, those of a system call.
func ofSyscall(t *lang.Target) bool {
	name := strings.TrimLeft(t.Func, "_")
	for _, prefix := range syscallFuncs {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasSuffix(t.Category, "syscalls") || t.Category == "" && (t.Event == "sys_enter" || t.Event == "sys_exit")
}
