package langtest

import (
	"github.com/gotrace/gotrace/lang/types"
)

// record adds a tracepoint with the fields after the common ones (struct trace_entry, 8 bytes).
func (e *Env) record(name string, size int, fields ...types.Field) {
	all := append([]types.Field{
		{Name: "common_type", Type: u16},
		{Name: "common_flags", Type: u8, Offset: 2},
		{Name: "common_preempt_count", Type: u8, Offset: 3},
		{Name: "common_pid", Type: i32, Offset: 4},
	}, fields...)
	e.records[name] = types.NewArgs("", size, all)
}

// buildRecords makes the tracepoints. Offsets are those of their format files on amd64.
func (e *Env) buildRecords() {
	nr := types.Field{Name: "__syscall_nr", Type: i32, Offset: 8}
	ret := types.Field{Name: "ret", Type: i64, Offset: 16}
	arg := func(i int, name string, t types.Type) types.Field {
		return types.Field{Name: name, Type: t, Offset: 16 + 8*i}
	}
	e.record("syscalls:sys_enter_execve", 40, nr, arg(0, "filename", userChars), arg(1, "argv", types.Pointer{Elem: userChars, Space: types.SpaceUser}), arg(2, "envp", types.Pointer{Elem: userChars, Space: types.SpaceUser}))
	e.record("syscalls:sys_enter_openat", 48, nr, arg(0, "dfd", u64), arg(1, "filename", userChars), arg(2, "flags", u64), arg(3, "mode", u64))
	e.record("syscalls:sys_enter_open", 40, nr, arg(0, "filename", userChars), arg(1, "flags", u64), arg(2, "mode", u64))
	e.record("syscalls:sys_exit_openat", 24, nr, ret)
	e.record("syscalls:sys_exit_open", 24, nr, ret)
	e.record("syscalls:sys_enter_read", 40, nr, arg(0, "fd", u64), arg(1, "buf", userChars), arg(2, "count", u64))
	e.record("syscalls:sys_exit_read", 24, nr, ret)
	e.record("syscalls:sys_enter_write", 40, nr, arg(0, "fd", u64), arg(1, "buf", userChars), arg(2, "count", u64))
	e.record("syscalls:sys_exit_write", 24, nr, ret)
	e.record("syscalls:sys_enter_lseek", 40, nr, arg(0, "fd", u64), arg(1, "offset", u64), arg(2, "whence", u64))
	e.record("syscalls:sys_exit_lseek", 24, nr, ret)
	e.record("raw_syscalls:sys_enter", 64, types.Field{Name: "id", Type: i64, Offset: 8},
		types.Field{Name: "args", Type: types.Array{Elem: u64, Len: 6}, Offset: 16})
	e.record("raw_syscalls:sys_exit", 24, types.Field{Name: "id", Type: i64, Offset: 8}, ret)
	comm := types.String{Len: 16}
	e.record("sched:sched_switch", 64,
		types.Field{Name: "prev_comm", Type: comm, Offset: 8},
		types.Field{Name: "prev_pid", Type: i32, Offset: 24},
		types.Field{Name: "prev_prio", Type: i32, Offset: 28},
		types.Field{Name: "prev_state", Type: i64, Offset: 32},
		types.Field{Name: "next_comm", Type: comm, Offset: 40},
		types.Field{Name: "next_pid", Type: i32, Offset: 56},
		types.Field{Name: "next_prio", Type: i32, Offset: 60})
	e.record("sched:sched_process_exec", 20,
		types.Field{Name: "filename", Type: types.String{Len: 256}, Offset: 8, DataLoc: true},
		types.Field{Name: "pid", Type: i32, Offset: 12},
		types.Field{Name: "old_pid", Type: i32, Offset: 16})
	e.rawArgs = map[string]*types.Struct{ // what others have is not known
		"sched_wakeup": types.NewArgs("rawtracepoint_sched_wakeup", 8, []types.Field{{Name: "p", Type: u64}}),
		"test_none":    types.NewArgs("rawtracepoint_test_none", 0, nil),
	}
}
