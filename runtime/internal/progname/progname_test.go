package progname

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
)

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		point   string // as the script has it
		targets string // their names
		short   string
		whole   string // without its number
	}{
		{"kprobe:vfs_read", "kprobe:vfs_read", "kprobe_vfs_read", "kprobe_vfs_read"},
		{"kprobe:ksys_*", "kprobe:ksys_read kprobe:ksys_write", "kprobe_ksys__", "kprobe_ksys__"},
		{"kprobe:vmlinux:vfs_rea*", "kprobe:vmlinux:vfs_read", "kprobe_vfs_read", "kprobe_vmlinux_vfs_read"},
		{"kretprobe:do_sys_openat2", "kretprobe:do_sys_openat2", "kr_do_sys_opena", "kretprobe_do_sys_openat2"},
		{"kprobe:foo.isra.0+4", "kprobe:foo.isra.0+4", "k_foo_isra_0_4", "kprobe_foo_isra_0_4"},
		{"tracepoint:sched:sched_switch", "tracepoint:sched:sched_switch", "t_sched_switch", "tracepoint_sched_sched_switch"},
		{"tracepoint:sched:*", "tracepoint:sched:sched_switch tracepoint:sched:sched_wakeup", "t_sched__", "tracepoint_sched__"},
		{"uprobe:/bin/bash:readline", "uprobe:/bin/bash:readline", "uprobe_readline", "uprobe__bin_bash_readline"},
		{"uprobe:/bin/bash:r*", "uprobe:/bin/bash:readline uprobe:/bin/bash:rl_x", "uprobe_r_", "uprobe__bin_bash_r_"},
		{"usdt:/lib/libc.so.6:libc:setjmp", "usdt:/lib/libc.so.6:libc:setjmp", "U_libc_setjmp", "usdt__lib_libc_so_6_libc_setjmp"},
		{"interval:s:1", "interval:s:1", "interval_s_1", "interval_s_1"},
		{"profile:hz:99", "profile:hz:99", "profile_hz_99", "profile_hz_99"},
		{"software:cpu-clock:1000", "software:cpu-clock:1000", "s_cpu_clock", "software_cpu_clock_1000"},
		{"iter:task", "iter:task", "iter_task", "iter_task"},
		{"BEGIN", "BEGIN", "begin", "BEGIN"},
		{"name=kprobe:vfs_read", "mine", "kprobe_mine", "mine"},
	} {
		kind, rest, _ := strings.Cut(tt.point[strings.Index(tt.point, "=")+1:], ":")
		k := builtin.ProbeKindByName(kind)
		p := &lang.Prog{Kind: k, Probe: &ast.Probe{Points: []*ast.AttachPoint{{Parts: strings.Split(rest, ":")}}}}
		for name := range strings.FieldsSeq(tt.targets) {
			p.Targets = append(p.Targets, lang.Target{Kind: k, Name: name})
		}
		if short, whole := Of(p, 7); short != tt.short || whole != tt.whole+"_7" || len(short) > longest {
			t.Errorf("%s: %q and %q, want %q and %q", tt.point, short, whole, tt.short, tt.whole)
		}
	}
}
