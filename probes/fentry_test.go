package probes

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// typedEnv is an Env with the kernel's types, without which there is nothing to test.
func typedEnv(t *testing.T) *Env {
	t.Helper()
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.vmlinux(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	return e
}

func TestFentryArgs(t *testing.T) {
	e := typedEnv(t)
	targets, err := e.functionFentry(builtin.ProbeKindByName("fexit"), []string{"vfs_read"})
	if err != nil {
		t.Fatal(err)
	}
	args, result, err := e.Args(&targets[0])
	if err != nil {
		t.Fatal(err)
	}
	if !types.SameType(result, types.Int{Bits: 64, Signed: true}) || targets[0].Name != "fexit:vmlinux:vfs_read" {
		t.Errorf("%s returns %v", targets[0].Name, result)
	}
	var names []string
	for _, f := range args.Fields() {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "file buf count pos" || !args.InContext() || args.Size() != 4*location.WordSize {
		t.Errorf("the arguments are %s, %d bytes", got, args.Size())
	}
	buf, _ := args.Field("buf")
	if _, ok := buf.Loc.(location.Traced); !ok && e.kernel.AtLeast(5, 17) {
		t.Errorf("older verifiers load no pointer to characters: %v", buf.Loc)
	}
}

// A kernel without kprobes, but with function tracing, has them as fentry.
func TestKprobeAsFentry(t *testing.T) {
	e := typedEnv(t)
	for _, tt := range []struct{ kind, want string }{{"kprobe", "fentry"}, {"kretprobe", "fexit"}} {
		kind := builtin.ProbeKindByName(tt.kind)
		targets, err := e.asFentry(&ast.AttachPoint{Provider: tt.kind, Parts: []string{"vfs_read"}}, kind)
		if err != nil {
			t.Fatal(err)
		}
		if got := &targets[0]; got.Kind.Name != tt.want || got.Name != tt.kind+":vfs_read" {
			t.Errorf("%s is %s, a %s probe", tt.kind, got.Name, got.Kind.Name)
		}
		p, err := planFentry(e, targets)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.Tell(), "without kprobes") {
			t.Errorf("-v says %q", p.Tell())
		}
	}
}

// Arguments lie where the calling convention has them.
func TestInRegisters(t *testing.T) {
	word := types.Int{Bits: 64}
	pair := types.NewStruct("pair", false, 16, 0, func() []types.Field { return nil })
	large := types.NewStruct("large", false, 24, 0, func() []types.Field { return nil })
	s := &signature{}
	for _, typ := range []types.Type{types.Int{Bits: 32, Signed: true}, pair, large, types.Bool{}, word, pair, word, word} {
		s.params = append(s.params, parameter{name: "p", typ: typ})
	}
	var got []string
	for _, f := range s.inRegisters(location.Of("amd64", false)) {
		got = append(got, f.Loc.String())
	}
	want := "s4 di|{u8 si, u8 dx}|u24 kernel[u8 sp+8]|u1 cx|u8 r8|u16 kernel[u8 sp+32]|u8 r9|u8 kernel[u8 sp+48]"
	if strings.Join(got, "|") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "|"), want)
	}
}

// Every tracepoint of a system call has its number, and no two have the same.
func TestSyscallNumbers(t *testing.T) {
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := e.events("syscalls", "sys_enter_*")
	if err != nil || goarch != "amd64" {
		t.Skipf("SKIPPED: %v", err)
	}
	names := map[int]string{}
	for _, ev := range events {
		n := syscallOf(ev.event)
		if n == 0 {
			t.Logf("%s has no number: its tracepoint is its own", ev.event)
			continue
		}
		if names[n] != "" {
			t.Errorf("%s and %s have the number %d", names[n], ev.event, n-1)
		}
		names[n] = ev.event
	}
	for event, want := range map[string]int{"sys_enter_read": 0, "sys_exit_newfstat": 5, "sys_enter_umount": 166, "sys_enter_openat": 257, "sys_enter_cachestat": 451} {
		if got := syscallOf(event) - 1; got != want {
			t.Errorf("%s is %d, want %d", event, got, want)
		}
	}
}

func TestCounters(t *testing.T) {
	e := &Env{}
	for _, tt := range []struct{ point, want string }{
		{"software:cpu", "software:cpu:1000000"}, {"software:faults:5", "software:faults:5"}, {"s:cs:1e3", "software:cs:1000"},
		{"hardware:cycles", "hardware:cycles:1000000"}, {"software:m*-faults:2", "software:major-faults:2 software:minor-faults:2"},
		{"software:nosuch", ""}, {"software:cs:-1", ""}, {"software:cs:x", ""}, {"software:", ""}, {"software:cs:1:2", ""},
	} {
		parts := strings.Split(tt.point, ":")
		found, err := resolveCounter(e, &ast.AttachPoint{Provider: parts[0], Parts: parts[1:]})
		var names []string
		for _, f := range found {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.point, got, err)
		}
	}
}
