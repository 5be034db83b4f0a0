package codegen

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/langtest"
)

// outlined are statements of which a program has many as calls, and what a probe without many of them has for the same.
var outlined = []struct {
	name, stmt string
	more       string // in the probe, once
	top        string // before it
}{
	{"count", "@a[N % 8] = count();", "", ""},
	{"increment", "@a[N % 8]++;", "", ""},
	{"decrement", "@a[N % 8]--; @b = @a[1];", "", ""},
	{"old value", "@b[N] = @a[N % 8]++;", "", ""},
	{"assignment", "@a[N % 8] = arg0 + N;", "", ""},
	{"narrow assignment", "@a[N % 8] = (int8)(arg0 * N);", "", ""},
	{"sum", "@a[N % 8] = sum(arg0 + N);", "", ""},
	{"signed sum", "@a[N % 8] = sum((int64)arg0 - N);", "", ""},
	{"average", "@a[N % 8] = avg((int64)arg0 - N);", "", ""},
	{"min", "@a[N % 8] = min((int64)arg0 - N);", "", ""},
	{"max", "@a[N % 8] = max((int64)arg0 - N); @m = max(arg0 * N);", "", ""},
	{"stats", "@a[N % 8] = stats(arg0 * N);", "", ""},
	{"hist", "@a[N % 8] = hist((int64)arg0 - N); @h = hist(arg0 * N, 3);", "", ""},
	{"hist of small numbers", "@a[N % 8] = hist((uint8)(arg0 + N)); @s = hist((int8)(arg0 - N));", "", ""},
	{"lhist", "@a[N % 8] = lhist((int64)arg0 - N, -50, 100, 7); @l = lhist(N, 0, 1000, 13);", "", ""},
	{"quantiles", "@a[N % 8] = quantiles(arg0 + N);", "", "let @a = hash(8); "},
	{"add", "@a[N % 8] += arg0; @a[N % 8] -= N;", "", ""},
	{"compound", "@a[N % 8] *= 3; @a[N % 8] ^= arg0; @a[N % 8] += 1; @a[N % 8] |= N; @a[N % 8] <<= 1;", "", ""},
	{"compound of signs", "@a[N % 8] *= (int8)-3; @a[N % 8] &= (uint16)0xfffe; @a[N % 8] >>= 1;", "@a[0] = (int64)1;", ""},
	{"value that changes the map", "@a[N % 8] += @a[N % 8]++ + 1;", "", ""},
	{"read", "@b[N] = @a[N % 9];", "@a[3] = arg0; @a[8] = (uint64)5;", ""},
	{"aggregation read", "@n[N] = (int64)@a[N % 9]; @m[N] = (int64)@v[N % 3];", "@a[3] = sum(arg0); @a[8] = sum(5); @v[1] = avg(arg0);", ""},
	{"find", "find(@a, N % 9, $x); @n[N] = $x;", "$x = arg0; @a[3] = arg0; @a[8] = (uint64)5;", ""},
	{"has_key", "@b[N] = has_key(@a, N % 8);", "@a[3] = arg0;", ""},
	{"tuple key", "@a[N % 8, comm] = count(); @b[N, arg0] = N; @d[(N, (arg0, 1))]++;", "", ""},
	{"string key", `@a["abc", N % 4] = sum(N); @c[comm]++;`, "", ""},
	{"long key", "@a[comm, comm, comm, comm, N % 4] = count();", "", ""},
	{"large value", "@a[N % 8] = (N, arg0, comm, comm); @k[N] = @a[N % 8].1;", "", ""},
	{"division", "@a[N] = (arg0 + 1000) / (arg0 + N); @b[N] = ((int64)arg0 - 100) % ((int64)arg0 - N); ", "", ""},
	{"delete", "@a[N] = N; delete(@a, N - 2);", "", ""},
	{"in an if", "if (arg0 > N) { @a[N % 8]++; } else { @b[N % 8] = arg0; }", "", ""},
	{"in a loop", "for ($i : 0..3) { @a[$i + N % 8] += $i; }", "", ""},
	{"variables", "$x = @a[N % 8]; @a[N % 8] = $x + arg0; @s = $x;", "", ""},
}

// script is a probe of n statements, numbered.
func (o outlinedScript) script(n int) string {
	var b strings.Builder
	b.WriteString(o.top + "rawtracepoint:sys_enter { " + o.more)
	for i := range n {
		b.WriteString(strings.ReplaceAll(o.stmt, "N", fmt.Sprint(i)) + "\n")
	}
	return b.String() + "}"
}

type outlinedScript struct{ stmt, more, top string }

// TestKernelOutlines compares what programs of many statements leave in their maps with what the same statements do where each has its own code.
func TestKernelOutlines(t *testing.T) {
	needKernel(t)
	for _, o := range outlined {
		t.Run(o.name, func(t *testing.T) {
			oneCPU(t)
			text := outlinedScript{o.stmt, o.more, o.top}.script(90)
			want := inKernelWith(t, text, Options{whole: true})
			got := inKernel(t, text)
			calls := globals(got.bp) > 0 || !kernelEnv(t).KernelInfo.AtLeast(6, 2) // older ones do not let functions have long keys
			if !calls || globals(want.bp) > 0 {
				t.Fatalf("%d functions, and %d where there should be none", globals(got.bp), globals(want.bp))
			}
			for _, x := range []int64{0, 1, 5, 37, -1, -100, 1 << 40} {
				want.run(0, x)
				got.run(0, x)
			}
			for _, m := range want.bp.Maps {
				if m.In != "" || strings.HasPrefix(m.Name, layout.MapScratch) || m.Name == layout.MapFailures || m.Type == ebpf.RingBuf {
					continue
				}
				if w, g := want.contents(m), got.contents(m); w != g {
					t.Errorf("%s holds\n%s, want\n%s", m.Name, g, w)
				}
			}
			if w, g := want.counted(), got.counted(); w != g {
				t.Errorf("failures are\n%s, want\n%s", g, w)
			}
		})
	}
}

// globals is how many functions of the first program the verifier checks by themselves.
func globals(bp *Blueprint) int {
	n := 0
	for i := range bp.Programs[0].Insns {
		if f := btf.FuncMetadata(&bp.Programs[0].Insns[i]); f != nil && f.Linkage == btf.GlobalFunc {
			n++
		}
	}
	return n
}

// oneCPU keeps a test on one CPU: two runs of a program add to the same values.
func oneCPU(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		t.Fatal(err)
	}
	for cpu := range 1024 {
		if old.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.SchedSetaffinity(0, &old) })
}

// contents are the elements of a map, a line each.
func (s *session) contents(m *layout.MapSpec) string {
	s.t.Helper()
	var lines []string
	add := func(key, value any) { lines = append(lines, fmt.Sprintf("%x: %x", key, value)) }
	it := s.maps[m.Name].Iterate()
	key := make([]byte, m.KeySize)
	if m.Type == ebpf.PerCPUHash {
		for values := [][]byte{}; it.Next(&key, &values); {
			add(key, values)
		}
	} else {
		for value := make([]byte, m.ValueSize); it.Next(&key, &value); {
			add(key, value)
		}
	}
	if err := it.Err(); err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// counted are the failures, a line for each place that had some.
func (s *session) counted() string {
	s.t.Helper()
	m := s.maps[layout.MapFailures]
	if m == nil {
		return ""
	}
	b, err := m.LookupBytes(uint32(0))
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, site := range s.bp.Sites {
		for at := site.At; at < site.End(); at += 8 {
			if n := binary.NativeEndian.Uint64(b[at:]); n > 0 {
				lines = append(lines, fmt.Sprintf("%v %v %s, counter %d: %d", site.Pos, site.Kind, site.What, (at-site.At)/8, n))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestKernelOutlineFailures has each of many places fail once: each is counted at its own place, and keys that a full map refuses are kept.
func TestKernelOutlineFailures(t *testing.T) {
	needKernel(t)
	for name, body := range map[string]string{
		"number":   "@a[N] = 1;",
		"add":      "@a[N]++;",
		"sum":      "@a[N] = sum(N);",
		"min":      "@a[N] = min(N);",
		"tuple":    "@a[N, comm] = count();",
		"compound": "@a[N] *= 3;",
	} {
		t.Run(name, func(t *testing.T) {
			oneCPU(t)
			const n = 90
			text := outlinedScript{stmt: body, top: "config = { max_map_keys = 8 } "}.script(n)
			s := inKernel(t, text)
			s.run(0)
			counted := s.counted()
			if got := strings.Count(counted, "\n") + 1; got != n-8 || strings.Count(counted, ": 1") != got {
				t.Errorf("%d places failed, want %d, once each:\n%s", got, n-8, counted)
			}
			keys, all := s.spec("@a").RefusedKeys(s.value(layout.MapRefused))
			if len(keys) < 12 || all || binary.NativeEndian.Uint64(keys[0]) != 8 {
				t.Errorf("of the keys %v are kept, all %v", keys, all)
			}
		})
	}
}

// value is that of a map of one element.
func (s *session) value(name string) []byte {
	s.t.Helper()
	b, err := s.maps[name].LookupBytes(uint32(0))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// TestKernelOutlineRecords compares the records that many places send with those of code of their own.
func TestKernelOutlineRecords(t *testing.T) {
	needKernel(t)
	for name, stmt := range map[string]string{
		"text":      `printf("N\n");`,
		"numbers":   `printf("%d %d\n", N, arg0 * N);`,
		"four":      `printf("%d %d %d %d\n", N, arg0, (int8)arg0, N + 1);`,
		"string":    `printf("%s %d\n", comm, N); print((N, comm));`,
		"map":       `@a[N] = N; print(@a[N]); @h[N % 8] = hist(N); print(@h[N % 8]); print(@a); clear(@a);`,
		"effects":   `printf("%d %d %d %d\n", @b++, N, @c[N % 3]++, @b++);`,
		"in a loop": `for ($i : 0..2) { printf("%d %s\n", $i + N, comm); }`,
	} {
		t.Run(name, func(t *testing.T) {
			oneCPU(t)
			// Behind a shorter name some kernels leave what was there before (6.1), and only a helper hides that.
			if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&[]byte("fifteen-letters\x00")[0])), 0, 0, 0); err != nil {
				t.Fatal(err)
			}
			text := outlinedScript{stmt: stmt}.script(80)
			var got, want [][]byte
			for _, whole := range []bool{true, false} {
				s := inKernelWith(t, text, Options{whole: whole})
				s.run(0, 77)
				want, got = got, s.records()
				if f := s.counted(); f != "" {
					t.Errorf("failures: %s", f)
				}
				if (globals(s.bp) == 0) != whole {
					t.Errorf("whole %v: %d functions", whole, globals(s.bp))
				}
			}
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("the records are %x, want %x", got, want)
			}
		})
	}
}

// A program with more loops than there is room for beside functions of many places has none of these.
func TestOutlinesGiveWay(t *testing.T) {
	loops := many(250, func(i int) string { return fmt.Sprintf("for ($i : 0..3) { @n += %d; }", i) })
	maps := many(100, func(i int) string { return fmt.Sprintf("@m%d[%d] = 1; @c%d[arg0]++;", i%20, i, i%20) })
	bp := compiled(t, "rawtracepoint:sys_enter { "+maps+loops+"}", langtest.New())
	if n := globals(bp); n != 0 {
		t.Errorf("%d functions", n)
	}
}

// Small programs have no functions but their own.
func TestFewAreNotOutlined(t *testing.T) {
	bp := compiled(t, "rawtracepoint:sys_enter { "+many(60, func(i int) string { return fmt.Sprintf("@a[%d]++;", i) })+"}", langtest.New())
	if n := globals(bp); n != 0 {
		t.Errorf("%d functions", n)
	}
}
