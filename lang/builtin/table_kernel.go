package builtin

// kernelTable is about the kernel and its memory.
var kernelTable = []*Builtin{
	{Name: "kptr", Function: true, Args: "pointer", Result: "type of the pointer",
		Help:    "a pointer into the kernel's memory",
		Example: `kprobe:vfs_open { $path = (struct path *)kptr(arg0); printf("%s\n", str($path.dentry.d_name.name)); }`},
	{Name: "uptr", Function: true, Args: "pointer", Result: "type of the pointer",
		Help:    "a pointer into the process's memory",
		Example: `tracepoint:syscalls:sys_enter_openat { printf("%s\n", str(uptr(args.filename))); }`},
}
