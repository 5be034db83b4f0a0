package probes

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

func testEnv(tb testing.TB, opts EnvOptions) *Env {
	tb.Helper()
	e, err := NewEnv(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// needTracefs skips tests where tracefs cannot be read.
func needTracefs(tb testing.TB) *Env {
	tb.Helper()
	e := testEnv(tb, EnvOptions{})
	if _, err := e.tracefs(); err != nil {
		tb.Skipf("SKIPPED: %v", err)
	}
	return e
}

// needTypes skips tests where the kernel has no BTF.
func needTypes(tb testing.TB) *Env {
	tb.Helper()
	e := testEnv(tb, EnvOptions{})
	if _, err := e.vmlinux(); err != nil {
		tb.Skipf("SKIPPED: %v", err)
	}
	return e
}

func TestResolve(t *testing.T) {
	e := needTracefs(t)
	for text, want := range map[string][]string{
		"BEGIN":                               {"BEGIN"},
		"end":                                 {"end"},
		"t:syscalls:sys_enter_openat":         {"tracepoint:syscalls:sys_enter_openat"},
		"t:syscalls:sys_e*_openat":            {"tracepoint:syscalls:sys_enter_openat", "tracepoint:syscalls:sys_exit_openat"},
		"t:*:sys_enter_openat":                {"tracepoint:syscalls:sys_enter_openat"},
		"t:sys*_enter_openat":                 {"tracepoint:syscalls:sys_enter_openat"},
		"tracepoint:syscalls:sys_exit_[r]ead": {"tracepoint:syscalls:sys_exit_read"},
		"k:vfs_read":                          {"kprobe:vfs_read"},
		"k:vfs_read+4":                        {"kprobe:vfs_read+4"},
		"k:vmlinux:vfs_read":                  {"kprobe:vmlinux:vfs_read"},
		"kr:vmlinu*:vfs_read":                 {"kretprobe:vmlinux:vfs_read"},
		"k:vfs_rea[d]":                        {"kprobe:vfs_read"},
	} {
		targets, err := e.Resolve(point(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, target := range targets {
			got = append(got, target.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
}

func TestResolveMistakes(t *testing.T) {
	e := needTracefs(t)
	for _, tt := range []struct {
		text string
		want string // part of the message
		near string // a name that is suggested
	}{
		{text: "nosuch:x", want: `probe type "nosuch"`},
		{text: "kprob:x", want: `probe type "kprob"`, near: "kprobe"},
		{text: "BEGIN:x", want: "takes no"},
		{text: "tracepoint", want: "tracepoint:category:event"},
		{text: "t:sched", want: "tracepoint:category:event"},
		{text: "t:sched:", want: "tracepoint:category:event"},
		{text: "t:a:b:c", want: "tracepoint:category:event"},
		{text: "t:../sched:x", want: "does not exist"},
		{text: "t:sched:sched_swich", want: "tracepoint sched:sched_swich", near: "sched:sched_switch"},
		{text: "t:sched:nothing*", want: "does not exist"},
		{text: "k", want: "kprobe:function"},
		{text: "k:", want: "kprobe:function"},
		{text: "k:a:b:c", want: "kprobe:function"},
		{text: "k:vfs_raed", want: "kernel function vfs_raed", near: "vfs_read"},
		{text: "k:nomodule:vfs_read", want: "in module nomodule"},
		{text: "k:vfs_read+100000", want: "offset 100000 is outside of vfs_read, which has "},
		{text: "k:vfs_read+x", want: "not a function and an offset"},
		{text: "k:+4", want: "not a function and an offset"},
		{text: "kr:vfs_read+4", want: "no offset"},
		{text: "k:0xffffffff81000000", want: "--unsafe"},
		{text: "k:nothing_of_this_name*", want: "does not exist"},
		{text: "rt:", want: "rawtracepoint:event"},
		{text: "rt:sched_swich", want: "raw tracepoint sched_swich", near: "sched_switch"},
		{text: "rt:nomodule:sched_switch", want: "in module nomodule"},
		{text: "u:/proc/self/exe", want: "uprobe:BINARY:FUNCTION"},
		{text: "u::x", want: "uprobe:BINARY:FUNCTION"},
		{text: "u:/proc/self/exe:cpp:x", want: "function x in"},
		{text: "u:/no/such/file:x", want: "no such file"},
		{text: "u:nosuchprogram:x", want: "no program nosuchprogram"},
		{text: "u:/no/such/*:x", want: "matches"},
		{text: "u:/proc/self/status:x", want: "ELF"},
		{text: "u:/proc/self/exe:no_such_function", want: "no_such_function"},
		{text: "u:/proc/self/exe:4", want: "not in the code"},
		{text: "ur:/proc/self/exe:x+4", want: "no offset"},
	} {
		_, err := e.Resolve(point(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.text, err, tt.want)
			continue
		}
		var missing *lang.NotFoundError
		if tt.near != "" && (!errors.As(err, &missing) || !slices.Contains(missing.Near, tt.near)) {
			t.Errorf("%s: %v does not suggest %s", tt.text, err, tt.near)
		}
	}
}

// A function that nobody knows is told why that may be, and --unsafe leaves the decision to the kernel.
func TestUnknownFunction(t *testing.T) {
	if testEnv(t, EnvOptions{}).withoutKprobes() {
		t.Skip("SKIPPED: this kernel has no kprobes")
	}
	var missing *lang.NotFoundError
	if _, err := testEnv(t, EnvOptions{}).Resolve(point("k:zzzzzzzzzzz_9")); !errors.As(err, &missing) || !strings.Contains(missing.Note, "inlined") {
		t.Errorf("error %v with %+v, want one with a note", err, missing)
	}
	got, err := testEnv(t, EnvOptions{Unsafe: true}).Resolve(point("k:vmlinux:zzzzzzzzzzz_9"))
	if err != nil || len(got) != 1 || got[0].Func != "zzzzzzzzzzz_9" || !strings.Contains(got[0].Note, "likely fail") {
		t.Errorf("--unsafe: %+v, %v", got, err)
	}
}

func TestName(t *testing.T) {
	e := testEnv(t, EnvOptions{})
	ap := point("interval:s:1")
	ap.Name = "mine"
	if got, err := e.Resolve(ap); err != nil || got[0].Name != "mine" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAddress(t *testing.T) {
	e := testEnv(t, EnvOptions{Unsafe: true})
	got, err := e.Resolve(point("kprobe:0xffffffff81000000"))
	if err != nil || len(got) != 1 || got[0].Address != 0xffffffff81000000 || got[0].Name != "kprobe:18446744071578845184" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTracepointArgs(t *testing.T) {
	e := needTracefs(t)
	openat := argsOf(t, e, "t:syscalls:sys_enter_openat")
	name, ok := openat.Field("filename")
	if p, isPtr := name.Type.(types.Pointer); !ok || !isPtr || p.Space != types.SpaceUser || p.Elem != (types.Int{Bits: 8, Signed: true}) || name.Offset != 24 {
		t.Errorf("filename is %+v", name)
	}
	if _, ok := openat.Field("common_pid"); ok {
		t.Error("common_pid, which programs may not read, is an argument")
	}
	comm, ok := argsOf(t, e, "t:sched:sched_switch").Field("prev_comm")
	if a, isArray := comm.Type.(types.Array); !ok || !isArray || a.Len != 16 || a.Elem != (types.Int{Bits: 8, Signed: true}) {
		t.Errorf("prev_comm is %+v", comm)
	}
}

func argsOf(t *testing.T, e *Env, text string) *types.Struct {
	t.Helper()
	targets, err := e.Resolve(point(text))
	if err != nil {
		t.Fatal(err)
	}
	args, _, err := e.Args(&targets[0])
	if err != nil || args == nil {
		t.Fatalf("%s: %v, %v", text, args, err)
	}
	return args
}

func TestRawTracepointArgs(t *testing.T) {
	e := needTypes(t)
	args := argsOf(t, e, "rt:sched_switch")
	prev, ok := args.Field("prev")
	p, isPtr := prev.Type.(types.Pointer)
	if !ok || !isPtr || p.Space != types.SpaceKernel || prev.Offset != 8 {
		t.Fatalf("prev is %+v", prev)
	}
	if s, ok := p.Elem.(*types.Struct); !ok || s != e.Kernel().Task() || s.BTFID == 0 {
		t.Errorf("prev points to %v", p.Elem)
	}
}

// TestFormats reads the format of every tracepoint there is.
func TestFormats(t *testing.T) {
	e := needTracefs(t)
	targets, err := List(e, "tracepoint:*")
	if err != nil || len(targets) < 100 {
		t.Fatalf("%d tracepoints, %v", len(targets), err)
	}
	for i := range targets {
		args, _, err := e.Args(targets[i].Target())
		if err != nil {
			t.Errorf("%s: %v", targets[i].Name, err)
			continue
		}
		for _, f := range args.Fields() {
			if f.Offset < 8 || f.Offset+min(f.Type.Size(), 4) > args.Bytes {
				t.Errorf("%s: %s is at %d of %d bytes", targets[i].Name, f.Name, f.Offset, args.Bytes)
			}
		}
		if lines, err := ArgLines(e, targets[i].Target()); err != nil || len(lines) != len(args.Fields()) {
			t.Errorf("%s: %d lines for %d fields, %v", targets[i].Name, len(lines), len(args.Fields()), err)
		}
	}
}
