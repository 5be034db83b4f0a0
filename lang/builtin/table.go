package builtin

import "github.com/gotrace/gotrace/lang/types"

// commLen is TASK_COMM_LEN (include/linux/sched.h).
const commLen = 16

// eventTable is about what happened. The fields of args do not change during a run either, but some are read from memory.
var eventTable = []*Builtin{
	{Name: "args", Variable: true, Probe: HasArgs, Result: "struct of the probe's arguments",
		Help:    "arguments of the probe, by name",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%s\n", str(args.filename)); }`},
	{Name: "argN", Variable: true, Probe: HasArgN, Type: types.TypeUint64, Stable: PerRun,
		Help:    "argument N of the traced function or event, from 0 on",
		Example: `kprobe:vfs_read { @bytes = hist(arg2); }`},
	{Name: "ctx", Variable: true, Type: types.Pointer{Elem: types.Void{}, Space: types.SpaceCtx}, Stable: PerRun,
		Help:    "the program's context, as the kernel gave it",
		Example: `profile:hz:99 { @[((uint64)ctx & 7)] = count(); }`},
	{Name: "func", Variable: true, Probe: HasFunc, Result: "symbol", Stable: PerRun,
		Help:    "name of the traced function",
		Example: `kprobe:vfs_read* { @[func] = count(); }`},
	{Name: "probe", Variable: true, Result: "string", Stable: Constant, PerTarget: true,
		Help:    "name of the probe",
		Example: `kprobe:vfs_read* { @[probe] = count(); }`},
	{Name: "probetype", Variable: true, Result: "string", Stable: Constant,
		Help:    "name of the probe's kind, special for begin and end",
		Example: `BEGIN, kprobe:vfs_read { @[probetype] = count(); }`},
	{Name: "reg", Function: true, Args: "name", Probe: HasRegisters, Type: types.TypeUint64,
		Help:    "content of a register at the probe: ax, di, ip, sp, …",
		Example: `kprobe:vfs_read { printf("%x\n", reg("sp")); }`},
	{Name: "retval", Variable: true, Probe: HasReturn, Result: "type that the function returns, uint64 where that is not known", Stable: PerRun,
		Help:    "value that the traced function returned",
		Example: `kretprobe:vfs_read { @bytes = hist((int64)retval); }`},
	{Name: "sargN", Variable: true, Probe: HasStackArgs, Type: types.TypeUint64,
		Help:    "argument N on the stack of the traced function, from 0 on",
		Example: `kprobe:vfs_read { printf("%d\n", sarg0); }`},
	{Name: "usermode", Variable: true, Probe: HasMode, Type: types.TypeUint8, Stable: PerRun,
		Help:    "1 if the CPU was in user mode, 0 if in the kernel",
		Example: `profile:hz:99 { @[usermode] = count(); }`},
}

// taskTable is about the thread in which it happened.
var taskTable = []*Builtin{
	{Name: "cgroup", Variable: true, Type: types.TypeUint64, Stable: PerRun,
		Help:    "id of the current cgroup",
		Example: `tracepoint:syscalls:sys_enter_openat { @[cgroup] = count(); }`},
	{Name: "comm", Variable: true, Type: types.String{Len: commLen}, Stable: PerRun,
		Help:    "name of the current thread",
		Example: `tracepoint:syscalls:sys_enter_openat { @[comm] = count(); }`},
	{Name: "cpid", Variable: true, Type: types.TypeUint32, Stable: Constant,
		Help:    "process id of the command of -c, 0 with a warning if there is none",
		Example: `tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @ = count(); }`},
	{Name: "curtask", Variable: true, Result: "struct task_struct *, uint64 where the kernel's types are not known", Stable: PerRun,
		Help:    "the current task",
		Example: `profile:hz:99 { @[curtask.comm] = count(); }`},
	{Name: "gid", Variable: true, Type: types.TypeUint64, Stable: PerRun,
		Help:    "group id of the current process",
		Example: `tracepoint:syscalls:sys_enter_openat { @[gid] = count(); }`},
	{Name: "has_cpid", Variable: true, Type: types.Bool{}, Stable: Constant,
		Help:    "whether there is a command of -c",
		Example: `BEGIN { if (has_cpid) { printf("tracing %d\n", cpid); } exit(); }`},
	{Name: "leader_comm", Variable: true, Function: true, Args: "[task]", Type: types.String{Len: commLen},
		Help:    "name of the first thread of the current process, or of a task's",
		Example: `tracepoint:syscalls:sys_enter_openat { @[leader_comm, comm] = count(); }`},
	{Name: "leader_tid", Variable: true, Function: true, Args: "[task]", Type: types.TypeUint32,
		Help:    "id of the first thread of the current process, or of a task's",
		Example: `tracepoint:syscalls:sys_enter_openat /tid != leader_tid/ { @[comm] = count(); }`},
	{Name: "pcomm", Variable: true, Function: true, Args: "[task]", Type: types.String{Len: commLen},
		Help:    "name of the parent of the current process, or of a task's",
		Example: `tracepoint:sched:sched_process_exec { @[pcomm, comm] = count(); }`},
	{Name: "pid", Variable: true, Function: true, Args: "[namespace]", Type: types.TypeUint32, Stable: PerRun,
		Help:    "id of the current process, in gotrace's pid namespace (curr_ns) or in the first one (init)",
		Example: `tracepoint:syscalls:sys_enter_openat { @[pid, pid(init)] = count(); }`},
	{Name: "ppid", Variable: true, Function: true, Args: "[task]", Type: types.TypeUint32,
		Help:    "id of the parent of the current process, or of a task's, in the first pid namespace",
		Example: `tracepoint:sched:sched_process_exec { @[ppid, pcomm, comm] = count(); }`},
	{Name: "tid", Variable: true, Function: true, Args: "[namespace]", Type: types.TypeUint32, Stable: PerRun,
		Help:    "id of the current thread, in gotrace's pid namespace (curr_ns) or in the first one (init)",
		Example: `tracepoint:syscalls:sys_enter_openat { @start[tid] = nsecs; }`},
	{Name: "uid", Variable: true, Type: types.TypeUint64, Stable: PerRun,
		Help:    "user id of the current process",
		Example: `tracepoint:syscalls:sys_enter_openat /uid == 0/ { @[comm] = count(); }`},
	{Name: "username", Variable: true, Type: types.User{}, Stable: PerRun,
		Help:    "name of the user of the current process, looked up when it is printed",
		Example: `tracepoint:syscalls:sys_enter_openat { @[username] = count(); }`},
}

// TaskFields are the members of struct task_struct that a builtin about a task follows, in order.
var TaskFields = map[string][]string{
	"ppid":        {"real_parent", "tgid"},
	"pcomm":       {"real_parent", "comm"},
	"leader_tid":  {"group_leader", "pid"},
	"leader_comm": {"group_leader", "comm"},
}

// machineTable is about the machine.
var machineTable = []*Builtin{
	{Name: "cpu", Variable: true, Type: types.TypeUint32, Stable: PerRun,
		Help:    "number of the CPU on which the program runs",
		Example: `profile:hz:99 { @[cpu] = count(); }`},
	{Name: "ncpus", Variable: true, Type: types.TypeUint64, Stable: Constant,
		Help:    "number of CPUs that were online when the trace began",
		Example: `BEGIN { printf("%d CPUs\n", ncpus); exit(); }`},
	{Name: "numaid", Variable: true, Type: types.TypeUint32, Stable: PerRun,
		Help:    "number of the NUMA node on which the program runs",
		Example: `profile:hz:99 { @[numaid] = count(); }`},
	{Name: "rand", Variable: true, Type: types.TypeUint32,
		Help:    "a random number",
		Example: `profile:hz:99 /rand % 10 == 0/ { @[comm] = count(); }`},
}

// timeTable is about time.
var timeTable = []*Builtin{
	{Name: "elapsed", Variable: true, Type: types.TypeUint64,
		Help:    "nanoseconds since gotrace started",
		Example: `interval:s:1 { printf("%d s\n", elapsed / 1000000000); }`},
	{Name: "jiffies", Variable: true, Type: types.TypeUint64, Kernel: &Need{5, 6, "bpf_jiffies64", ""},
		Help:    "the kernel's tick counter",
		Example: `interval:s:1 { print(jiffies); }`},
	{Name: "nsecs", Variable: true, Function: true, Args: "[clock]", Type: types.TypeUint64,
		Help:    "nanoseconds since boot, or the time of another clock",
		Example: `kprobe:vfs_read { @start[tid] = nsecs; @[nsecs(tai) / 1000000000] = count(); }`},
	{Name: "strftime", Function: true, Args: "format, ns", Result: "timestamp",
		Help:    "a time of nsecs as text, formatted as strftime(3) does, %f for microseconds",
		Example: `interval:s:1 { printf("%s\n", strftime("%H:%M:%S.%f", nsecs)); }`},
	{Name: "time", Function: true, Args: "[format]", Effect: true,
		Help:    "prints the time of day",
		Example: `interval:s:1 { time("%H:%M:%S\n"); }`},
}

// outputTable prints, and ends the trace.
var outputTable = []*Builtin{
	{Name: "exit", Function: true, Args: "[code]", Effect: true, Ends: true,
		Help:    "ends the trace: END probes run, maps are printed, and gotrace exits with the code",
		Example: `interval:s:10 { exit(); }`},
	{Name: "print", Function: true, Args: "value, [top], [div]", Effect: true, Map: MapPrints,
		Help:    "prints a value, an element of a map or a map: its largest top values, divided by div",
		Example: `tracepoint:syscalls:sys_enter_openat { @[comm] = count(); } interval:s:1 { print(@, 5); clear(@); }`},
	{Name: "printf", Function: true, Args: "format, [value], …", Effect: true,
		Help:    "prints text, formatted as in C; %s shows any value",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%-16s %d\n", comm, pid); }`},
}

// textTable is about text.
var textTable = []*Builtin{
	{Name: "bswap", Function: true, Args: "number", Result: "unsigned integer of the same size",
		Help:    "number with its bytes in the opposite order",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%x\n", bswap((uint16)args.mode)); }`},
	{Name: "buf", Function: true, Args: "data, [length]", Result: "buffer",
		Help:    "bytes at an address, or of an array or a string; %r, %rx and %rh show them",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%rx\n", buf(args.filename, 8)); }`},
	{Name: "macaddr", Function: true, Args: "address", Type: types.MAC{},
		Help:    "hardware address: the six bytes of an array, or at an address",
		Example: `BEGIN { printf("%s\n", macaddr((uint8[6])0x010203040506)); exit(); }`},
	{Name: "ntop", Function: true, Args: "[family], address", Type: types.Inet{},
		Help:    "internet address: a number or four bytes for IPv4, sixteen for IPv6, or as the family says",
		Example: `BEGIN { printf("%s %s\n", ntop(0x0100007f), ntop(pton("::1"))); exit(); }`},
	{Name: "pton", Function: true, Args: "text", Result: "array of four or sixteen bytes",
		Help:    "bytes of an IPv4 or IPv6 address that is written as text",
		Example: `BEGIN { print(pton("127.0.0.1")); exit(); }`},
	{Name: "str", Function: true, Args: "address, [length]", Result: "string",
		Help:    "reads the string at an address, at most length characters",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%s\n", str(args.filename, 64)); }`},
}

// typeTable are the keywords that take a type or an expression.
var typeTable = []*Builtin{
	{Name: "offsetof", Function: true, Keyword: true, Args: "type, field", Type: types.TypeUint64, Stable: Constant,
		Help:    "where a field begins in a struct, in bytes",
		Example: `struct pair { int a; long b; } BEGIN { print(offsetof(struct pair, b)); exit(); }`},
	{Name: "sizeof", Function: true, Keyword: true, Args: "type", Type: types.TypeUint64, Stable: Constant,
		Help:    "size of a type, or of the type of an expression, in bytes",
		Example: `BEGIN { print((sizeof(uint32), sizeof(struct task_struct))); exit(); }`},
	{Name: "typeof", Function: true, Keyword: true, Args: "value", Result: "type",
		Help:    "the type of an expression, in a declaration or a cast",
		Example: `BEGIN { let $next: typeof(pid) = 1; print($next); exit(); }`},
}
