package builtin

import "github.com/gotrace/gotrace/lang/types"

// effectTable changes what is traced.
var effectTable = []*Builtin{
	{Name: "override", Function: true, Args: "value", Unsafe: true, Effect: true, Probe: HasEntry,
		Help:    "has the traced function of the kernel return a value without running; where the kernel lets errors be injected",
		Example: `kprobe:__x64_sys_getuid /comm == "id"/ { override(2 << 21); }`},
	{Name: "signal", Function: true, Args: "signal", Unsafe: true, Effect: true, Probe: HasProcess, Kernel: &Need{5, 3, "bpf_send_signal", ""},
		Help:    "sends a signal, by its name or number, to the current process: any thread may take it",
		Example: `tracepoint:syscalls:sys_enter_openat /comm == "cat"/ { signal("SIGSTOP"); }`},
	{Name: "signal_thread", Function: true, Args: "signal", Unsafe: true, Effect: true, Probe: HasProcess, Kernel: &Need{5, 5, "bpf_send_signal_thread", ""},
		Help:    "sends a signal, by its name or number, to the current thread",
		Example: `tracepoint:syscalls:sys_enter_openat /comm == "cat"/ { signal_thread(19); }`},
	{Name: "write_user", Function: true, Args: "target, source, length", Type: types.Bool{}, Unsafe: true, Effect: true,
		Help:    "writes to the memory of the current process, and says whether that worked",
		Example: `tracepoint:syscalls:sys_enter_openat /comm == "cat"/ { write_user(args.filename, "/dev/null", 10); }`},
}
