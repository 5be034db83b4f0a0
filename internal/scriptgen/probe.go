package scriptgen

// probeSpec is a probe that scripts may have, with what only its programs can read.
type probeSpec struct {
	attach string
	ints   []string // integer expressions
	strs   []string // string expressions
	syms   []string // what prints as a string but is none
	kprobe bool     // only where the kernel has kprobes
	uprobe bool     // TARGET stands for what to probe
}

// probeSpecs are probes that every kernel from 6.1 on has.
var probeSpecs = []probeSpec{
	{attach: "BEGIN", ints: []string{"usermode"}},
	{attach: "END"},
	{attach: "interval:s:1"},
	{attach: "profile:hz:99", ints: []string{"usermode"}},
	{
		attach: "tracepoint:syscalls:sys_enter_openat",
		ints:   []string{"args.flags", "args.mode", "args.dfd", "args->flags"},
		strs:   []string{"str(args.filename)", "str(args->filename, 32)"},
	},
	{attach: "tracepoint:syscalls:sys_exit_read", ints: []string{"args.ret", "args->ret"}},
	{
		attach: "tracepoint:sched:sched_switch",
		ints:   []string{"args.prev_pid", "args.next_prio", "args.prev_state", "args.prev_comm[2]"},
		strs:   []string{"args.prev_comm", "args.next_comm"},
	},
	{attach: "tracepoint:sched:sched_process_exec", ints: []string{"args.pid"}, strs: []string{"str(args.filename)"}},
	{attach: "tracepoint:raw_syscalls:sys_enter", ints: []string{"args.id", "args.args[0]", "args.args[3]"}},
	{attach: "rawtracepoint:sys_enter", ints: []string{"arg1", "args.id"}},
	{attach: "rawtracepoint:sched_switch", ints: []string{"args.prev.pid", "args.next.tgid"}, strs: []string{"args.prev.comm"}},
	{attach: "kprobe:vfs_read", ints: []string{"arg0", "arg2", "((struct file *)arg0).f_flags"}, kprobe: true,
		syms: []string{"func"}, strs: []string{"str(((struct file *)arg0).f_path.dentry.d_name.name)"}},
	{attach: "kprobe:vfs_write", ints: []string{"args.count", "args.file.f_flags", "(uint64)args.buf"}, kprobe: true,
		syms: []string{"func"}, strs: []string{"str(args.file.f_path.dentry.d_name.name)"}},
	{attach: "fentry:vfs_read", ints: []string{"args.count", "arg2", "args.file.f_flags", "(uint64)args.buf"}, kprobe: true,
		syms: []string{"func"}, strs: []string{"str(args.file.f_path.dentry.d_name.name)"}},
	{attach: "fexit:vfs_read", ints: []string{"retval", "args.count", "(uint64)args.pos"}, kprobe: true, syms: []string{"func"},
		strs: []string{"str(args.file.f_path.dentry.d_name.name)"}},
	{attach: "iter:task", ints: []string{"args.task.pid", "ctx.task.tgid", "args.task.cred.uid.val"}, strs: []string{"args.task.comm"}},
	{attach: "software:page-faults:100", ints: []string{"usermode"}},
	{attach: "kretprobe:vfs_read", ints: []string{"retval", "(int32)retval"}, kprobe: true},
	{attach: "kprobe:vfs_read+4", ints: []string{"arg1", "sarg0"}, kprobe: true, syms: []string{"func"}},
	{attach: "uprobe:TARGET", ints: []string{"arg0", "arg5", "sarg3", "((struct gen_outer *)arg0).in.z"}, uprobe: true,
		strs: []string{"str(arg0)", "str(arg1, 20)", "((struct gen_outer *)arg0).next.name"}, syms: []string{"func"}},
	{attach: "uretprobe:TARGET", ints: []string{"retval", "*(uint16 *)retval"}, uprobe: true, strs: []string{"str(retval)"}, syms: []string{"func"}},
	{attach: "interval:ms:10, profile:us:2000", ints: []string{"usermode"}},
	{attach: "tracepoint:syscalls:sys_enter_openat*", ints: []string{"args.dfd"}, strs: []string{"str(args.filename)"}},
	{attach: "tracepoint:timer:hrtimer_start", ints: []string{"args.mode", "(uint64)args.hrtimer"}},
	{attach: "tracepoint:syscalls:sys_enter_read, tracepoint:syscalls:sys_enter_write", ints: []string{"args.fd", "args.count"}},
}
