package scriptgen

import (
	"slices"
	"strings"
)

// definitions stand at the head of every script that uses them.
const definitions = `enum gen_color { GEN_RED, GEN_GREEN = 5, GEN_BLUE = 300 };
struct gen_inner { unsigned char x; short y; int z:5; unsigned w:12; unsigned long q:33; };
struct gen_outer { char name[7]; struct gen_inner in; struct gen_outer *next; int nums[5]; union { int u; char tail[4]; }; enum gen_color c; unsigned char raw[8]; struct gen_inner many[2]; };
`

// functions are those of the script by the kind of what they return: of a condition and such a value.
var functions = map[kind][]string{intKind: {"gen_steps", "gen_count"}, strKind: {"gen_name"}}

// functionDefs stand at the head, too.
const functionDefs = `fn gen_steps($c: bool, $n: int64): int64 {
	let $sum = $n;
	for ($i : 0..3) { if ($c && $i == 2) { return $sum; } $sum += $i; }
	return $sum + 1;
}
fn gen_name($c: bool, $s: string): string {
	$t = $c ? $s : "none";
	if ($t == "") { return "empty"; }
	return $t;
}
`

// moreFunctionDefs follow on functionDefs.
const moreFunctionDefs = `fn gen_note($s: string, $n: int64) {
	if ($n == 7) { return; }
	@gen_notes[$s] = sum($n);
	@gen_note = $s;
}
fn gen_count($c: bool, $n: int64): int64 {
	let $left = $n;
	while ($left > 3) {
		$left -= 3;
		if ($c && $left == 9) { break; }
		gen_note("step", $left);
	}
	return gen_many($left, $n, (int8)$n, 4, $left, $c) - 1;
}
fn gen_many($a: int64, $b: int64, $c: int8, $d: uint64, $e: int64, $f: bool): int64 {
	$sum = $a + $b + $c + (int64)$d;
	if ($f || $sum > 100) { gen_note("large", $sum); return $sum * $e; }
	return $sum;
}
fn gen_same($i: struct gen_inner, $c: enum gen_color): struct gen_inner {
	if ($c == GEN_GREEN) { return *(struct gen_inner *)curtask; }
	return $i;
}
fn gen_in($n: int64, $t: struct task_struct *): int64 {
	$i = gen_same(*(struct gen_inner *)$n, (enum gen_color)$n);
	$u = container_of(&$t.pid, typeof(struct task_struct), pid);
	return $i.x + $i.z + $u.prio;
}
fn gen_pair($n: int64, $s: string): typeof(((int64)1, comm)) {
	if ($n > 3) { return (gen_in($n, curtask), comm); }
	return (gen_many($n, 2, 3, 4, 5, $s == "a"), pcomm);
}
`

// macros stand there too.
const macros = `macro gen_twice(x) { x * 2 }
macro gen_bump($v, x) { $v += x; $v }
macro gen_pick(c, a, b) {
	let $first = a;
	if c { $first } else { b }
}
macro gen_tally(@m, k) { @m[k]++ }
`

// fields are what can be read out of values of a type, pointers to it included.
var fields = map[string][]value{
	"struct task_struct": {
		{".pid", anInt}, {".prio", anInt}, {".flags", anInt}, {".in_execve", anInt}, {".comm", aStr}, {".real_parent", aTask},
		{".group_leader", aTask}, {".se.load", aLoad}, {".se.load.weight", anInt}, {".cred.uid", anUID}, {".mm.start_stack", anInt},
		{".nsproxy.uts_ns.name.release", aStr}, {".comm[3]", anInt},
	},
	"struct gen_outer": {
		{".name", aStr}, {".in", anIn}, {".next", aRec}, {".nums", nums}, {".u", anInt}, {".c", anInt}, {".raw", eight},
		{".tail", aStr}, {".many[1]", anIn}, {".many[cpu & 1].w", anInt}, {".nums[pid % 5]", anInt}, {".raw[7]", anInt},
	},
	"struct gen_inner":   {{".x", anInt}, {".y", anInt}, {".z", anInt}, {".w", anInt}, {".q", anInt}},
	"struct load_weight": {{".weight", anInt}, {".inv_weight", anInt}},
	"kuid_t":             {{".val", anInt}},
	"int32[5]":           {{"[0]", anInt}, {"[4]", anInt}, {"[cpu & 3]", anInt}},
	"uint8[8]":           {{"[0]", anInt}, {"[7]", anInt}, {"[pid & 7]", anInt}},
	"uint32":             {{"[0]", anInt}, {"[2]", anInt}},
}

// sources give rare values out of nothing; INT stands for any integer.
var sources = map[string][]string{
	"struct task_struct": {"curtask", "curtask.real_parent", "(struct task_struct *)INT", "curtask.group_leader->real_parent", "container_of(&curtask.pid, typeof(struct task_struct), pid)"},
	"uint32":             {"(uint32 *)INT", "(uint32 *)curtask", "(uint32 *)curtask.comm", "(uint32 *)comm", "((uint32 *)INT + 3)"},
	"struct load_weight": {"curtask.se.load", "curtask.real_parent.se.load", "*(struct load_weight *)INT"},
	"kuid_t":             {"curtask.cred.uid", "curtask->cred->euid"},
	"struct gen_inner":   {"*(struct gen_inner *)INT", "((struct gen_outer *)INT).in", "((struct gen_outer *)curtask).next->many[1]"},
	"int32[5]":           {"((struct gen_outer *)INT).nums"},
	"uint8[8]":           {"(uint8[8])(uint64)INT", "(uint8[8])(int8)INT", `(uint8[])"1234567"`, "((struct gen_outer *)curtask)->raw"},
	// Times of one clock: those of different ones are different types.
	"time":        {`strftime("%H:%M:%S", (uint64)pid)`, `strftime("%H:%M:%S", nsecs - elapsed)`, `strftime("%H:%M:%S", nsecs)`},
	"stack":       {"kstack(3)", "kstack(3)[0] ? kstack(3) : kstack(3)"},
	"symbol":      {"ksym(INT)", "ksym(kstack(3)[0])"},
	"user symbol": {"usym((uint64)INT)", "usym(ustack(2)[1])"},
	"inet":        {"ntop((uint32)INT)", `ntop(pton("10.1.2.3"))`, `ntop(pton("fe80::1"))`},
	"mac":         {`macaddr((uint8[])"12345")`, "macaddr((struct gen_outer *)INT)"},
	"buffer":      {"buf((uint64)INT, 8)", "buf(comm, 8)", "buf((uint64)INT, (uint8)INT)", "buf((uint64)curtask, pid)"},
	"username":    {"username", "(username_t)INT", "(username_t)gid"},
	"cgroup path": {"cgroup_path(cgroup)", "cgroup_path((uint64)INT)"},
}

// pointers to and copies of gen_outer differ only in the star.
var recordPointers = []string{"(struct gen_outer *)INT", "(struct gen_outer *)curtask", "((struct gen_outer *)INT + 1)", "((struct gen_outer *)curtask).next", "container_of((struct gen_inner *)INT, typeof(struct gen_outer), in)"}

// intBuiltins can be read everywhere.
var intBuiltins = []string{
	"pid", "tid", "uid", "gid", "cpu", "nsecs", "elapsed", "rand", "ncpus", "cgroup", "jiffies", "pid()", "pid(init)", "tid(curr_ns)", "ppid", "ppid(curtask)", "leader_tid",
	"numaid", "config.max_strlen", `getopt("n", 7)`, `getopt("neg", -7)`,
	"((struct task_struct *)curtask)->pid", "((struct task_struct *)curtask)->real_parent->tgid",
	"((struct task_struct *)curtask)->group_leader.prio", "curtask.se.load.weight", "curtask.flags",
	"curtask.cred.uid.val", "curtask.in_execve", "curtask.nsproxy.uts_ns.ns.inum", "nsecs(boot)", "nsecs(monotonic)", "nsecs(sw_tai)",
	"(uint64)curtask", "(uint64)ctx", "*(uint64 *)curtask", "curtask.mm.saved_auxv[cpu]", "(uint32)(uint8[4])70000", "((int16[])nsecs)[2]", "curtask.comm[pid & 15]", "comm[0]",
	"sizeof(struct task_struct)", "sizeof(curtask.comm)", "offsetof(struct task_struct, se.load)", "comptime (3 * 7)", "BPF_MAP_TYPE_HASH", "$1", "$#",
	"len(kstack(3))", "len(ustack)", "kstack[cpu & 3]", "(uint64)(ustack(9) == ustack(8 + 1) ? 1 : 2)",
}

// moreBuiltins are those and the ones of Options.More.
var moreBuiltins = slices.Insert(slices.Clone(intBuiltins), slices.Index(intBuiltins, "len(kstack(3))"), "default_str_length()")

// strBuiltins can be read everywhere.
var strBuiltins = []string{
	"comm", "probe", "probetype", "pcomm", "leader_comm", "comm(curtask.group_leader)", `getopt("s", "text")`, "curtask.comm", "((struct task_struct *)curtask)->real_parent->comm", "curtask.nsproxy.uts_ns.name.release",
	"str($1)", "str(curtask.comm)", "str(curtask.mm.arg_start, 77)", "str((uint64)curtask, pid)", "str((int8 *)curtask)",
	"(string[64])comm", "(string[70])((string[17])curtask.comm)", `(string[9])"abc"`,
}

// intTypes are the types of casts.
var intTypes = []string{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}

// castTypes are further types that integers can be cast to.
var castTypes = []string{"unsigned char", "long long", "size_t", "bool", "uint32_t", "s16", "enum gen_color"}

// intLiterals are of every form and near every limit.
var intLiterals = []string{
	"0", "1", "2", "3", "7", "8", "10", "16", "63", "64", "100", "127", "128", "255", "256", "1000", "32767", "65535", "65536",
	"0x7fffffff", "0x80000000", "4294967295", "4294967296", "0x7fffffffffffffff", "(uint64)0xffffffffffffffff", "(uint64)0x8000000000000000", "1e6", "1_000_000",
	"10ms", "3us", "1h", "0377", "12UL", "true", "false", "GEN_RED", "GEN_BLUE",
}

// strLiterals are of several lengths around the sizes at which programs copy and compare differently.
var strLiterals = []string{
	`""`, `"a"`, `"bash"`, `"a longer text"`, `"tab\there"`, `"\x41\0end"`, `"seven b"`, `"eight by"`, "\"" + strings.Repeat("0123456789", 4) + "\"",
	"\"" + strings.Repeat("f", 63) + "\"", "\"" + strings.Repeat("g", 64) + "\"", "\"" + strings.Repeat("long ", 50) + "\"",
}

// intVerbs and strVerbs are conversions of printf.
var (
	intVerbs = []string{"%d", "%ld", "%llu", "%x", "%5d", "%-8lx", "%u", "%hhd", "%hx", "%i", "%o", "%#X", "%c", "%p", "%+.3d", "%06lld", "%zu", "%jx", "%s"}
	strVerbs = []string{"%s", "%-16s", "[%s]", "%.5s", "%20.3s", "%r", "%rx", "%rh"}
)
