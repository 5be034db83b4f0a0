package codegen

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/lang/langtest"
)

// manyStatements are statements of each kind that a script may have many of, with a number of their own.
var manyStatements = []struct {
	name string
	n    int
	loop bool // also in the body of a loop
	stmt func(i int) string
}{
	{"if and else", 650, true, func(i int) string { return fmt.Sprintf("if (pid == %d) { @a = %d; } else { @b = %d; }", i, i, i) }},
	{"order", 600, false, func(i int) string { return fmt.Sprintf("if (pid < %d) { @a = %d; }", 10*i, i) }},
	{"three variables", 100, false, func(i int) string {
		return fmt.Sprintf("if (pid == %d) { @a = 1; } if (tid > %d) { @b = 1; } if (uid != %d) { @c++; }", i, i, i)
	}},
	{"strings", 60, false, func(i int) string { return fmt.Sprintf(`if (comm == "abc%d") { @a = %d; }`, i, i) }},
	{"and, or", 40, false, func(i int) string {
		return fmt.Sprintf("if (pid == %d && tid == %d || uid == %d && gid == %d) { @a++; }", i, i, i, i)
	}},
	{"ternary", 60, false, func(i int) string { return fmt.Sprintf("@v = pid == %d ? %d : tid;", i, i) }},
	{"a variable set", 100, true, func(i int) string { return fmt.Sprintf("if (pid == %d) { $s = %d; }", i, i) }},
	{"a variable added to", 100, true, func(i int) string {
		return fmt.Sprintf("if (pid == %d) { $s += %d; } else { $s -= (int64)pid; }", i, i)
	}},
	{"booleans", 40, false, func(i int) string { return fmt.Sprintf("$b%d = pid == %d; if ($b%d && $b%d) { @b++; }", i, i, i, i/2) }},
	{"return", 60, false, func(i int) string { return fmt.Sprintf("if (pid == %d) { @a = nsecs; return; }", i) }},
	{"map reads", 20, false, func(i int) string {
		return fmt.Sprintf("if (@x == %d) { @a = 1; } if (@k[%d] > 4) { @k[%d] = 5; }", i, i, i)
	}},
	{"large elements", 12, false, func(i int) string {
		return fmt.Sprintf(`@t[%d] = (comm, comm, comm, comm, comm, comm, comm, comm, comm, %d); print(@t[%d].9);`, i, i, i)
	}},
	{"divisions", 20, false, func(i int) string { return fmt.Sprintf("@a = pid / (tid - %d); @b = pid %% (uid + %d);", i, i) }},
	{"keys", 30, false, func(i int) string { return fmt.Sprintf("@k[%d] = pid; @c[comm] = count();", i) }},
	{"aggregations", 10, false, func(int) string {
		return "@mi = min(pid); @s = sum(pid); @av = avg(pid); @h = hist(pid); @l = lhist(pid, 0, 100, 10);"
	}},
	{"printf", 30, false, func(i int) string { return fmt.Sprintf(`if (pid == %d) { printf("%d %%s\n", comm); }`, i, i) }},
	{"loops", 40, false, func(i int) string { return fmt.Sprintf("for ($i : 0..%d) { @n++; }", i) }},
	{"maps without keys", 200, false, func(i int) string { return fmt.Sprintf("@m%d = %d; @c%d = count();", i, i, i) }},
	{"increments", 3000, false, func(i int) string { return fmt.Sprintf("@k[%d]++;", i) }}, // without calls this takes ten seconds
	{"records", 9000, false, func(i int) string { return fmt.Sprintf(`printf("%%d\n", %d);`, i) }},
	{"records of strings", 1000, true, func(i int) string { return fmt.Sprintf(`printf("%%d %%s\n", %d, comm);`, i) }},
	{"keys of two", 1000, true, func(i int) string { return fmt.Sprintf("@k[%d, comm] = count(); @l[%d, pid] = tid;", i, i) }},
	{"quotients", 1000, true, func(i int) string { return fmt.Sprintf("@a = pid / (tid - %d); @b[%d %% (uid + 1)]++;", i, i) }},
	{"CPUs", 500, true, func(i int) string {
		return fmt.Sprintf("@a = pid == %d ? tid : cpu; if (tid == %d) { @c = count(); }", i, i)
	}},
	{"maps with keys", 58, false, func(i int) string { return fmt.Sprintf("@m%d[pid] = %d;", i, i) }},
}

// many is the body of a probe with n statements of a kind.
func many(n int, stmt func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(stmt(i))
		b.WriteByte('\n')
	}
	return b.String()
}

// TestKernelMany loads probes of many statements, by themselves and in a loop. What a kernel does not take must be refused with a
// place, by the compiler.
func TestKernelMany(t *testing.T) {
	needKernel(t)
	for _, m := range manyStatements {
		for where, body := range map[string]string{"": "%s", " in a loop": "for ($l : 0..2) { %s }"} {
			if where != "" && !m.loop {
				continue
			}
			t.Run(m.name+where, func(t *testing.T) {
				env := kernelEnv(t)
				script := "rawtracepoint:sys_enter { @x = nsecs; $s = (int64)0; " + fmt.Sprintf(body, many(m.n, m.stmt)) + " }"
				_, err := Compile(checkedFor(t, script, env), env, nil)
				var limit *Error
				switch {
				case err == nil:
					inKernel(t, script)
				case !errors.As(err, &limit) || limit.Span.Pos.Line == 0:
					t.Errorf("refused without a place: %v", err)
				default:
					t.Log(err)
				}
			})
		}
	}
}

// Maps without keys share a kernel map, and none of them another's place.
func TestGlobalPlaces(t *testing.T) {
	bp := compiled(t, "BEGIN { "+many(60, func(i int) string { return fmt.Sprintf("@m%d = nsecs; @c%d = hist(pid); @s%d = comm;", i, i, i) })+"}", langtest.New())
	room := map[string]int{}
	for _, m := range bp.Maps {
		if m.Type == ebpf.Array {
			room[m.Name] = m.ValueSize
		}
	}
	ends := map[string]int{}
	for _, m := range bp.Maps {
		if m.Script == nil {
			continue
		}
		if m.Offset%64 != 0 || m.Offset < ends[m.In] || m.Offset+m.ValueSize > room[m.In] {
			t.Errorf("%s: %d bytes at %d of %s, which has %d and is taken up to %d", m.Name, m.ValueSize, m.Offset, m.In, room[m.In], ends[m.In])
		}
		ends[m.In] = m.Offset + m.ValueSize
	}
	if len(ends) != 1 {
		t.Errorf("%d kernel maps, want 1", len(ends))
	}
}

// Everything that can fail has its counters, once, and none of them another's place.
func TestSitePlaces(t *testing.T) {
	bp := compiled(t, `BEGIN { @x[1] = 1; for ($i : 0..8) { for ($j : 0..8) { @y[$j]++; while (@y[$i] < $j) { @z += 1 / $i; } } } @k[kstack] = count(); }`, langtest.New())
	end, seen := 0, map[string]bool{}
	for _, s := range bp.Sites {
		name := fmt.Sprint(s.Kind, s.Pos, s.What, s.Map)
		if s.At != end || seen[name] {
			t.Errorf("site %s at %d, want it once, at %d", name, s.At, end)
		}
		end, seen[name] = s.End(), true
	}
	if len(bp.Sites) < 8 {
		t.Errorf("%d sites", len(bp.Sites))
	}
}
