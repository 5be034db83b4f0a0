package langtest

import (
	"github.com/gotrace/gotrace/lang/types"
)

// Offsets and sizes are those of a Linux 6.12 for amd64 where they matter to readers, and simply
// plausible elsewhere: nothing is ever read through them.

var (
	i8  = types.Int{Bits: 8, Signed: true}
	i32 = types.Int{Bits: 32, Signed: true}
	i64 = types.Int{Bits: 64, Signed: true}
	u8  = types.Int{Bits: 8}
	u16 = types.Int{Bits: 16}
	u32 = types.Int{Bits: 32}
	u64 = types.Int{Bits: 64}

	// userChars is the type of strings in arguments of system calls.
	userChars = types.Pointer{Elem: i8, Space: types.SpaceUser}
)

// pidType is an enum of the kernel (include/linux/pid.h).
var pidType = &types.Enum{Name: "pid_type", Values: map[int64]string{
	0: "PIDTYPE_PID", 1: "PIDTYPE_TGID", 2: "PIDTYPE_PGID", 3: "PIDTYPE_SID",
}}

// pointerTo is a kernel pointer to one of the structs, which may refer to each other.
func (e *Env) pointerTo(name string) types.Type {
	return types.Pointer{Elem: e.structs[name], Space: types.SpaceKernel}
}

// buildStructs makes the kernel's types.
func (e *Env) buildStructs() {
	add := func(id uint32, name string, size int, fields func() []types.Field) {
		e.structs[name] = types.NewStruct(name, false, size, id, fields)
	}
	add(1, "task_struct", 9792, e.taskFields)
	add(2, "mm_struct", 1408, func() []types.Field {
		return []types.Field{
			{Name: "total_vm", Type: u64, Offset: 256},
			{Name: "arg_start", Type: u64, Offset: 352},
			{Name: "arg_end", Type: u64, Offset: 360},
			{Name: "exe_file", Type: e.pointerTo("file"), Offset: 960},
		}
	})
	add(3, "qstr", 16, func() []types.Field {
		return []types.Field{
			{Type: types.NewStruct("", true, 8, 0, func() []types.Field {
				return []types.Field{
					{Type: types.NewStruct("", false, 8, 0, func() []types.Field {
						return []types.Field{{Name: "hash", Type: u32}, {Name: "len", Type: u32, Offset: 4}}
					})},
					{Name: "hash_len", Type: u64},
				}
			})},
			{Name: "name", Type: types.Pointer{Elem: u8, Space: types.SpaceKernel}, Offset: 8},
		}
	})
	add(4, "dentry", 192, func() []types.Field {
		return []types.Field{
			{Name: "d_flags", Type: u32},
			{Name: "d_parent", Type: e.pointerTo("dentry"), Offset: 24},
			{Name: "d_name", Type: e.structs["qstr"], Offset: 32},
			{Name: "d_iname", Type: types.Array{Elem: u8, Len: 40}, Offset: 56},
		}
	})
	add(5, "path", 16, func() []types.Field {
		return []types.Field{
			{Name: "mnt", Type: types.Pointer{Elem: types.Void{}, Space: types.SpaceKernel}},
			{Name: "dentry", Type: e.pointerTo("dentry"), Offset: 8},
		}
	})
	add(6, "file", 184, func() []types.Field {
		return []types.Field{
			{Name: "f_mode", Type: u32, Offset: 12},
			{Name: "f_flags", Type: u32, Offset: 48},
			{Name: "f_path", Type: e.structs["path"], Offset: 64},
			{Name: "f_pos", Type: i64, Offset: 104},
		}
	})
	add(7, "cred", 184, func() []types.Field {
		return []types.Field{
			{Name: "uid", Type: e.structs["kuid_t"], Offset: 8},
			{Name: "euid", Type: e.structs["kuid_t"], Offset: 24},
		}
	})
	add(8, "kuid_t", 4, func() []types.Field { return []types.Field{{Name: "val", Type: u32}} })
	add(20, "sock_common", 136, func() []types.Field { return []types.Field{{Name: "skc_family", Type: u16, Offset: 16}} })
	add(21, "sock", 760, func() []types.Field {
		return []types.Field{{Name: "__sk_common", Type: e.structs["sock_common"]}}
	})
	add(22, "sk_buff", 232, func() []types.Field { return []types.Field{{Name: "len", Type: u32, Offset: 112}} })
	add(9, "list_head", 16, func() []types.Field {
		return []types.Field{{Name: "next", Type: e.pointerTo("list_head")}, {Name: "prev", Type: e.pointerTo("list_head"), Offset: 8}}
	})
}

// taskFields are some members of struct task_struct.
func (e *Env) taskFields() []types.Field {
	return []types.Field{
		{Type: types.NewStruct("", true, 8, 0, func() []types.Field {
			return []types.Field{{Name: "rss_stat", Type: u64}, {Name: "memcg_word", Type: u32}}
		}), Offset: 16},
		{Name: "__state", Type: u32, Offset: 24},
		{Name: "flags", Type: u32, Offset: 44},
		{Name: "on_cpu", Type: i32, Offset: 52},
		{Name: "prio", Type: i32, Offset: 140},
		{Name: "tasks", Type: e.structs["list_head"], Offset: 2296},
		{Name: "mm", Type: e.pointerTo("mm_struct"), Offset: 2376},
		{Name: "exit_code", Type: i32, Offset: 2436},
		{Name: "sched_reset_on_fork", Type: u32, Offset: 2456, BitOffset: 0, BitSize: 1},
		{Name: "sched_contributes_to_load", Type: u32, Offset: 2456, BitOffset: 1, BitSize: 1},
		{Name: "in_execve", Type: u32, Offset: 2460, BitOffset: 2, BitSize: 1},
		{Name: "pid", Type: i32, Offset: 2528},
		{Name: "tgid", Type: i32, Offset: 2532},
		{Name: "real_parent", Type: e.pointerTo("task_struct"), Offset: 2544},
		{Name: "parent", Type: e.pointerTo("task_struct"), Offset: 2552},
		{Name: "group_leader", Type: e.pointerTo("task_struct"), Offset: 2592},
		{Name: "kind", Type: types.Int{Bits: 32, Enum: pidType}, Offset: 2600},
		{Name: "utime", Type: u64, Offset: 2744},
		{Name: "cred", Type: e.pointerTo("cred"), Offset: 2976},
		{Name: "comm", Type: types.String{Len: 16}, Offset: 2992},
		{Name: "cpus", Type: types.Array{Elem: u64, Len: 4}, Offset: 3072},
	}
}

// baseTypes are C's own names of types and typedefs.
var baseTypes = map[string]types.Type{
	"char": i8, "signed char": i8, "unsigned char": u8, "short": types.Int{Bits: 16, Signed: true}, "unsigned short": u16,
	"int": i32, "unsigned int": u32, "unsigned": u32, "long": i64, "unsigned long": u64,
	"long long": i64, "unsigned long long": u64, "size_t": u64, "ssize_t": i64, "pid_t": i32,
	"int8_t": i8, "uint8_t": u8, "int16_t": types.Int{Bits: 16, Signed: true}, "uint16_t": u16,
	"int32_t": i32, "uint32_t": u32, "int64_t": i64, "uint64_t": u64, "u8": u8, "u16": u16, "u32": u32, "u64": u64,
}
