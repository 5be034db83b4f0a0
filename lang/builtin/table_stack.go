package builtin

import "github.com/gotrace/gotrace/lang/types"

// stackTable is about stacks and names of code.
var stackTable = []*Builtin{
	{Name: "dw_ustack", Variable: true, Function: true, Args: "[mode], [frames]", Result: "stack", Kernel: &Need{5, 17, "bpf_loop", "use ustack, which follows frame pointers"},
		Help:    "stack of the process as ustack, found by the tables for unwinding (.eh_frame) in its files; ustack is the same with config = { user_unwind = auto }",
		Example: `profile:hz:99 { @[dw_ustack, comm] = count(); }`},
	{Name: "kaddr", Function: true, Args: "name", Type: types.TypeUint64, Stable: Constant,
		Help:    "address of a symbol of the kernel",
		Example: `interval:s:1 { print(*(uint64 *)kaddr("jiffies")); }`},
	{Name: "kstack", Variable: true, Function: true, Args: "[mode], [frames]", Result: "stack",
		Help:    "kernel stack: the addresses of the functions that called each other, the innermost first; shown as bpftrace (name+offset), perf or raw",
		Example: `tracepoint:sched:sched_switch { @[kstack] = count(); @top[kstack(perf, 3)] = count(); }`},
	{Name: "ksym", Function: true, Args: "address", Type: types.Symbol{},
		Help:    "an address of the kernel, shown by the name of the function that it is in",
		Example: `profile:hz:99 { $s = kstack; if (len($s) > 1) { @[ksym($s[1])] = count(); } }`},
	{Name: "uaddr", Function: true, Args: "name", Probe: HasUserFunc, Result: "pointer to an integer of the symbol's size", PerTarget: true,
		Help:    "address of a symbol of the traced binary in the process",
		Example: `uprobe:/bin/bash:readline { printf("%s\n", str(*uaddr("ps1_prompt"))); }`},
	{Name: "ustack", Variable: true, Function: true, Args: "[mode], [frames]", Result: "stack",
		Help:    "stack of the process; shown as kstack is, or as build_id: build ids of the files and the offsets in them",
		Example: `profile:hz:99 { @[ustack, comm] = count(); @ids[ustack(build_id, 20)] = count(); }`},
	{Name: "usym", Function: true, Args: "address", Type: types.UserSymbol{},
		Help:    "an address of the process, shown by the name of the function that it is in",
		Example: `uprobe:/bin/bash:readline { $s = ustack; printf("called by %s\n", usym($s[1])); }`},
}
