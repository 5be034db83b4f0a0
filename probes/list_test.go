package probes

import (
	"slices"
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	e := needTracefs(t)
	for _, tt := range []struct {
		pattern string
		want    []string // among what is listed
		not     string   // the beginning of what is not
	}{
		{"t:sched:sched_sw*", []string{"tracepoint:sched:sched_switch"}, "k"},
		{"t:*openat", []string{"tracepoint:syscalls:sys_enter_openat", "tracepoint:syscalls:sys_exit_openat"}, "k"},
		{"t:sched", []string{"tracepoint:sched:sched_switch"}, "k"},
		{"tracepoint", []string{"tracepoint:sched:sched_switch", "tracepoint:syscalls:sys_enter_openat"}, "k"},
		{"k:vfs_read*", []string{"kprobe:vfs_read", "kprobe:vfs_readv"}, "t"},
		{"kprobe:vmlinux:vfs_read", []string{"kprobe:vmlinux:vfs_read"}, "t"},
		{"kr:vfs_read", []string{"kretprobe:vfs_read"}, "t"},
		{"*:*vfs_read", []string{"kprobe:vfs_read"}, "u"},
		{"*vfs_read*", []string{"kprobe:vfs_read"}, "u"},
		{"*:sched_sw*", []string{"tracepoint:sched:sched_switch"}, "u"},
		{"t:sched:sched_switch,k:vfs_read", []string{"tracepoint:sched:sched_switch", "kprobe:vfs_read"}, "u"},
		{"interval:*", []string{"interval:hz:", "interval:ms:", "interval:s:", "interval:us:"}, "t"},
		{"", []string{"kprobe:vfs_read", "tracepoint:sched:sched_switch"}, "kretprobe"},
		{"*", []string{"kprobe:vfs_read", "tracepoint:sched:sched_switch"}, "interval"},
		{"*no_such_thing_anywhere*", nil, "k"},
	} {
		targets, err := List(e, tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		var names []string
		for _, target := range targets {
			names = append(names, target.Name)
			if strings.HasPrefix(target.Name, tt.not) {
				t.Fatalf("%q lists %s", tt.pattern, target.Name)
			}
		}
		for _, w := range tt.want {
			if !slices.Contains(names, w) {
				t.Errorf("%q does not list %s", tt.pattern, w)
			}
		}
		if !strings.Contains(tt.pattern, ",") && !slices.IsSortedFunc(names, compareListed) {
			t.Errorf("%q is not sorted", tt.pattern)
		}
	}
	for _, pattern := range []string{"nosuch:*", "BEGIN", "begin:x"} {
		if got, err := List(e, pattern); err == nil {
			t.Errorf("%q lists %d probes", pattern, len(got))
		}
	}
}

// compareListed orders by kind, then by the rest of the name.
func compareListed(a, b string) int {
	ka, ra, _ := strings.Cut(a, ":")
	kb, rb, _ := strings.Cut(b, ":")
	if ka != kb {
		return strings.Compare(ka, kb)
	}
	return strings.Compare(ra, rb)
}

func TestListBinary(t *testing.T) {
	path, _ := namedFunctions(t)
	e := testEnv(t, EnvOptions{})
	for _, pattern := range []string{"u:" + path + ":sho*", `u:"` + path + `":shown`, "*:" + path + ":shown", "u:" + path} {
		got, err := List(e, pattern)
		if err != nil || len(got) == 0 || !slices.ContainsFunc(got, named("uprobe:"+path+":shown")) {
			t.Errorf("%s lists %v, %v", pattern, got, err)
		}
	}
}

// named says whether a probe has a name.
func named(name string) func(Listed) bool {
	return func(l Listed) bool { return l.Name == name }
}

func TestArgLines(t *testing.T) {
	e := needTypes(t)
	for text, want := range map[string]string{
		"k:vfs_read":      "    struct file * file\n    char * buf\n    size_t count\n    loff_t * pos",
		"kr:vfs_read":     "    struct file * file\n    char * buf\n    size_t count\n    loff_t * pos\n    ssize_t retval",
		"interval:s:1":    "",
		"rt:sched_switch": "    bool preempt\n    struct task_struct * prev\n    struct task_struct * next",
	} {
		targets, err := e.Resolve(point(text))
		if err != nil {
			t.Fatal(err)
		}
		if targets[0].Kind.Name == "kprobe" { // not where the kernel has none, and fentry takes its place
			want = "    struct file * arg0\n    char * arg1\n    size_t arg2\n    loff_t * arg3"
		}
		if targets[0].Kind.Name == "kretprobe" {
			want = "    ssize_t retval"
		}
		lines, err := ArgLines(e, &targets[0])
		if got := strings.Join(lines, "\n"); err != nil || !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}
