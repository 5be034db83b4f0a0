package check_test

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// checkText parses and checks a script for the fake machine.
func checkText(t testing.TB, script string, opts *check.Options) (*check.Checked, source.Diagnostics) {
	t.Helper()
	src := &source.Source{Name: "t", Text: []byte(script)}
	file, diags := lang.Parse(src, opts)
	if diags.HasErrors() {
		return nil, diags
	}
	c, more := check.Check(file, src, langtest.New(), opts)
	return c, append(diags, more...)
}

// TestRight has scripts without a mistake.
func TestRight(t *testing.T) {
	for _, script := range rightScripts {
		c, diags := checkText(t, script, &check.Options{Params: []string{"7", "hello"}, ChildPID: 42})
		if len(diags) > 0 {
			var b strings.Builder
			diags.Write(&b, &source.Source{Name: "t", Text: []byte(script)}, false)
			t.Errorf("%s\n%s", script, b.String())
			continue
		}
		requireTypes(t, script, c)
	}
}

// takesWords are the functions with names of clocks, namespaces and modes of stacks for arguments.
var takesWords = map[string]bool{"nsecs": true, "pid": true, "tid": true, "kstack": true, "ustack": true, "dw_ustack": true}

// requireTypes fails if an expression that the code generator visits has no type.
func requireTypes(t testing.TB, script string, c *check.Checked) {
	t.Helper()
	for _, p := range c.Progs {
		visit := func(n source.Node) bool {
			switch n := n.(type) {
			case *ast.TypeName, *ast.Sizeof, *ast.Offsetof:
				return false
			case *ast.Let:
				return true
			case *ast.Call:
				return !takesWords[n.Name] // which are no values
			case *ast.Var:
				if v := p.Vars[n]; v == nil {
					t.Errorf("%s: $%s at %s stands for no variable", script, n.Name, n.Pos)
				}
			case *ast.MapRef:
				if c.Byname[n.Name] == nil {
					t.Errorf("%s: @%s at %s stands for no map", script, n.Name, n.Pos)
				}
			case ast.Expr:
				if p.Types[n] == nil {
					t.Errorf("%s: %T at %s has no type", script, n, n.Range().Pos)
				}
			}
			return true
		}
		if p.Probe.Filter != nil {
			ast.Inspect(p.Probe.Filter, visit)
		}
		ast.Inspect(p.Probe.Body, visit)
	}
	for _, m := range c.Maps {
		if m.Value == nil {
			t.Errorf("%s: @%s has no type", script, m.Name)
		}
	}
}

var rightScripts = []string{
	`BEGIN { printf("hello\n"); exit(); }`,
	`begin { @x = 1; @x = 2; print(@x); }`,
	`k:vfs_read { @[pid, comm] = count(); } interval:s:1 { print(@); clear(@); }`,
	`k:vfs_read { @start[tid] = nsecs; } kr:vfs_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }`,
	`kr:vfs_read { @start[tid] = nsecs; $d = (nsecs - @start[tid]) / 1000; @us[comm] = lhist($d, 0, 100, 10); delete(@start, tid); }`,
	`t:syscalls:sys_enter_openat { printf("%d %s %s\n", pid, comm, str(args.filename)); }`,
	`t:syscalls:sys_enter_openat, t:syscalls:sys_enter_open { @f[str(args->filename)] = count(); }`,
	`t:syscalls:sys_exit_read /args.ret > 0/ { @b = sum(args.ret); @a = avg(args.ret); @i = min(args.ret); @m = max(args.ret); @s = stats(args.ret); }`,
	`t:sched:sched_switch { @[args.prev_comm, args.next_comm]++; }`,
	`t:sched:sched_process_exec { print(str(args.filename)); print(args.filename); }`,
	`rt:sys_enter { @[arg1] = count(); }`,
	`k:vfs_read { @ = curtask.comm; @p[curtask->real_parent->tgid]++; @u = curtask.cred.uid.val; }`,
	`k:vfs_open { $p = (struct path *)arg0; printf("%s\n", str($p->dentry->d_name.name)); @l = $p.dentry.d_name.len; }`,
	`k:vfs_* { @[probe] = count(); @f[func] = count(); }`,
	`begin { $i = 0; while ($i < 10) { $i++; if ($i == 5) { break; } } print($i); }`,
	`begin { for ($i : 0..10) { @x[$i] = $i * 2; } for ($kv : @x) { print(($kv.0, $kv.1)); } }`,
	`begin { unroll (3) { @c++; } unroll($1) { @d += 2; } }`,
	`begin { printf("%d %s %d\n", $1, str($2), $#); }`,
	`begin { $t = (1, "two", (3, 4)); print($t.2.1); print($t); @t[$t] = 1; @t[(2, "x", (1, 2))] = 3; }`,
	`begin { $x = pid == 1 ? "one" : "other"; print($x); @y = $x; }`,
	`begin { let $a: uint16 = 3; let $b; $b = (uint64)4; print($a + $b); }`,
	`begin { @a = 1; if (has_key(@b, 3)) { @b[3] = len(@b); } }`,
	`begin { time("%H:%M:%S\n"); time(); print(strftime("%F", nsecs)); printf("%s\n", strftime("%T", nsecs(sw_tai))); }`,
	`begin { print(sizeof(uint32)); print(sizeof(struct task_struct)); print(offsetof(struct task_struct, comm)); }`,
	`p:hz:99 { @[cpu, uid, gid] = count(); @n = ncpus; @r = rand; @c = cgroup; @j = jiffies; @e = elapsed; }`,
	`p:hz:99 /pid == cpid/ { @[usermode] = count(); }`,
	`u:/bin/bash:readline { @[str(arg0)] = count(); } ur:/bin/bash:readline { print(str(retval)); }`,
	`begin { @ = (uint8)300; @ = 5; print((int8)-1); print(!1); print(~1); print(-pid); }`,
	`begin { $s = "abc"; if ($s == "abd" && comm != "x") { print(1); } }`,
	`begin { let $a = { let $b = 1; $b }; print($a); print(true); @b = 1 < 2; }`,
	`BEGIN { @x[1] = 1; delete(@x, 1); delete(@x[2]); @y = 5; delete(@y); zero(@x); }`,
	`begin { print(@x, 5); print(@x, 5, 1000); @x[1] = hist(5); print(@x[1]); @y = hist(3, 2); }`,
	`begin { @c = count(); if (@c > 5) { exit(); } printf("%d\n", @c); @d = @c; }`,
	`begin { @x = nsecs; @x = 0; } end { clear(@x); print(PIDTYPE_SID); }`,
	`k:vfs_read { $f = (struct file *)arg0; @[$f.f_path.dentry.d_iname] = count(); @t = curtask.sched_reset_on_fork; @k = curtask.kind; }`,
	`t:raw_syscalls:sys_enter { @[args.id] = sum(args.args[2]); }`,
	`begin { _ = 1 + 2; @a[1, "b"] = 1; for ($kv : @a) { print($kv.0.1); } return; }`,
	`config = { max_map_keys = 10; missing_probes = "warn" } let @l = lruhash(5); begin { @l[1] = 2; @k[1] = 1 }`,
	`begin { $c = curtask; if ($c != 0) { print($c.pid); } @p = (uint64)$c; print(*(int32 *)$c); }`,
	`begin { $b = (int8[8])12345; print($b[0]); print((uint64)$b); }`,
	"#include <linux/fs.h>\n#define N 3\n#define M (N << 2)\n#define S \"a\" \"b\"\n#ifndef BPFTRACE_HAVE_BTF\n#error no\n#endif\nstruct s { int x[N]; struct task_struct *t; struct { char c; } in; enum k { K1, K2 } k; }\nbegin { print(((struct s *)1).x[2]); print(((struct s *)1).t.pid); print(M); print(S); print(((struct s *)1).in.c); print(K2); }",
	`struct s { struct s *next; int (*f)(int, char *); unsigned long long int x : 5, : 3, y : 10; } __attribute__((packed)); k:vfs_read { print(((struct s *)arg0)->next->next.y); print(*(struct s *)arg0); @s = *(struct s *)arg0; }`,
	`macro inc($x) { $x += 1; $x } macro add(x, y) { let $t = x; $t + y } begin { $t = 1; $b = inc($t); print(add($t, add(2, $b))); }`,
	`macro set(@m) { @m[1] = 2; } macro one() { 1 } macro walk(@m) { let $s = 0; for ($kv : @m) { $s += $kv.1; } $s } begin { set(@a); print(one + one()); print(walk(@a)); }`,
	`macro pick(c, a, b) { let $t = a; if c { $t } else { b } } macro act(@m, c) { if c { @m++ } else { print(7); } } begin { print(pick(1, "a", comm)); act(@n, pick(0, 1, 2)); }`,
	`macro size(t) { sizeof(t) + sizeof(t[2]) } macro to(t, x) { (t*)x } begin { print(size(typeof(uint16))); print(to(typeof(int8), -1)); } macro cpu(x) { x } begin { print(cpu(1)); print(cpu); }`,
	`begin { $x = 10; $y = $x--; $x += 5; $x <<= 2; @m -= $x; @n[1] *= 2; ++@z; print($y); }`,
}

// TestCheckTime has scripts that a careless checker takes exponential time for.
func TestCheckTime(t *testing.T) {
	for _, script := range []string{
		"begin { print(" + strings.Repeat("1 ?: (", 60) + "2" + strings.Repeat(")", 60) + "); }",
		"begin { print(" + strings.Repeat("(", 60) + "1" + strings.Repeat(" ?: 2)", 60) + "); }",
		"begin { print(" + strings.Repeat("(1, ", 60) + "2" + strings.Repeat(")", 60) + "); }",
		"begin { " + strings.Repeat("@a[@b] = @b; @b = @a[@b]; ", 60) + "}",
	} {
		checkText(t, script, nil)
	}
}

// TestCommonType has the conversion of two operands.
func TestCommonType(t *testing.T) {
	i := func(bits int, signed bool) types.Type { return types.Int{Bits: bits, Signed: signed} }
	for _, test := range []struct{ a, b, want types.Type }{
		{i(32, false), i(64, false), i(64, false)},
		{i(32, true), i(8, true), i(32, true)},
		{i(64, false), i(32, true), i(64, false)},
		{i(32, false), i(32, true), i(64, true)},
		{types.Bool{}, i(16, false), i(16, false)},
		{types.Pointer{Elem: types.Void{}}, i(64, false), i(64, false)},
	} {
		for _, got := range []types.Type{types.CommonType(test.a, test.b), types.CommonType(test.b, test.a)} {
			if got != test.want {
				t.Errorf("%s and %s: got %s, want %s", test.a, test.b, got, test.want)
			}
		}
	}
}

// TestConstants has constant expressions and their values, of which print shows the type's sign.
func TestConstants(t *testing.T) {
	for _, test := range []struct {
		text string
		want uint64
	}{
		{"-7 / 2", ^uint64(2)}, {"-7 % 3", ^uint64(0)}, {"7 / -2", ^uint64(2)},
		{"1 << 63 >> 63", 1}, {"(int64)1 << 63 >> 63", ^uint64(0)}, {"0xffffffff << 40", 0xffffff0000000000}, {"(uint64)1 << 63 >> 63", 1}, {"0xffffffffffffffff / 2", 1<<63 - 1},
		{"(uint8)300", 44}, {"(int8)200", ^uint64(55)}, {"~0", ^uint64(0)}, {"(uint8)~0 + 1", 256},
		{"-1 < (uint64)1", 1}, {"(uint64)-1 > 5", 1}, {"0x7fffffffffffffff + 1", 1 << 63},
		{"1 ? 2 : 3", 2}, {"!5", 0}, {"2 && 0 || 1", 1}, {`"a" == "a"`, 1}, {`"a" != "a"`, 0}, {"$#", 2}, {"$1 * 2", 14},
		{"(bool)5", 1}, {"comptime (1 + 2)", 3}, {"sizeof(int32[4])", 16}, {"offsetof(struct task_struct, comm)", 2992},
		{"10 - 4 - 3", 3}, {"5 & 3 | 8 ^ 1", 9}, {"(int64)-1 >> 1", ^uint64(0)},
	} {
		script := "begin { print(" + test.text + "); }"
		c, diags := checkText(t, script, &check.Options{Params: []string{"7", "hello"}})
		if len(diags) > 0 {
			t.Errorf("%s: %v", test.text, diags)
			continue
		}
		arg := c.Progs[0].Probe.Body.Stmts[0].(*ast.ExprStmt).X.(*ast.Call).Args[0]
		if k, ok := c.Progs[0].Consts[arg]; !ok || k.Int != test.want {
			t.Errorf("%s: got %d (%v), want %d", test.text, int64(k.Int), ok, int64(test.want))
		}
	}
}
