package reentry

import (
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
)

func TestOf(t *testing.T) {
	const linux5_10, linux6_0, linux6_1 = 5<<16 | 10<<8, 6 << 16, 6<<16 | 1<<8
	for _, tt := range []struct {
		kind    string
		version uint32
		want    Kind
	}{
		{"kprobe", linux5_10, Never},
		{"tracepoint", linux5_10, Never},
		{"begin", linux5_10, Never},
		{"uretprobe", linux5_10, Never},
		{"uprobe", linux6_0, Preempted},
		{"rawtracepoint", linux6_0, Nested},
		{"rawtracepoint", linux6_1, Never},
	} {
		k := &kernel.Kernel{Version: tt.version}
		if got := Of(k, builtin.ProbeKindByName(tt.kind)); got != tt.want {
			t.Errorf("%s on Linux %d.%d: %v, want %v", tt.kind, tt.version>>16, tt.version>>8&0xff, got, tt.want)
		}
	}
}

// The kernel counts the runs that it skips from Linux 6.7 on; those of perf events gotrace counts, if it knows how many there must be. What
// comes from user mode is never skipped.
func TestSkipsUnknown(t *testing.T) {
	const linux5_15, linux6_6, linux6_7 = 5<<16 | 15<<8, 6<<16 | 6<<8, 6<<16 | 7<<8
	for _, tt := range []struct {
		kind, category string
		version        uint32
		pid            int
		want           bool
	}{
		{"kprobe", "", linux6_6, 0, true},
		{"kprobe", "", linux6_7, 0, false},
		{"tracepoint", "sched", linux6_6, 0, true},
		{"tracepoint", "syscalls", linux6_6, 0, false},
		{"tracepoint", "sched", linux6_7, 0, false},
		{"uprobe", "", linux5_15, 0, false},
		{"usdt", "", linux5_15, 0, false},
		{"rawtracepoint", "", linux6_6, 0, false},
		{"profile", "", linux6_7, 0, false},
		{"profile", "", linux6_7, 1, true},
	} {
		p := &lang.Prog{Kind: builtin.ProbeKindByName(tt.kind), Targets: []lang.Target{{Category: tt.category}}}
		if got := SkipsUnknown(&kernel.Kernel{Version: tt.version}, p, tt.pid); got != tt.want {
			t.Errorf("%s %s on Linux %d.%d with -p %d: %v, want %v", tt.kind, tt.category, tt.version>>16, tt.version>>8&0xff, tt.pid, got, tt.want)
		}
	}
}
