package scriptgen

// probeSpec is a probe that scripts may have, with what only its programs can read.
type probeSpec struct {
	attach string
	ints   []string // integer expressions
	strs   []string // string expressions
	syms   []string // what prints as a string but is none
	kprobe bool     // only where the kernel has kprobes
}

// probeSpecs are probes that every kernel from 6.1 on has.
var probeSpecs = []probeSpec{
	{attach: "BEGIN"},
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
		ints:   []string{"args.prev_pid", "args.next_prio", "args.prev_state"},
		strs:   []string{"args.prev_comm", "args.next_comm"},
	},
	{attach: "tracepoint:sched:sched_process_exec", ints: []string{"args.pid"}, strs: []string{"str(args.filename)"}},
	{attach: "tracepoint:raw_syscalls:sys_enter", ints: []string{"args.id", "args.args[0]", "args.args[3]"}},
	{attach: "rawtracepoint:sys_enter", ints: []string{"arg1", "args.id"}},
	{attach: "rawtracepoint:sched_switch", ints: []string{"args.prev.pid", "args.next.tgid"}, strs: []string{"args.prev.comm"}},
	{attach: "kprobe:vfs_read", ints: []string{"arg0", "arg2", "((struct file *)arg0).f_flags"}, kprobe: true,
		syms: []string{"func"}, strs: []string{"str(((struct file *)arg0).f_path.dentry.d_name.name)"}},
	{attach: "kretprobe:vfs_read", ints: []string{"retval", "(int32)retval"}, kprobe: true},
	{attach: "tracepoint:syscalls:sys_enter_read, tracepoint:syscalls:sys_enter_write", ints: []string{"args.fd", "args.count"}},
}

// intBuiltins can be read everywhere.
var intBuiltins = []string{
	"pid", "tid", "uid", "gid", "cpu", "nsecs", "elapsed", "rand", "ncpus", "cgroup", "jiffies",
	"((struct task_struct *)curtask)->pid", "((struct task_struct *)curtask)->real_parent->tgid",
	"((struct task_struct *)curtask)->group_leader.prio", "curtask.se.load.weight", "curtask.flags",
	"curtask.cred.uid.val", "curtask.in_execve", "curtask.nsproxy.uts_ns.ns.inum", "nsecs(boot)", "(uint64)curtask",
}

// strBuiltins can be read everywhere.
var strBuiltins = []string{
	"comm", "probe", "curtask.comm", "((struct task_struct *)curtask)->real_parent->comm", "curtask.nsproxy.uts_ns.name.release",
}

// intTypes are the types of casts.
var intTypes = []string{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}

// intLiterals are of every form and near every limit.
var intLiterals = []string{
	"0", "1", "2", "3", "7", "8", "10", "16", "63", "64", "100", "127", "128", "255", "256", "1000", "32767", "65535", "65536",
	"0x7fffffff", "0x80000000", "4294967295", "4294967296", "0x7fffffffffffffff", "1e6", "1_000_000", "10ms", "0377", "12UL",
}

// strLiterals are of several lengths.
var strLiterals = []string{`""`, `"a"`, `"bash"`, `"a longer text"`, `"tab\there"`, `"0123456789012345678901234567890123456789"`}
