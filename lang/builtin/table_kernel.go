package builtin

import "github.com/gotrace/gotrace/lang/types"

// kernelTable is about the kernel and its memory.
var kernelTable = []*Builtin{
	{Name: "cgroup_path", Function: true, Args: "id, [filter]", Result: "cgroup_path_t",
		Help:    "path of a cgroup in each hierarchy that has the id, or in those whose names match; looked up when it is printed",
		Example: `tracepoint:syscalls:sys_enter_openat { @[cgroup_path(cgroup, "unified")] = count(); }`},
	{Name: "cgroupid", Function: true, Args: "path", Type: types.TypeUint64, Stable: Constant,
		Help:    "id of the cgroup at a path",
		Example: `tracepoint:syscalls:sys_enter_openat /cgroup == cgroupid("/sys/fs/cgroup/system.slice")/ { @[comm] = count(); }`},
	{Name: "kfunc_allowed", Function: true, Args: "name", Type: types.Bool{}, Stable: Constant,
		Help:    "whether this kind of probe can call a function of the kernel",
		Example: `BEGIN { print(kfunc_allowed("bpf_task_from_pid")); exit(); }`},
	{Name: "kfunc_exist", Function: true, Args: "name", Type: types.Bool{}, Stable: Constant,
		Help:    "whether the kernel has a function of a name, as its types tell",
		Example: `BEGIN { print(kfunc_exist("bpf_task_from_pid")); exit(); }`},
	{Name: "kptr", Function: true, Args: "pointer", Result: "type of the pointer",
		Help:    "a pointer into the kernel's memory",
		Example: `kprobe:vfs_open { $path = (struct path *)kptr(arg0); printf("%s\n", str($path.dentry.d_name.name)); }`},
	{Name: "percpu_kaddr", Function: true, Args: "name, [cpu]", Result: "pointer to the variable's type, uint64 * where that is not known",
		Help:    "address of a per-CPU variable of the kernel, of this CPU or of another; 0 if there is no such CPU",
		Example: `interval:s:1 { printf("%d\n", *percpu_kaddr("process_counts", 0)); }`},
	{Name: "socket_cookie", Function: true, Args: "socket", Type: types.TypeUint64, Probe: HasTypes, Kernel: &Need{5, 12, "bpf_get_socket_cookie", ""},
		Help:    "number by which the kernel knows a socket as long as it lives, 0 for NULL",
		Example: `fentry:udp_sendmsg { @[socket_cookie(args.sk)] = count(); }`},
	{Name: "uptr", Function: true, Args: "pointer", Result: "type of the pointer",
		Help:    "a pointer into the process's memory",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%s\n", str(uptr(args.filename))); }`},
}
